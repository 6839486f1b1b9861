"""The sidecar's side of approvals: it asks, it spends, and it notices what has become of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evidence.keys import existing_key
from policy import approval_store
from policy.approval import Answer, Asked, Event, unseal
from policy.approval_store import Approval
from policy.engine import CannotDecide
from proxy.database import Database

if TYPE_CHECKING:
    import sqlite3

KEY: Final = "approvals"
"""The key in the state folder that signs answers given on this machine."""

SHOWN_CHARACTERS: Final = 4096
"""How much of a call's params an approver is shown."""


class ApprovalsFailed(CannotDecide):
    """Approvals could not be read or written."""

    code = "approvals_failed"


class Approvals:
    """The approvals of one state folder. `answerable` says whether an answer given on this machine counts."""

    def __init__(self, state: Path, *, answerable: bool) -> None:
        """Nothing is opened yet."""
        self.answerable = answerable
        self._state = state
        path = state / approval_store.FILE
        self._database = Database(path.name, lambda: approval_store.opened(path), ApprovalsFailed)

    async def stand(self, wanted: Asked, now: int) -> tuple[Approval, bool]:
        """The approval that stands for this call, and whether it is asked for only now. Raises TooMany."""
        return await self._database.done(lambda database: approval_store.asked(database, wanted, now))

    async def spend(self, approval: Approval, now: int) -> Answer | None:
        """The answer that lets the call pass, once; None if it does not count, or has been spent."""
        return await self._database.done(lambda database: self._spent(database, approval, now))

    async def news(self, tenants: Sequence[str], now: int) -> list[Approval]:
        """What has become of approvals since this was asked last."""
        if not (self._state / approval_store.FILE).exists():
            return []
        return await self._database.done(lambda database: approval_store.news(database, tenants, now))

    def close(self) -> None:
        """Free the file; idempotent."""
        self._database.close()

    def _spent(self, database: "sqlite3.Connection", approval: Approval, now: int) -> Answer | None:
        answer = self._read(approval)
        if answer is None or approval_store.spent(database, approval.asked.id, now) is None:
            return None
        return answer

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
