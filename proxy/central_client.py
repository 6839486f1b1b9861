"""What a sidecar asks of its central over HTTP, each question signed with its identity; and what the answers mean."""

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.batch import MEDIA_TYPE
from evidence.key_history import MOST_BYTES as KEYS_BYTES
from proxy.ledger_keys import PATH as KEYS_PATH
from proxy.settings.central import CentralConfig

_ANSWER_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 5.0
_TOKEN_SECONDS: Final = 60
_MAX_ANSWER: Final = 1 << 20


class NotDelivered(Exception):
    """Central did not take it now; the text says why. `seconds` is how long it wishes to be left alone."""

    def __init__(self, what: str, seconds: float = 0.0) -> None:
        super().__init__(what)
        self.seconds = seconds


class Elsewhere(Exception):
    """Central holds another position than was believed: it has to be asked again."""


class Refused(Exception):
    """Central will never take this as it is; the text is its own."""


class CentralClient:
    """The connection of one process. `ask` and `published_keys` within `connected` only."""

    def __init__(self, central: CentralConfig, identity: Ed25519PrivateKey, sidecar: str) -> None:
        self._central, self._identity, self._sidecar = central, identity, sidecar
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """With connections to ask on. Raises OSError if central's CA is gone."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS, sock_connect=_CONNECT_SECONDS)
        connector = aiohttp.TCPConnector(ssl=await asyncio.to_thread(self._tls), limit=4)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as self._session:
            yield

    async def ask(self, method: str, path: str, tenant: str, body: bytes) -> Mapping[str, Any]:
        """The members of the answer to one question. Raises NotDelivered, Elsewhere, Refused."""
        assert self._session is not None  # noqa: S101  (within `connected` only)
        headers = {"Authorization": f"Bearer {self._token(tenant, method, path, body)}", "Content-Type": MEDIA_TYPE}
        url = self._central.url + path
        try:
            async with self._session.request(
                method, url, data=body or None, headers=headers, allow_redirects=False
            ) as answer:
                said = _read(await _limited(answer, _MAX_ANSWER))
                return _answered(answer.status, said, answer.headers.get("Retry-After", ""))
        except aiohttp.ClientConnectorCertificateError as error:
            raise NotDelivered("its certificate is not accepted") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotDelivered(f"it cannot be reached ({type(error).__name__})") from error

    async def published_keys(self) -> bytes | None:
        """The history of its keys that central publishes; None where it has none. Raises NotDelivered."""
        assert self._session is not None  # noqa: S101  (within `connected` only)
        try:
            async with self._session.get(self._central.url + KEYS_PATH, allow_redirects=False) as answer:
                return await _limited(answer, KEYS_BYTES) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotDelivered(f"it cannot be asked for its keys ({type(error).__name__})") from error

    def _tls(self) -> ssl.SSLContext | bool:
        if self._central.url.startswith("http:"):
            return False
        return ssl.create_default_context(cafile=self._central.ca_file)

    def _token(self, tenant: str, method: str, path: str, body: bytes) -> str:
        """A JWT (RFC 7519, EdDSA) of this sidecar's identity, for this request alone and for a minute."""
        now = int(time.time())
        claims = {
            "iss": self._sidecar,
            "aud": self._central.url,
            "tenant": tenant,
            "htm": method,
            "htu": path,
            "sha256": hashlib.sha256(body).hexdigest(),
            "iat": now,
            "exp": now + _TOKEN_SECONDS,
        }
        return jwt.encode(claims, self._identity, algorithm="EdDSA")


async def _limited(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, cut off behind more than so many bytes."""
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > most:
            break
    return bytes(content)


def _read(data: bytes) -> Mapping[str, Any]:
    try:
        said = orjson.loads(data)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _answered(status: int, said: Mapping[str, Any], retry_after: str) -> Mapping[str, Any]:
    if status == 200:
        return said
    why = str(said.get("error") or f"HTTP {status}")
    if status == 409:
        raise Elsewhere
    if status in (400, 401, 403, 413, 422):
        raise Refused(why)
    raise NotDelivered(why, float(retry_after) if retry_after.isdecimal() else 0.0)
