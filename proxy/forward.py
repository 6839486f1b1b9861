"""Forward over HTTP: the client's own bytes to the configured URL, and what comes back as whole bodies or frames."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Self

import aiohttp
from aiohttp import ClientResponse, ClientSession, ClientTimeout
from yarl import URL

from proxy.demux import cancelled_notification
from proxy.legacy import LegacyStreams
from proxy.reading import read_answer
from proxy.refusals import BadAnswer
from proxy.vocabulary import Arrival, Exchange, Frame, Headers, Lease, UpstreamDown
from proxy.wire.headers import returned
from proxy.wire.message import Message
from proxy.wire.rules import Malformed
from proxy.wire.sse import Event, EventReader

IDLE_CONNECTION_SECONDS: Final = 4.0
"""Kept-alive connections are dropped before the usual server does it (5 s), so that no call meets a closing one."""

CANCEL_SECONDS: Final = 2.0
"""How long a cancel notification to an upstream may take."""

EVENT_STREAM: Final = "text/event-stream"

_NEVER_ADDED: Final = frozenset({"User-Agent", "Accept", "Content-Type", "Accept-Encoding"})
_IDENTITY: Final = ("Accept-Encoding", "identity")
_NOT_WRITTEN: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where an HTTP upstream is and what is added, passed and pinned; `url` is exactly the configured one."""

    name: str
    url: str
    added_headers: Headers = ()
    forward_headers: frozenset[str] = frozenset()
    return_headers: frozenset[str] = frozenset()
    passthrough_auth: bool = False
    tls: ssl.SSLContext | bool = True
    fingerprint: bytes | None = None
    connect_seconds: float = 10.0
    answer_bytes: int = 32 << 20


def open_session(target: Target) -> ClientSession:
    """The connections to one upstream: kept alive, no cookies, no proxies of the environment, no redirects followed."""
    pinned = None if target.fingerprint is None else aiohttp.Fingerprint(target.fingerprint)
    connector = aiohttp.TCPConnector(
        limit=0, keepalive_timeout=IDLE_CONNECTION_SECONDS, ssl=pinned if pinned is not None else target.tls
    )
    return ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=_NEVER_ADDED,
        timeout=ClientTimeout(total=None, sock_connect=target.connect_seconds),
    )


@dataclass(slots=True)
class HttpUpstream:
    """One upstream over HTTP: streamable HTTP, and the streams of legacy HTTP+SSE that are open to it."""

    target: Target
    session: ClientSession
    streams: LegacyStreams = field(default_factory=LegacyStreams)
    url: URL = field(init=False)

    def __post_init__(self) -> None:
        """Keep the URL exactly as configured: nothing in it is quoted anew."""
        self.url = URL(self.target.url, encoded=True)

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.target.name

    @property
    def added_headers(self) -> Headers:
        """What configuration adds to each request (secret)."""
        return self.target.added_headers

    def leg(self) -> "HttpLeg":
        """A leg for one exchange."""
        return HttpLeg(self)

    async def close(self) -> None:
        """Close every connection."""
        await self.session.close()


