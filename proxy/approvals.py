"""The sidecar's side of approvals: it asks, it spends, it has the client asked, and it notices what became of them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from evidence.keys import KeyProblem, existing_key, signing_key
from policy import approval_store
from policy.approval import CLIENT, Answer, Asked, Event, NoTurn, SameApprover, seal, unseal
from policy.approval_store import Approval
from policy.engine import CannotDecide
from policy.vocabulary import Caller
from proxy.approval_answers import give, meant
from proxy.database import Database
from proxy.settings.shape import ApprovalSettings

if TYPE_CHECKING:
    import sqlite3

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY: Final = "approvals"
"""The key in the state folder that signs answers given on this machine."""

MAX_HELD: Final = 256
MAX_HELD_EACH: Final = 32
"""Calls, all and of one caller, that are held open until somebody has answered; others are told to come again."""


class ApprovalsFailed(CannotDecide):
    """Approvals could not be read or written."""

    code = "approvals_failed"


class Granted(Struct, frozen=True):
    """A granted approval: who has agreed to the call, as policy is told, and the signed answers."""

    id: str
    by: tuple[Answer, ...]
    signed: tuple[str, ...]

    def told(self) -> dict[str, Any]:
        """What stands in `input.approval`; of several ways in which people were verified, that of the last."""
        last = self.by[-1]
        approvers = [answer.approver for answer in self.by]
        return {"id": self.id, "approvers": approvers, "authn_method": last.authn_method, "at": last.at}


class Approvals:
    """The approvals of one state folder. `answerable` says whether an answer given on this machine counts."""

    def __init__(
        self, state: Path, *, answerable: bool, settings: ApprovalSettings | None = None, page: str | None = None
    ) -> None:
        """Nothing is opened yet. `page` is where a person can look at an approval, with `{id}` in it, if anywhere."""
        settings = settings or ApprovalSettings()
        self.answerable = answerable
        self.wait_seconds = settings.wait_seconds
        self._held: Counter[Caller] = Counter()
        self._page = settings.url or page
        self._state = state
        path = state / approval_store.FILE
        self._database = Database(path.name, lambda: approval_store.opened(path), ApprovalsFailed)

    def take_place(self, caller: Caller) -> bool:
        """One more call of this caller is held, if there is room for it; `leave_place` makes room again."""
        if self._held[caller] >= MAX_HELD_EACH or self._held.total() >= MAX_HELD:
            return False
        self._held[caller] += 1
        return True

    def leave_place(self, caller: Caller) -> None:
        """One call of this caller is held no more."""
        self._held -= Counter((caller,))

    def page(self, id: str) -> str | None:
        """Where a person can look at the approval; None where there is no such place."""
        return None if self._page is None else self._page.replace("{id}", id)

    async def stand(self, wanted: Asked, now: int) -> tuple[Approval, bool]:
        """The approval that stands for this call, and whether it is asked for only now. Raises TooMany."""
        return await self._database.done(lambda database: approval_store.asked(database, wanted, now))

    async def look(self, id: str, now: int) -> Approval | None:
        """The approval of this id as it stands now."""
        return await self._database.done(lambda database: approval_store.approval_of(database, id, now))

    async def listed(self, now: int, *, every: bool) -> list[Approval]:
        """What waits, the oldest first; with `every`, all that is kept."""
        return await self._database.done(lambda database: approval_store.listed(database, now, every=every))

    async def give(self, id: str, event: Event, approver: str, authn_method: str, now: int) -> Approval:
        """The approval after a person's answer; `id` may be its beginning. Raises NoneSuch, MayNot."""

        def given(database: "sqlite3.Connection") -> Approval:
            approval = meant(database, id, now)
            return give(database, self._key(), approval, event, approver, authn_method, now)

        return await self._database.done(given)

    async def granted(self, approval: Approval) -> Granted | None:
        """The answers that let the call pass, once; None if they do not count."""
        return await self._database.done(lambda _: self._granted(approval))

    async def spend(self, granted: Sequence[Granted], now: int) -> None:
        """Spend all of them, or none. Raises Unspendable for one that is over or was spent by somebody else."""
        await self._database.done(lambda database: approval_store.spent(database, [one.id for one in granted], now))

    async def attest(self, id: str, event: Event, approver: str, now: int) -> None:
        """Answer for the agent's own client, which says that `approver` has; it counts only where policy says so.

        Where the approval is over, nothing changes.
        """
        await self._database.done(lambda database: self._attested(database, id, event, approver, now))

    async def cancel(self, id: str, now: int) -> None:
        """Nobody wants it any more; where the approval is over, nothing changes."""
        await self._database.done(lambda database: _unless_over(lambda: approval_store.cancelled(database, id, now)))

    async def news(self, tenants: Sequence[str], now: int) -> list[Approval]:
        """What has become of approvals since this was asked last."""
        if not (self._state / approval_store.FILE).exists():
            return []
        return await self._database.done(lambda database: approval_store.news(database, tenants, now))

    async def seal(self, members: Mapping[str, Any]) -> str:
        """`members` as a text that only this installation can make and read."""
        from proxy.approval_state import seal_state  # only where a client is asked

        return await self._database.done(lambda _: seal_state(members, self._key()))

    async def unseal(self, text: str) -> dict[str, Any] | None:
        """What `seal` has sealed; None if it has not."""
        from proxy.approval_state import unseal_state

        return await self._database.done(lambda _: unseal_state(text, self._key()))

    def close(self) -> None:
        """Free the file; idempotent."""
        self._database.close()

    def _key(self) -> "Ed25519PrivateKey":
        try:
            return signing_key(self._state, KEY)
        except KeyProblem as problem:
            raise ValueError(str(problem)) from problem

    def _attested(self, database: "sqlite3.Connection", id: str, event: Event, approver: str, now: int) -> None:
        approval = approval_store.approval_of(database, id, now)
        if approval is None:
            return
        answer = Answer(id, approval.asked.binding, event, approver, CLIENT, now)
        signed = seal(answer, self._key())
        _unless_over(lambda: approval_store.answered(database, id, event, approver, signed, now))

    def _granted(self, approval: Approval) -> Granted | None:
        answers = self._read(approval)
        return None if answers is None else Granted(approval.asked.id, answers, approval.answers)

    def _read(self, approval: Approval) -> tuple[Answer, ...] | None:
        """The answers, if the key of this installation has signed each, for exactly this approval, and all count."""
        try:
            key = existing_key(self._state, KEY)
        except KeyProblem as problem:
            raise ValueError(str(problem)) from problem
        if key is None:
            return None
        try:
            answers = tuple(unseal(one, key.public_key()) for one in approval.answers)
        except ValueError:
            return None
        asked = approval.asked
        people = {answer.approver for answer in answers}
        counts = all(self._counts(asked, answer) for answer in answers)
        return answers if counts and len(people) == len(answers) >= asked.steps else None

    def _counts(self, asked: Asked, answer: Answer) -> bool:
        if (answer.id, answer.binding, answer.event) != (asked.id, asked.binding, Event.GRANT):
            return False
        if answer.authn_method == CLIENT:
            return asked.client_attested
        return self.answerable and (not asked.approvers or answer.approver in asked.approvers)


def _unless_over(change: Callable[[], Approval]) -> None:
    """Make a change to an approval, which may have been answered, or be over, since it was looked at."""
    with suppress(NoTurn, SameApprover, KeyError):
        change()
