"""Key histories: each vector has its verdict, no change to a good one is overlooked, and every transition has a row."""

import json
from pathlib import Path
from typing import Any

import pytest

from evidence.key_entry import BadHistory, Change, Event
from evidence.key_history import State, begun, continued, merged, only, read_history, read_pin, text_of
from evidence.receipt import open_receipt_of
from evidence.signing import BadSignature
from tests.vectors.keys import generate as made

VECTORS = Path(made.__file__).parent
HISTORIES: list[dict[str, Any]] = json.loads((VECTORS / "histories.json").read_text("utf-8"))
RECEIPTS: list[dict[str, Any]] = json.loads((VECTORS / "receipts.json").read_text("utf-8"))
GOOD = (VECTORS / "good.tsv").read_bytes()
PIN = read_pin(made.key(made.ROOT).text())


def _named(rows: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(row, id=row["name"].replace(" ", "-")) for row in rows]


def _rule_of(row: dict[str, Any]) -> str | None:
    try:
        read_history(row["history"].encode(), read_pin(row["pin"]))
    except BadHistory as error:
        return error.rule
    return None


@pytest.mark.parametrize("row", _named(HISTORIES))
def test_a_history_has_its_verdict(row: dict[str, Any]) -> None:
    assert _rule_of(row) == row["rule"]


@pytest.mark.parametrize("row", _named(RECEIPTS))
def test_a_receipt_has_its_verdict(row: dict[str, Any]) -> None:
    held_to = next(each for each in HISTORIES if each["name"] == row["history"])
    history = read_history(held_to["history"].encode(), read_pin(held_to["pin"]))
    found: str | None = None
    try:
        assert open_receipt_of(row["receipt"], history).position.seq == 7
    except BadHistory as error:
        found = error.rule
    assert found == row["rule"]


def test_a_receipt_under_another_name_does_not_count() -> None:
    note = made.signed(RECEIPTS[0]["receipt"].rpartition("\n\n")[0] + "\n", [made.ROOT], "other.example")
    with pytest.raises(BadSignature, match="not a note signed by"):
        open_receipt_of(note, read_history(GOOD, PIN))


def test_without_a_history_only_the_root_counts() -> None:
    known = only(PIN.root)
    assert open_receipt_of(RECEIPTS[0]["receipt"], known).at == made.at(3)
    with pytest.raises(BadHistory, match="the note names another key") as refused:
        open_receipt_of(made.receipt_by(made.SECOND, 5), known)
    assert refused.value.rule == "unknown_key"


def test_no_changed_bit_is_overlooked() -> None:
    """Whatever bit of a file is another one, the file is refused, or held to be the same as far as it goes."""
    for place in range(len(GOOD)):
        changed = bytearray(GOOD)
        changed[place] ^= 1 << (place % 7)
        with pytest.raises(BadHistory):
            read_history(bytes(changed), PIN)


def test_each_beginning_is_older_and_never_another() -> None:
    lines, whole = GOOD.splitlines(keepends=True), read_history(GOOD, PIN)
    for number in range(1, len(lines)):
        older = read_history(b"".join(lines[:number]), PIN)
        assert merged(older, whole) is whole
        assert merged(whole, older) is whole
        whole.refuse_older(older.pin)
        with pytest.raises(BadHistory, match="rolled back"):
            older.refuse_older(whole.pin)


def test_two_histories_that_go_different_ways_are_named() -> None:
    one = read_history(made.file(made.notes(made.GOOD[:5])).encode(), PIN)
    other = [*made.GOOD[:4], made.entry(Event.ANNOUNCE, made.STRANGER, 8, made.SECOND, made.STRANGER)]
    with pytest.raises(BadHistory, match="two histories were signed") as refused:
        merged(one, read_history(made.file(made.notes(other)).encode(), PIN))
    assert (refused.value.rule, refused.value.entry) == ("forked", 4)


STATES: dict[State | None, tuple[list[made.Entry], int]] = {
    None: (made.GOOD[:3], made.THIRD),
    State.ANNOUNCED: ([*made.GOOD[:3], made.entry(Event.ANNOUNCE, made.THIRD, 5, made.SECOND, made.THIRD)], made.THIRD),
    State.ACTIVE: (made.GOOD[:3], made.ROOT),
    State.RETIRED: (made.GOOD[:4], made.ROOT),
    State.REVOKED: ([*made.GOOD[:3], made.entry(Event.REVOKE, made.ROOT, 5, made.SECOND, since=4)], made.ROOT),
}
"""Each state, with a history in which the key is so, and does not lead."""

AFTER: dict[tuple[State | None, Event], State] = {
    (None, Event.ANNOUNCE): State.ANNOUNCED,
    (State.ANNOUNCED, Event.ACTIVATE): State.ACTIVE,
    (State.ANNOUNCED, Event.RETIRE): State.RETIRED,
    (State.ANNOUNCED, Event.REVOKE): State.REVOKED,
    (State.ACTIVE, Event.RETIRE): State.RETIRED,
    (State.ACTIVE, Event.REVOKE): State.REVOKED,
    (State.RETIRED, Event.REVOKE): State.REVOKED,
}


@pytest.mark.parametrize("event", [pytest.param(event, id=event) for event in Event])
@pytest.mark.parametrize("state", [pytest.param(state, id=state or "unknown") for state in STATES])
def test_each_event_in_each_state(state: State | None, event: Event) -> None:
    entries, subject = STATES[state]
    first, *rest = made.notes(entries)
    history = begun(first, PIN.root)
    for note in rest:
        history = continued(history, note)
    change = Change(event, made.key(subject), made.at(14), made.at(3) if event is Event.REVOKE else None)
    expected = AFTER.get((state, event))
    if expected is None:
        with pytest.raises(BadHistory):
            text_of(history, change)
        return
    proved = [made.SECOND, subject] if event in {Event.ANNOUNCE, Event.ACTIVATE} else [made.SECOND]
    standing = continued(history, made.signed(text_of(history, change), proved)).find(change.key.id)
    assert standing is not None
    assert standing.state is expected
