"""What the tests of evidence write with: a clock that they move, keys of a folder, journals with small limits."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidence.clock import Instant
from evidence.journal import Journal, Limits
from evidence.keys import Keys, load_or_make
from evidence.record import Durability, Entry, Kind
from evidence.report import Report
from evidence.verify import verify_paths

SMALL = Limits(min_free_bytes=0, reserve_bytes=256 * 1024, head_seconds=30.0)
"""Limits of a test: a small reserve, and no tick unless the test asks for it."""

SUBJECT: Mapping[str, Any] = {
    "caller": {"tenant": "acme", "agent": "billing-bot", "workload": None, "user": None, "authn_method": "peer"},
    "session": None,
    "request": {"direction": "client", "method": "tools/call", "upstream": "files", "name": "read_file"},
    "decision": {"effect": "allow", "reason": "granted", "rules": ["grants"]},
}


@dataclass(slots=True)
class HandClock:
    """A clock that stands until it is moved."""

    instant: Instant = field(default_factory=lambda: Instant(1_790_000_000_000_000_000, 5_000_000))

    def now(self) -> Instant:
        return self.instant

    def move(self, seconds: float) -> None:
        self.instant = Instant(self.instant.unix_ns + int(seconds * 1e9), self.instant.boot_us + int(seconds * 1e6))


@dataclass(slots=True)
class Desk:
    """A state folder and an evidence folder of one sidecar."""

    root: Path
    sidecar: str = "gate-1"
    tenant: str = "acme"
    clock: HandClock = field(default_factory=HandClock)

    @property
    def evidence(self) -> Path:
        return self.root / "evidence"

    @property
    def keys(self) -> Keys:
        return load_or_make(self.root / "state", [self.tenant])

    async def open(self, limits: Limits = SMALL) -> Journal:
        return await Journal.open(
            self.evidence,
            sidecar=self.sidecar,
            tenant=self.tenant,
            keys=self.keys,
            isolation="none",
            clock=self.clock,
            limits=limits,
        )

    @asynccontextmanager
    async def journal(self, limits: Limits = SMALL) -> AsyncIterator[Journal]:
        journal = await self.open(limits)
        try:
            yield journal
        finally:
            await journal.close("test")

    def verify(self) -> Report:
        return verify_paths([self.evidence])

    def crashed(self, root: Path) -> "Desk":
        """What kill -9 at this moment leaves behind: the same files in another place, where nobody holds a lock."""
        shutil.copytree(self.root, root)
        return Desk(root, self.sidecar, self.tenant, HandClock(self.clock.instant))


def intent(call: str, *, durability: Durability = "process", secret: bytes = b'{"path":"/etc/motd"}') -> Entry:
    return Entry(Kind.INTENT, SUBJECT, call=call, secrets={"input": secret}, unit="session-1", durability=durability)


def outcome(call: str, *, secret: bytes = b"hello") -> Entry:
    body = {"outcome": "completed", "delivery": "answer", "effect": "done", "reason": "", "status": 200}
    return Entry(Kind.OUTCOME, body, call=call, secrets={"result": secret}, unit="session-1")


def refusal(call: str) -> Entry:
    return Entry(Kind.REFUSAL, {**SUBJECT, "refusal": {"code": "denied"}}, call=call)


async def one_call(journal: Journal, call: str) -> None:
    await journal.append(intent(call))
    await journal.append(outcome(call))
