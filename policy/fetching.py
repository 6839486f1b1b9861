"""One question to a bundle server, by HTTP: its bundle, or that it has no other than the one we have.

What counts is checked before a byte of a body is kept: the status, that nothing is encoded, the type, and how long the
body says that it is; how long it really is, while it comes. That the bytes are a bundle, and whose, is found by others.
This module alone has aiohttp's client; it is loaded where a policy comes from a server.
"""

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from policy.bundle_server import BundleServer, origin_of
from policy.engine import PolicyRefused
from policy.fetched import Fetched, NoBundle, NotFetched

WAITING: Final = "application/vnd.openpolicyagent.bundles"
"""The type by which a server says that it can wait for news, as OPA has it."""

_TYPES: Final = frozenset(
    (WAITING, "application/gzip", "application/x-gzip", "application/octet-stream", "binary/octet-stream",
     "application/x-tar", "application/x-gtar", "application/x-compressed-tar", "application/x-tgz")
)  # fmt: skip
_ETAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,512}"')
"""RFC 9110, section 8.8.3, without what is outside ASCII; of a length that any server takes back."""

_ALERT: Final = re.compile(r"^(?:SSL|TLS)V\d+_ALERT_")
"""How OpenSSL begins the names of what the other side says."""

_RETRY_AFTER: Final = re.compile(r"[0-9]{1,6}")
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_MAX_REDIRECTS: Final = 4
_WORDS: Final = {
    401: "the token is refused, or there is none (HTTP 401)",
    403: "it does not let this sidecar have it (HTTP 403)",
    404: "there is no such bundle (HTTP 404)",
}


async def fetch(server: BundleServer, etag: str | None, wait_seconds: int) -> Fetched:
    """The bundle, unless it is still the one with this `etag`; the server may wait so long for another one.

    Raises NotFetched, which tells no secret and no query of the URL.
    """
    try:
        async with asyncio.timeout(server.answer_seconds + wait_seconds), _session(server) as session:
            return await _fetch(session, server, _headers(server, etag, wait_seconds))
    except TimeoutError as error:
        raise NotFetched("it does not answer in time") from error
    except aiohttp.ClientError as error:
        raise NotFetched(_told(error, server)) from error
    except (OSError, ValueError) as error:
        raise NotFetched(f"it cannot be asked: {_why(error)}") from error


@asynccontextmanager
async def _session(server: BundleServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A client for one question: certificates are read anew for the next, and nothing is held open until then."""
    tls = await _tls(server) if _by_tls(server) else False
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=1, force_close=True),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=server.connect_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    ) as session:
        yield session


def _by_tls(server: BundleServer) -> bool:
    return server.url.lower().startswith("https:")


async def _tls(server: BundleServer) -> ssl.SSLContext:
    try:
        return await asyncio.to_thread(server.tls)
    except OSError as error:
        raise NotFetched(f"what policy.server has for TLS cannot be used: {_why(error)}") from error


def _headers(server: BundleServer, etag: str | None, wait_seconds: int) -> dict[str, str]:
    """OPA's own form of Prefer, without the deltas that it offers to take."""
    try:
        headers = dict(server.credentials())
    except PolicyRefused as error:
        raise NotFetched("; ".join(error.problems)) from error
    headers["Accept"] = ", ".join((WAITING, "application/gzip", "application/octet-stream"))
    headers["Accept-Encoding"] = "identity"
    headers["Prefer"] = "modes=snapshot" + (f";wait={wait_seconds}" if wait_seconds else "")
    if etag is not None:
        headers["If-None-Match"] = etag
    return headers


async def _fetch(session: aiohttp.ClientSession, server: BundleServer, headers: Mapping[str, str]) -> Fetched:
    url = server.url
    for _ in range(_MAX_REDIRECTS + 1):
        async with session.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status not in _REDIRECTS:
                return await _read(answer, server, asked="If-None-Match" in headers)
            url = _redirected(url, answer.headers.get("Location"))
    raise NotFetched("it sends from one place to the next")


def _redirected(url: str, location: str | None) -> str:
    """Where an answer sends, if that is the same server: credentials go nowhere else. Raises NotFetched."""
    if location is None:
        raise NotFetched("it sends elsewhere, and does not say where")
    there = urljoin(url, location)
    parts = urlsplit(there)
    if parts.scheme not in ("http", "https") or origin_of(parts) != origin_of(urlsplit(url)):
        raise NotFetched("it sends to another server, which is not followed: name that one, if it is meant")
    return there


async def _read(answer: aiohttp.ClientResponse, server: BundleServer, *, asked: bool) -> Fetched:
    if answer.status == 304 and asked:
        return Fetched(None, _etag(answer))
    if answer.status != 200:
        said = _WORDS.get(answer.status) or f"it answers HTTP {answer.status}"
        raise NotFetched(said, _retry_after(answer))
    if (problem := _problem(answer)) is not None:
        raise NoBundle(problem)
    packed = await _body(answer, server.max_bytes)
    return Fetched(packed, _etag(answer), can_wait=answer.content_type == WAITING)


def _problem(answer: aiohttp.ClientResponse) -> str | None:
    """Why the body can be no bundle, by what is said of it."""
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        return "it encodes what it was asked not to encode (Content-Encoding)"
    if answer.content_type not in _TYPES:
        return f"it answers with {answer.content_type}, which is no bundle"
    if answer.content_length is None and answer.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return "it does not say where its answer ends, and one cut short looks like a whole one"
    return None


async def _body(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body; at most `limit` bytes of it are ever held. Raises NoBundle."""
    too_large = NoBundle(f"its bundle has more than {limit} bytes")
    if (answer.content_length or 0) > limit:
        raise too_large
    pieces, size = list[bytes](), 0
    async for piece in answer.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise too_large
    return b"".join(pieces)


def _etag(answer: aiohttp.ClientResponse) -> str | None:
    etag = answer.headers.get("ETag", "")
    return etag if _ETAG.fullmatch(etag) else None


def _retry_after(answer: aiohttp.ClientResponse) -> float:
    found = _RETRY_AFTER.fullmatch(answer.headers.get("Retry-After", ""))
    return float(found[0]) if found else 0.0


def _told(error: aiohttp.ClientError, server: BundleServer) -> str:
    """The failure in words of our own: aiohttp's may hold the whole URL."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    match error:
        case aiohttp.ClientConnectorCertificateError():
            why = getattr(error.certificate_error, "verify_message", "") or "it is for another name"
            return f"its certificate is not accepted: {why}"
        case aiohttp.ClientOSError() if isinstance(cause, ssl.SSLError):
            return f"it and we do not agree on TLS: {_why(cause)}"
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known"
        case aiohttp.ClientConnectorError() if not isinstance(cause, ConnectionResetError):
            return f"no connection: {_why(error.os_error)}"
        case aiohttp.ClientPayloadError():
            return "its answer was cut short"
        case aiohttp.ServerTimeoutError():
            return "it does not answer in time"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return _ended(server)
        case _:
            return f"its answer is no HTTP ({type(error).__name__})"


def _ended(server: BundleServer) -> str:
    """A server may end a connection for the certificate of its client without saying so; TLS 1.3 often loses it."""
    if not _by_tls(server):
        return "it ended the connection"
    if server.certificate_file is None:
        return "it ended the connection; it may want a client certificate (policy.server.certificate_file)"
    return "it ended the connection; it may not accept the certificate in policy.server.certificate_file"


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):  # Its number is OpenSSL's, and no errno.
        return _ALERT.sub("", error.reason or "unknown").replace("_", " ").lower()
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else type(error).__name__
