"""The HTTP face of central: batches in, receipts out; the log as static files; health.

Every error is `{"error": <for a person>, "code": <for a program>}`. Nothing is answered to somebody who is not known,
but for the log, which is safe to publish, and health.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from central.answers import BadRequest, error_answer, json_answer
from central.authentication import NotAuthenticated, Signed, signed_by
from central.config import CentralConfig
from central.export_face import ExportFace
from central.ingest import Busy, Given, Ingest, TooLarge
from central.ledger.vocabulary import Kept, NotJoined
from central.metrics import CONTENT_TYPE, CentralMetrics
from central.reader_face import ReaderFace
from central.store.engine import LedgerUnavailable
from evidence.batch import MEDIA_TYPE, BadBatch
from evidence.erased import ASKED_AT_ONCE
from evidence.record import is_digest
from evidence.signers import SigningFailed

RETRY_SECONDS: Final = 2

READ_SECONDS: Final = 60.0
"""How long a batch may take to come in: meanwhile it has a place that others wait for."""

SERVER: Final = "agentgate central"
_LATER: Final[dict[str, str]] = {hdrs.RETRY_AFTER: str(RETRY_SECONDS)}
_TILE: Final = re.compile(r"tile/(?:entries|[0-9]{1,2})/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[0-9]{1,3})?")
_TEXTS: Final = frozenset({"checkpoint", "keys/receipts", "keys/log"})
_FOREVER: Final = "public, max-age=31536000, immutable"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def central_app(
    config: CentralConfig,
    ingest: Ingest,
    readers: ReaderFace,
    exports: ExportFace,
    log_file: Callable[[str], bytes | None],
    metrics: CentralMetrics,
    problems: Callable[[], list[str]],
) -> web.Application:
    """The application. `log_file` gives what is published at a path; `problems` tells why central is not ready."""
    face = _Face(config, ingest, log_file, metrics, problems)
    app = web.Application(middlewares=[_answering(metrics)], client_max_size=config.batch_bytes)
    app.add_routes(
        [
            web.post("/v1/evidence/batches", face.batches),
            web.get("/v1/evidence/chains/{chain}/position", face.position),
            web.post("/v1/evidence/erased", face.erased),
            web.get("/log/{path:.*}", face.log),
            *readers.routes(),
            *exports.routes(),
            web.get("/livez", face.livez),
            web.get("/readyz", face.readyz),
            web.get("/metrics", face.metrics),
        ]
    )
    return app


def _answering(metrics: CentralMetrics) -> Any:
    """Turns what the handlers raise into answers; each is counted."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            response = error_answer(error.status, "http", error.reason)
        except Exception as error:  # noqa: BLE001  (what is not foreseen is a 500 without its text)
            response = _refusal(error)
        response.headers[hdrs.SERVER] = SERVER
        metrics.answered(request.match_info.route.resource, response.status)
        return response

    return answer


def _refusal(error: Exception) -> web.Response:
    match error:
        case NotAuthenticated():
            return error_answer(401, "not_authenticated", str(error), {hdrs.WWW_AUTHENTICATE: "Bearer"})
        case BadRequest():
            return error_answer(400, "bad_request", str(error))
        case BadBatch():
            return error_answer(400, "bad_batch", str(error))
        case TooLarge():
            return error_answer(413, "too_large", str(error))
        case TimeoutError():
            return error_answer(408, "too_slow", "the body did not come in time")
        case NotJoined():
            return error_answer(409, "not_joined", str(error))
        case Kept():
            return error_answer(422, error.incident.kind.value, str(error))
        case SigningFailed():
            return error_answer(503, "cannot_sign", "no receipt can be signed now: /readyz says why", _LATER)
        case Busy() | LedgerUnavailable():
            return error_answer(503, "unavailable", str(error), _LATER)
    return error_answer(500, "internal", f"unexpected {type(error).__name__}")


class _Face:
    """The handlers."""

    def __init__(
        self,
        config: CentralConfig,
        ingest: Ingest,
        log_file: Callable[[str], bytes | None],
        metrics: CentralMetrics,
        problems: Callable[[], list[str]],
    ) -> None:
        self._config, self._ingest, self._log_file = config, ingest, log_file
        self._metrics, self._problems = metrics, problems

    async def batches(self, request: web.Request) -> web.Response:
        """POST: a batch of a sidecar's chain; 200 with the receipt once it is durable."""
        if request.content_type != MEDIA_TYPE:
            return error_answer(415, "unknown_type", f"a batch is {MEDIA_TYPE}")
        signed = self._signed(request)
        with self._ingest.admitted():
            async with asyncio.timeout(READ_SECONDS):
                packed = await request.read()
            given = await self._ingest.take(packed, signed.over(packed))
        self._metrics.received(len(packed))
        return json_answer(_body(given))

    async def position(self, request: web.Request) -> web.Response:
        """GET: up to where the chain is held, as a receipt; `null` for a chain that is not known."""
        chain = request.match_info["chain"]
        if not is_digest(chain):
            return error_answer(400, "bad_request", "a chain is named by 64 hex digits: the link of its first record")
        return json_answer(_body(await self._ingest.standing(self._signed(request).over(b""), chain)))

    async def erased(self, request: web.Request) -> web.Response:
        """POST `{"keys": [ids]}`: a note that says which of these data keys of the sidecar's tenant are destroyed."""
        signed = self._signed(request)
        with self._ingest.admitted():
            async with asyncio.timeout(READ_SECONDS):
                content = await request.read()
            note = await self._ingest.erased(signed.over(content), _ids(content))
        return json_answer({"note": note})

    async def log(self, request: web.Request) -> web.StreamResponse:
        """GET: the log as C2SP tlog-tiles has it: `checkpoint`, and `tile/…`; and the history of its keys."""
        path = request.match_info["path"]
        if path not in _TEXTS and not _TILE.fullmatch(path):
            return error_answer(404, "not_found", "the log has checkpoint, tile/…, keys/receipts and keys/log")
        content = await asyncio.to_thread(self._log_file, path)
        if content is None:
            return error_answer(404, "not_found", "the log has no such file")
        kind = "text/plain" if path in _TEXTS else "application/octet-stream"
        lasting = "no-cache" if path in _TEXTS else _FOREVER
        return web.Response(body=content, headers={hdrs.CACHE_CONTROL: lasting}, content_type=kind)

    async def livez(self, request: web.Request) -> web.Response:
        """GET: this process answers."""
        return json_answer({"ok": True})

    async def readyz(self, request: web.Request) -> web.Response:
        """GET: whether evidence is taken, and why not."""
        found = self._problems()
        return json_answer({"ok": not found, "problems": found}, 503 if found else 200)

    async def metrics(self, request: web.Request) -> web.Response:
        """GET: counters in Prometheus' text form."""
        return web.Response(body=self._metrics.exposed(), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})

    def _signed(self, request: web.Request) -> Signed:
        return signed_by(
            request.headers.get(hdrs.AUTHORIZATION, ""),
            self._config.registry,
            self._config.urls,
            method=request.method,
            path=request.rel_url.raw_path,
        )


def _body(given: Given) -> dict[str, Any]:
    return {"receipt": given.receipt, "included": given.included, "erasures": given.erasures}


def _ids(content: bytes) -> list[str]:
    try:
        keys = orjson.loads(content)["keys"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest('the body is {"keys": [<ids of data keys>]}') from error
    if not isinstance(keys, list) or len(keys) > ASKED_AT_ONCE or not all(map(is_digest, keys)):
        raise BadRequest(f"`keys` is a list of at most {ASKED_AT_ONCE} ids of 64 hex digits")
    return keys
