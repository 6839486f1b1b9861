"""URIs that some readers rewrite before they use them (WHATWG URL, section 4.4): they would read another resource.

The Python SDK 1.x reads `file:///srv/../etc/passwd` and `FILE:///etc/passwd` as `file:///etc/passwd`. What a rewriting
merely spells with `%` (blanks inside, letters beyond ASCII), or ends with `/` (a bare host), passes.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

from proxy.wire.rules import Malformed, Rule

_READ_BY_URI: Final = frozenset(("resources/read", "resources/subscribe", "resources/unsubscribe"))

_LISTEN: Final = "subscriptions/listen"

_DEFAULT_PORTS: Final[Mapping[str, str]] = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_DROPPED = re.compile(r"[\x00-\x1f\x7f]|\A | \Z")
_STEP = re.compile(r"/(?:\.|%2e){1,2}(?:/|\Z)", re.IGNORECASE)
_FILE = re.compile(r"///(?!/)[^\\]*")
_WEB = re.compile(
    r"//(?:[^/@\\]*@)?(?P<host>[a-z0-9._-]+|\[(?P<six>[0-9a-f:]+)\])(?::(?P<port>[1-9][0-9]*))?(?:/[^\\]*)?"
)
_NUMERIC = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|[0-9]+)\.?")


def check_uri(method: str, params: Mapping[str, Any]) -> None:
    """Refuse to read a resource, or to listen to one, whose URI another reader would rewrite. Raises Malformed."""
    if method in _READ_BY_URI:
        _require_plain(params.get("uri"))
    elif method == _LISTEN and type(wanted := params.get("notifications")) is dict:
        uris = wanted.get("resourceSubscriptions")
        for uri in uris if type(uris) is list else ():
            _require_plain(uri)


def _require_plain(uri: object) -> None:
    if type(uri) is str and not _plain(uri):
        raise Malformed(Rule.URI_FORM)


def _plain(uri: str) -> bool:
    if _DROPPED.search(uri):
        return False
    scheme, colon, rest = uri.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme):
        return True
    path = re.split("[?#]", rest, maxsplit=1)[0]
    if scheme != scheme.lower() or (path.startswith("/") and _STEP.search(path)):
        return False
    if scheme == "file":
        return _FILE.fullmatch(path) is not None
    return scheme not in _DEFAULT_PORTS or _plain_web(path, _DEFAULT_PORTS[scheme])


def _plain_web(path: str, default_port: str) -> bool:
    """Whether an address of the web has its one form: small letters, one spelling of an IP address, no default port."""
    found = _WEB.fullmatch(path)
    if found is None or found["port"] == default_port:
        return False
    address = found["six"] or (found["host"] if _NUMERIC.fullmatch(found["host"]) else None)
    try:
        return address is None or str(ipaddress.ip_address(address)) == address
    except ValueError:
        return False
