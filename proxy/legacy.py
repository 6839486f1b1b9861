"""Legacy HTTP+SSE (2024-11-05): a GET stream names an endpoint, requests go there, answers come on the stream."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from policy.vocabulary import Caller
from proxy.demux import Answers, Demux
from proxy.refusals import NoSuchSession
from proxy.vocabulary import Arrival, ClientLeg, Exchange, Headers, Reply
from proxy.wire.sse import KEEP_ALIVE, event_bytes

ERA = "2024-11-05"


class StreamWriter:
    """The client's end of one stream: whole events, one at a time, however many tasks write."""

    def __init__(self, client: ClientLeg) -> None:
        self._client = client
        self._lock = asyncio.Lock()

    async def event(self, raw: bytes) -> None:
        """Write one event, waiting while the client is slow."""
        async with self._lock:
            await self._client.send(raw)


@dataclass(slots=True, eq=False)
class LegacyStream:
    """One open stream: its caller, the upstream's endpoint (absolute URL) and who waits for what."""

    token: str
    caller: Caller
    endpoint: str
    writer: StreamWriter
    demux: Demux = field(default_factory=Demux)

    @contextmanager
    def expect(self, exchange: Exchange) -> Iterator[Answers]:
        """Wait for the answers of `exchange` on this stream while it is being sent."""
        with self.demux.until_sent(exchange) as answers:
            yield answers

    def arrival(self, posted: Arrival, answers: Answers) -> Arrival:
        """What the POST came to: a refusal of its own, nothing more to come, or frames on the stream."""
        if posted.status >= 300:
            self.demux.forget(answers)
            return posted
        if not answers.awaited:
            return Arrival(posted.status, (), "", b"")
        return Arrival(posted.status, posted.headers, posted.content_type, None, answers.frames())


class LegacyStreams:
    """The open streams of one upstream, by their token."""

    def __init__(self) -> None:
        self._streams: dict[str, LegacyStream] = {}

    def add(self, stream: LegacyStream) -> None:
        """A stream is open."""
        self._streams[stream.token] = stream

    def remove(self, stream: LegacyStream) -> None:
        """A stream has ended; whoever waits on it learns so."""
        self._streams.pop(stream.token, None)
        stream.demux.end()

    def find(self, token: str, caller: Caller) -> LegacyStream:
        """The stream of `token`, if it is this caller's. Raises NoSuchSession."""
        stream = self._streams.get(token)
        if stream is None or stream.caller != caller:
            raise NoSuchSession
        return stream

    def of(self, exchange: Exchange) -> LegacyStream:
        """The stream that `exchange` belongs to. Raises NoSuchSession."""
        return self.find(exchange.session or "", exchange.caller)


class MessageLeg:
    """The client's end of one message on a legacy stream: what answers the POST, and what goes on the stream.

    `accepted` is done as soon as the POST can be answered: when the message has been forwarded, or refused.
    """

    def __init__(self, writer: StreamWriter) -> None:
        self._writer = writer
        self.accepted: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    @property
    def begun(self) -> bool:
        """Never: each answer is an event of its own."""
        return False

    def _accept(self, reply: Reply) -> None:
        if not self.accepted.done():
            self.accepted.set_result(reply)

    async def ask(self, raw: bytes) -> None:
        """A request of the sidecar's goes on the stream."""
        self._accept(Reply(202, (), b""))
        await self._writer.event(event_bytes(raw))

    def hold(self) -> None:
        """The POST is answered."""
        self._accept(Reply(202, (), b""))

    async def keep_alive(self) -> None:
        """A comment on the stream, which is open as long as there is somebody to answer."""
        await self._writer.event(KEEP_ALIVE)

    async def answer(self, reply: Reply) -> None:
        """An answer to a request goes on the stream; a failure of HTTP itself answers the POST."""
        if reply.body and reply.status < 300:
            self._accept(Reply(202, (), b""))
            await self._writer.event(event_bytes(reply.body))
        else:
            self._accept(reply)

    async def begin(self, status: int, headers: Headers) -> None:
        """The upstream has taken the message."""
        self._accept(Reply(202, (), b""))

    async def send(self, raw: bytes) -> None:
        """One event on the stream."""
        await self._writer.event(raw)

    async def end(self) -> None:
        """Nothing: the stream goes on."""
