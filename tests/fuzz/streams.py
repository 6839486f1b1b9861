"""Streams: cut anywhere they give the same pieces, no byte is lost, and other readers find no other message in them."""

import io
import json
from collections.abc import Callable
from typing import Any, Final

from proxy.wire.lines import LineReader, Noise, client_line, server_line
from proxy.wire.rules import Malformed, Rule
from proxy.wire.sse import Event, EventReader
from tests.fuzz.messages import JSON_WORDS
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target
from tests.fuzz.vectors import contents

_LIMITS: Final = (40, 300, 5000)
_INVISIBLE: Final = "\0\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"

Parts = list[bytes]


def chunks(stream: bytes, sizes: int) -> Parts:
    """The stream in parts of two sizes in turn, of 1 to 16 bytes each, as the halves of `sizes` say."""
    found: Parts = []
    at, turn = 0, (sizes % 16 + 1, sizes // 16 + 1)
    while at < len(stream):
        found.append(stream[at : at + turn[len(found) % 2]])
        at += len(found[-1])
    return found


def _events(parts: Parts, limit: int) -> tuple[list[Event], Rule | None]:
    """The events of a stream that comes in these parts, and the rule that ends it."""
    reader = EventReader(limit)
    found: list[Event] = []
    try:
        for part in parts:
            found += reader.feed(part)
        found += reader.close()
    except Malformed as refusal:
        return found, refusal.rule
    return found, None


def _sse(raw: bytes) -> None:
    pieces = Pieces(raw)
    sizes, limit = pieces.number(256), _LIMITS[pieces.number(len(_LIMITS))]
    stream = pieces.rest()
    found, rule = _events([stream], limit)
    if rule is None:
        assert _events(chunks(stream, sizes), limit) == (found, None)
        assert _dispatched(found) == _by_the_book(stream)
    else:
        cut, cut_rule = _events(chunks(stream, sizes), limit)
        assert cut_rule is not None
        assert cut == found[: len(cut)]
    joined = b"".join(event.raw for event in found)
    assert stream.startswith(joined)
    assert all(len(event.raw) <= limit for event in found)
    if rule is None:
        assert not any(end in stream[len(joined) :] for end in (b"\n\n", b"\r\r", b"\r\n\r\n"))


def _dispatched(events: list[Event]) -> list[tuple[str, bytes, str | None]]:
    last: str | None = None
    found = []
    for event in events:
        last = event.id if event.id is not None else last
        if not event.comment_only:
            found.append((event.event, event.data, last))
    return found


def _by_the_book(stream: bytes) -> list[tuple[str, bytes, str | None]]:
    """The algorithm of the standard (WHATWG HTML, 9.2.6): what is dispatched, and the id that is current then."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    event, last, data = "", None, list[bytes]()
    dispatched: list[tuple[str, bytes, str | None]] = []
    for line in text.split(b"\n")[:-1]:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if data:
                dispatched.append((event or "message", b"\n".join(data), last))
            event, data = "", []
        elif name == b"data":
            data.append(value)
        elif name == b"id" and b"\0" not in value:
            last = value.decode(errors="replace")
        elif name == b"event":
            event = value.decode(errors="replace")
    return dispatched


def _lines(raw: bytes) -> None:
    pieces = Pieces(raw)
    sizes, limit = pieces.number(256), _LIMITS[pieces.number(len(_LIMITS))]
    stream = pieces.rest()
    whole, cut = LineReader(limit), LineReader(limit)
    lines = whole.feed(stream)
    assert [line for part in chunks(stream, sizes) for line in cut.feed(part)] == lines
    assert all(len(line) <= limit + 1 for line in lines)
    if all(len(line) <= limit for line in lines) and len(whole.tail()) < limit:
        assert b"".join(lines) + whole.tail() == stream
    for line in lines:
        _client_line(line, limit)
        _server_line(line, limit)


def _client_line(line: bytes, limit: int) -> None:
    try:
        envelope = client_line(line, limit=limit)
    except Malformed:
        return
    assert len(line) <= limit
    (one,) = [piece for piece in _universal(line) if piece.strip()] or [""]
    if envelope is None:
        assert one == ""
        return
    assert envelope.raw == line.rstrip(b"\r\n")
    assert one.strip("\r\n") == envelope.raw.decode()


def _server_line(line: bytes, limit: int) -> None:
    try:
        found = server_line(line, limit=limit)
    except Malformed:
        return
    assert len(line) <= limit
    assert found.raw == (line if isinstance(found, Noise) else line.rstrip(b"\r\n"))
    if isinstance(found, Noise):
        assert not [piece for piece in _readings(line) if _is_message(piece)]
    else:
        assert len([piece for piece in _universal(line) if piece.strip()]) == 1


def _universal(line: bytes) -> list[str]:
    """The lines that a text stream sees, as in Python's own standard input."""
    return list(io.TextIOWrapper(io.BytesIO(line), encoding="utf-8", errors="replace"))


def _readings(line: bytes) -> list[bytes | str]:
    """The pieces that real readers would parse: as bytes, and as text by three ideas of a line."""
    text = line.decode(errors="replace")
    pieces: list[bytes | str] = [line, *line.splitlines()]
    pieces += [*text.splitlines(), *_universal(line)]
    return pieces + [piece.strip().strip(_INVISIBLE).strip() for piece in pieces if isinstance(piece, str)]


def _is_message(piece: bytes | str) -> bool:
    parse: Callable[[Any], object] = json.loads
    try:
        return isinstance(parse(piece), dict | list)
    except (ValueError, RecursionError):
        return False


SSE: Final = Target(
    "sse",
    "events are those of the standard whatever the chunks, and their bytes joined are the stream",
    _sse,
    lambda: [head + stream for stream in contents("sse.json") for head in (b"\0\2", b"\5\0")],
    (b"data: ", b"event: ", b"id: ", b"retry: ", b"\r\n", b"\n\n", b"\r\r", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\0"),
)
LINES: Final = Target(
    "lines",
    "lines do not depend on chunks; a client's line is one message to every reader, noise is none to any",
    _lines,
    lambda: [head + line for line in contents("lines.json") for head in (b"\0\2", b"\7\0")],
    (*JSON_WORDS, b"\r\n", b"\r", b"\n", b"\x0b", b"\x1c"),
)
