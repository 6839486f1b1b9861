"""Listen: HTTP from agents.

Each leg is routed, checked (Host, Origin, caller) and read here, then handed to the path.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.web_request import BaseRequest
from msgspec import structs

from evidence.journal import NotRecorded
from policy.engine import CannotDecide
from policy.methods import subject
from policy.peer import peer_uid
from policy.vocabulary import Caller
from proxy.answering import HttpClient, Rewrite, as_they_are, plain
from proxy.approval_page import id_in, page
from proxy.forward import HttpUpstream
from proxy.gate import Gate
from proxy.legacy import ERA, MessageLeg
from proxy.metadata import Place, Protected, places
from proxy.path.approve import unix_seconds
from proxy.path.identify import Credentials, Identity, Unidentified
from proxy.path.parse import era_of
from proxy.path.unread import record_unread
from proxy.pipeline import carry
from proxy.reading import read_request
from proxy.refusals import INVALID_REQUEST, JSON, NoSuchSession, Refusal, explain, leg_reply, strict_reply
from proxy.streams import LEGACY_PATH, answer_once, end_session, relay
from proxy.vocabulary import NO_MESSAGE, ClientGone, Exchange, Headers, Reply
from proxy.wire.header_values import check_form, grouped
from proxy.wire.headers import check_body_form, check_headers, forwarded
from proxy.wire.http_answer import LENGTH_DIGITS
from proxy.wire.message import Envelope
from proxy.wire.origins import Hosts
from proxy.wire.rules import Malformed, Rule

SOLE_PATH: Final = "/mcp"
"""Serves the upstream under a second name where there is only one."""

_SESSION: Final = "Mcp-Session-Id"
_MIRROR: Final = "mcp-param-"
_VERSION: Final = "MCP-Protocol-Version"
_VERSIONS: Final = (HttpVersion10, HttpVersion11)
_ALLOWED: Final = "GET, POST, DELETE, OPTIONS"
_PREFLIGHT: Final = (
    ("Access-Control-Allow-Methods", _ALLOWED),
    ("Access-Control-Allow-Headers", "*, Authorization"),
    ("Access-Control-Max-Age", "600"),
)
_EXPOSED: Final = ("Access-Control-Expose-Headers", "Mcp-Session-Id, WWW-Authenticate")
_TLS_IN_FRONT: Final = "X-Forwarded-Proto"
"""Says what the client spoke to somebody in front of the sidecar; it changes that client's own answer, and no other."""


