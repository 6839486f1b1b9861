"""A pack is one kind of ZIP file: whatever two readers could read differently is refused, before anything is read."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest

from evidence.pack.archive import Archive, BadArchive
from evidence.pack.packing import Packing, TooLarge
from evidence.pack.vocabulary import CHECKPOINT, MANIFEST, PROOFS, is_member
from tests.evidence.pack.twice import go

_EPOCH = (1980, 1, 1, 0, 0, 0)


def _zip(*members: tuple[str, bytes], **changes: object) -> bytes:
    """A ZIP as a pack is written; `changes` are attributes of its members' headers."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = 3, 0o600 << 16
            for attribute, value in changes.items():
                setattr(info, attribute, value)
            archive.writestr(info, content)
    return file.getvalue()


def _good(**changes: object) -> bytes:
    return _zip((CHECKPOINT, b"one"), (MANIFEST, b"two"), **changes)


def _edited(edit: Callable[[bytearray], None]) -> bytes:
    data = bytearray(_good())
    edit(data)
    return bytes(data)


def _packed_as(compressed: bytes, size: int, crc: int) -> bytes:
    """One deflated member whose directory says this of it."""
    name = MANIFEST.encode()
    shared = struct.pack("<5H3L2H", 20, 0, 8, 0, 0x21, crc, len(compressed), size, len(name), 0)
    local = b"PK\3\4" + shared + name + compressed
    entry = b"PK\1\2" + struct.pack("<H", 3 << 8 | 20) + shared + struct.pack("<3H2L", 0, 0, 0, 0o600 << 16, 0) + name
    return local + entry + b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 1, 1, len(entry), len(local), 0)


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


_BOMB = _deflated(b"\0" * (1 << 24))

ROWS = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"#!/bin/sh\n" + _good(), id="something before it"),
    pytest.param(_good() + b"\0", id="something after it"),
    pytest.param(_good()[:-1], id="cut off"),
    pytest.param(_good()[1:], id="without its first byte"),
    pytest.param(_zip((CHECKPOINT, b"one")), id="no manifest"),
    pytest.param(_zip((MANIFEST, b"two"), (CHECKPOINT, b"one")), id="not in the order of names"),
    pytest.param(_zip((PROOFS, b""), ("manifest.jsonl", b"")), id="a name of no member"),
    pytest.param(_zip(("../manifest.json", b""), (MANIFEST, b"")), id="a path that leads out"),
    pytest.param(_zip(("/etc/passwd", b""), (MANIFEST, b"")), id="an absolute path"),
    pytest.param(_zip(("chains/../../x/headers.tsv", b""), (MANIFEST, b"")), id="a path through a chain"),
    pytest.param(_zip(("log\\checkpoint", b""), (MANIFEST, b"")), id="a path of another system"),
    pytest.param(_zip(("log/", b""), (MANIFEST, b"")), id="a folder"),
    pytest.param(_good(external_attr=0o120777 << 16), id="a symbolic link"),
    pytest.param(_good(create_system=0), id="made on another system"),
    pytest.param(_good(date_time=(1999, 1, 1, 0, 0, 0)), id="a time"),
    pytest.param(_good(extra=b"\x75\x70\x04\x00name"), id="an extra field"),
    pytest.param(_good(comment=b"hello"), id="a comment of a member"),
    pytest.param(_good(compress_type=zipfile.ZIP_BZIP2), id="another compression"),
    pytest.param(_edited(lambda data: data.__setitem__(6, 1)), id="encrypted, the local header says"),
    pytest.param(_edited(lambda data: data.__setitem__(30, ord("L"))), id="two names for a member"),
    pytest.param(_packed_as(_deflated(b"two"), 3, 0), id="another checksum"),
    pytest.param(_packed_as(_deflated(b"two"), 2, zlib.crc32(b"two")), id="longer than it says"),
    pytest.param(_packed_as(_deflated(b"two"), 4, zlib.crc32(b"two")), id="shorter than it says"),
    pytest.param(_packed_as(_deflated(b"two") + b"more", 3, zlib.crc32(b"two")), id="bytes after the compressed ones"),
    pytest.param(_packed_as(_deflated(b"two")[:-1], 3, zlib.crc32(b"two")), id="compressed bytes that do not end"),
    pytest.param(_packed_as(b"\xff\xff\xff", 3, 0), id="compressed bytes that are none"),
    pytest.param(_packed_as(_BOMB, 3, zlib.crc32(b"two")), id="a bomb"),
]


@pytest.mark.parametrize("data", ROWS)
def test_what_is_refused(data: bytes) -> None:
    with pytest.raises(BadArchive):
        Archive(io.BytesIO(data)).whole(MANIFEST, 1 << 20)
    assert go(data)["rule"] == "file"


def test_a_name_that_stands_twice() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = _zip((MANIFEST, b"one"), (MANIFEST, b"two"))
    with pytest.raises(BadArchive, match="twice"):
        Archive(io.BytesIO(twice))


def test_two_entries_over_one_member() -> None:
    """The trick of overlapping members: much is unpacked from little."""
    data = _good()
    begin = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", begin + 1)
    end = data.index(b"PK\5\6")
    entry = bytearray(data[second:end])
    entry[42:46] = struct.pack("<L", 0)
    with pytest.raises(BadArchive):
        Archive(io.BytesIO(data[:second] + bytes(entry) + data[end:]))


@pytest.mark.parametrize("compressed", [pytest.param(True, id="deflated"), pytest.param(False, id="stored")])
@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 1 << 20])
def test_what_is_written_is_read(*, compressed: bool, size: int) -> None:
    file = io.BytesIO()
    packing = Packing(file, compressed=compressed)
    content = {CHECKPOINT: b"x" * size, MANIFEST: bytes(range(256)) * (size // 256)}
    for name, data in content.items():
        packing.add(name, [data])
    packing._zip.close()  # noqa: SLF001 - without a manifest of ours
    archive = Archive(file)
    assert {name: b"".join(archive.blocks(name)) for name in archive.sizes} == content


def test_a_member_is_not_read_beyond_what_was_allowed() -> None:
    with pytest.raises(BadArchive, match="more than 2 bytes"):
        Archive(io.BytesIO(_good())).whole(MANIFEST, 2)


def test_names_are_written_in_their_order() -> None:
    packing = Packing(io.BytesIO())
    packing.add(PROOFS, [b""])
    with pytest.raises(ValueError, match="order"):
        packing.add(CHECKPOINT, [b""])
    assert issubclass(TooLarge, ValueError)
    assert not is_member("chains/chain-00000000000000ff/keys.jsonl")