class HttpLeg:
    """One HTTP exchange with an upstream."""

    def __init__(self, upstream: HttpUpstream) -> None:
        self._upstream = upstream
        self._target = upstream.target
        self._response: ClientResponse | None = None
        self._forget: Callable[[], None] = _nobody_waits

    async def send(self, exchange: Exchange, lease: Lease) -> Arrival:
        """POST the original bytes; on legacy HTTP+SSE to the endpoint of the exchange's stream."""
        raw = exchange.envelope.raw
        if exchange.transport != "sse":
            return await self.request("POST", (*exchange.headers, *lease.headers), raw)
        stream = self._upstream.streams.of(exchange)
        with stream.expect(exchange) as answers:
            self._forget = partial(stream.demux.forget, answers)
            arrival = await self.request("POST", (*exchange.headers, *lease.headers), raw, url=stream.endpoint)
        return stream.arrival(arrival, answers)

    async def request(
        self, method: str, headers: Headers, body: bytes | None = None, *, url: str | None = None
    ) -> Arrival:
        """One request, headers complete. Raises UpstreamDown, BadAnswer."""
        try:
            self._response = response = await self._upstream.session.request(
                method,
                self._upstream.url if url is None else URL(url, encoded=True),
                data=body,
                headers=(*self._once(headers), _IDENTITY),
                allow_redirects=False,
            )
            return await self._arrival(response)
        except _NOT_WRITTEN as error:
            raise UpstreamDown(self._target.name, str(error), written=False) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UpstreamDown(self._target.name, repr(error), written=True) from error

    def _once(self, headers: Headers) -> Headers:
        """Without what a caller sends under the name of a header that configuration adds."""
        added = self._target.added_headers
        if not added:
            return headers
        names = {name.lower() for name, _ in added}
        return tuple(each for each in headers if each in added or each[0].lower() not in names)

    async def _arrival(self, response: ClientResponse) -> Arrival:
        headers = tuple(returned(list(response.headers.items()), extra=self._target.return_headers))
        kind = response.content_type if "Content-Type" in response.headers else ""
        if len(response.headers.getall("Content-Type", ())) > 1:
            raise BadAnswer("doubled_content_type", "two readers could take the answer for two different things")
        if response.status < 200:
            raise BadAnswer("interim_status", f"status {response.status} ends no exchange")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise BadAnswer("encoded_answer", "the upstream compresses although identity was asked for")
        if kind == EVENT_STREAM and 200 <= response.status < 300:
            return Arrival(response.status, headers, kind, None, self._frames(response))
        return Arrival(response.status, headers, kind, await self._whole(response))

    async def _whole(self, response: ClientResponse) -> bytes:
        limit = self._target.answer_bytes
        if (response.content_length or 0) > limit:
            raise BadAnswer("too_large", f"the answer has more than {limit} bytes")
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > limit:
                raise BadAnswer("too_large", f"the answer has more than {limit} bytes")
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _frames(self, response: ClientResponse) -> AsyncIterator[Frame]:
        """The events of a stream. A connection that breaks ends it: what is then unanswered is the judge's to say."""
        reader = EventReader(self._target.answer_bytes)
        try:
            async for chunk in response.content.iter_any():
                for event in _events(reader, chunk):
                    yield await self._frame(event, response.method)
            for event in reader.close():
                yield await self._frame(event, response.method)
        except (aiohttp.ClientError, OSError):
            return

    async def _frame(self, event: Event, method: str) -> Frame:
        if event.comment_only or not event.data:
            return Frame(event.raw, None, event=event.event, event_id=event.id)
        if event.event == "endpoint" and method == "GET":
            return Frame(event.raw, None, event=event.event, endpoint=event.data.decode(errors="replace"))
        envelope = await read_answer(event.data, limit=self._target.answer_bytes)
        return Frame(event.raw, envelope, event=event.event, event_id=event.id)

    async def cancel(self, exchange: Exchange, messages: Sequence[Message], reason: str) -> None:
        """Close the stream, which is the cancel of the modern era; in the legacy one also say so for each message."""
        await self.close()
        if exchange.modern:
            return
        headers = (*exchange.headers, *self._target.added_headers)
        url = self._upstream.streams.of(exchange).endpoint if exchange.transport == "sse" else None
        for message in messages:
            if message.id is None:
                continue
            try:
                async with asyncio.timeout(CANCEL_SECONDS):
                    await self.request("POST", headers, cancelled_notification(message, reason), url=url)
            except (UpstreamDown, BadAnswer, TimeoutError):
                return
            finally:
                await self.close()

    async def close(self) -> None:
        """End the response, with its connection if the body was not read to its end; nobody waits for answers now."""
        self._forget()
        response, self._response = self._response, None
        if response is not None and not response.closed:
            response.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _nobody_waits() -> None:
    """There is no stream on which answers were expected."""


def _events(reader: EventReader, chunk: bytes) -> list[Event]:
    try:
        return reader.feed(chunk)
    except Malformed as malformed:
        raise BadAnswer("malformed_answer", f"{malformed.rule}: {malformed.what}") from malformed
