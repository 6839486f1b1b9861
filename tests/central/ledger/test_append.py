"""What the ledger takes of a batch, on each database."""

from central.ledger.ledger import Ledger
from evidence.chain import Position
from tests.central.ledger.gate import Gate


def test_a_chain_goes_on_from_batch_to_batch(ledger: Ledger) -> None:
    gate = Gate().start().calls("a", "b").head().intent("c")
    first = gate.batch()
    assert ledger.position(gate.name, gate.tenant, gate.chain) == Position()
    assert ledger.append(first, gate.registered).position == gate.position()
    gate.outcome("c").head(back=1).heartbeat().head()
    done = ledger.append(gate.batch(), gate.registered)
    assert (done.position, done.new_records, done.incidents) == (gate.position(), 2, ())
    assert ledger.position(gate.name, gate.tenant, gate.chain) == gate.position()


def test_what_is_sent_twice_is_kept_once(ledger: Ledger) -> None:
    gate = Gate().start().calls("a", "b").head()
    batch = gate.batch()
    assert ledger.append(batch, gate.registered).new_records == 5
    assert ledger.append(batch, gate.registered).new_records == 0
    gate.calls("c").head()
    assert ledger.append(gate.part(2), gate.registered).new_records == 2
