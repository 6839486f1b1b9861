"""Forward over HTTP: the client's own bytes to the configured URL, and what comes back as whole bodies or frames."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Self

from yarl import URL

from proxy.connections import Broken, Connections, NotConnected, Origin, Response
from proxy.demux import cancelled_notification
from proxy.going_on import log_defect
from proxy.legacy import LegacyStreams
from proxy.reach import Reach
from proxy.reading import read_answer
from proxy.refusals import BadAnswer, NoSuchSession
from proxy.vocabulary import Arrival, Exchange, Frame, Headers, Lease, UpstreamDown, always
from proxy.wire.headers import returned
from proxy.wire.http_request import BadHeader, request_head
from proxy.wire.message import Message
from proxy.wire.rules import Malformed, Rule
from proxy.wire.sse import Event, EventReader, heartbeat

CANCEL_SECONDS: Final = 2.0
"""How long a cancel notification to an upstream may take."""

TELLING_AT_ONCE: Final = 16
"""Cancels of detached calls and of tasks that are under way to one upstream: a kill can end thousands."""

TURN_SECONDS: Final = 30.0
"""How long such a cancel waits for its turn; an upstream that takes none of them is not told for ever."""

EVENTS_AT_ONCE: Final = 32
"""Events of one stream that are judged before other calls have their turn: a chunk can hold thousands."""

EVENT_STREAM: Final = "text/event-stream"

_EMPTY: Final = b"{}"
"""An object that nobody can take for a message."""

_READ_BY_CLIENTS: Final = frozenset(("message", "endpoint"))
"""Names of the events that MCP clients read; one without a name is a `message`."""

_IDENTITY: Final = ("Accept-Encoding", "identity")


@dataclass(frozen=True, slots=True)
class Target:
    """Where an HTTP upstream is and what is added, passed and pinned; `url` is exactly the configured one.

    `tls` says whom to believe behind an https URL: None is whom the system believes.
    """

    name: str
    url: str
    added_headers: Headers = ()
    forward_headers: frozenset[str] = frozenset()
    return_headers: frozenset[str] = frozenset()
    passthrough_auth: bool = False
    tls: ssl.SSLContext | None = None
    fingerprint: bytes | None = None
    connect_seconds: float = 10.0
    reach: Reach = field(default_factory=Reach)
    answer_bytes: int = 32 << 20


def connections_to(target: Target, url: URL) -> Connections:
    """The connections to one upstream: kept alive; no cookies, no proxies of the environment, no redirects followed."""
    tls = None
    if url.scheme == "https":
        tls = target.tls or (_unverified() if target.fingerprint is not None else ssl.create_default_context())
        tls.set_alpn_protocols(["http/1.1"])
    host = (url.raw_host or "").rstrip(".")
    return Connections(
        Origin(host, url.port or 80, tls, target.fingerprint, target.connect_seconds, reach=target.reach)
    )


def _unverified() -> ssl.SSLContext:
    """For a pinned certificate, which counts whoever has signed it."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    return tls


@dataclass(slots=True)
class HttpUpstream:
    """One upstream over HTTP: streamable HTTP, and the streams of legacy HTTP+SSE that are open to it.

    Nothing in its URL is quoted anew: it is asked at exactly the configured one.
    """

    target: Target
    streams: LegacyStreams = field(default_factory=LegacyStreams)
    turn_seconds: float = TURN_SECONDS
    turns: asyncio.Semaphore = field(init=False)
    url: URL = field(init=False)
    host: str = field(init=False)
    connections: Connections = field(init=False)

    def __post_init__(self) -> None:
        """Connect to nothing yet."""
        self.turns = asyncio.Semaphore(TELLING_AT_ONCE)
        self.url = URL(self.target.url, encoded=True)
        # The port of the scheme stays out (RFC 9110, section 4.2.3), the brackets of an IPv6 address stay in.
        self.host = self.url.host_port_subcomponent or ""
        self.connections = connections_to(self.target, self.url)

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.target.name

    @property
    def added_headers(self) -> Headers:
        """What configuration adds to each request (secret)."""
        return self.target.added_headers

    @property
    def passthrough_auth(self) -> bool:
        """True if the client's own Authorization goes there."""
        return self.target.passthrough_auth

    def leg(self) -> "HttpLeg":
        """A leg for one exchange."""
        return HttpLeg(self)

    async def close(self) -> None:
        """Close every connection that is idle."""
        self.connections.close()


