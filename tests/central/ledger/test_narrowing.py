"""Only the chains that can have something of what is asked for are written out of the ledger, and none too few."""

from dataclasses import replace
from pathlib import Path

import pytest

from central.ledger.ledger import Ledger
from central.ledger.narrowing import Sought, chains_with, size_of
from central.ledger.unfolding import unfold
from evidence.record import Kind
from tests.central.ledger.gate import SECOND, Gate

BEGINS = 1_790_000_000 * SECOND
DAY = 86_400 * SECOND


def _refusal(gate: Gate, agent: str, session: str) -> Gate:
    """Refused, and without a text that is sealed: nothing but the record itself says whose it is."""
    body = {"caller": {"tenant": gate.tenant, "agent": agent}, "session": session, "refusal": {"code": "x"}}
    return gate.write(Kind.REFUSAL, body, f"refused-{session}")


def _filled(ledger: Ledger) -> dict[str, str]:
    """Four chains of one tenant, a day apart, and one of another; the names of each by its link."""
    gates = {
        "first": _refusal(Gate(unix_us=BEGINS).start(), 'ägent"s', "s-1").close(),
        "second": _refusal(Gate(unix_us=BEGINS + DAY).start(), "billing-bot", "s-10").close(),
        "third": Gate(unix_us=BEGINS + 2 * DAY).start().calls("refused-s", "call-3").close(),
        "theirs": _refusal(Gate(name="gate-2", tenant="umbrella", unix_us=BEGINS).start(), "x", "s-1").close(),
    }
    jumping = Gate(unix_us=BEGINS + 3 * DAY).start()
    jumping.unix_us += 10 * DAY
    jumping.heartbeat()
    jumping.unix_us -= 10 * DAY
    gates["jumping"] = jumping.close()
    for gate in gates.values():
        ledger.append(gate.batch(), gate.registered)
    return {gate.chain: name for name, gate in gates.items()}


SOUGHT = [
    pytest.param(Sought(), ["first", "second", "third", "jumping"], id="everything"),
    pytest.param(Sought(session="s-1"), ["first"], id="a session, and none that begins so"),
    pytest.param(Sought(session="s"), [], id="no such session"),
    pytest.param(Sought(agent='ägent"s'), ["first"], id="a name that is escaped"),
    pytest.param(Sought(agent="billing-bot"), ["second", "third"], id="an agent"),
    pytest.param(Sought(agent="billing-bot", session="s-10"), ["second"], id="both"),
    pytest.param(Sought(call="call-"), ["third"], id="the beginning of a call"),
    pytest.param(Sought(call="refused-s"), ["first", "second", "third"], id="a beginning of several"),
    pytest.param(Sought(call="all-3"), [], id="no beginning"),
    pytest.param(Sought(until=BEGINS + DAY // 2), ["first", "jumping"], id="until; a clock that was set says nothing"),
    pytest.param(Sought(since=BEGINS + 3 * DAY // 2), ["third", "jumping"], id="since"),
    pytest.param(Sought(since=BEGINS + 12 * DAY), ["jumping"], id="a time that is in the middle of a batch"),
]


@pytest.mark.parametrize(("sought", "names"), SOUGHT)
def test_the_chains_that_can_matter(ledger: Ledger, tmp_path: Path, sought: Sought, names: list[str]) -> None:
    known = _filled(ledger)
    found = chains_with(ledger.store, "acme", sought)
    assert [known[chain] for _, chain in found] == names
    written = [unfold(ledger.store, "acme", tmp_path, chain=chain) for _, chain in found]
    files = sum(path.stat().st_size for path in tmp_path.glob("chain-*/*"))
    told = size_of(ledger.store, [number for number, _ in found])
    assert len(written) == len(list(tmp_path.glob("chain-*"))) == len(names)
    assert files / 2 <= told <= files
    assert unfold(ledger.store, "acme", tmp_path / "together", numbers=dict(found)) == [
        replace(one, folder=tmp_path / "together" / one.folder.name) for (one,) in written
    ]


def test_they_come_in_parts(ledger: Ledger) -> None:
    _filled(ledger)
    whole = chains_with(ledger.store, "acme", Sought())
    assert chains_with(ledger.store, "acme", Sought(), after=whole[0][0], limit=2) == whole[1:3]
