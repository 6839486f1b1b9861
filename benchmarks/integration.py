"""Section `integration`: how long after its acknowledgement a batch is in a published checkpoint.

Appends and the sequencer share one process, as they do in central; PostgreSQL has the core under test. Commits and the
files of the log are flushed.
"""

import asyncio
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from sqlalchemy import select

from benchmarks.ingest import BULK, LIVE, Shipment, new_ledger, prepared, ship
from benchmarks.measure import Plan
from benchmarks.process import on_core
from benchmarks.section import Section, Wrong
from benchmarks.subjects import Stage
from benchmarks.verdict import Verdict, at_most
from central.ledger.ledger import Ledger
from central.log.asking import NoWitnesses
from central.log.sequencer import Sequencer
from central.log.sql_state import SqlTreeState
from central.log.store import LogFolder
from central.store import tables
from evidence.batch import Batch
from tests.central.log.memory import RememberingSigner
from tests.peers.postgres import Postgres, postgres

MAX_SECONDS: Final = 2.0
_SIDECARS: Final = 2

_Batch = tuple[str, int]
"""The link of the first record of its chain, and the number of its last one."""


def run(stage: Stage, plan: Plan) -> Section:
    """Seconds from the acknowledgement of each batch to the first checkpoint that has all of it."""
    wrong, lines, targets = Wrong(), list[tuple[str | float, ...]](), list[Verdict]()
    with on_core(stage.core), postgres() as server:
        os.sched_setaffinity(0, {stage.others})
        for load in (BULK, LIVE):
            shipments = prepared(stage, load, load.calls // 2 if plan.thorough else 200, _SIDECARS)
            taken, rate = _integrated(server, shipments, stage.new_folder(), wrong)
            lines.append((load.name, len(taken), rate, statistics.median(taken), max(taken)))
            targets.append(at_most(f"acknowledged to published, {load.name}: s", max(taken), MAX_SECONDS))
    columns = ("what", "batches", "records/s", "p50 s", "longest s")
    return Section("Integration", columns, tuple(lines), tuple(targets), wrong.errors, wrong.sample)


def _integrated(server: Postgres, shipments: list[Shipment], folder: Path, wrong: Wrong) -> tuple[list[float], float]:
    """Seconds for each batch, and records a second meanwhile."""
    ledger = new_ledger(server)
    acknowledged, published, seconds = asyncio.run(_shipped(ledger, shipments, folder))
    taken = [_first(published, end) - acknowledged[key] for key, end in _ends(ledger).items()]
    wrong.unless(right=len(taken) == len(acknowledged), met=(len(taken), len(acknowledged)))
    ledger.close()
    return taken, sum(shipment.records for shipment in shipments) / seconds


async def _shipped(
    ledger: Ledger, shipments: list[Shipment], folder: Path
) -> tuple[dict[_Batch, float], list[tuple[float, int]], float]:
    """When each batch was acknowledged, when which size was published, and how long it took to ship all."""
    loop, wanted = asyncio.get_running_loop(), asyncio.Event()
    acknowledged, published = dict[_Batch, float](), list[tuple[float, int]]()

    def told(batch: Batch) -> None:
        acknowledged[batch.chain, batch.last.seq] = time.perf_counter()
        loop.call_soon_threadsafe(wanted.set)

    with LogFolder(folder).held(), ThreadPoolExecutor(len(shipments)) as pool:
        sequencer = Sequencer(SqlTreeState(ledger.store), LogFolder(folder), RememberingSigner(), NoWitnesses())
        await sequencer.start()
        begun = time.perf_counter()
        shipped = [loop.run_in_executor(pool, ship, ledger, shipment, told) for shipment in shipments]
        while not all(each.done() for each in shipped) or wanted.is_set():
            wanted.clear()
            while (out := await sequencer.step()) is not None:
                published.append((time.perf_counter(), out.checkpoint.size))
            if not all(each.done() for each in shipped):
                await wanted.wait()
        return acknowledged, published, max(acknowledged.values()) - begun


def _ends(ledger: Ledger) -> dict[_Batch, int]:
    """How many leaves a tree has at least that has all of a batch."""
    chains, batches, placed = tables.chains, tables.batches, tables.log_batches
    query = (
        select(chains.c.chain, batches.c.last_seq, placed.c.first_leaf + placed.c.count)
        .join(batches, batches.c.chain_no == chains.c.no)
        .join(placed, placed.c.batch_id == batches.c.id)
    )
    with ledger.store.reading() as connection:
        return {(chain.hex(), last): end for chain, last, end in connection.execute(query)}


def _first(published: list[tuple[float, int]], size: int) -> float:
    """When a tree of this size, or a larger one, was published first."""
    return next(at for at, published_size in published if published_size >= size)
