"""Messages on stdio: one JSON document for each line that LF ends, and no other reading of the same bytes.

Servers also print what is no message. Such a line may pass to the client, but not where some reader
could find a message in it: real readers end lines at a lone CR, some at every Unicode line break.
"""

import re
from dataclasses import dataclass

import orjson

from proxy.wire.ids import MessageId, message_id
from proxy.wire.json_text import MAX_DEPTH
from proxy.wire.message import SERVER_MAX_DEPTH, Envelope, read_client, read_server
from proxy.wire.rules import Malformed, Rule

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_BLANKS = b" \t\r\n"
_MESSAGE_START = re.compile(r"[\s\0\ufeff\u200b-\u200f\u2060]*[\[{]")
_HEAD_BYTES = 256
_ANSWER_HEAD = re.compile(
    rb'\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(-?(?:0|[1-9][0-9]{0,14})|"[ !#-\[\]-~]{0,200}")'
    rb'\s*,\s*"(?:result|error)"\s*:'
)


@dataclass(frozen=True, slots=True)
class Noise:
    """A line of a server that is no message and that no reader takes for one."""

    raw: bytes


class LineReader:
    """Cuts a stream into lines, each with its LF. Holds at most `limit` bytes and a chunk.

    Of a line longer than `limit` only the first `limit` + 1 bytes are handed out, without LF, as soon
    as they are there; `client_line` and `server_line` refuse that. The rest is skipped. Time is
    linear in the stream's length, for any chunking.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes."""
        lines: list[bytes] = []
        start = 0
        while end := chunk.find(b"\n", start) + 1:
            self._add(chunk[start:end], lines)
            start = end
        self._add(chunk[start:], lines)
        return lines

    def tail(self) -> bytes:
        """What came after the last LF, at the end of the stream."""
        return bytes(self._buffer)

    def _add(self, piece: bytes, lines: list[bytes]) -> None:
        ended = piece.endswith(b"\n")
        if not self._skipping:
            self._buffer += piece
            if len(self._buffer) > self._limit:
                lines.append(bytes(self._buffer[: self._limit + 1]))
                self._buffer.clear()
                self._skipping = not ended
            elif ended:
                lines.append(bytes(self._buffer))
                self._buffer.clear()
        elif ended:
            self._skipping = False


def client_line(line: bytes, *, limit: int, max_depth: int = MAX_DEPTH) -> Envelope | None:
    """Read a client's line; None for a blank one. Raises Malformed for everything that is not one message or batch."""
    document = _document(line, limit)
    if not document.strip(b" \t"):
        return None
    return read_client(document, limit=limit, max_depth=max_depth)


def server_line(line: bytes, *, limit: int, max_depth: int = SERVER_MAX_DEPTH) -> Envelope | Noise:
    """Read a server's line. Raises Malformed for one that begins like a message and is none, or that hides one."""
    if len(line) > limit:
        raise Malformed(Rule.TOO_LARGE, f"the limit is {limit} bytes")
    start = line.lstrip(_BLANKS)
    if start.startswith((b"{", b"[", *_MARKS)):
        return read_server(_document(line, limit), limit=limit, max_depth=max_depth)
    pieces = line.decode(errors="replace").splitlines()
    if any(_MESSAGE_START.match(piece) for piece in pieces):
        raise Malformed(Rule.NOISE_HIDES_JSON)
    return Noise(line)


def lenient_id(line: bytes) -> MessageId | None:
    """The id that a less strict reader would take a refused line of a server to answer, if it would find one.

    Of a line that was cut because it is too long, the id counts where it stands before the result.
    """
    try:
        value = orjson.loads(line)
    except ValueError:
        head = _ANSWER_HEAD.match(line)
        return None if head is None else message_id(orjson.loads(head[1]))
    if not isinstance(value, dict) or "method" in value or not value.keys() & {"result", "error"}:
        return None
    return message_id(value.get("id"))


def names_method(line: bytes) -> bool:
    """Whether a line that was cut because it is too long begins like a request or notification, and is no answer."""
    return b'"method"' in line[:_HEAD_BYTES]


def _document(line: bytes, limit: int) -> bytes:
    if len(line) > limit:
        raise Malformed(Rule.TOO_LARGE, f"the limit is {limit} bytes")
    document = line.removesuffix(b"\n").removesuffix(b"\r") if line.endswith(b"\n") else line
    if b"\r" in document:
        raise Malformed(Rule.RAW_CR)
    return document
