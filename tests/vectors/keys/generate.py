"""Makes the key histories that verifiers can be tried on; keys are fixed and public. `--check` only compares.

histories.json     histories, the pin to hold each to, and the rule that it offends against (null: it holds)
receipts.json      receipts, each held to one of the histories that hold, and the rule that it offends against
good.tsv           a history as a file
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.chain import Position
from evidence.key_entry import NOTHING, Change, Event, digest, entry_line, entry_text
from evidence.note import ED25519, VerifierKey, write_note
from evidence.receipt import Receipt

HERE: Final = Path(__file__).parent
NAME: Final = "central.example/log/receipts"
ROOT, SECOND, THIRD, STRANGER = 1, 2, 3, 9

Entry = tuple[Change, Sequence[int]]
"""What an entry says, and the numbers of the keys that sign it."""


def private(number: int) -> Ed25519PrivateKey:
    """Key N is N in each of its bytes."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def key(number: int, name: str = NAME) -> VerifierKey:
    """The public half of key N."""
    return VerifierKey(name, ED25519, private(number).public_key().public_bytes_raw())


def at(hour: int) -> str:
    """A time on the day of all histories."""
    return f"2026-05-01T{hour:02d}:00:00.000000+00:00"


def entry(event: Event, number: int, hour: int, *signers: int, since: int | None = None) -> Entry:
    """At this hour, this became of the key."""
    return Change(event, key(number), at(hour), None if since is None else at(since)), signers


GOOD: Final = [
    entry(Event.ROOT, ROOT, 1, ROOT),
    entry(Event.ANNOUNCE, SECOND, 2, ROOT, SECOND),
    entry(Event.ACTIVATE, SECOND, 4, ROOT, SECOND),
    entry(Event.RETIRE, ROOT, 6, SECOND),
    entry(Event.ANNOUNCE, THIRD, 8, SECOND, THIRD),
    entry(Event.ACTIVATE, THIRD, 10, SECOND, THIRD),
    entry(Event.REVOKE, SECOND, 12, THIRD, since=11),
]


def notes(entries: Sequence[Entry]) -> list[str]:
    """The entries, each after the one before it, signed as they say."""
    made, before = list[str](), NOTHING
    for number, (change, signers) in enumerate(entries):
        text = entry_text(NAME, number, before, change)
        made.append(signed(text, signers))
        before = digest(text)
    return made


def signed(text: str, signers: Sequence[int], name: str = NAME) -> str:
    """A note, signed by these keys."""
    return write_note(text, [key(number, name).signature(private(number).sign(text.encode())) for number in signers])


def file(made: Sequence[str]) -> str:
    """A history as it is published."""
    return b"".join(map(entry_line, made)).decode()


def _head(entries: Sequence[Entry]) -> str:
    """The pin of somebody who has seen the last of these entries."""
    text = notes(entries)[-1].rpartition("\n\n")[0] + "\n"
    return f"{key(ROOT).text()}@{len(entries) - 1}:{digest(text)}"


def _with(place: int, *other: Entry) -> list[Entry]:
    """The good history, from this place on with other entries."""
    return [*GOOD[:place], *other]


