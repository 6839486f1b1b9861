"""Where one HTTP/1.1 message ends, for the two ends of a benchmark that know what the other sends.

No parser for anything else: it takes Content-Length and chunked bodies as they come and checks nothing.
"""

import re
from typing import Final

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_END_OF_HEAD: Final = b"\r\n\r\n"
_END_OF_CHUNKS: Final = b"0\r\n\r\n"


def body_of(buffer: bytes) -> tuple[bytes, bytes] | None:
    """The body of the first message in `buffer` and what follows it; None while the message is not whole."""
    end = buffer.find(_END_OF_HEAD)
    if end < 0:
        return None
    start = end + len(_END_OF_HEAD)
    if length := _LENGTH.search(buffer, 0, end):
        stop = start + int(length[1])
        return (buffer[start:stop], buffer[stop:]) if len(buffer) >= stop else None
    if _CHUNKED.search(buffer, 0, end):
        return _joined(buffer[start:]) if buffer.endswith(_END_OF_CHUNKS) else None
    return b"", buffer[start:]


def _joined(chunks: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, rest = chunks.partition(b"\r\n")
        if not (length := int(size, 16)):
            return body, b""
        body, chunks = body + rest[:length], rest[length + 2 :]
