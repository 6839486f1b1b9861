"""A server that hands out a bundle: where it is, how it is asked, and what of its address may be told."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from policy.archive import MAX_BYTES

POLL_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 30
CONNECT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 60.0

_SCHEMES: Final = ("http://", "https://")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class BundleServer:
    """One bundle at one URL, which is asked for exactly as written.

    `credentials` gives the headers that hold secrets, anew for each question, so that a file with a short-lived token
    may change; it raises PolicyRefused where one cannot be read. `ca_file` names the only authorities that count.
    A server that can wait is asked to wait `wait_seconds` for news (0: never), any other is asked once in at most
    `poll_seconds`. A bundle has at most `max_bytes`, and is there whole within `answer_seconds`.
    """

    url: str = field(repr=False)
    credentials: Callable[[], Mapping[str, str]] = field(default=dict, repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    poll_seconds: float = POLL_SECONDS
    wait_seconds: int = WAIT_SECONDS
    max_bytes: int = MAX_BYTES
    connect_seconds: float = CONNECT_SECONDS
    answer_seconds: float = ANSWER_SECONDS

    @property
    def shown(self) -> str:
        """The URL as it may be told."""
        return shown_url(self.url)

    @property
    def name(self) -> str:
        """What the bundle is called in problems and records: the last part of the URL's path."""
        parts = urlsplit(self.url)
        return parts.path.rstrip("/").rpartition("/")[2] or parts.netloc

    def tls(self) -> ssl.SSLContext:
        """Whom to believe and what to show, as the files say now. Raises OSError, ssl.SSLError among them."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def is_url(spec: str) -> bool:
    """Whether a policy is named by the URL of a server, and not by a path."""
    return spec.lower().startswith(_SCHEMES)


def shown_url(url: str) -> str:
    """One spelling of the URL, without its query, which may hold a secret: what a bundle's place is called.

    The query tells no two bundles apart: signatures in it change while the bundle behind it stays the same.
    """
    parts = urlsplit(url)
    scheme, host, port = origin_of(parts)
    authority = f"[{host}]" if ":" in host else host
    return f"{scheme}://{authority}{'' if port == _PORTS[scheme] else f':{port}'}{parts.path or '/'}"


def origin_of(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port: what has to stay the same where an answer sends elsewhere (RFC 6454, section 4)."""
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS[scheme]