_BUILT: Final[dict[str, tuple[Sequence[Entry], str | None]]] = {
    "one key": (GOOD[:1], None),
    "a key is announced": (GOOD[:2], None),
    "two are active": (GOOD[:3], None),
    "the first is retired": (GOOD[:4], None),
    "the second is revoked": (GOOD, None),
    "an announced key is withdrawn": (_with(2, entry(Event.RETIRE, SECOND, 3, ROOT)), None),
    "an announced key is revoked": (_with(2, entry(Event.REVOKE, SECOND, 3, ROOT, since=2)), None),
    "a retired key is revoked": (_with(4, entry(Event.REVOKE, ROOT, 7, SECOND, since=5)), None),
    "two entries hold from the same time": (_with(2, entry(Event.ACTIVATE, SECOND, 2, ROOT, SECOND)), None),
    "it begins with another root": ([entry(Event.ROOT, STRANGER, 1, STRANGER)], "unknown_key"),
    "it begins with an announcement": ([entry(Event.ANNOUNCE, ROOT, 1, ROOT, ROOT)], "out_of_order"),
    "a second root": (_with(1, entry(Event.ROOT, SECOND, 2, SECOND)), "unknown_key"),
    "the root once more": (_with(1, entry(Event.ROOT, ROOT, 2, ROOT)), "out_of_order"),
    "active without being announced": (_with(1, entry(Event.ACTIVATE, SECOND, 2, ROOT, SECOND)), "unknown_key"),
    "announced twice": (_with(2, entry(Event.ANNOUNCE, SECOND, 3, ROOT, SECOND)), "out_of_order"),
    "a retired key is active again": (_with(4, entry(Event.ACTIVATE, ROOT, 7, SECOND, ROOT)), "out_of_order"),
    "a retired key is announced again": (_with(4, entry(Event.ANNOUNCE, ROOT, 7, SECOND, ROOT)), "out_of_order"),
    "a revoked key is active again": (_with(7, entry(Event.ACTIVATE, SECOND, 13, THIRD, SECOND)), "out_of_order"),
    "revoked twice": (_with(7, entry(Event.REVOKE, SECOND, 13, THIRD, since=9)), "out_of_order"),
    "the only key is retired": (_with(1, entry(Event.RETIRE, ROOT, 2, ROOT)), "out_of_order"),
    "the leading key is revoked": (_with(3, entry(Event.REVOKE, SECOND, 5, ROOT, since=4)), "out_of_order"),
    "an unknown key is revoked": (_with(1, entry(Event.REVOKE, SECOND, 2, ROOT, since=1)), "unknown_key"),
    "it goes back in time": (_with(2, entry(Event.ACTIVATE, SECOND, 1, ROOT, SECOND)), "out_of_order"),
    "not believed since a later time": (_with(6, entry(Event.REVOKE, SECOND, 12, THIRD, since=13)), "out_of_order"),
    "announced without the new key's signature": (_with(1, entry(Event.ANNOUNCE, SECOND, 2, ROOT)), "not_signed"),
    "announced without the old key's signature": (_with(1, entry(Event.ANNOUNCE, SECOND, 2, SECOND)), "not_signed"),
    "active without the new key's signature": (_with(2, entry(Event.ACTIVATE, SECOND, 4, ROOT)), "not_signed"),
    "signed in another order": (_with(1, entry(Event.ANNOUNCE, SECOND, 2, SECOND, ROOT)), "not_signed"),
    "signed twice": (_with(1, entry(Event.ANNOUNCE, SECOND, 2, ROOT, SECOND, SECOND)), "not_signed"),
    "a stranger signs as well": (_with(1, entry(Event.ANNOUNCE, SECOND, 2, ROOT, SECOND, STRANGER)), "unknown_key"),
    "a stranger announces": (_with(1, entry(Event.ANNOUNCE, SECOND, 2, STRANGER, SECOND)), "unknown_key"),
    "an active key that leads no more signs": (_with(3, entry(Event.ANNOUNCE, THIRD, 5, ROOT, THIRD)), "not_signed"),
    "a retired key signs": (_with(4, entry(Event.ANNOUNCE, THIRD, 8, ROOT, THIRD)), "retired"),
    "a revoked key signs": (_with(7, entry(Event.ANNOUNCE, STRANGER, 13, SECOND, STRANGER)), "revoked"),
    "an announced key signs": (_with(2, entry(Event.ANNOUNCE, THIRD, 3, SECOND, THIRD)), "not_signed"),
}  # fmt: skip
"""Histories whose entries follow each other, by what they say."""


def _edited(place: int, change: Callable[[str], str]) -> str:
    made = notes(GOOD)
    made[place] = change(made[place])
    return file(made)


def _swapped() -> str:
    made = notes(GOOD)
    made[3], made[4] = made[4], made[3]
    return file(made)


