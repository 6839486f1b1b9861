"""Wrap: an agent's lines through the path to a child, and the child's lines back, each judged."""

import asyncio
from contextlib import suppress
from typing import Final

from msgspec import structs

from evidence.journal import NotRecorded
from policy.vocabulary import Caller
from proxy.gate import Gate
from proxy.path.parse import era_of
from proxy.path.record import Recording
from proxy.path.unasked import judge_unasked
from proxy.path.unread import record_unread
from proxy.pipeline import carry
from proxy.pipes import LineLeg, LineWriter, StdioUpstream
from proxy.refusals import BadAnswer, Refusal, explain, strict_reply
from proxy.vocabulary import NO_MESSAGE, Exchange, Frame
from proxy.wire.lines import LineReader, Noise, client_line, lenient_id, names_method, server_line
from proxy.wire.message import Envelope, MessageKind
from proxy.wire.rules import Malformed, Rule

CHUNK_BYTES: Final = 1 << 16


class Wrap:
    """One child between an agent's pipes: lines go in order, answers come as they come."""

    def __init__(self, gate: Gate, upstream: StdioUpstream, caller: Caller, agent: LineWriter) -> None:
        self._gate = gate
        self._upstream = upstream
        self._caller = caller
        self._agent = agent
        self._era = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._hearing: Recording | None = None

    async def from_agent(self, lines: asyncio.StreamReader) -> None:
        """Carry every line of the agent until its end.

        The next one is read when this one has been forwarded or refused.
        """
        reader = LineReader(self._gate.bounds.message_bytes)
        while chunk := await lines.read(CHUNK_BYTES):
            for line in reader.feed(chunk):
                await self._client_line(line)
        if reader.tail():
            await self._client_line(reader.tail())

    async def _client_line(self, line: bytes) -> None:
        bounds = self._gate.bounds
        try:
            envelope = client_line(line, limit=bounds.message_bytes, max_depth=bounds.depth)
        except Malformed as malformed:
            await self._refuse(malformed)
            return
        if envelope is not None:
            await self._carry(structs.replace(envelope, raw=line))

    async def _refuse(self, malformed: Malformed) -> None:
        refusal, reference = explain(malformed), self._gate.new_id()
        await self._note_unread(refusal, reference)
        self._gate.metrics.refused(self._upstream.name, refusal.code)
        await self._to_agent(strict_reply(malformed.id, refusal, reference).body)

    async def _to_agent(self, line: bytes) -> None:
        """Write a line, unless the agent reads no more: the child then ends as it would have without us."""
        with suppress(OSError, RuntimeError):
            await self._agent.line(line)

    async def _note_unread(self, refusal: Refusal, reference: str) -> None:
        """What is refused stays refused where it cannot be recorded; the journal declares its losses."""
        with suppress(NotRecorded):
            await record_unread(self._gate, self._caller, self._upstream.name, refusal, reference)

    async def _carry(self, envelope: Envelope) -> None:
        leg = LineLeg(self._agent)
        task = asyncio.get_running_loop().create_task(carry(self._exchange(envelope), leg, self._gate))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait((task, leg.taken), return_when=asyncio.FIRST_COMPLETED)

    def _exchange(self, envelope: Envelope) -> Exchange:
        era = era_of(envelope.messages, self._era or None)
        if any(message.method == "initialize" for message in envelope.messages):
            self._era = era = era_of(envelope.messages, None)
            self._note_heard()
            self._hearing = None
        return Exchange(self._caller, self._upstream.name, "stdio", era, None, envelope)

    async def from_child(self, lines: asyncio.StreamReader) -> None:
        """Pass every line of the child on, each judged, until its end."""
        limit = self._gate.bounds.answer_bytes
        reader = LineReader(limit)
        while chunk := await lines.read(CHUNK_BYTES):
            for line in reader.feed(chunk):
                await self._server_line(line, limit)
        self._upstream.demux.end()

    async def _server_line(self, line: bytes, limit: int) -> None:
        try:
            found = server_line(line, limit=limit)
        except Malformed as malformed:
            await self._unreadable(line, malformed)
            return
        if isinstance(found, Noise):
            await self._to_agent(found.raw)
            return
        frame = Frame(line, found, carrier="line")
        if not self._upstream.demux.offer(frame):
            with suppress(NotRecorded):
                await self._unasked(frame)

    async def _unreadable(self, line: bytes, malformed: Malformed) -> None:
        """Hold a line back, and fail the call that it would answer for a reader less strict."""
        too_large = malformed.rule is Rule.TOO_LARGE
        bad = BadAnswer("too_large" if too_large else "malformed_answer", f"{malformed.rule}: {malformed.what}")
        await self._note_unread(explain(bad), self._gate.new_id())
        found = lenient_id(line)
        if found is not None or (too_large and not names_method(line)):
            self._upstream.demux.unreadable(None if found is None else found.key, bad)

    async def _unasked(self, frame: Frame) -> None:
        """A line that answers no exchange under way.

        A notification or a request of the server, or nothing that may pass.
        """
        exchange = Exchange(self._caller, self._upstream.name, "stdio", self._era_of(frame), None, NO_MESSAGE)
        if self._hearing is None:
            self._hearing = Recording(self._gate, exchange)
        raw = await judge_unasked(self._gate, exchange, frame, self._hearing)
        if raw is not None:
            await self._to_agent(raw)

    def _era_of(self, frame: Frame) -> str:
        requests = frame.envelope is not None and any(
            message.kind is MessageKind.REQUEST for message in frame.envelope.messages
        )
        return self._era if self._era or not requests else era_of((), None)

    async def settle(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*tuple(self._tasks), return_exceptions=True)
        self._note_heard()

    def _note_heard(self) -> None:
        if self._hearing is not None:
            self._hearing.note_heard()

    def give_up(self) -> None:
        """End what is under way."""
        self._note_heard()
        for task in tuple(self._tasks):
            task.cancel()
