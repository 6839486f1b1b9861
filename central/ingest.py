"""Takes batches into the ledger and gives receipts: what has a receipt is durable, and will be in the log in time.

All work is done in a small pool of threads, so that a batch that takes long holds up no other connection.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import zstandard

from central.ledger.covered import Covered, covered, erased_of
from central.ledger.ledger import Ledger
from central.receipts import Receipts
from central.registry import Sidecar
from evidence.batch import BadBatch, read_batch

THREADS: Final = 4
MOST_AT_ONCE: Final = 32
"""Batches that are in memory or wait for a thread; more are sent away for a moment, before their bodies are read."""


class Busy(Exception):
    """As many batches are under way as may be; try again in a moment."""


class TooLarge(Exception):
    """A batch that has more bytes than are taken, packed or unpacked."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a sidecar is told: the receipt for all that is held of its chain, and what of it the log holds.

    When `erasures` is not what it was, it asks which of its keys are destroyed.
    """

    receipt: str | None
    included: int
    erasures: int


class Ingest:
    """The way into the ledger. `log_size` gives the leaves of the published checkpoint."""

    def __init__(
        self,
        ledger: Ledger,
        receipts: Receipts,
        *,
        batch_bytes: int,
        log_size: Callable[[], int],
        appended: Callable[[], None],
    ) -> None:
        self._ledger, self._receipts, self._batch_bytes = ledger, receipts, batch_bytes
        self._log_size, self._appended = log_size, appended
        self._threads = ThreadPoolExecutor(THREADS, "ingest")
        self._under_way = 0

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Within this a batch may be read and taken. Raises Busy."""
        if self._under_way >= MOST_AT_ONCE:
            raise Busy(f"{self._under_way} batches are under way already")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def take(self, packed: bytes, sidecar: Sidecar) -> Given:
        """Append a packed batch of this sidecar.

        Raises BadBatch, TooLarge, SigningFailed (what was sent is kept), and what `Ledger.append` raises.
        """
        held, chain = await asyncio.get_running_loop().run_in_executor(self._threads, self._take, packed, sidecar)
        self._appended()
        return await self._given(held, sidecar, chain)

    async def standing(self, sidecar: Sidecar, chain: str) -> Given:
        """What is held of a chain. Raises LedgerUnavailable, SigningFailed."""
        held = await asyncio.get_running_loop().run_in_executor(self._threads, self._covered, sidecar, chain)
        return await self._given(held, sidecar, chain)

    async def erased(self, sidecar: Sidecar, keys: Sequence[str]) -> str:
        """A signed note that says which of these data keys are destroyed. Raises LedgerUnavailable, SigningFailed."""
        store = self._ledger.store
        found = await asyncio.get_running_loop().run_in_executor(self._threads, erased_of, store, sidecar.tenant, keys)
        return await self._receipts.erased(sidecar.id, sidecar.tenant, found)

    def close(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown()

    def _take(self, packed: bytes, sidecar: Sidecar) -> tuple[Covered | None, str]:
        batch = read_batch(self._unpacked(packed))
        self._ledger.append(batch, sidecar)
        return self._covered(sidecar, batch.chain), batch.chain

    def _covered(self, sidecar: Sidecar, chain: str) -> Covered | None:
        return covered(self._ledger.store, sidecar.id, sidecar.tenant, chain, self._log_size())

    def _unpacked(self, packed: bytes) -> bytes:
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed, read_across_frames=False)
        try:
            data = reader.read(self._batch_bytes + 1)
        except zstandard.ZstdError as error:
            raise BadBatch(f"not one zstd frame: {error}") from error
        if len(data) > self._batch_bytes:
            raise TooLarge(f"a batch has at most {self._batch_bytes} bytes")
        return data

    async def _given(self, held: Covered | None, sidecar: Sidecar, chain: str) -> Given:
        if held is None:
            return Given(None, 0, 0)
        receipt = await self._receipts.note(
            sidecar=sidecar.id,
            tenant=sidecar.tenant,
            chain=chain,
            incarnation=held.incarnation,
            position=held.position,
        )
        return Given(receipt, held.included, held.erasures)
