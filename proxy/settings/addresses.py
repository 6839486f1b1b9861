"""Addresses: where the sidecar listens, and where upstreams and OPA are. Pure text; nothing is resolved."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from proxy.settings.problems import Unfit

_MAX_SOCKET_PATH: Final = 107
"""sun_path of Linux holds 108 bytes, the last of them NUL (unix(7))."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_URL_REMEDY: Final = "Write the server's whole URL, such as https://tools.example/mcp."
_LISTEN_REMEDY: Final = "Write HOST:PORT, [IPv6]:PORT or unix:PATH, such as 127.0.0.1:8900."


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A TCP listener; port 0 lets the system choose. `host` has no brackets."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine (in a pod: this pod) can connect."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A listener in the file system."""

    path: Path

    @property
    def loopback(self) -> bool:
        """Always: a Unix socket is of this machine."""
        return True

    def __str__(self) -> str:
        return f"unix:{self.path}"


Address = TcpAddress | UnixAddress


def is_loopback(host: str) -> bool:
    """Whether a host, as written, is this machine: `localhost`, 127.0.0.0/8 or ::1. Other names are not looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listen_address(text: str, folder: Path) -> Address:
    """`HOST:PORT` or `unix:PATH`, a relative path being under `folder`. Raises Unfit."""
    if text.startswith("unix:"):
        return UnixAddress(socket_path(text.removeprefix("unix:"), folder))
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise Unfit(f"{text!r} is no address", _LISTEN_REMEDY)
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise Unfit(f"{text!r} is no address: an IPv6 address stands in brackets", _LISTEN_REMEDY)
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise Unfit(f"{port!r} is no port", _LISTEN_REMEDY)
    return TcpAddress(host.strip("[]"), int(port))


def socket_path(text: str, folder: Path) -> Path:
    """A path that a Unix socket can have. Raises Unfit."""
    if not text:
        raise Unfit("unix: names no path", _LISTEN_REMEDY)
    path = folder / Path(text).expanduser()
    if len(bytes(path)) > _MAX_SOCKET_PATH:
        raise Unfit(f"{path} is longer than the {_MAX_SOCKET_PATH} bytes of a socket's path", "Choose a shorter path.")
    return path


def upstream_name(text: str) -> str:
    """A name that can be a path segment, a label and a grant's key. Raises Unfit."""
    if not _NAME.fullmatch(text):
        raise Unfit(
            f"{text!r} cannot name an upstream",
            "Use a to z, 0 to 9 and '-', at most 63 characters, a letter or digit first.",
        )
    return text


def upstream_url(text: str, *, allow_http: bool) -> str:
    """The URL exactly as written: https, or http to loopback (or anywhere, with `allow_http`). Raises Unfit."""
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unfit(f"{_quoted(text)} is no http or https URL", _URL_REMEDY)
    if parts.username is not None or parts.password is not None:
        raise Unfit(
            "the URL holds a user name or password",
            "Take it out, and give the credential as a header: --upstream-header NAME:Authorization=@FILE.",
        )
    if parts.fragment or text.endswith("#"):
        raise Unfit("the URL has a fragment, which no server ever sees", "Take out '#' and what follows it.")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname):
        raise Unfit(
            f"plain http to {parts.hostname}, which is not this machine",
            "Use https, or set allow_http = true for this upstream if the network between is trusted.",
        )
    return text


def opa_address(text: str, folder: Path) -> str:
    """`unix:/absolute/path` or an http URL on loopback without a path. Raises Unfit."""
    if text.startswith("unix:"):
        return f"unix:{socket_path(text.removeprefix('unix:'), folder)}"
    parts = _split(text)
    if parts.scheme == "http" and parts.hostname and is_loopback(parts.hostname) and parts.path in ("", "/"):
        return text.rstrip("/")
    raise Unfit(f"{text!r} is no address of a local OPA", "Write unix:/path/to/socket or http://127.0.0.1:8181.")


def _split(text: str) -> SplitResult:
    if not _PRINTABLE.fullmatch(text):
        raise Unfit(f"{_quoted(text)} has blanks or characters outside ASCII", "Write them percent-encoded.")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise Unfit(f"{_quoted(text)} is no URL", _URL_REMEDY) from error
    return parts


def _quoted(url: str) -> str:
    """The text, unless it may hold a password."""
    return "this text" if "@" in url else repr(url)
