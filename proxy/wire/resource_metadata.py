"""Protected resource metadata (RFC 9728): where it lies, and which resource it speaks of.

The resource that a client has to do with is the sidecar's URL, not the tool server's: clients refuse a document that
speaks of another one. What the sidecar replaces it must check first in their place.
"""

import json
import re
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from proxy.wire.json_text import fold, read_json
from proxy.wire.rules import Malformed
from proxy.wire.splice import replace_member

WELL_KNOWN: Final = "/.well-known/"
PROTECTED: Final = "oauth-protected-resource"
AUTHORIZATION_SERVERS: Final = ("oauth-authorization-server", "openid-configuration")
"""What clients of revision 2025-03-26 look for where the tool server is: it was its own authorization server."""

MAX_URL: Final = 2048
"""Characters of a URL that is followed."""

_PORTS: Final = {"http": 80, "https": 443}
_PLAIN: Final = re.compile(r"[\x21-\x7e]+")


class NoDocument(Exception):
    """The text is no JSON object that every reader reads the same."""


def path_form(url: str, kind: str) -> str:
    """Where the document of a resource lies: the well-known part stands before path and query (RFC 9728, 3.1)."""
    origin, rest = _halves(url)
    return f"{origin}{WELL_KNOWN}{kind}{'' if rest == '/' else rest}"


def root_form(url: str, kind: str) -> str:
    """Where servers put the document that have one for their whole origin."""
    return f"{_halves(url)[0]}{WELL_KNOWN}{kind}"


def beside(url: str, named: str, own: str = "") -> str | None:
    """The place that the server at `url` names, spelled with its configured origin.

    None for a place of another origin; one at the sidecar's `own` stands for the same path of the server, which may
    know itself by that URL.
    """
    if len(named) > MAX_URL or not _PLAIN.fullmatch(named):
        return None
    if (there := origin(named)) is None or there not in (origin(url), origin(own)):
        return None
    return _halves(url)[0] + _halves(named.partition("#")[0])[1]


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port, lower case and with the usual port; None for what is no http URL, or holds a login."""
    parts = _parts(url)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or "\\" in url:
        return None
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def covers(resource: str, url: str) -> bool:
    """Whether a token for `resource` is meant for `url`: clients look for the origin, and for a path that begins so."""
    if origin(resource) is None or origin(resource) != origin(url):
        return False
    return _folder(urlsplit(url).path).startswith(_folder(urlsplit(resource).path))


def resource_of(document: bytes) -> str | None:
    """The resource that a document speaks of; None if it names none. Raises NoDocument."""
    resource = read_object(document).get("resource")
    return resource if isinstance(resource, str) else None


def read_object(document: bytes) -> dict[str, Any]:
    """The members of a JSON object. Raises NoDocument."""
    try:
        value = read_json(document).value
    except Malformed as malformed:
        raise NoDocument from malformed
    if not isinstance(value, dict) or any(name != "resource" and fold(name) == "resource" for name in value):
        raise NoDocument
    return value


def with_resource(document: bytes, resource: str) -> bytes:
    """The document, which `resource_of` has read, with another resource, and every other byte as it came."""
    return replace_member(document, "resource", json.dumps(resource))


def own_issuer(document: bytes, url: str) -> str | None:
    """The issuer in an authorization server's metadata, if it is the origin of `url` itself. Raises NoDocument.

    So it was in revision 2025-03-26, where the MCP server is the authorization server.
    """
    issuer = read_object(document).get("issuer")
    if not isinstance(issuer, str) or origin(issuer) is None or origin(issuer) != origin(url):
        return None
    return issuer if _halves(issuer)[1] == "/" else None


def resource_document(resource: str, issuer: str) -> bytes:
    """What a server of later revisions would say of itself."""
    return json.dumps({"resource": resource, "authorization_servers": [issuer]}).encode()


def _halves(url: str) -> tuple[str, str]:
    """Scheme and authority as they are written, and the rest: at least a slash."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    rest = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return origin, rest


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _folder(path: str) -> str:
    return path if path.endswith("/") else f"{path}/"
