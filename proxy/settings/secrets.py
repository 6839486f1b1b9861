"""Headers that the sidecar adds for an upstream: their names, and the secrets that are their values.

A secret is never written in a configuration or on a command line, where process lists, shell histories and
repositories keep it: the value names a file or a variable.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from proxy.settings.problems import Unfit

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, section 5.6.2."""

_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade", "host", "content-length", "content-encoding", "accept-encoding", "expect")
)  # fmt: skip
_OF_THE_MESSAGE: Final = frozenset(("content-type", "accept", "last-event-id"))
_MAX_SECRET_BYTES: Final = 64 << 10


def passing_header(name: str) -> str:
    """A header name, in lower case, that may be let through besides the fixed lists. Raises Unfit."""
    low = _header(name)
    if low == "authorization":
        raise Unfit("Authorization is the client's own credential", 'Take it out, and set auth = "passthrough".')
    return low


def added_header(name: str) -> str:
    """A header name that the sidecar may set, as it is written. Raises Unfit."""
    low = _header(name)
    if low in _OF_THE_MESSAGE or low.startswith("mcp-"):
        raise Unfit(f"{name} belongs to the message, which goes on unchanged", "Take it out.")
    return name


def _header(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise Unfit(f"{name!r} is no header name", "Use letters, digits and '-'.")
    if name.lower() in _HOP_BY_HOP:
        raise Unfit(f"{name} belongs to one connection, not to a message", "Take it out.")
    return name.lower()


def secret(source: str, folder: Path, environ: Mapping[str, str]) -> str:
    """What `@FILE` or `$VARIABLE` holds, without a last line end. Raises Unfit, which never quotes a value."""
    if source.startswith("@"):
        value = _from_file(folder / Path(source[1:]).expanduser())
    elif source.startswith("$"):
        value = _from_variable(source[1:].strip("{}"), environ)
    else:
        raise Unfit(
            "the value stands here itself, where process lists, histories and repositories keep it",
            "Write @FILE or $VARIABLE, and put the secret there.",
        )
    if not _VALUE.fullmatch(value):
        raise Unfit(
            f"what {source} holds cannot be a header value",
            "It must be one line of visible ASCII, without blanks at its ends.",
        )
    return value


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_SECRET_BYTES)
    except OSError as error:
        raise Unfit(f"{path} cannot be read: {error.strerror}", "Put the secret into this file (mode 0600).") from error
    return raw.decode("latin-1").removesuffix("\n").removesuffix("\r")


def _from_variable(name: str, environ: Mapping[str, str]) -> str:
    if not environ.get(name):
        raise Unfit(f"the variable {name} is not set, or is empty", "Set it for this process, or use @FILE.")
    return environ[name]
