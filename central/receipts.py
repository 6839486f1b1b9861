"""Receipts: what central signs for what its ledger holds of a chain. See evidence/receipt.py for their form."""

from collections.abc import Sequence
from typing import Final, Protocol

from evidence.chain import Position
from evidence.clock import Clock, Instant
from evidence.erased import Erased
from evidence.receipt import Receipt

_NS: Final = 1_000_000_000


class ReceiptKeys(Protocol):
    """Signs receipts. Each call raises `evidence.signers.SigningFailed`."""

    async def since(self) -> str:
        """From when on the key signs: RFC 3339, as receipts have it."""
        ...

    async def note(self, text: str) -> str:
        """The signed note."""
        ...


class Receipts:
    """Makes receipts of the ledger before the log `origin`, which has what is held after `merge_seconds`."""

    def __init__(self, keys: ReceiptKeys, *, origin: str, clock: Clock, merge_seconds: int) -> None:
        self._keys, self._origin, self._clock, self._merge_ns = keys, origin, clock, merge_seconds * _NS

    async def note(self, *, sidecar: str, tenant: str, chain: str, incarnation: str, position: Position) -> str:
        """The signed receipt, dated now, for a chain that is held up to a record of this incarnation.

        Raises SigningFailed.
        """
        since, now = await self._keys.since(), self._clock.now()
        receipt = Receipt(
            sidecar=sidecar,
            tenant=tenant,
            chain=chain,
            incarnation=incarnation,
            position=position,
            log=self._origin,
            # A clock that was set back must not date a receipt before its key.
            at=max(now.rfc3339(), since),
            merge_by=Instant(now.unix_ns + self._merge_ns, now.boot_us).rfc3339(),
        )
        return await self._keys.note(receipt.text())

    async def erased(self, sidecar: str, tenant: str, keys: Sequence[str]) -> str:
        """The signed word that these data keys, sorted by their ids, are destroyed. Raises SigningFailed."""
        at = max(self._clock.now().rfc3339(), await self._keys.since())
        return await self._keys.note(Erased(sidecar, tenant, at, tuple(keys)).text())
