"""Builtins on networks (`10.0.0.0/8`). Addresses of IPv4 written as IPv6 are read otherwise in Go: no answer."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from policy.program.texts import on_texts
from policy.program.values import UNDEFINED, Inexact

_LONGEST: Final = 64
"""No network or address is spelled in more characters."""

_IPV4_IN_IPV6: Final = 48
"""An address below 2^48 is one of IPv4 in some spelling, or the network around all of those."""

Network = IPv4Network | IPv6Network


class NoNetwork(Exception):
    """The text is no network, and no address."""


def contains(within: str, what: str) -> bool:
    """Whether a network has an address or all of a network in it."""
    network = _network(within)
    inner = _address(what) or _network(what)
    if network.version != inner.version:
        return False
    if isinstance(inner, IPv4Address | IPv6Address):
        return inner in network
    return inner.subnet_of(network)  # type: ignore[arg-type]  # the versions are the same


def intersects(one: str, other: str) -> bool:
    """Whether two networks have an address in common."""
    a, b = _network(one), _network(other)
    return a.version == b.version and a.overlaps(b)


def is_valid(text: Any) -> bool:
    """Whether a text is a network."""
    if type(text) is not str:
        return False
    try:
        _network(text)
    except NoNetwork:
        return False
    return True


@lru_cache(maxsize=1024)
def _network(text: str) -> Network:
    address, slash, length = text.partition("/")
    if not slash or len(text) > _LONGEST or "%" in text or not (length.isascii() and length.isdigit()):
        raise NoNetwork(text)
    try:
        found = ip_network(text, strict=False)
    except ValueError as error:
        raise NoNetwork(text) from error
    _ensure_plain(_address(address))
    _ensure_plain(found.network_address)
    return found


def _address(text: str) -> IPv4Address | IPv6Address | None:
    if len(text) > _LONGEST or "%" in text:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        return None
    _ensure_plain(found)
    return found


def _ensure_plain(address: IPv4Address | IPv6Address | None) -> None:
    if isinstance(address, IPv6Address) and int(address) >> _IPV4_IN_IPV6 == 0:
        raise Inexact("an address of IPv4 written as IPv6")


def _on_networks(function: Callable[[str, str], bool]) -> Callable[[Any, Any], Any]:
    def checked(one: str, other: str) -> Any:
        try:
            return function(one, other)
        except NoNetwork:
            return UNDEFINED

    return on_texts(checked)


BUILTINS: Final[Mapping[str, Any]] = {
    "net.cidr_contains": _on_networks(contains),
    "net.cidr_intersects": _on_networks(intersects),
    "net.cidr_is_valid": is_valid,
}