class HttpLeg:
    """One HTTP exchange with an upstream."""

    def __init__(self, upstream: HttpUpstream) -> None:
        self._upstream = upstream
        self._target = upstream.target
        self._response: Response | None = None
        self._carried = False
        self._forget: Callable[[], None] = _nobody_waits

    async def send(self, exchange: Exchange, lease: Lease) -> Arrival:
        """POST the original bytes; on legacy HTTP+SSE to the endpoint of the exchange's stream."""
        raw, own = exchange.envelope.raw, exchange.own
        self._carried = True
        if exchange.transport != "sse":
            return await self.request("POST", (*exchange.headers, *lease.headers), raw, own=own, still=lease.still)
        stream = self._upstream.streams.of(exchange)
        with stream.expect(exchange) as answers:
            self._forget = partial(stream.demux.forget, answers)
            headers = (*exchange.headers, *lease.headers)
            arrival = await self.request("POST", headers, raw, url=stream.endpoint, own=own, still=lease.still)
        return stream.arrival(arrival, answers)

    async def request(
        self,
        method: str,
        headers: Headers,
        body: bytes | None = None,
        *,
        url: str | None = None,
        own: bool = False,
        still: Callable[[], object] = always,
    ) -> Arrival:
        """One request, headers complete; one of our `own` has its own connection.

        Raises UpstreamDown, BadAnswer, and what `still` raises before the first byte is written.
        """
        upstream = self._upstream
        target = (upstream.url if url is None else URL(url, encoded=True)).raw_path_qs
        length = None if body is None else len(body)
        try:
            head = request_head(method, target, upstream.host, (*self._once(headers), _IDENTITY), length)
            whole, to = head + (body or b""), upstream.connections
            sending = (
                to.exchange_apart(whole, still) if own else to.exchange(whole, again=method != "POST", still=still)
            )
            self._response = response = await sending
            return await self._arrival(method, response)
        except (NotConnected, BadHeader) as error:
            raise UpstreamDown(self._target.name, str(error), written=False) from error
        except Broken as error:
            raise UpstreamDown(self._target.name, str(error), written=True) from error

    def _once(self, headers: Headers) -> Headers:
        """Without what a caller sends under the name of a header that configuration adds."""
        added = self._target.added_headers
        if not added:
            return headers
        names = {name.lower() for name, _ in added}
        return tuple(each for each in headers if each in added or each[0].lower() not in names)

    async def _arrival(self, method: str, response: Response) -> Arrival:
        kinds, length = _described(response)
        if len(kinds) > 1:
            raise BadAnswer("doubled_content_type", "two readers could take the answer for two different things")
        if response.status < 200:
            raise BadAnswer("interim_status", f"status {response.status} ends no exchange")
        headers = tuple(returned(response.headers, extra=self._target.return_headers))
        kind = kinds[0].partition(";")[0].strip().lower() if kinds else ""
        if kind == EVENT_STREAM:
            return Arrival(response.status, headers, kind, None, self._frames(method, response))
        return Arrival(response.status, headers, kind, await self._whole(response, length))

    async def _whole(self, response: Response, length: int) -> bytes:
        """The body, grown in one block: pieces of a long one would leave holes in memory that nothing gives back."""
        limit = self._target.answer_bytes
        first = await response.piece() if length <= limit else b""
        whole: bytes | bytearray = first
        while first and len(whole) <= limit and (piece := await response.piece()):
            whole = bytearray(first) if whole is first else whole
            whole += piece
        if len(whole) > limit or length > limit:
            first = whole = piece = b""  # The exception keeps this frame until the collector comes.
            raise BadAnswer("too_large", f"the answer has more than {limit} bytes")
        return bytes(whole)

    async def _frames(self, method: str, response: Response) -> AsyncIterator[Frame]:
        """The events of a stream. A connection that breaks ends it: what is then unanswered is the judge's to say."""
        reader = EventReader(self._target.answer_bytes)
        try:
            while chunk := await response.piece():
                for number, event in enumerate(_events(reader, chunk), 1):
                    yield await self._frame(event, method)
                    if number % EVENTS_AT_ONCE == 0:
                        await asyncio.sleep(0)
            for event in reader.close():
                yield await self._frame(event, method)
        except Broken:
            return

    async def _frame(self, event: Event, method: str) -> Frame:
        if event.comment_only or not event.data:
            return Frame(event.raw, None, event=event.event, event_id=event.id)
        if event.event == "endpoint" and method == "GET":
            return Frame(event.raw, None, event=event.event, endpoint=event.data.decode(errors="replace"))
        try:
            envelope = await read_answer(event.data, limit=self._target.answer_bytes)
        except BadAnswer:
            if event.event in _READ_BY_CLIENTS and event.data.strip() != _EMPTY:
                raise
            # Servers keep connections open by events of other names, or replay an empty one as an empty object; the
            # client's timers, and its place in the stream, are to see that, too.
            return Frame(heartbeat(event), None, event=event.event, event_id=event.id, replaced=True)
        return Frame(event.raw, envelope, event=event.event, event_id=event.id, retry=event.retry)

    async def cancel(self, exchange: Exchange, messages: Sequence[Message], reason: str) -> None:
        """Close the stream, which is the cancel of the modern era; in the legacy one also say so for each message.

        That waits for its turn unless it was this leg that carried them: their number is bounded elsewhere.
        """
        await self.close()
        if exchange.modern:
            return
        told = self._told if self._carried else self._told_in_turn
        for message in messages:
            if message.id is not None and not await told(exchange, cancelled_notification(message, reason)):
                return

    async def tell(self, exchange: Exchange) -> None:
        """POST a request of the sidecar's own in its turn; its answer is read as far as it takes, and dropped."""
        await self._told_in_turn(exchange, exchange.envelope.raw)

    async def _told_in_turn(self, exchange: Exchange, body: bytes) -> bool:
        upstream = self._upstream
        try:
            async with asyncio.timeout(upstream.turn_seconds):
                await upstream.turns.acquire()
        except TimeoutError:
            return False
        try:
            return await self._told(exchange, body)
        finally:
            upstream.turns.release()

    async def _told(self, exchange: Exchange, body: bytes) -> bool:
        """Whether the upstream took a message that nobody waits for, within a bounded time."""
        headers = (*exchange.headers, *self._target.added_headers)
        try:
            url = self._upstream.streams.of(exchange).endpoint if exchange.transport == "sse" else None
            async with asyncio.timeout(CANCEL_SECONDS):
                await self.request("POST", headers, body, url=url, own=True)
        except (UpstreamDown, BadAnswer, NoSuchSession, TimeoutError):
            return False
        except Exception as error:  # noqa: BLE001  (a kill goes on, whatever one upstream makes of it)
            log_defect(error, ", the upstream is not told")
            return False
        finally:
            await self.close()
        return True

    async def close(self) -> None:
        """End the response, with its connection if the body was not read to its end; nobody waits for answers now."""
        self._forget()
        response, self._response = self._response, None
        if response is not None:
            response.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _nobody_waits() -> None:
    """There is no stream on which answers were expected."""


def _described(response: Response) -> tuple[list[str], int]:
    """Every Content-Type, and how long the body says that it is.

    Raises BadAnswer for a compressed body, and for two session ids.
    """
    kinds: list[str] = []
    length = sessions = 0
    for name, value in response.headers:
        match name.lower():
            case "content-type":
                kinds.append(value)
            case "content-length":
                length = int(value) if value.isdecimal() else 0
            case "mcp-session-id":
                sessions += 1
            case "content-encoding" if value.lower() != "identity":
                raise BadAnswer("encoded_answer", "the upstream compresses although identity was asked for")
    if sessions > 1:
        raise BadAnswer("doubled_session_id", "two readers could take the session for two different ones")
    return kinds, length


def _events(reader: EventReader, chunk: bytes) -> list[Event]:
    try:
        return reader.feed(chunk)
    except Malformed as malformed:
        code = "too_large" if malformed.rule is Rule.SSE_EVENT_TOO_LARGE else "malformed_answer"
        raise BadAnswer(code, f"{malformed.rule}: {malformed.what}") from malformed
