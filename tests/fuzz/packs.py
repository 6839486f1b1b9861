"""`agentgate verify PACK`: any file is checked to an end; what is called true says nothing that was not recorded."""

import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Final

from evidence.pack.packing import TooLarge
from evidence.pack.steps import check_pack
from evidence.pack.vocabulary import CHECKPOINT, MANIFEST
from tests.evidence.pack.parcels import TRUST, Members, members_of, packed
from tests.fuzz.edits import change, edited_bytes
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target

_FOLDER: Final = Path(__file__).parents[1] / "vectors" / "evidence" / "packs"
_GENUINE: Final = [(_FOLDER / f"{name}.agentgate").read_bytes() for name in ("everything", "one-call", "without-texts")]
_MEMBERS: Final = [members_of(pack) for pack in _GENUINE]
_LINES: Final = frozenset(
    line for members in _MEMBERS for content in members.values() for line in content.splitlines(keepends=True)
)
_SIGNATURE: Final = "\N{EM DASH} ".encode()
_UNSIGNED: Final = frozenset({MANIFEST})
"""It says who exported what: their word."""


def _check(raw: bytes) -> None:
    """The first byte says what the rest is: changes to a file, changes to members that are packed again, or a file."""
    pieces = Pieces(raw)
    kind, at = pieces.number(3), pieces.number(len(_GENUINE))
    if kind == 0:
        _judge(edited_bytes(_GENUINE[at], pieces))
    elif kind == 1:
        _judge_members(_edited(_MEMBERS[at], pieces))
    else:
        _judge(pieces.rest())


def _edited(members: Members, pieces: Pieces) -> Members:
    found, names = dict(members), sorted(members)
    for _ in range(4):
        if not pieces:
            break
        name = names[pieces.number(len(names))]
        if pieces.number(8) == 0 and name != MANIFEST:
            found.pop(name, None)
        elif name in found:
            found[name] = change(found[name], pieces)
    return found


def _judge_members(members: Members) -> None:
    with suppress(ValueError, KeyError, TypeError, TooLarge):  # what is no pack cannot be packed
        _judge(packed(members, compressed=False))


def _judge(pack: bytes) -> None:
    report = check_pack(io.BytesIO(pack), TRUST)
    assert json.loads(json.dumps(report.as_json()))["ok"] is report.ok
    assert "\n".join(report.lines()).replace("\n", "").isprintable()
    if not report.ok:
        return
    for name, content in members_of(pack).items():
        if name not in _UNSIGNED:
            # Lines of witnesses that nobody knows count for nothing, and may stand there.
            new = set(content.splitlines(keepends=True)) - _LINES
            assert not {line for line in new if name != CHECKPOINT or not line.startswith(_SIGNATURE)}, name


def _seeds() -> list[bytes]:
    return [
        *(bytes([2, 0]) + pack[:1500] for pack in _GENUINE),
        *(
            bytes([kind, at, edit, 0, place, 1])
            for kind in (0, 1)
            for at in range(3)
            for edit in range(11)
            for place in (0, 90)
        ),
        *(bytes([1, at, member, 0]) for at in range(3) for member in range(8)),
    ]


PACK: Final = Target(
    "pack",
    "a pack is checked to an end, and what is called true has no line that was not recorded, signed or proved",
    _check,
    _seeds,
    (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"manifest.json", b"headers.tsv"),
    max_bytes=2048,
    changes=150,
)
