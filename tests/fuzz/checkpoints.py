"""Notes, paths and files of a log: what is taken is spelled as it is written, and nobody signs for others."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.checkpoint import Checkpoint, Quorum, cosign, open_checkpoint, read_checkpoint
from evidence.note import (
    COSIGNATURE,
    ED25519,
    VerifierKey,
    read_note,
    read_signatures,
    read_verifier_key,
    write_note,
)
from evidence.signing import BadSignature
from evidence.tiles import WIDTH, BadTile, read_bundle, read_path, write_bundle
from tests.fuzz.edits import edited_bytes
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target

_KEYS: Final = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3)]
_PUBLICS: Final = [key.public_key().public_bytes_raw() for key in _KEYS]
_LOG: Final = VerifierKey("log.example", ED25519, _PUBLICS[0])
_QUORUM: Final = Quorum(1, tuple(VerifierKey(f"w.example/{at}", COSIGNATURE, _PUBLICS[at]) for at in (1, 2)))
_CHECKPOINT: Final = Checkpoint("log.example", 300, b"\x07" * 32)
_TEXT: Final = _CHECKPOINT.text()
_LINES: Final = [_LOG.signature(_KEYS[0].sign(_TEXT.encode()))]
_LINES_OF_WITNESSES: Final = [cosign(_TEXT, f"w.example/{at}", _KEYS[at], 1_800_000_000) for at in (1, 2)]
_GENUINE: Final = write_note(_TEXT, [*_LINES, *_LINES_OF_WITNESSES]).encode()


def _check(raw: bytes) -> None:
    """The first byte says what the rest is: a note, changes to one, a path, a bundle, or a verifier key."""
    pieces = Pieces(raw)
    match pieces.number(5):
        case 0:
            _note(pieces.rest())
        case 1:
            _note(edited_bytes(_GENUINE, pieces))
        case 2:
            _path(pieces.rest())
        case 3:
            _bundle(pieces.rest())
        case _:
            _key(pieces.rest())


def _note(raw: bytes) -> None:
    """Nobody but the keys' holders makes a note that counts; what is read is what would be written."""
    note = raw.decode("utf-8", "surrogateescape")
    try:
        opened = open_checkpoint(note, _LOG, _QUORUM)
    except BadSignature:
        opened = None
    if opened is not None:
        assert opened.checkpoint == _CHECKPOINT
        assert {each.unix_seconds for each in opened.cosignatures} == {1_800_000_000}
    try:
        read = read_note(note)
    except BadSignature:
        return
    assert write_note(read.text, read.signatures) == note
    assert read_signatures("".join(line.line() for line in read.signatures)) == read.signatures
    try:
        assert read_checkpoint(read.text).text() == read.text
    except BadSignature:
        assert opened is None


def _path(raw: bytes) -> None:
    path = raw.decode("utf-8", "surrogateescape")
    try:
        piece = read_path(path)
    except BadTile:
        return
    assert piece.path == path
    assert ".." not in path
    assert 0 < piece.width <= WIDTH


def _bundle(raw: bytes) -> None:
    for width in (0, 1, 2, WIDTH):
        try:
            leaves = read_bundle(raw, width)
        except BadTile:
            continue
        assert len(leaves) == width
        assert write_bundle(leaves) == raw


def _key(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    try:
        key = read_verifier_key(text)
    except ValueError:
        return
    assert key.text() == text


def _seeds() -> list[bytes]:
    keys = [_LOG.text(), *(witness.text() for witness in _QUORUM.witnesses)]
    paths = ["tile/0/000", "tile/3/x001/x234/067.p/8", "tile/entries/x001/000.p/255", "tile/63/999", "checkpoint"]
    return [
        b"\1",
        b"\0" + _GENUINE,
        *(b"\0" + write_note(_TEXT, lines).encode() for lines in (_LINES, _LINES_OF_WITNESSES, [])),
        *(bytes([1, change, 0, at, 3, 9]) for change in range(11) for at in range(0, 256, 51)),
        *(b"\2" + path.encode() for path in paths),
        *(b"\3" + write_bundle(leaves) for leaves in ([], [bytes(32)], [b"", b"x"])),
        *(b"\4" + key.encode() for key in keys),
        b"\0" + b"\xff\n\n",
        b"\4\xed\xa0\x80+00000000+",
    ]


CHECKPOINT: Final = Target(
    "checkpoint",
    "a checkpoint counts only as its log and witnesses signed it; notes, paths, bundles and keys have one spelling",
    _check,
    _seeds,
    (
        "\n\n\N{EM DASH} ".encode(),
        b"log.example ",
        b"w.example/1 ",
        b"\n300\n",
        b"tile/",
        b"entries/",
        b".p/",
        b"x001/",
    ),
)
