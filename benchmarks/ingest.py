"""Section `ingest`: what sidecars ship, into a ledger on PostgreSQL, with everything checked on arrival.

The database has the core under test, central's part (unpacking, reading, following the chain) the other one. Each
commit is flushed.
"""

import base64
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zstandard

from benchmarks import verifying
from benchmarks.measure import Plan
from benchmarks.process import on_core
from benchmarks.section import Section, Wrong
from benchmarks.subjects import Stage
from benchmarks.verdict import Verdict, at_least
from central.ledger.ledger import Ledger
from central.registry import Sidecar
from central.store.engine import Store, open_store
from central.store.partitions import make_partitions
from central.store.schema import migrate
from evidence.batch import Batch, read_batch
from evidence.chain import Position
from evidence.clock import SystemClock
from evidence.shipping import MAX_BYTES, ChainReader
from tests.peers.postgres import Postgres, postgres

MIN_RECORDS_PER_SECOND: Final = 8_000
_SIDECARS: Final = 2
_LARGEST: Final = 1 << 26


@dataclass(frozen=True, slots=True)
class Load:
    """Sidecars that ship batches of so many bytes (not packed), about so many calls each."""

    name: str
    batch_bytes: int
    calls: int


BULK: Final = Load("a spool that catches up", MAX_BYTES, 40_000)
LIVE: Final = Load("ten calls a second, shipped each second", 40_000, 5_000)


@dataclass(frozen=True, slots=True)
class Shipment:
    """All packed batches of one sidecar."""

    sidecar: Sidecar
    packed: tuple[bytes, ...]
    records: int


def run(stage: Stage, plan: Plan) -> Section:
    """Records and batches a second of two sidecars at once, and how many bytes of ledger a record takes."""
    wrong, lines, targets = Wrong(), list[tuple[str | float, ...]](), list[Verdict]()
    with on_core(stage.core), postgres() as server:
        os.sched_setaffinity(0, {stage.others})
        for load in (BULK, LIVE):
            calls = load.calls if plan.thorough else 200
            shipments = prepared(stage, load, calls, _SIDECARS)
            seconds, cpu, grown = _ingested(server, shipments, wrong)
            records = sum(shipment.records for shipment in shipments)
            batches = sum(len(shipment.packed) for shipment in shipments)
            packed = sum(len(batch) for shipment in shipments for batch in shipment.packed)
            rate, each = records / seconds, cpu / records * 1e6
            lines.append((load.name, batches / seconds, rate, each, packed / records, grown / records))
            if load is BULK:
                targets.append(at_least("ingest, chains checked: records/s", rate, MIN_RECORDS_PER_SECOND))
    columns = (
        "what", "batches/s", "records/s", "us of central's CPU a record", "bytes sent a record", "bytes kept a record",
    )  # fmt: skip
    return Section("Ingest", columns, tuple(lines), tuple(targets), wrong.errors, wrong.sample)


def prepared(stage: Stage, load: Load, calls: int, sidecars: int) -> list[Shipment]:
    """What so many sidecars ship of so many calls each."""
    return [_shipment(stage.new_folder(), load, calls) for _ in range(sidecars)]


def _shipment(folder: Path, load: Load, calls: int) -> Shipment:
    verifying.write(folder, 1_500, calls)
    (chain,) = folder.iterdir()
    reader, packed, records = ChainReader(chain), [], 0
    reader.seek(Position())
    while (batch := reader.more(load.batch_bytes)) is not None:
        packed.append(zstandard.compress(batch.data))
        records += batch.records
    first = read_batch(zstandard.decompress(packed[0], max_output_size=_LARGEST))
    identity = base64.b64decode(first.records[0].record.body["identity"])
    return Shipment(Sidecar(first.sidecar, first.tenant, identity), tuple(packed), records)


def _ingested(server: Postgres, shipments: list[Shipment], wrong: Wrong) -> tuple[float, float, int]:
    """Seconds, seconds of this process' CPU, and bytes that the database has grown by."""
    ledger = new_ledger(server)
    before = _size(ledger.store)
    begun, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(len(shipments)) as pool:
        taken = list(pool.map(lambda shipment: ship(ledger, shipment), shipments))
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    wrong.unless(right=taken == [shipment.records for shipment in shipments], met=taken)
    grown = _size(ledger.store) - before
    ledger.close()
    return seconds, used, grown


def new_ledger(server: Postgres) -> Ledger:
    """One without a record, on a database of its own."""
    url = server.new_database()
    store = open_store(url)
    migrate(store)
    make_partitions(store, SystemClock().now().unix_ns // 1000)
    store.close()
    return Ledger.open(url)


def ship(ledger: Ledger, shipment: Shipment, told: Callable[[Batch], None] = lambda _: None) -> int:
    """As central does it, one batch after the other, each of which is told of; gives the records that were new."""
    taken = 0
    for packed in shipment.packed:
        batch = read_batch(zstandard.decompress(packed, max_output_size=_LARGEST))
        taken += ledger.append(batch, shipment.sidecar).new_records
        told(batch)
    return taken


def _size(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
