"""Makes packs, good and bad, that other verifiers can be tried on. Keys are fixed and public. `--check` only compares.

packs/keys.json          what a stranger has from elsewhere: the keys of identity, ledger, log and witnesses
packs/<name>.agentgate   a pack; its members are stored, so that its bytes depend on no compressor
packs/expected.json      by name: null, or the step that fails when all the keys are given
"""

import base64
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from evidence.pack.report import Step
from evidence.pack.vocabulary import CHECKPOINT, PROOFS, Selection, member_of
from tests.evidence.pack.parcels import (
    IDENTITY,
    LOG,
    WITNESSES,
    Counter,
    LogInMemory,
    Members,
    exchanged,
    later,
    members_of,
    packed,
    story,
)
from tests.vectors.evidence.generate import CHAIN, LEDGER

HERE: Final = Path(__file__).parent / "packs"
BODIES: Final = member_of(CHAIN, "bodies.tsv")
TEXTS: Final = member_of(CHAIN, "texts.jsonl")
RECEIPTS: Final = member_of(CHAIN, "receipts.tsv")


def _replaced(name: str, old: bytes, new: bytes) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        members[name] = members[name].replace(old, new, 1)

    return edit


def _old_checkpoint(members: Members) -> None:
    members[CHECKPOINT] = LogInMemory.of(story()).note(size=4).encode()


EDITS: Final[Mapping[str, tuple[Callable[[Members], object], Step]]] = {
    "changed-body": (_replaced(BODIES, b"starter-1", b"starter-2"), Step.BODIES),
    "changed-text": (_replaced(TEXTS, b"/srv/call-1", b"/srv/call-7"), Step.TEXTS),
    "changed-receipt": (_replaced(RECEIPTS, b"\\n15\\n", b"\\n14\\n"), Step.RECEIPTS),
    "an-old-checkpoint": (_old_checkpoint, Step.INCLUSION),
    "without-proofs": (lambda members: members.pop(PROOFS), Step.INCLUSION),
    "half-a-call": (_replaced(BODIES, b"selected\t7\t", b"anchor\t7\t"), Step.SELECTION),
}


def files() -> dict[str, bytes]:
    """All files by their names."""
    with tempfile.TemporaryDirectory() as root:
        counter = Counter.opened(Path(root) / "one")
        found = {
            "everything": counter.pack(compressed=False),
            "one-call": counter.pack(Selection(call="call-2"), compressed=False),
            "without-texts": counter.pack(Selection(session="5e55"), opener=None, compressed=False),
            "without-a-log": counter.pack(Selection(agent="other-bot"), log=None, compressed=False),
            "exchanged-keys": exchanged(Path(root) / "two").pack(compressed=False),
            "begins-later": later(Path(root) / "three").pack(Selection(call="call-5"), compressed=False),
        }
    expected: dict[str, int | None] = dict.fromkeys(found)
    expected["without-a-log"] = int(Step.CHECKPOINT)
    found["something-after-it"] = found["everything"] + b"\0"
    expected["something-after-it"] = int(Step.FILE)
    for name, (edit, step) in EDITS.items():
        members = members_of(found["everything"])
        edit(members)
        found[name], expected[name] = packed(members, compressed=False), int(step)
    keys = {
        "identity": base64.b64encode(IDENTITY).decode(),
        "receipt_key": LEDGER.text(),
        "log_key": LOG.text(),
        "witness_keys": [witness.text() for witness in WITNESSES],
    }
    return {
        **{f"{name}.agentgate": data for name, data in found.items()},
        "expected.json": _json(expected),
        "keys.json": _json(keys),
    }


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def main() -> int:
    """Write the files, or with --check say which differ."""
    made = files()
    HERE.mkdir(exist_ok=True)
    there = {path.name: path.read_bytes() for path in HERE.iterdir()}
    if "--check" in sys.argv:
        differing = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
        sys.stderr.writelines(f"{name} is not what {Path(__file__).name} makes\n" for name in differing)
        return 1 if differing else 0
    for name in there.keys() - made.keys():
        (HERE / name).unlink()
    for name, data in made.items():
        (HERE / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
