"""The log over a real ledger: where a record's leaf is, and two replicas that overtake each other on one PostgreSQL."""

import asyncio
import threading
from pathlib import Path

from sqlalchemy import select

from central.ledger.ledger import Ledger
from central.log.proving import Prover
from central.log.sequencer import Sequencer
from central.log.sql_state import SqlTreeState
from central.log.stopping import Overtaken
from central.log.store import LogFolder
from central.store import tables
from central.store.engine import LedgerUnavailable, open_store
from central.store.schema import migrate
from evidence.merkle import Edge, leaf_hash
from tests.central.ledger.gate import Gate
from tests.central.log.logs import checked, run
from tests.central.log.memory import MemoryWitnesses, RememberingSigner
from tests.peers.postgres import Postgres


async def test_the_leaf_of_a_record_is_counted_from_its_batch(ledger: Ledger, tmp_path: Path) -> None:
    gates = [Gate(name=f"gate-{number}").start() for number in range(3)]
    for turn in range(3):
        for gate in gates:
            gate.calls(*(f"{gate.name}-{turn}-{number}" for number in range(2 + turn)))
            ledger.append(gate.batch(), gate.registered)
        if turn:
            await run(SqlTreeState(ledger.store), tmp_path)
    checkpoint, leaves = checked(tmp_path)
    assert checkpoint.size == sum(len(gate.links) - 1 for gate in gates)
    columns = (tables.log_batches.c.first_leaf, tables.batches.c.first_seq, tables.records.c.seq, tables.records.c.link)
    of_batch = tables.records.c.received_at == tables.batches.c.received_at
    between = tables.records.c.seq.between(tables.batches.c.first_seq, tables.batches.c.last_seq)
    wanted = (
        select(*columns)
        .join(tables.batches, tables.batches.c.id == tables.log_batches.c.batch_id)
        .join(tables.records, (tables.records.c.chain_no == tables.batches.c.chain_no) & between & of_batch)
    )
    with ledger.store.reading() as connection:
        rows = connection.execute(wanted).all()
    assert len(rows) == len(leaves)
    prover = Prover(LogFolder(tmp_path))
    for first_leaf, first_seq, seq, link in rows:
        assert prover.inclusion(first_leaf + seq - first_seq).leaf == link
    assert set(leaves) == {bytes.fromhex(link) for gate in gates for link in gate.links[1:]}


class _Replica(threading.Thread):
    """Starts and steps until it is told to end; begins anew when it was overtaken."""

    def __init__(self, url: str, folder: Path, signer: RememberingSigner, witnesses: MemoryWitnesses) -> None:
        super().__init__()
        self._url, self._folder, self._signer, self._witnesses = url, folder, signer, witnesses
        self.ended = threading.Event()
        self.overtaken = 0
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:  # noqa: BLE001 - the test says what it was
            self.failed = error

    async def _run(self) -> None:
        store = open_store(self._url)
        self._folder.mkdir()
        while not self.ended.is_set():
            sequencer = Sequencer(SqlTreeState(store), LogFolder(self._folder), self._signer, self._witnesses, 50)
            try:
                await sequencer.start()
                for _ in range(3):
                    await sequencer.step()
            except Overtaken:
                self.overtaken += 1
            except LedgerUnavailable:
                # Two transactions that PostgreSQL could not put in an order.
                self.overtaken += 1
        store.close()


async def test_replicas_that_overtake_each_other_never_sign_two_trees(server: Postgres, tmp_path: Path) -> None:
    url = server.new_database()
    store = open_store(url)
    migrate(store)
    store.close()
    ledger, signer, witnesses = Ledger.open(url), RememberingSigner(), MemoryWitnesses(1, needed=0)
    replicas = [_Replica(url, tmp_path / str(number), signer, witnesses) for number in range(2)]
    for replica in replicas:
        replica.start()
    gate = Gate().start()
    for turn in range(40):
        gate.calls(*(f"{turn}-{number}" for number in range(1 + turn % 7)))
        await asyncio.to_thread(ledger.append, gate.batch(), gate.registered)
    for replica in replicas:
        replica.ended.set()
        await asyncio.to_thread(replica.join)
    assert [replica.failed for replica in replicas] == [None, None]
    assert sum(replica.overtaken for replica in replicas) > 0
    await run(SqlTreeState(ledger.store), tmp_path / "0", signer)
    ledger.close()
    _, leaves = checked(tmp_path / "0")
    assert leaves == [bytes.fromhex(link) for link in gate.links[1:]]
    roots, edge = [Edge().root()], Edge()
    for leaf in leaves:
        edge.append(leaf_hash(leaf))
        roots.append(edge.root())
    assert [checkpoint for checkpoint in signer.signed if roots[checkpoint.size] != checkpoint.root] == []
