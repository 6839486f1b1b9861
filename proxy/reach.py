"""Reach: the addresses that a configured name may stand for at the moment of dialling. Names can be rebound (SSRF)."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NO_SERVER: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # This host (RFC 1122, section 3.2.1.3).
        "169.254.0.0/16",  # Link-local (RFC 3927), where most clouds answer for the machine's credentials.
        "224.0.0.0/4",  # Multicast (RFC 5771).
        "240.0.0.0/4",  # Reserved, and broadcast (RFC 1112, section 4; RFC 919).
        "100.100.100.200/32",  # The metadata service of Alibaba Cloud.
        "168.63.129.16/32",  # The platform service of Azure.
        "192.0.0.192/32",  # The metadata service of Oracle Cloud.
        "::/128",  # Unspecified (RFC 4291, section 2.5.2).
        "fe80::/10",  # Link-local (RFC 4291, section 2.5.6).
        "fec0::/10",  # Site-local, which is no more (RFC 3879).
        "ff00::/8",  # Multicast (RFC 4291, section 2.7).
        "fd00:ec2::/32",  # The metadata service and the credentials agents of Amazon EC2.
        "fd00:42::42/128",  # The metadata service of Scaleway.
        "fd20:ce::254/128",  # The metadata service of Google Cloud.
    )
)
"""Where no MCP server answers, and often something that hands out credentials does."""


_LAST_FOUR_BYTES: Final = (
    IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052, section 2.1).
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a network of one's own (RFC 8215), as it mostly is.
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated (RFC 7915).
    IPv6Network("::/96"),  # IPv4-compatible (RFC 4291, section 2.5.5.1), but for `::` and `::1`.
)
"""Where the last four bytes of an IPv6 address are an IPv4 address. Translators of other prefixes cannot be known."""

_OF_THIS_HOST: Final = 1

NAMED: Final = 4
"""Addresses that an error names."""


class OutOfReach(ConnectionError):
    """None of the addresses that a name stands for just now is one to connect to."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where connections to one upstream may go.

    `networks` are the only ones if there are any. Without them a name may stand for every address but those at which
    no server answers, and an address that is written out in the configuration is the operator's word.
    """

    networks: tuple[Network, ...] = ()

    def among(self, host: str, found: Sequence[Any]) -> list[Any]:
        """Those of `found` (as getaddrinfo gives them) that may be dialled. Raises OutOfReach for none."""
        within = [each for each in found if self.admits(host, ipaddress.ip_address(each[4][0]))]
        if found and not within:
            stands_for = ", ".join(sorted({each[4][0] for each in found})[:NAMED])
            raise OutOfReach(f"{host} stands for {stands_for}, to which nothing is sent (`addresses` of the upstream)")
        return within

    def admits(self, host: str, address: Address) -> bool:
        """Whether `address`, which `host` stands for, may be dialled."""
        ways = _ways(address)
        if self.networks:
            return _inside(ways[0], self.networks)
        return literal(host) is not None or not any(_inside(way, _NO_SERVER) for way in ways)


def literal(host: str) -> Address | None:
    """The address that `host` is, written out (RFC 3986, section 3.2.2); None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _ways(address: Address) -> list[Address]:
    """The address as the kernel takes it, then where a translator or a tunnel would bring what is sent to it."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    embedded = [address.sixtofour, *(address.teredo or ())]
    if int(address) > _OF_THIS_HOST and any(address in network for network in _LAST_FOUR_BYTES):
        embedded.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [address, *filter(None, embedded)]


def _inside(address: Address, networks: Iterable[Network]) -> bool:
    # An address with a zone (fe80::1%eth0) is in no network of its own.
    plain = ipaddress.ip_address(str(address).partition("%")[0])
    return any(plain in network for network in networks)
