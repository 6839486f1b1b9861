"""Receipts for chains that were written out of the ledger: what is exported is as well attested as what was shipped."""

import asyncio
from collections.abc import Iterable

from central.config import CentralConfig
from central.keys.opening import begun, folder_of, protection_of
from central.keys.signing import SigningKeys
from central.ledger.unfolding import Unfolded
from central.receipts import Receipts
from evidence.clock import Clock
from evidence.receipts import keep_ledger_keys, keep_receipt
from evidence.signers import Purpose


async def give_receipts(config: CentralConfig, clock: Clock, tenant: str, unfolded: Iterable[Unfolded]) -> None:
    """Put beside each chain a receipt for all of it, dated now, and the history of the keys that sign them.

    Raises KeyProblem, SigningFailed, OSError.
    """
    await begun(config, clock)
    folder = folder_of(config, Purpose.RECEIPTS)
    keys = SigningKeys(folder, await asyncio.to_thread(protection_of, config))
    await keys.start()
    receipts = Receipts(keys, origin=config.origin, clock=clock, merge_seconds=config.merge_seconds)
    for each in unfolded:
        note = await receipts.note(
            sidecar=each.sidecar,
            tenant=tenant,
            chain=each.chain,
            incarnation=each.incarnation,
            position=each.position,
        )
        # Read after the note: a key may have become the leading one in between.
        if (history := folder.history()) is not None:
            keep_ledger_keys(each.folder, history.bytes())
        keep_receipt(each.folder, note)
