"""Changes to a text that is right, as an input says: the engine then learns which changes lead somewhere."""

from collections.abc import Callable, Sequence
from typing import Final

from tests.fuzz.pieces import Pieces

MOST: Final = 8
"""Changes that one input can ask for."""


def edited_bytes(text: bytes, pieces: Pieces) -> bytes:
    """The text after up to MOST changes of bytes and lines."""
    for _ in range(MOST):
        if not pieces:
            break
        text = change(text, pieces)
    return text


def change(text: bytes, pieces: Pieces) -> bytes:
    """The text after one change."""
    return _CHANGES[pieces.number(len(_CHANGES))](text, pieces)


def _overwrite(text: bytes, pieces: Pieces) -> bytes:
    at, new = pieces.number(len(text)), pieces.take(1)
    return text[:at] + new + text[at + 1 :]


def _flip(text: bytes, pieces: Pieces) -> bytes:
    at, bit = pieces.number(len(text)), pieces.number(8)
    return text[:at] + bytes(byte ^ (1 << bit) for byte in text[at : at + 1]) + text[at + 1 :]


def _insert(text: bytes, pieces: Pieces) -> bytes:
    at = pieces.number(len(text) + 1)
    return text[:at] + pieces.take(pieces.number(16) + 1) + text[at:]


def _delete(text: bytes, pieces: Pieces) -> bytes:
    at, count = pieces.number(len(text)), pieces.number(256) + 1
    return text[:at] + text[at + count :]


def _cut(text: bytes, pieces: Pieces) -> bytes:
    return text[: pieces.number(len(text) + 1)]


def _cut_end(text: bytes, pieces: Pieces) -> bytes:
    return text[: len(text) - 1 - pieces.number(256)]


def _append(text: bytes, pieces: Pieces) -> bytes:
    return text + pieces.take(pieces.number(64) + 1)


def _zeros(text: bytes, pieces: Pieces) -> bytes:
    return text + bytes(pieces.number(256))


def _drop_line(text: bytes, pieces: Pieces) -> bytes:
    lines = _lines(text)
    at = pieces.number(len(lines))
    return b"".join([*lines[:at], *lines[at + 1 :]])


def _double_line(text: bytes, pieces: Pieces) -> bytes:
    lines = _lines(text)
    at = pieces.number(len(lines))
    return b"".join([*lines[: at + 1], *lines[at:]])


def _move_line(text: bytes, pieces: Pieces) -> bytes:
    lines = _lines(text)
    one, other = pieces.number(len(lines)), pieces.number(len(lines))
    moved = lines[one : one + 1]
    rest = lines[:one] + lines[one + 1 :]
    return b"".join(rest[:other] + moved + rest[other:])


def _lines(text: bytes) -> list[bytes]:
    return [line + b"\n" for line in text.split(b"\n")[:-1]] + [line for line in text.split(b"\n")[-1:] if line]


_CHANGES: Final[Sequence[Callable[[bytes, Pieces], bytes]]] = (
    _overwrite,
    _flip,
    _insert,
    _delete,
    _cut,
    _cut_end,
    _append,
    _zeros,
    _drop_line,
    _double_line,
    _move_line,
)
