"""What is noted of each data key: whatever a record says of itself, its batch is taken, and the note says the same."""

from typing import Any

import pytest
from sqlalchemy import select

from central.ledger.ledger import Ledger
from central.store import tables
from evidence.record import Kind
from tests.central.ledger.gate import SECOND, Gate

FULL = {"caller": {"agent": "bot", "user": "u1"}, "session": "s1", "request": {"upstream": "files"}}
NOTED = ("files", "intent", "bot", "u1", "s1")

ROWS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "all-of-it": (FULL, NOTED),
    "nothing": ({}, ("", "intent", "", "", "")),
    "full": ({**FULL, "decision": {"obligations": {"record": ["full"]}}}, ("files", "full", "bot", "u1", "s1")),
    "the-most-reticent": (
        {**FULL, "decision": {"obligations": {"record": ["full", "digest"]}}},
        ("files", "digest", "bot", "u1", "s1"),
    ),
    "an-obligation-of-no-form": ({**FULL, "decision": {"obligations": {"record": {"a": 1}}}}, NOTED),
    "obligations-of-no-form": ({**FULL, "decision": {"obligations": ["record"]}}, NOTED),
    "an-upstream-beside": ({"upstream": "mail"}, ("mail", "intent", "", "", "")),
    "a-name-with-nul": ({"caller": {"agent": "a\x00b"}}, ("", "intent", "a\\x00b", "", "")),
    "a-name-of-two-lines": ({"caller": {"agent": "a\nb"}}, ("", "intent", "a\\nb", "", "")),
    "a-name-that-is-none": ({"caller": {"agent": ["bot"], "user": 7}}, ("", "intent", "", "", "")),
    "a-caller-that-is-none": ({"caller": "bot", "request": [1]}, ("", "intent", "", "", "")),
    "a-long-name": ({"session": "s" * 100_000}, ("", "intent", "", "", "s" * 256)),
}


@pytest.mark.parametrize(("body", "noted"), [pytest.param(*row, id=name) for name, row in ROWS.items()])
def test_what_is_noted_of_a_record(ledger: Ledger, body: dict[str, Any], noted: tuple[str, ...]) -> None:
    gate = Gate().start().write(Kind.INTENT, body, "a", input=b"text")
    ledger.append(gate.batch(), gate.registered)
    (row,) = _rows(ledger)
    assert tuple(row[name] for name in ("upstream", "class_name", "agent", "subject", "session")) == noted
    assert (row["first_at"], row["last_at"], row["records"]) == (gate.unix_us, gate.unix_us, 1)


def test_names_that_are_kept_as_the_same_are_one_note(ledger: Ledger) -> None:
    gate = Gate().start()
    for number, agent in enumerate(("a\x00", "a\\x00", "a\x00")):
        gate.write(Kind.INTENT, {"caller": {"agent": agent}}, f"c{number}", input=b"text")
    ledger.append(gate.batch(), gate.registered)
    (row,) = _rows(ledger)
    assert (row["records"], row["last_at"] - row["first_at"]) == (3, 2 * SECOND)


def test_batches_add_to_what_is_noted(ledger: Ledger) -> None:
    gate = Gate().start()
    for number in range(3):
        gate.write(Kind.INTENT, FULL, f"c{number}", input=b"text")
        ledger.append(gate.batch(), gate.registered)
    gate.write(Kind.OUTCOME, {"outcome": "completed"}, "c0", result=b"text").heartbeat()
    ledger.append(gate.batch(), gate.registered)
    outcome, intents = sorted(_rows(ledger), key=lambda row: row["agent"])
    assert (outcome["class_name"], outcome["records"]) == ("", 1)
    assert (intents["records"], intents["last_at"] - intents["first_at"]) == (3, 2 * SECOND)


def test_a_clock_that_goes_back_widens_the_span(ledger: Ledger) -> None:
    gate = Gate().start()
    gate.write(Kind.INTENT, FULL, "a", input=b"text")
    first = gate.unix_us
    gate.unix_us -= 10 * SECOND
    gate.write(Kind.INTENT, FULL, "b", input=b"text")
    ledger.append(gate.batch(), gate.registered)
    (row,) = _rows(ledger)
    assert (row["first_at"], row["last_at"]) == (first - 9 * SECOND, first)


def _rows(ledger: Ledger) -> list[dict[str, Any]]:
    with ledger.store.reading() as connection:
        return [dict(row) for row in connection.execute(select(tables.sealings)).mappings()]
