"""Ships evidence to central: each chain in order, from what central holds, until its receipt says that it holds it.

    ask central's position -> read on from there -> POST a batch -> check and keep the receipt -> the next

Nothing here can lose a record: the spool keeps what no receipt covers, and central takes the same records twice as
once. What goes wrong is tried again with growing pauses and told by `problem`; only a receipt ends an intent's wait.
"""

import asyncio
import contextlib
import math
import os
import random
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson
import zstandard

from evidence.chain import Position
from evidence.files import chain_folders
from evidence.journal import Journal, NotRecorded
from evidence.key_entry import BadHistory
from evidence.keys import Keys
from evidence.layout import LEDGER_KEYS_NAME, SEGMENT_GLOB, segment_numbers
from evidence.receipt import Receipt, read_receipt
from evidence.receipts import keep_receipt, kept_receipt
from evidence.record import Entry, Kind
from evidence.shipping import ChainReader, NotShippable, Origin, Outgoing
from evidence.signing import BadSignature
from evidence.spool import Locked, lock
from evidence.trimming import trim
from proxy.central_client import CentralClient, Elsewhere, NotDelivered, Refused
from proxy.erasures import believed, carry_out
from proxy.going_on import attempt, keep
from proxy.ledger_keys import LedgerKeys
from proxy.settings.central import CentralConfig

PAUSE_SECONDS: Final = 1.0
"""How long records may gather before they are shipped, where nobody waits for them."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_LONGEST_WISH: Final = 300.0
_LOOK_SECONDS: Final = 60.0
_TRIM_SECONDS: Final = 60.0
_FORGET_SECONDS: Final = 10.0
_LEVEL: Final = 3


class _NotOurs(NotShippable):
    """A chain that this sidecar has nothing to ship of: another's, or one without a record. That is no problem."""


@dataclass(slots=True)
class _Shipment:
    """One chain on its way. `held` is what central says that it holds, `promised` the most that it has ever said."""

    chain: Path
    journal: Journal | None = None
    held: Position = field(default_factory=Position)
    promised: Position = field(default_factory=Position)
    included: int = 0
    told: int = 0
    """What central said last of its erasures, and what of that was done here."""

    obeyed: int = -1
    asked: float = -math.inf
    problem: str | None = None
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    trimmed: float = 0.0


@dataclass(frozen=True, slots=True)
class _Given:
    """A receipt as it came, up to which record central's log has the chain, and the number of its last erasure."""

    receipt: Receipt
    note: str
    included: int
    erasures: int


