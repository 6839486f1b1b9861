"""Server-sent events, cut into blocks without losing a byte (WHATWG HTML, section 9.2).

A line ends with LF, CR or CR LF, in any mix. A blank line ends an event. What the reader hands out is
both the exact bytes, which are forwarded, and the meaning, which is judged.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from proxy.wire.rules import Malformed, Rule

# Two line ends in a row; every branch begins with a literal, which makes the search five times as fast.
_BLOCK_END = re.compile(rb"\n(?:\n|\r\n?+)|\r(?:\r|\n(?:\n|\r\n?+))")
_OVERLAP: Final = 3
"""A block's end has at most four bytes, so that three of them may have been searched before."""

_MARK = b"\xef\xbb\xbf"
_HIDDEN_BREAK = re.compile(rb"[\v\f\x1c-\x1e]|\xc2\x85|\xe2\x80[\xa8\xa9]")

KEEP_ALIVE: Final = b": the call is held\n\n"
"""A comment, which readers skip: it says that the other end is still there."""

HEARTBEAT: Final = b"heartbeat"
"""What stands for an event that is not delivered: a comment, or the name of an event that no client knows."""

_RETRY_DIGITS: Final = 15
_LINE_ENDS = b"\r\n"


@dataclass(frozen=True, slots=True)
class Event:
    """One block. `raw` is its exact bytes with the blank line that ends it; `data` its data lines joined by LF.

    `event` is `message` unless named, `retry` is in milliseconds. `comment_only` is true where
    nothing is dispatched: comments, blank lines, fields without data.
    """

    raw: bytes
    event: str
    data: bytes
    id: str | None
    retry: int | None
    comment_only: bool


class EventReader:
    """Cuts a stream into events; their `raw` joined is the stream, byte for byte, up to its last blank line.

    The events do not depend on how the stream is chunked, and the time is linear in its length.
    """

    def __init__(self, limit: int) -> None:
        """No block may be longer than `limit` bytes."""
        self._limit = limit
        self._buffer = bytearray()
        self._start = 0
        self._searched = 0
        self._first = True
        self._refusal: Malformed | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes.

        Raises Malformed for a block that is too large or hides a line; events that precede it in
        the same chunk are returned first, and the next call raises.
        """
        self._buffer += chunk
        return self._events(final=False)

    def close(self) -> list[Event]:
        """The end of the stream: the event, if any, of which only the LF of a CR LF was awaited.

        A block without its blank line is dropped, as the standard says. Raises like `feed`.
        """
        return self._events(final=True)

    def _events(self, *, final: bool) -> list[Event]:
        events: list[Event] = []
        try:
            self._collect(events, final=final)
        except Malformed as refusal:
            self._refusal = refusal
            self._buffer = bytearray()  # The exception keeps this reader until the collector comes.
            if not events:
                raise
        return events

    def _collect(self, events: list[Event], *, final: bool) -> None:
        if self._refusal is not None:
            raise self._refusal
        while end := self._block_end(final=final):
            self._check_size(end - self._start)
            events.append(self._event(bytes(self._buffer[self._start : end])))
            self._start = self._searched = end
        del self._buffer[: self._start]
        self._searched -= self._start
        self._start = 0
        self._check_size(len(self._buffer))

    def _block_end(self, *, final: bool) -> int:
        """Where the block at the start ends, or 0. A CR at the end of the buffer may be half of a CR LF: it waits."""
        buffer, start = self._buffer, self._start
        if start < len(buffer) and buffer[start] in _LINE_ENDS:
            return start + 1
        found = _BLOCK_END.search(buffer, max(start, self._searched - _OVERLAP))
        if found is None:
            self._searched = len(buffer)
            return 0
        end = found.end()
        if end == len(buffer) and buffer[end - 1] == 13 and found[0] != b"\r\r" and not final:
            self._searched = found.start() + _OVERLAP
            return 0
        return end

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise Malformed(Rule.SSE_EVENT_TOO_LARGE, f"more than {self._limit} bytes")

    def _event(self, raw: bytes) -> Event:
        # The standard drops a mark before the first line, and the Python SDKs take it for a part of a field's name.
        if self._first and raw.startswith(_MARK):
            raise Malformed(Rule.BYTE_ORDER_MARK)
        self._first = False
        if raw in _LINE_ENDS:
            return Event(raw, "message", b"", None, None, comment_only=True)
        fields = _Fields()
        for line in raw.splitlines():
            fields.add(line)
        return Event(raw, fields.event or "message", b"\n".join(fields.data), fields.id, fields.retry, not fields.data)


@dataclass(slots=True)
class _Fields:
    """The fields of one block while its lines come in."""

    event: str = ""
    data: list[bytes] = field(default_factory=list)
    id: str | None = None
    retry: int | None = None

    def add(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self.data.append(value)
            return
        # A reader that splits at every Unicode line break (httpx's does) would find a field inside this one.
        if _HIDDEN_BREAK.search(line):
            raise Malformed(Rule.SSE_HIDDEN_LINE)
        match name:
            case b"event" if b"\0" in value:
                raise Malformed(Rule.NUL_BYTE, "the name of an event")
            case b"event":
                self.event = value.decode(errors="replace")
            case b"id" if b"\0" not in value:
                self.id = value.decode(errors="replace")
            case b"retry" if value.isdigit() and len(value) <= _RETRY_DIGITS:
                self.retry = int(value)


def event_bytes(data: bytes, *, event: str = "message", id: str | None = None, retry: int | None = None) -> bytes:
    """One event of our own. Raises ValueError where `event` or `id` would end its line."""
    if any(break_ in text for text in (event, id or "") for break_ in "\r\n\0"):
        raise ValueError("a field of an event cannot hold a line break")
    lines = b"".join(b"data: %b\n" % line for line in re.split(rb"\r\n|\r|\n", data))
    return b"event: %b\n%b%b\n" % (event.encode(), _resuming(id, retry), lines)


def heartbeat(event: Event) -> bytes:
    """What stands for an event that is not delivered: nothing of its text, but where and when a client resumes.

    With an id it is an event without data, since readers take an id only from what they dispatch.
    """
    resuming = _resuming(event.id, event.retry)
    if event.id is None:
        return b": %b\n%b\n" % (HEARTBEAT, resuming)
    return b"event: %b\n%bdata:\n\n" % (HEARTBEAT, resuming)


def _resuming(id: str | None, retry: int | None) -> bytes:
    id_line = b"" if id is None else b"id: %b\n" % id.encode()
    return id_line + (b"" if retry is None else b"retry: %d\n" % retry)