_TOO_SLOW: Final = Refusal("body_too_slow", INVALID_REQUEST, "The body did not come in time.", status=408)
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""What a client waits for that asks before it sends (RFC 9110, section 10.1.1); nobody else says it for us."""
_BODY_LEFT: Final = frozenset((408, 413, 505))
"""Answers that are given before the body was read to its end: the connection cannot go on."""


@dataclass(frozen=True, slots=True)
class _Route:
    """An upstream by one of its paths: messages, those of the legacy stream `token`, or the document of `place`."""

    upstream: HttpUpstream
    path: str
    token: str | None = None
    place: Place | None = None


class Listener:
    """Answers every request on the listening socket; nothing but the configured paths exists."""

    def __init__(
        self,
        gate: Gate,
        upstreams: Mapping[str, HttpUpstream],
        identity: Identity,
        hosts: Hosts,
        *,
        keeping: frozenset[str] = frozenset(),
    ) -> None:
        """`keeping` names the upstreams whose metadata goes on with their own resource."""
        self._gate = gate
        self._upstreams = upstreams
        self._identity = identity
        self._hosts = hosts
        self._routes = {f"/{name}": upstream for name, upstream in upstreams.items()}
        sole = SOLE_PATH if len(upstreams) == 1 else None
        if sole is not None:
            self._routes.setdefault(sole, next(iter(upstreams.values())))
        self._protected = {
            name: Protected(upstream, gate.metrics, keeps=name in keeping)
            for name, upstream in upstreams.items()
            if upstream.target.passthrough_auth
        }
        self._places = places(self._protected, sole)
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        """One request of any method and path."""
        try:
            _refuse_proxying(request)
            extra = self._admit(request)
            _refuse_version(request)
            if (approval := id_in(request.raw_path)) is not None:
                return await self._approval(request, approval)
            if request.method == "OPTIONS":
                self._route(request)
                return plain(Reply(204, (*extra, *_PREFLIGHT), b""))
            route = self._route(request)
            caller = self._identity.identify(self._credentials(request))
        except Malformed as malformed:
            return await self._unread(request, explain(malformed))
        except Unidentified:
            return plain(Reply(401, (*JSON, ("WWW-Authenticate", "Bearer")), b'{"error":"this sidecar needs a token"}'))
        except _NotServed as elsewhere:
            return elsewhere.response()
        except Exception as error:  # noqa: BLE001  (nothing ends without an answer of ours)
            return await self._failed(request, error)
        try:
            return await self._leg(request, route, caller, extra)
        except ClientGone:
            request.protocol.force_close()
            return web.Response(status=500)
        except Exception as error:  # noqa: BLE001  (nothing ends without an answer of ours, and a record)
            return await self._failed(request, error, caller, route)

    async def _leg(self, request: BaseRequest, route: _Route, caller: Caller, extra: Headers) -> web.StreamResponse:
        match request.method:
            case "GET" if route.place is not None:
                return await self._document(request, route, route.place, caller, extra)
            case "POST" | "DELETE" if route.place is not None:
                return plain(Reply(405, (("Allow", "GET, OPTIONS"),), b""))
            case "POST":
                return await self._post(request, route, caller, extra)
            case "GET" | "DELETE" if route.token is None:
                return await self._stream(request, route, caller, extra)
            case _:
                return plain(Reply(405, (("Allow", _ALLOWED),), b""))

    def _credentials(self, request: BaseRequest) -> Credentials:
        peer = None
        if self._identity.checks_peer and request.transport is not None:
            peer = peer_uid(request.transport.get_extra_info("socket"))
        return Credentials(request.headers.get(hdrs.AUTHORIZATION), peer)

    def _admit(self, request: BaseRequest) -> Headers:
        """Check Host and Origin; returns what an allowed Origin is told."""
        host, origin = request.headers.getall(hdrs.HOST, []), request.headers.getall(hdrs.ORIGIN, [])
        if len(origin) > 1:
            raise Malformed(Rule.ORIGIN_NOT_ALLOWED, "more than one Origin header")
        self._hosts.check(host[0] if len(host) == 1 else None, origin[0] if origin else None)
        return (("Access-Control-Allow-Origin", origin[0]), ("Vary", "Origin"), _EXPOSED) if origin else ()

    def _route(self, request: BaseRequest) -> _Route:
        path = request.raw_path
        if (upstream := self._routes.get(path)) is not None:
            return _Route(upstream, path)
        if (place := self._places.get(path)) is not None:
            return _Route(self._upstreams[place.upstream], place.path, place=place)
        name, found, token = path.removeprefix("/").partition(LEGACY_PATH)
        if found and name in self._upstreams:
            return _Route(self._upstreams[name], f"/{name}", token)
        served = ", ".join(sorted(self._routes))
        raise _NotServed(404, f"nothing is served here; served paths: {served}")

    async def _post(self, request: BaseRequest, route: _Route, caller: Caller, extra: Headers) -> web.StreamResponse:
        headers = tuple(request.headers.items())
        try:
            envelope = await self._read(request, headers, route, caller)
        except Malformed as malformed:
            return await self._unread(request, explain(malformed), malformed, caller, route)
        except TimeoutError:
            return await self._unread(request, _TOO_SLOW, None, caller, route)
        if route.token is not None:
            reply = await self._legacy_post(route, caller, envelope, self._forwarded(headers, route))
            return plain(structs.replace(reply, headers=self._rewrite(request, route)(reply.headers)))
        exchange = self._exchange(request, headers, route, caller, envelope)
        client = HttpClient(request, extra, self._rewrite(request, route))
        await carry(exchange, client, self._gate)
        return client.response or web.Response(status=500)

    async def _read(self, request: BaseRequest, headers: Headers, route: _Route, caller: Caller) -> Envelope:
        bounds = self._gate.bounds
        raw = await self._body(request, bounds.message_bytes)
        try:
            envelope = await read_request(raw, limit=bounds.message_bytes, depth=bounds.depth)
        except Malformed:
            # What its headers say of a body that cannot be read is the better reason.
            check_body_form(grouped(headers))
            raise
        schema = self._schema(headers, envelope, route, caller)
        check_headers(headers, envelope, schema=schema, mirrored=route.token is None)
        return envelope

    def _schema(self, headers: Headers, envelope: Envelope, route: _Route, caller: Caller) -> Mapping[str, Any] | None:
        """The schema of the tool that is called, where headers mirror its arguments."""
        if not any(name.lower().startswith(_MIRROR) for name, _ in headers):
            return None
        called = subject("tools/call", envelope.messages[0].params)
        return None if called is None else self._gate.definitions.schema(caller, route.upstream.name, called)

    async def _body(self, request: BaseRequest, limit: int) -> bytes:
        if (length := _length(request)) > limit:
            raise Malformed(Rule.TOO_LARGE, f"{length} bytes; the limit is {limit}")
        content = request.content
        if content.is_eof() and content.total_bytes <= limit:
            return content.read_nowait()
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
            await request.writer.write(_CONTINUE)
        pieces: list[bytes] = []
        size = 0
        async with asyncio.timeout(self._gate.bounds.body_seconds):
            while piece := await content.readany():
                size += len(piece)
                if size > limit:
                    raise Malformed(Rule.TOO_LARGE, f"more than {limit} bytes")
                pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _exchange(
        self, request: BaseRequest, headers: Headers, route: _Route, caller: Caller, envelope: Envelope
    ) -> Exchange:
        return Exchange(
            caller=caller,
            upstream=route.upstream.name,
            transport="http",
            era=era_of(envelope.messages, request.headers.get(_VERSION)),
            session=request.headers.get(_SESSION),
            envelope=envelope,
            headers=self._forwarded(headers, route),
        )

    def _forwarded(self, headers: Headers, route: _Route) -> Headers:
        target = route.upstream.target
        return tuple(forwarded(headers, extra=target.forward_headers, passthrough_auth=target.passthrough_auth))

    async def _stream(self, request: BaseRequest, route: _Route, caller: Caller, extra: Headers) -> web.StreamResponse:
        try:
            check_form(grouped(tuple(request.headers.items())))
        except Malformed as malformed:
            return await self._unread(request, explain(malformed), malformed, caller, route)
        exchange = self._exchange(request, tuple(request.headers.items()), route, caller, NO_MESSAGE)
        client = HttpClient(request, extra, self._rewrite(request, route))
        leg = relay if request.method == "GET" else end_session
        await leg(exchange, client, self._gate, route.upstream)
        return client.response or web.Response(status=500)

    def _rewrite(self, request: BaseRequest, route: _Route) -> Rewrite:
        """What a client is to see of an answer's headers; it may not come back by the upstream's own names."""
        protected = self._protected.get(route.upstream.name)
        if protected is None:
            return as_they_are
        return partial(protected.challenged, base=_base(request), path=route.path)

    async def _document(
        self, request: BaseRequest, route: _Route, place: Place, caller: Caller, extra: Headers
    ) -> web.StreamResponse:
        """A document about the upstream's authorization; the client's own never goes there."""
        headers = tuple(request.headers.items())
        try:
            check_form(grouped(headers))
        except Malformed as malformed:
            return await self._unread(request, explain(malformed), malformed, caller, route)
        passing = tuple(forwarded(headers, extra=frozenset(), passthrough_auth=False))
        era = era_of((), request.headers.get(_VERSION))
        exchange = Exchange(caller, route.upstream.name, "http", era, None, NO_MESSAGE)
        client = HttpClient(request, extra)
        document = partial(self._protected[place.upstream].document, place, _base(request), passing)
        await answer_once(exchange, client, self._gate, "metadata", document)
        return client.response or web.Response(status=500)

    async def _approval(self, request: BaseRequest, id: str) -> web.StreamResponse:
        """The page of an approval, for a person's browser, which shows no token."""
        if request.method != "GET":
            return plain(Reply(405, (("Allow", "GET"),), b""))
        now = unix_seconds(self._gate)
        try:
            return plain(page(await self._gate.approvals.look(id, now), now))
        except CannotDecide as failed:
            return plain(leg_reply(explain(failed), self._gate.new_id()))

    async def _legacy_post(self, route: _Route, caller: Caller, envelope: Envelope, headers: Headers) -> Reply:
        """A message on a legacy stream: answered as soon as it is forwarded; its own answer goes on the stream."""
        token = route.token or ""
        try:
            stream = route.upstream.streams.find(token, caller)
        except NoSuchSession as unknown:
            refusal, reference = explain(unknown), self._gate.new_id()
            await self._note(caller, route, refusal, reference)
            return strict_reply(None, refusal, reference)
        headers = tuple(each for each in headers if each[0].lower() != _SESSION.lower())
        era = era_of(envelope.messages, ERA)
        exchange = Exchange(caller, route.upstream.name, "sse", era, token, envelope, headers)
        client = MessageLeg(stream.writer)
        task = asyncio.get_running_loop().create_task(carry(exchange, client, self._gate))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait((task, client.accepted), return_when=asyncio.FIRST_COMPLETED)
        return client.accepted.result() if client.accepted.done() else Reply(202, (), b"")

    async def _unread(
        self,
        request: BaseRequest,
        refusal: Refusal,
        malformed: Malformed | None = None,
        caller: Caller | None = None,
        route: _Route | None = None,
    ) -> web.StreamResponse:
        """Refuse what was not read as a message; a known caller's is recorded."""
        reference = self._gate.new_id()
        if caller is not None and route is not None:
            await self._note(caller, route, refusal, reference)
        self._gate.metrics.refused(route.upstream.name if route else "", refusal.code)
        response = plain(strict_reply(malformed.id if malformed else None, refusal, reference))
        if refusal.status in _BODY_LEFT:
            response.force_close()
        return response

    async def _failed(
        self, request: BaseRequest, error: Exception, caller: Caller | None = None, route: _Route | None = None
    ) -> web.StreamResponse:
        """What nobody has foreseen is refused like the unread, and ends its connection.

        A client that has the beginning of one answer would take another for that to its next request: it gets none.
        """
        refusal = explain(error)
        refusal = replace(refusal, status=500) if refusal.status == 200 else refusal
        response = await self._unread(request, refusal, None, caller, route)
        response.force_close()
        if request.writer.output_size:
            request.protocol.force_close()
        return response

    async def _note(self, caller: Caller, route: _Route, refusal: Refusal, reference: str) -> None:
        """What is refused stays refused where it cannot be recorded; the journal declares its losses."""
        with suppress(NotRecorded):
            await record_unread(self._gate, caller, route.upstream.name, refusal, reference)

    async def close(self) -> None:
        """End the tasks of legacy messages that are still under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _length(request: BaseRequest) -> int:
    """What the client says that the body has, 0 where it does not. The parser takes digits beyond Python's numbers."""
    given = request.headers.get(hdrs.CONTENT_LENGTH, "0")
    if len(given) > LENGTH_DIGITS:
        raise Malformed(Rule.HEADER_MALFORMED, f"Content-Length has more than {LENGTH_DIGITS} digits")
    return int(given)


def _base(request: BaseRequest) -> str:
    """Where the client reaches the sidecar: scheme, and Host, which has been checked."""
    scheme = "https" if request.headers.get(_TLS_IN_FRONT, "").lower() == "https" else "http"
    return f"{scheme}://{request.headers[hdrs.HOST]}"


def _refuse_proxying(request: BaseRequest) -> None:
    if request.method == "CONNECT":
        raise _NotServed(405, "AgentGate is no forward proxy: point the MCP client at /<upstream>")


def _refuse_version(request: BaseRequest) -> None:
    """The parser takes 0.9 and 2.0 in the form of 1.1, and others may read them otherwise."""
    if request.version not in _VERSIONS:
        raise _NotServed(505, "HTTP/1.1 is served here, and HTTP/1.0")


class _NotServed(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        body = b'{"error":"' + text.encode() + b'"}'
        self.reply = Reply(status, (*JSON, ("Allow", _ALLOWED)), body)

    def response(self) -> web.StreamResponse:
        response = plain(self.reply)
        if self.reply.status in _BODY_LEFT:
            response.force_close()
        return response