class Uplink:
    """The way to central of one process. All methods belong to the event loop."""

    def __init__(self, central: CentralConfig, keys: Keys, sidecar: str, folder: Path) -> None:
        self._central, self._keys, self._sidecar, self._folder = central, keys, sidecar, folder
        self._shipments: dict[Path, _Shipment] = {}
        self._done: dict[Path, tuple[int, int]] = {}
        self._stuck: dict[Path, str] = {}
        self._told = 0
        self._ledger_keys = LedgerKeys(central.receipt_key)
        self._client = CentralClient(central, keys.identity, sidecar)

    def carry(self, journal: Journal) -> None:
        """Ship the chain of this journal from now on, as soon as `run` runs."""
        shipment = self._shipments[journal.chain] = _Shipment(journal.chain, journal)
        journal.shipped(shipment.wanted.set, self._central.acknowledge_seconds)

    def problem(self) -> str | None:
        """Why evidence does not arrive, or None."""
        found = [shipment.problem for shipment in self._shipments.values() if shipment.problem is not None]
        found += [self._stuck[chain] for chain in sorted(self._stuck)]
        return f"central {self._central.url}: {found[0]}" if found else None

    def waiting(self) -> int:
        """Records of this process's chains that no receipt covers yet."""
        journals = [(each.journal, each.held.seq) for each in self._shipments.values() if each.journal is not None]
        return sum(max(0, journal.seq - seq) for journal, seq in journals)

    async def run(self) -> None:
        """Ship until cancelled; chains that others left behind as well. Raises OSError if central's CA is gone.

        Whatever fails with one chain, the others are shipped.
        """
        async with self._client.connected(), asyncio.TaskGroup() as tasks:
            for shipment in list(self._shipments.values()):
                work = partial(self._keep_shipping, shipment)
                tasks.create_task(keep(f"shipping {shipment.chain.name}", work))
            await keep("shipping what was left behind", self._ship_left_behind)

    async def finish(self, seconds: float) -> None:
        """The journals are closed: ship what is left, at most `seconds` long. What stays is for the next start."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._client.connected():
                for shipment in self._shipments.values():
                    shipment.journal = None
                    await attempt(f"shipping the rest of {shipment.chain.name}", self._ship_whole(shipment))

    async def _keep_shipping(self, shipment: _Shipment) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                async for _ in self._batches(shipment):
                    shipment.problem, pause = None, _FIRST_PAUSE
            except Elsewhere:
                continue
            except (NotDelivered, Refused, NotShippable, OSError) as error:
                shipment.problem = str(error)
                longest = _LONGEST_PAUSE if isinstance(error, NotDelivered) else 10 * _LONGEST_PAUSE
                pause = min(longest, 2 * pause) if isinstance(error, NotDelivered) else longest
                wished = min(getattr(error, "seconds", 0.0), _LONGEST_WISH)
                await asyncio.sleep(max(wished, pause * (0.5 + random.random() / 2)))  # noqa: S311
            except Exception as error:
                shipment.problem = _unforeseen(shipment.chain, error)
                raise

    async def _ship_left_behind(self) -> None:
        """Chains of this sidecar that no process writes to: each is shipped to its end, and looked at again later."""
        while True:
            left = [chain for chain in chain_folders(self._folder) if chain not in self._shipments]
            for gone in self._stuck.keys() - set(left):
                del self._stuck[gone]
            for chain in left:
                await attempt(f"shipping {chain.name}, which was left behind", self._ship_one_left(chain))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _ship_one_left(self, chain: Path) -> None:
        try:
            changed = _changed(chain)
            if self._done.get(chain) == (changed, self._told):
                return
            handle = lock(chain)
        except (Locked, OSError):
            self._stuck.pop(chain, None)
            return
        shipment = _Shipment(chain)
        try:
            if await self._ship_whole(shipment) and await self._given_up(shipment):
                self._done[chain] = (changed, shipment.told)
        except OSError:
            return
        except Exception as error:
            shipment.problem = _unforeseen(chain, error)
            raise
        finally:
            os.close(handle)
            self._note_stuck(shipment)

    def _note_stuck(self, shipment: _Shipment) -> None:
        """What a chain that was left behind could not be shipped for, until it can be, or is gone."""
        problem, name = shipment.problem, shipment.chain.name
        if problem is None:
            self._stuck.pop(shipment.chain, None)
        else:
            self._stuck[shipment.chain] = problem if name in problem else f"{name}: {problem}"

    async def _given_up(self, shipment: _Shipment) -> bool:
        """Trim a chain that has arrived; whether the log has all of it, and its last segment alone is left."""
        await asyncio.to_thread(trim, shipment.chain, shipment.included, self._central.keep_seconds)
        left = segment_numbers(await asyncio.to_thread(os.listdir, shipment.chain))
        obeyed = shipment.told in (0, shipment.obeyed)
        return obeyed and len(left) <= 1 and shipment.included >= shipment.held.seq

    async def _ship_whole(self, shipment: _Shipment) -> bool:
        """Ship a chain that nobody writes to; whether all of it has arrived."""
        try:
            async for _ in self._batches(shipment):
                pass
        except (Elsewhere, _NotOurs):
            return False
        except (NotDelivered, Refused, NotShippable, OSError) as error:
            shipment.problem = str(error)
            return False
        shipment.problem = None
        return True

    async def _batches(self, shipment: _Shipment) -> AsyncIterator[Receipt]:
        """Deliver batch after batch, for as long as the chain is written to; gives the receipt of each."""
        reader, origin = await self._joined(shipment)
        while True:
            await self._forget(shipment, origin)
            outgoing = await asyncio.to_thread(reader.more)
            if outgoing is not None:
                yield await self._deliver(shipment, origin, outgoing)
            elif shipment.journal is None:
                return
            else:
                await self._trim(shipment)
                await _pause(shipment)

    async def _joined(self, shipment: _Shipment) -> tuple[ChainReader, Origin]:
        """A reader that stands where central does."""
        known = await asyncio.to_thread(_last_receipt, shipment.chain)
        await asyncio.to_thread(self._remember_keys, shipment.chain)
        reader = ChainReader(shipment.chain, None if known is None else known.chain)
        if known is not None and known.position.seq > shipment.promised.seq:
            shipment.promised = known.position
        while (origin := await asyncio.to_thread(reader.origin)) is None:
            if shipment.journal is None:
                raise _NotOurs("the chain has no record")
            await _pause(shipment)
        if origin.sidecar != self._sidecar:
            raise _NotOurs("the chain of another sidecar")
        path = f"/v1/evidence/chains/{origin.chain}/position"
        answer = await self._client.ask("GET", path, origin.tenant, b"")
        given = None if answer.get("receipt") is None else await self._receipt(origin, answer)
        held = Position() if given is None else given.receipt.position
        shipment.problem = None
        if held.seq < shipment.promised.seq:
            self._note_rollback(shipment, held)
        # A receipt for another future of this chain, as a copy of it has shipped, is none for what is written here.
        await asyncio.to_thread(reader.seek, held)
        shipment.held = held
        if given is not None:
            await self._take(shipment, given)
        return reader, origin

    async def _deliver(self, shipment: _Shipment, origin: Origin, outgoing: Outgoing) -> Receipt:
        packed = await asyncio.to_thread(zstandard.compress, outgoing.data, _LEVEL)
        answer = await self._client.ask("POST", "/v1/evidence/batches", origin.tenant, packed)
        given = await self._receipt(origin, answer)
        if given.receipt.position != outgoing.last:
            raise Elsewhere
        await self._take(shipment, given)
        return given.receipt

    async def _receipt(self, origin: Origin, answer: Mapping[str, Any]) -> _Given:
        """The receipt in an answer, by its signature and for this chain. Raises NotDelivered."""
        note, included = str(answer.get("receipt")), answer.get("included")
        try:
            receipt = await self._ledger_keys.open(note, self._client.published_keys)
        except BadSignature as error:
            raise NotDelivered(f"its receipt does not count: {error}") from error
        if (receipt.sidecar, receipt.tenant, receipt.chain) != (origin.sidecar, origin.tenant, origin.chain):
            raise NotDelivered("its receipt is for something else")
        return _Given(receipt, note, _number(included), _number(answer.get("erasures")))

    async def _take(self, shipment: _Shipment, given: _Given) -> None:
        """Keep a receipt over a record that this chain has; who waits for it waits no more."""
        position = given.receipt.position
        # How far the log has the chain is under no signature: what no receipt covers is not given up for it.
        shipment.included = min(given.included, position.seq)
        shipment.held, shipment.told = position, given.erasures
        self._told = max(self._told, given.erasures)
        if shipment.journal is not None:
            shipment.journal.held(position.seq)
        if position.seq >= shipment.promised.seq:
            shipment.promised = position
            await asyncio.to_thread(self._ledger_keys.keep, shipment.chain)
            await asyncio.to_thread(keep_receipt, shipment.chain, given.note)

    def _remember_keys(self, chain: Path) -> None:
        try:
            self._ledger_keys.remember(chain)
        except BadHistory as error:
            what = f"{chain.name}/{LEDGER_KEYS_NAME}: {error}; move the file away to have it asked for anew"
            raise NotShippable(what) from error

    def _note_rollback(self, shipment: _Shipment, held: Position) -> None:
        """Central has lost what it gave a receipt for: the receipt stays as the proof, and what is here goes again."""
        promised = shipment.promised
        shipment.problem = f"it holds {held.seq} of the {promised.seq} records of a chain that it gave a receipt for"
        if shipment.journal is None:
            return
        body = {"event": "central_behind_receipt", "held": held.seq, "promised": promised.seq, "link": promised.link}
        with contextlib.suppress(NotRecorded):
            _ = shipment.journal.append(Entry(Kind.NOTICE, body))

    async def _trim(self, shipment: _Shipment) -> None:
        """Segments that central's log holds, and that are old enough, are given up."""
        if not shipment.included or time.monotonic() - shipment.trimmed < _TRIM_SECONDS:
            return
        shipment.trimmed = time.monotonic()
        await asyncio.to_thread(trim, shipment.chain, shipment.included, self._central.keep_seconds)

    async def _forget(self, shipment: _Shipment, origin: Origin) -> None:
        """Destroy the data keys of this chain that central has destroyed since it was asked last."""
        told = shipment.told
        if told in (0, shipment.obeyed) or time.monotonic() - shipment.asked < _FORGET_SECONDS:
            return
        shipment.asked = time.monotonic()
        if await carry_out(self._asked_for_erased, shipment.chain, shipment.journal, origin):
            shipment.obeyed = told

    async def _asked_for_erased(self, origin: Origin, keys: list[str]) -> frozenset[str]:
        """Those of these data keys that central says are destroyed. Raises NotDelivered."""
        answer = await self._client.ask("POST", "/v1/evidence/erased", origin.tenant, orjson.dumps({"keys": keys}))
        try:
            erased = await self._ledger_keys.open_erased(str(answer.get("note")), self._client.published_keys)
            return believed(erased, origin, keys)
        except BadSignature as error:
            raise NotDelivered(f"what it says is erased does not count: {error}") from error


async def _pause(shipment: _Shipment) -> None:
    """Until somebody waits for a receipt, or for a moment."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PAUSE_SECONDS):
            await shipment.wanted.wait()
    shipment.wanted.clear()


def _unforeseen(chain: Path, error: Exception) -> str:
    """What it says may quote a message: it is told in no place that everybody reads."""
    return f"{chain.name}: unforeseen {type(error).__name__}"


def _number(given: object) -> int:
    return given if type(given) is int else 0


def _changed(chain: Path) -> int:
    """When a record was last written to the chain, in nanoseconds."""
    return max((segment.stat().st_mtime_ns for segment in chain.glob(SEGMENT_GLOB)), default=0)


def _last_receipt(chain: Path) -> Receipt | None:
    """The receipt that lies there: it was checked when it came. Raises NotShippable for one that cannot be read."""
    try:
        note = kept_receipt(chain)
        return None if note is None else read_receipt(note.rpartition("\n\n")[0] + "\n")
    except ValueError as error:
        raise NotShippable(f"{chain.name}: {error}; move the file away to have the chain shipped anew") from error
