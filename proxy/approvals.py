"""The sidecar's side of approvals: it asks, it spends, and it notices what has become of them."""

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from evidence.keys import existing_key
from policy import approval_store
from policy.approval import Answer, Asked, Event, unseal
from policy.approval_store import Approval
from policy.engine import CannotDecide

if TYPE_CHECKING:
    import sqlite3

KEY: Final = "approvals"
"""The key in the state folder that signs answers given on this machine."""

SHOWN_CHARACTERS: Final = 4096
"""How much of a call's params an approver is shown."""

T = TypeVar("T")


class ApprovalsFailed(CannotDecide):
    """Approvals could not be read or written."""

    code = "approvals_failed"


class Approvals:
    """The approvals of one state folder. `answerable` says whether an answer given on this machine counts."""

    def __init__(self, state: Path, *, answerable: bool) -> None:
        """Nothing is opened yet."""
        self.answerable = answerable
        self._state = state
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="approvals")
        self._database: sqlite3.Connection | None = None

    async def stand(self, wanted: Asked, now: int) -> tuple[Approval, bool]:
        """The approval that stands for this call, and whether it is asked for only now. Raises TooMany."""
        return await self._done(lambda database: approval_store.asked(database, wanted, now))

    async def spend(self, approval: Approval, now: int) -> Answer | None:
        """The answer that lets the call pass, once; None if it does not count, or has been spent."""
        answer = await self._done(lambda _: self._read(approval))
        if answer is None:
            return None
        spent = await self._done(lambda database: approval_store.spent(database, approval.asked.id, now))
        return None if spent is None else answer

    async def news(self, tenants: Sequence[str], now: int) -> list[Approval]:
        """What has become of approvals since this was asked last."""
        if not (self._state / approval_store.FILE).exists():
            return []
        return await self._done(lambda database: approval_store.news(database, tenants, now))

    def close(self) -> None:
        """Free the file; idempotent."""
        self._thread.shutdown(wait=True)
        if self._database is not None:
            self._database.close()
            self._database = None

    def _read(self, approval: Approval) -> Answer | None:
        """The answer, if the key of this installation has signed it, for exactly this approval."""
        key = existing_key(self._state, KEY)
        if key is None or approval.answer is None:
            return None
        try:
            answer = unseal(approval.answer, key.public_key())
        except ValueError:
            return None
        asked = approval.asked
        named = not asked.approvers or answer.approver in asked.approvers
        fits = (answer.id, answer.binding, answer.event) == (asked.id, asked.binding, Event.GRANT)
        return answer if fits and named else None

    async def _done(self, work: "Callable[[sqlite3.Connection], T]") -> T:
        import sqlite3  # only a sidecar that asks for approvals needs it

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self._opened()))
        except (sqlite3.Error, OSError, json.JSONDecodeError) as error:
            raise ApprovalsFailed(f"{approval_store.FILE} of the state folder: {error}") from error

    def _opened(self) -> "sqlite3.Connection":
        if self._database is None:
            self._database = approval_store.opened(self._state / approval_store.FILE)
        return self._database
