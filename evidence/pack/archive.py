"""Reads the one kind of ZIP file that a pack is, and no other: every byte of it is accounted for.

ZIP readers differ in which of two directories, names or lengths they believe. So nothing of that may be there: members
lie one after the other from the first byte on, sorted by name, the directory follows and says the same of them, and the
file ends with it. No comments, extra fields, flags, encryption, ZIP64; times and modes are the one that is written.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from evidence.pack.vocabulary import MANIFEST, is_member

MOST_MEMBERS: Final = 4096
MOST_BYTES: Final = 1 << 34
"""Of all members together, unpacked."""

_BLOCK_BYTES: Final = 1 << 16
_END: Final = struct.Struct("<4s4H2LH")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_STORED: Final = 0
_DEFLATED: Final = 8
_EPOCH: Final = (0, 0x21)
"""1980-01-01, midnight: the first moment that a ZIP file can say."""

_MADE_BY: Final = 3 << 8 | 20
_VERSION: Final = 20
_MODE: Final = 0o600 << 16


class BadArchive(ValueError):
    """A file that is not written as a pack is; the text says in what."""


@dataclass(frozen=True, slots=True)
class _Place:
    method: int
    crc: int
    packed: int
    size: int
    begin: int


class Archive:
    """A pack's file, its directory read. Raises BadArchive, OSError."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._places = self._directory()

    @property
    def sizes(self) -> dict[str, int]:
        """The members and their sizes."""
        return {name: place.size for name, place in self._places.items()}

    def blocks(self, name: str) -> Iterator[bytes]:
        """What a member holds. Raises BadArchive (at its end, if that is not what the directory says), KeyError."""
        place = self._places[name]
        inflate = None if place.method == _STORED else zlib.decompressobj(-zlib.MAX_WBITS)
        crc, size, done = 0, 0, 0
        while done < place.packed:
            data = self._at(place.begin + done, min(_BLOCK_BYTES, place.packed - done))
            done += len(data)
            for block in [data] if inflate is None else _inflated(inflate, data, name):
                crc, size = zlib.crc32(block, crc), size + len(block)
                if size > place.size:
                    raise BadArchive(f"{name} is longer than the directory says")
                yield block
        if inflate is not None and (not inflate.eof or inflate.unused_data):
            raise BadArchive(f"{name} does not end where its compressed data ends")
        if size != place.size or crc != place.crc:
            raise BadArchive(f"{name} does not have the length and CRC that the directory says")

    def whole(self, name: str, most: int) -> bytes:
        """A member of `most` bytes at most. Raises BadArchive."""
        if self._places[name].size > most:
            raise BadArchive(f"{name} has more than {most} bytes")
        return b"".join(self.blocks(name))

    def _directory(self) -> dict[str, _Place]:
        size = self._file.seek(0, 2)
        if size < _END.size:
            raise BadArchive("the file is too short for a pack")
        sign, disk, first_disk, here, count, length, offset, comment = _END.unpack(
            self._at(size - _END.size, _END.size)
        )
        if sign != b"PK\5\6" or comment:
            raise BadArchive("the file does not end as a pack does: it was cut off, or something was added")
        if disk or first_disk or here != count or not 0 < count <= MOST_MEMBERS:
            raise BadArchive(f"the directory says {count} members, and a pack has 1 to {MOST_MEMBERS} in one file")
        if offset + length != size - _END.size:
            raise BadArchive("between directory and end, or before them, stands something that is no member")
        return self._entries(self._at(offset, length), count, offset)

    def _entries(self, directory: bytes, count: int, end: int) -> dict[str, _Place]:
        places: dict[str, _Place] = {}
        at = begin = total = 0
        last = ""
        for _ in range(count):
            name, place, at = self._entry(directory, at, begin)
            if name <= last:
                raise BadArchive(f"{name!r} stands twice, or not in the order of names")
            places[name], last, begin = place, name, place.begin + place.packed
            total += place.size
        if at != len(directory) or begin != end:
            raise BadArchive("bytes of the file belong to no member")
        if total > MOST_BYTES:
            raise BadArchive(f"the members have more than {MOST_BYTES} bytes together")
        if MANIFEST not in places:
            raise BadArchive(f"there is no {MANIFEST}: not a pack")
        return places

    def _entry(self, directory: bytes, at: int, begin: int) -> tuple[str, _Place, int]:
        """One entry and its local header, which begins at `begin`; and where the next entry stands."""
        if at + _ENTRY.size > len(directory):
            raise BadArchive("the directory is cut off")
        sign, made_by, *shared, name_size, extra, comment, disk, inner, mode, offset = _ENTRY.unpack_from(directory, at)
        version, flags, method, time, date, crc, packed, size = shared
        raw = directory[at + _ENTRY.size : at + _ENTRY.size + name_size]
        name = raw.decode("ascii", "backslashreplace")
        if sign != b"PK\1\2" or not is_member(name):
            raise BadArchive(f"{name!r} is no member of a pack")
        if (made_by, version, flags, extra, comment, disk, inner, mode) != (_MADE_BY, _VERSION, 0, 0, 0, 0, 0, _MODE):
            raise BadArchive(f"{name} has flags, fields or a mode that are not written")
        if (time, date) != _EPOCH or method not in {_STORED, _DEFLATED}:
            raise BadArchive(f"{name} has a time or a method that is not written")
        local = _LOCAL.pack(b"PK\3\4", *shared, name_size, 0) + raw
        if offset != begin or self._at(begin, len(local)) != local:
            raise BadArchive(f"{name} does not stand where the directory says, or says otherwise of itself")
        data = begin + len(local)
        return name, _Place(method, crc, packed, size, data), at + _ENTRY.size + name_size

    def _at(self, begin: int, length: int) -> bytes:
        self._file.seek(begin)
        data = self._file.read(length)
        if len(data) != length:
            raise BadArchive("the file is shorter than it says")
        return data


def _inflated(inflate: "zlib._Decompress", data: bytes, name: str) -> Iterator[bytes]:
    """What comes out of some compressed bytes, in blocks: little can become much."""
    try:
        block = b"\0" * _BLOCK_BYTES
        # A full block can leave more behind, even where all that was compressed has been taken.
        while data or len(block) == _BLOCK_BYTES:
            block = inflate.decompress(data, _BLOCK_BYTES)
            yield block
            data = inflate.unconsumed_tail
    except zlib.error as error:
        raise BadArchive(f"{name} is not compressed as a pack is") from error
