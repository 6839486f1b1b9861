"""The keys by which central's receipts count: the one that is configured, and those that its history leads to.

The history is asked for when a receipt is met that nothing known stands for, and kept in each chain's folder before a
receipt that needs it. It only grows: an older or another one is refused, whoever hands it out.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from evidence.erased import Erased
from evidence.key_entry import BadHistory, Rule
from evidence.note import VerifierKey
from evidence.receipt import Receipt
from evidence.receipts import keep_ledger_keys, kept_ledger_keys
from evidence.witnessing import Ledger

PATH: Final = "/log/keys/receipts"
"""Where central publishes it."""

_Opened = TypeVar("_Opened")

Ask = Callable[[], Awaitable[bytes | None]]
"""Gives the history that central publishes; None where there is none."""


class LedgerKeys:
    """What one process knows of the keys of its central."""

    def __init__(self, root: VerifierKey) -> None:
        self._ledger = Ledger.known(root)

    def remember(self, chain: Path) -> None:
        """Take what lies with a chain; it was checked when it came. Blocks; raises BadHistory, OSError."""
        kept = kept_ledger_keys(chain)
        if kept:
            self._ledger = self._ledger.learned(kept)

    async def open(self, note: str, ask: Ask) -> Receipt:
        """The receipt, if it counts by what is known, or by what central says when it is asked.

        Raises BadSignature, and what `ask` raises.
        """
        return await self._opened(lambda ledger: ledger.open(note), ask)

    async def open_erased(self, note: str, ask: Ask) -> Erased:
        """What a note says is erased, likewise."""
        return await self._opened(lambda ledger: ledger.open_erased(note), ask)

    async def _opened(self, opened: Callable[[Ledger], _Opened], ask: Ask) -> _Opened:
        try:
            return opened(self._ledger)
        except BadHistory as error:
            if error.rule not in {Rule.UNKNOWN_KEY, Rule.NOT_ACTIVE}:
                raise
            published = await ask()
            if published is None:
                raise
        self._ledger = self._ledger.learned(published)
        return opened(self._ledger)

    def keep(self, chain: Path) -> None:
        """Leave with a chain what its receipts need. Blocks; raises OSError."""
        if len(self._ledger.history.notes) > 1:
            keep_ledger_keys(chain, self._ledger.history.bytes())
