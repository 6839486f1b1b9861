"""Who may talk to a listening address: the defence against DNS rebinding, on every leg.

A browser that was led to this address by a foreign name says so in Host, and names the page in Origin.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from proxy.wire.rules import Malformed, Rule

LOOPBACK_NAMES: Final = frozenset(("localhost", "127.0.0.1", "[::1]"))

_AUTHORITY = r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
_HOST = re.compile(_AUTHORITY)
_ORIGIN = re.compile(r"https?://" + _AUTHORITY)


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names that are served, lower case: `name:port`, `name` (no port in the header), or `name:*` for any port.

    `origins` are further origins that may call, as `scheme://name[:port]`.
    """

    names: frozenset[str]
    origins: frozenset[str] = frozenset()

    @classmethod
    def listening(
        cls, host: str, port: int, *, names: frozenset[str] = frozenset(), origins: frozenset[str] = frozenset()
    ) -> Self:
        """The names of a TCP listener: `host` and the loopback names with its port, and what configuration adds."""
        bracketed = f"[{host}]" if ":" in host else host
        served = frozenset(f"{name}:{port}".lower() for name in (*LOOPBACK_NAMES, bracketed))
        return cls(served | frozenset(map(str.lower, names)), frozenset(map(str.lower, origins)))

    def check(self, host: str | None, origin: str | None) -> None:
        """Refuse a missing or malformed Host (400), a foreign one or a foreign Origin (403). No Origin is normal."""
        named = _HOST.fullmatch(host.lower()) if host else None
        if named is None:
            raise Malformed(Rule.HOST_MISSING)
        if not self._serves(named):
            raise Malformed(Rule.HOST_NOT_ALLOWED)
        if origin is not None and not self._welcomes(origin.lower()):
            raise Malformed(Rule.ORIGIN_NOT_ALLOWED)

    def _serves(self, named: re.Match[str]) -> bool:
        name, port = named["name"], named["port"]
        return (name if port is None else f"{name}:{port}") in self.names or f"{name}:*" in self.names

    def _welcomes(self, origin: str) -> bool:
        named = _ORIGIN.fullmatch(origin)
        if named is None:
            return False
        return origin in self.origins or named["name"] in LOOPBACK_NAMES or self._serves(named)
