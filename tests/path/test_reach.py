"""Where connections may go, whatever a name stands for at the moment of dialling."""

import ipaddress
import socket

import pytest

from proxy.connections import Connections, NotConnected, Origin
from proxy.reach import OutOfReach, Reach

NAME = "tools.example"
INSIDE = Reach((ipaddress.ip_network("10.2.0.0/16"), ipaddress.ip_network("2001:db8::/32")))


def found(*addresses: str) -> list[tuple[object, ...]]:
    """What getaddrinfo gives for a name that stands for these."""
    return [(socket.AF_UNSPEC, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]


@pytest.mark.parametrize(
    ("reach", "host", "address", "dialled"),
    [
        pytest.param(Reach(), NAME, "192.0.2.7", True, id="an-address"),
        pytest.param(Reach(), NAME, "127.0.0.1", True, id="loopback-as-in-the-hosts-file"),
        pytest.param(Reach(), NAME, "10.0.0.1", True, id="private"),
        pytest.param(Reach(), NAME, "169.254.169.254", False, id="metadata"),
        pytest.param(Reach(), NAME, "::ffff:169.254.169.254", False, id="metadata-mapped"),
        pytest.param(Reach(), NAME, "64:ff9b::a9fe:a9fe", False, id="metadata-behind-nat64"),
        pytest.param(Reach(), NAME, "2002:a9fe:a9fe::1", False, id="metadata-by-6to4"),
        pytest.param(Reach(), NAME, "2001:0:a9fe:a9fe::", False, id="metadata-by-teredo"),
        pytest.param(Reach(), NAME, "64:ff9b:1::a9fe:a9fe", False, id="metadata-behind-a-nat64-of-ones-own"),
        pytest.param(Reach(), NAME, "::ffff:0:a9fe:a9fe", False, id="metadata-translated"),
        pytest.param(Reach(), NAME, "::a9fe:a9fe", False, id="metadata-compatible"),
        pytest.param(Reach(), NAME, "fd00:ec2::23", False, id="credentials-agent"),
        pytest.param(Reach(), NAME, "fd00:42::42", False, id="metadata-scaleway"),
        pytest.param(Reach(), NAME, "fec0::1", False, id="site-local"),
        pytest.param(Reach(), NAME, "240.0.0.1", False, id="reserved"),
        pytest.param(Reach(), NAME, "64:ff9b::c000:207", True, id="an-address-behind-nat64"),
        pytest.param(Reach(), NAME, "::1", True, id="loopback-v6"),
        pytest.param(Reach(), NAME, "fd00:ec2::254", False, id="metadata-ec2"),
        pytest.param(Reach(), NAME, "fd20:ce::254", False, id="metadata-google"),
        pytest.param(Reach(), NAME, "100.100.100.200", False, id="metadata-alibaba"),
        pytest.param(Reach(), NAME, "192.0.0.192", False, id="metadata-oracle"),
        pytest.param(Reach(), NAME, "168.63.129.16", False, id="platform-azure"),
        pytest.param(Reach(), NAME, "fe80::1%1", False, id="link-local-with-a-zone"),
        pytest.param(Reach(), NAME, "0.0.0.0", False, id="any"),  # noqa: S104
        pytest.param(Reach(), NAME, "::", False, id="any-v6"),
        pytest.param(Reach(), NAME, "239.0.0.1", False, id="multicast"),
        pytest.param(Reach(), NAME, "ff02::1", False, id="multicast-v6"),
        pytest.param(Reach(), NAME, "255.255.255.255", False, id="broadcast"),
        pytest.param(Reach(), "2852039166", "169.254.169.254", False, id="a-number-is-a-name"),
        pytest.param(Reach(), "169.254.1.1", "169.254.1.1", True, id="written-out"),
        pytest.param(Reach(), "fe80::1", "fe80::1", True, id="written-out-v6"),
        pytest.param(INSIDE, NAME, "10.2.9.9", True, id="in-a-network"),
        pytest.param(INSIDE, NAME, "2001:db8::7", True, id="in-a-network-v6"),
        pytest.param(INSIDE, NAME, "::ffff:10.2.9.9", True, id="in-a-network-mapped"),
        pytest.param(INSIDE, NAME, "10.3.0.1", False, id="beside-the-network"),
        pytest.param(INSIDE, NAME, "127.0.0.1", False, id="rebound-to-loopback"),
        pytest.param(INSIDE, "127.0.0.1", "127.0.0.1", False, id="written-out-beside-the-network"),
    ],
)
def test_reach(*, reach: Reach, host: str, address: str, dialled: bool) -> None:
    assert reach.admits(host, ipaddress.ip_address(address)) == dialled
    if dialled:
        assert reach.among(host, found(address)) == found(address)
    else:
        with pytest.raises(OutOfReach, match="stands for"):
            reach.among(host, found(address))


def test_of_several_addresses_those_within_reach_are_dialled() -> None:
    assert Reach().among(NAME, found("169.254.169.254", "192.0.2.7", "fe80::1")) == found("192.0.2.7")
    assert Reach().among(NAME, []) == []


async def test_nothing_is_sent_out_of_reach() -> None:
    connections = Connections(Origin("2852039166", 80))
    with pytest.raises(NotConnected, match=r"169\.254\.169\.254"):
        await connections.exchange(b"GET / HTTP/1.1\r\n\r\n", again=False)
    connections.close()