def _tampered() -> Iterator[tuple[str, str, str, str]]:
    """Name, history, pin, rule (empty: it holds)."""
    good, pin = file(notes(GOOD)), key(ROOT).text()
    without = [*notes(GOOD)[:3], *notes(GOOD)[4:]]
    yield "an entry is missing", file(without), pin, "out_of_order"
    yield "two entries are swapped", _swapped(), pin, "out_of_order"
    yield "an entry stands twice", file([*notes(GOOD)[:2], *notes(GOOD)[1:]]), pin, "out_of_order"
    yield "another number", _edited(2, lambda note: note.replace("\n2\n", "\n3\n", 1)), pin, "out_of_order"
    yield "another time", _edited(3, lambda note: note.replace("T06", "T07", 1)), pin, "not_signed"
    yield "another event", _edited(6, lambda note: note.replace("revoke", "retire", 1)), pin, "form"
    yield "a word that is no event", _edited(1, lambda note: note.replace("announce", "invite", 1)), pin, "form"
    yield "a time in another form", _edited(1, lambda note: note.replace(".000000+00:00", "Z", 1)), pin, "form"
    yield "a line more", _edited(1, lambda note: note.replace("\n\n", "\nmore\n\n", 1)), pin, "form"
    yield "keys of another name", _edited(1, lambda note: note.replace(NAME, "other.example", 1)), pin, "form"
    yield "a signature is missing", _edited(1, lambda note: note.rpartition("\u2014")[0]), pin, "not_signed"
    yield "no line end", good[:-1], pin, "form"
    yield "a line of something else", good.replace("key\t", "receipt\t", 1), pin, "form"
    yield "another spelling of JSON", good.replace("key\t", "key\t ", 1), pin, "form"
    yield "nothing", "", pin, "form"
    yield "held to another root", good, key(STRANGER).text(), "unknown_key"
    yield "as far as was seen", good, _head(GOOD), ""
    yield "further than was seen", good, _head(GOOD[:4]), ""
    yield "rolled back", file(notes(GOOD[:6])), _head(GOOD), "rolled_back"
    other = _with(4, entry(Event.ANNOUNCE, STRANGER, 8, SECOND, STRANGER))
    yield "another history than was seen", file(notes(other)), _head(GOOD[:5]), "forked"


def histories() -> Iterator[dict[str, Any]]:
    """Every history with its verdict."""
    for name, (entries, rule) in _BUILT.items():
        yield {"name": name, "pin": key(ROOT).text(), "history": file(notes(entries)), "rule": rule}
    for name, history, pin, offended in _tampered():
        yield {"name": name, "pin": pin, "history": history, "rule": offended or None}


def receipt_by(by: int, hour: int) -> str:
    """A receipt of this hour by a key."""
    receipt = Receipt(
        sidecar="gate-1",
        tenant="acme",
        chain="1" * 64,
        incarnation="2" * 32,
        position=Position(7, "3" * 64),
        log="central.example/log",
        at=at(hour),
        merge_by=at(hour + 1),
    )
    return signed(receipt.text(), [by])


_RECEIPTS: Final[dict[str, tuple[str, int, int, str | None]]] = {
    "the root, alone": ("one key", ROOT, 3, None),
    "the root, before a history began": ("one key", ROOT, 0, "not_active"),
    "an announced key": ("a key is announced", SECOND, 3, "not_active"),
    "the new key, from when it is active": ("two are active", SECOND, 4, None),
    "the new key, before it was active": ("two are active", SECOND, 3, "not_active"),
    "the old key, while both are active": ("two are active", ROOT, 5, None),
    "the old key, before it was retired": ("the first is retired", ROOT, 5, None),
    "the old key, from when it is retired": ("the first is retired", ROOT, 6, "retired"),
    "the old key, long after": ("the second is revoked", ROOT, 20, "retired"),
    "a revoked key, before it was stolen": ("the second is revoked", SECOND, 10, None),
    "a revoked key, from when it is not believed": ("the second is revoked", SECOND, 11, "revoked"),
    "the third key": ("the second is revoked", THIRD, 12, None),
    "a key that was withdrawn": ("an announced key is withdrawn", SECOND, 4, "not_active"),
    "a stranger": ("the second is revoked", STRANGER, 12, "unknown_key"),
}


def receipts() -> Iterator[dict[str, Any]]:
    """Every receipt with its verdict; `history` is the name of one of histories.json."""
    for name, (history, by, hour, rule) in _RECEIPTS.items():
        yield {"name": name, "history": history, "receipt": receipt_by(by, hour), "rule": rule}


def files() -> dict[Path, str]:
    """Every file that is made."""
    return {
        HERE / "histories.json": _text(list(histories())),
        HERE / "receipts.json": _text(list(receipts())),
        HERE / "good.tsv": file(notes(GOOD)),
    }


def _text(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Exit code 1 if, with --check, a file is not as it would be made."""
    wrong = [path for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv:
        sys.stdout.writelines(f"{path.relative_to(HERE.parents[2])} is not what is generated\n" for path in wrong)
        return 1 if wrong else 0
    for path in wrong:
        path.write_text(files()[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
