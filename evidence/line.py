"""The lines of a segment: a record, the sealed box of the record before it, a signed head. Pure: bytes to values."""

import base64
from typing import Final

import orjson
from msgspec import Struct

from evidence.record import BadLine, Record, read_record
from evidence.signing import exact_base64

_BOX: Final = b"box\t"
_HEAD: Final = b"head\t"
_RECORD: Final = b"record\t"


class Box(Struct, frozen=True):
    """The sealed box of the record on the line before; `data` is nonce and ciphertext."""

    data: bytes


class Note(Struct, frozen=True):
    """A signed head as it stands in the file: the text of a C2SP signed note."""

    text: str


Line = Record | Box | Note


def box_line(box: bytes) -> bytes:
    """The line of a box, its LF included."""
    return b"box\t%b\n" % base64.b64encode(box)


def note_line(note: str) -> bytes:
    """The line of a signed head, its LF included."""
    return b"head\t%b\n" % orjson.dumps(note)


def read_line(line: bytes) -> Line:
    """Read one line (without its LF). Raises BadLine for anything that is not written so."""
    if line.startswith(_RECORD):
        return read_record(line)
    try:
        if line.startswith(_BOX):
            return Box(exact_base64(line[len(_BOX) :]))
        if line.startswith(_HEAD):
            return _read_note(line[len(_HEAD) :])
    except ValueError as error:
        raise BadLine(str(error)) from error
    raise BadLine("a line that is neither record, box nor head")


def _read_note(data: bytes) -> Note:
    text = orjson.loads(data)
    if not isinstance(text, str) or orjson.dumps(text) != data:
        raise BadLine("a head that is no canonical JSON string")
    return Note(text)
