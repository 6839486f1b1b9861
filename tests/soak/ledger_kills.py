"""kill -9 of sidecar, central and its database under load: what has a receipt is there, once, in one tree."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Final

from evidence.checkpoint import Checkpoint
from tests.crash.load import Calls, call_until
from tests.crash.reckoning import opened, reckon
from tests.soak import books
from tests.soak.kills import promises
from tests.soak.places import NAMES, until
from tests.soak.planes import Part, Planes, on_postgresql, on_sqlite
from tests.soak.trial import QUICK_MINUTES, Bound, Plan, Promise, Result, Say, at_least, equals, nothing

ROUNDS: Final = 100
SHARE: Final = 0.12
SHORT: Final = Bound(4, 20.0)
"""Rounds of the short form: everybody is killed alone and with the others."""

LOAD_SECONDS: Final = 0.4
AFTER_SECONDS: Final = 0.15
"""How long callers go on after the kill."""

CALLERS: Final = 6
_SAID_EVERY: Final = 10

OF_TWO: Final[tuple[tuple[Part, ...], ...]] = (("sidecar", "central"), ("central",), ("sidecar",))
OF_THREE: Final[tuple[tuple[Part, ...], ...]] = (
    ("sidecar", "central", "database"),
    ("database",),
    ("central",),
    ("sidecar",),
    ("central", "database"),
    ("sidecar", "database"),
    ("database", "central", "sidecar"),
)
"""Who is killed in a round; then from the beginning."""


def in_sqlite(folder: Path, plan: Plan, say: Say) -> Result:
    """Central with its embedded ledger."""
    with on_sqlite(folder) as planes:
        return _run(planes, OF_TWO, plan, say)


def in_postgresql(folder: Path, plan: Plan, say: Say) -> Result:
    """Central with a ledger on a server, which is killed in turn."""
    with on_postgresql(folder) as planes:
        return _run(planes, OF_THREE, plan, say)


@dataclass(slots=True)
class _Seen:
    """What was met on the way: what a restarted ledger did not have, and which trees were published."""

    calls: Calls = field(default_factory=Calls)
    receipts: int = 0
    broken: list[str] = field(default_factory=list)
    trees: list[Checkpoint] = field(default_factory=list)


def _run(planes: Planes, orders: Sequence[Sequence[Part]], plan: Plan, say: Say) -> Result:
    seen, kills = _Seen(), 0
    short = plan.minutes <= QUICK_MINUTES
    bound = SHORT if short else plan.bound(ROUNDS, SHARE)
    for life, parts in zip(bound.rounds(), cycle(orders), strict=False):
        seen.calls.add(_life(planes, parts, life))
        kills += 1
        _look(planes, seen)
        if kills % _SAID_EVERY == 0:
            say(f"{kills} kills, {seen.calls.count():,} calls, {len(seen.broken)} receipts broken")
    _settle(planes)
    did = (
        f"{bound.of(kills)} rounds over {seen.calls.count():,} calls, {len(seen.calls.answered):,} of them answered: "
        f"{len(books.spool_book(planes.folders.evidence)):,} records, {len(seen.trees)} trees looked at"
    )
    return Result(did, _found(planes, seen))


def _life(planes: Planes, parts: Sequence[Part], life: int) -> Calls:
    """Everything comes up, calls are made, and some of it is killed under them."""
    planes.central_up()
    gate = planes.sidecar_up()

    async def called() -> Calls:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            load = tasks.create_task(call_until([gate.url(name) for name in NAMES], stop, str(life), CALLERS))
            await asyncio.sleep(LOAD_SECONDS)
            await asyncio.to_thread(planes.kill, parts)
            await asyncio.sleep(AFTER_SECONDS)
            stop.set()
        return load.result()

    return asyncio.run(called())


def _look(planes: Planes, seen: _Seen) -> None:
    """Before anybody can send again what was lost: is there what was promised?"""
    promised = books.receipts(planes.folders.evidence)
    planes.database_up()
    seen.receipts += len(promised)
    seen.broken += books.broken(promised, planes.database)
    tree = books.checkpoint(planes.log)
    if tree is not None and tree not in seen.trees:
        seen.trees.append(tree)


def _settle(planes: Planes) -> None:
    """A last start, after which no call is open; then all of it is shipped and in the log."""
    planes.central_up()
    planes.sidecar_up()
    planes.end_sidecar()
    planes.sidecar_up()
    until(lambda: _shipped(planes), "the evidence does not all arrive")
    planes.end_sidecar()
    until(lambda: _shipped(planes) and _logged(planes), "the evidence does not all come into the log")


def _shipped(planes: Planes) -> bool:
    return books.ledger_book(planes.database)[0].keys() >= books.spool_book(planes.folders.evidence).keys()


def _logged(planes: Planes) -> bool:
    tree = books.checkpoint(planes.log)
    return tree is not None and tree.size >= books.ledger_book(planes.database)[1]


def _found(planes: Planes, seen: _Seen) -> tuple[Promise, ...]:
    found = reckon(planes.folders, planes.upstream.reached(), seen.calls)
    spool = books.spool_book(planes.folders.evidence)
    ledger, rows = books.ledger_book(planes.database)
    links, leaves = books.ledger_links(planes.database), books.leaves(planes.log)
    return (
        *promises(found),
        at_least("receipts looked up after a kill", seen.receipts, 1),
        nothing("of these, not kept by the ledger", seen.broken),
        nothing("notices of a central behind its receipt", _behind(planes)),
        equals("records in the ledger, less those written", rows - len(spool), 0),
        nothing(
            "records that are not what was written", {place for place in spool if spool[place] != ledger.get(place)}
        ),
        nothing("records that are not one leaf", {link for link in links.values() if leaves[bytes.fromhex(link)] != 1}),
        equals("leaves, less records", leaves.total() - rows, 0),
        nothing("trees that the last does not begin with", books.other_trees(planes.log, seen.trees)),
    )


def _behind(planes: Planes) -> list[str]:
    records = opened(planes.folders)
    return [str(each["body"]) for each in records if each["body"].get("event") == "central_behind_receipt"]
