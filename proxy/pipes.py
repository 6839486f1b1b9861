"""The two ends of stdio as the path sees them: lines to the agent, lines to a child, and whose answer is whose."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from proxy.demux import Answers, Demux, cancelled_notification
from proxy.vocabulary import Arrival, ClientGone, Exchange, Headers, Lease, Reply, UpstreamDown, always
from proxy.wire.message import Message

ACCEPTED: Final = Arrival(202, (), "", b"")
"""What a line that expects no answer comes to."""


class Pipe(Protocol):
    """The writing end of a pipe: an asyncio.StreamWriter, as far as it is needed here."""

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        ...

    async def drain(self) -> None:
        """Wait while the reader is slow."""
        ...


class LineWriter:
    """Writes whole lines, one at a time, however many tasks write."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._lock = asyncio.Lock()

    async def line(self, raw: bytes, still: Callable[[], object] = always) -> None:
        """Write one line (its LF is added if it has none), waiting while the reader is slow.

        Raises OSError, and what `still` raises, which is called when it is this line's turn.
        """
        async with self._lock:
            still()
            self._pipe.write(raw if raw.endswith(b"\n") else raw + b"\n")
            await self._pipe.drain()


class LineLeg:
    """The agent's end of one exchange.

    `taken` is done when the next line may be read: this one has been forwarded, or refused.
    """

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer
        self.taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def begun(self) -> bool:
        """Never: each answer is a line of its own."""
        return False

    def _take(self) -> None:
        if not self.taken.done():
            self.taken.set_result(None)

    async def ask(self, raw: bytes) -> None:
        """Write a request of the sidecar's; what the agent sends next may be the answer."""
        self._take()
        await self.send(raw)

    def hold(self) -> None:
        """The next line may be read."""
        self._take()

    async def keep_alive(self) -> None:
        """Nothing: nobody gives up a pipe on which nothing comes."""

    async def answer(self, reply: Reply) -> None:
        """Write a whole answer, if there is one."""
        self._take()
        if reply.body:
            await self.send(reply.body)

    async def begin(self, status: int, headers: Headers) -> None:
        """The child has the line."""
        self._take()

    async def send(self, raw: bytes) -> None:
        """Write one line."""
        try:
            await self._writer.line(raw)
        except (OSError, RuntimeError) as error:
            raise ClientGone from error

    async def end(self) -> None:
        """Nothing: the pipe goes on."""


@dataclass(slots=True)
class StdioUpstream:
    """A child that speaks MCP on its pipes; `writer` is the way to its stdin once it has started."""

    name: str
    writer: LineWriter | None = None
    demux: Demux = field(default_factory=Demux)
    added_headers: Headers = ()
    passthrough_auth: bool = False

    def leg(self) -> "StdioLeg":
        """A leg for one exchange."""
        return StdioLeg(self)


class StdioLeg:
    """One exchange with the child."""

    def __init__(self, upstream: StdioUpstream) -> None:
        self._upstream = upstream
        self._answers: Answers | None = None

    async def send(self, exchange: Exchange, lease: Lease) -> Arrival:
        """Write the client's own line; the answers are the lines that name its ids."""
        with self._upstream.demux.until_sent(exchange) as answers:
            self._answers = answers
            await self._line(exchange.envelope.raw, lease.still)
        return Arrival(200, (), "", None, answers.frames()) if answers.awaited else ACCEPTED

    async def _line(self, raw: bytes, still: Callable[[], object] = always) -> None:
        writer = self._upstream.writer
        if writer is None:
            raise UpstreamDown(self._upstream.name, "the child has not started", written=False)
        try:
            await writer.line(raw, still)
        except (OSError, RuntimeError) as error:
            raise UpstreamDown(self._upstream.name, f"the child has closed its stdin: {error}", written=True) from error

    async def cancel(self, exchange: Exchange, messages: Sequence[Message], reason: str) -> None:
        """Tell the child for each message; on stdio every era does it by notification."""
        try:
            for message in messages:
                if message.id is not None:
                    await self._line(cancelled_notification(message, reason))
        except UpstreamDown:
            return

    async def tell(self, exchange: Exchange) -> None:
        """Write a line of the sidecar's own; what answers it is dropped."""
        with suppress(UpstreamDown):
            await self._line(exchange.envelope.raw)

    async def close(self) -> None:
        """Nobody waits for answers any more; the pipe goes on."""
        if self._answers is not None:
            self._upstream.demux.forget(self._answers)
