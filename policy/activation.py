"""Keeping the active policy what its files say, without a restart.

The rules and the grants are looked at twice a second. A change that loads and passes vetting becomes active; one
that does not is reported, and what was active stays so.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from policy.bundle import BUILTIN, load
from policy.engine import CannotDecide, Engine, Policy, PolicyRefused
from policy.grants import index, read_grants

POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class PolicyEvent:
    """A change of the files: the policy that became active, or else the problems for which none did."""

    policy: Policy | None
    problems: tuple[str, ...] = ()


class PolicySource:
    """Where the policy comes from: `spec` as in `bundle.load`, the grants file, the trusted upstreams."""

    def __init__(self, spec: str, grants_path: Path, trusted: Iterable[str] = ()) -> None:
        """Nothing is read yet."""
        self._spec = spec
        self._grants_path = grants_path
        self._trusted = tuple(sorted(trusted))
        self._seen: tuple[Any, ...] = ()

    def load(self) -> Policy:
        """Read everything now. Raises PolicyRefused."""
        self._seen = self._signature()
        return load(self._spec, grants=index(read_grants(self._grants_path)), trusted=self._trusted)

    def changed(self) -> bool:
        """Whether the files are others than when they were last read."""
        return self._signature() != self._seen

    async def activate(self, engine: Engine) -> PolicyEvent:
        """Load, and activate what differs from the active policy. Problems are in the event, nothing is raised."""
        try:
            policy = await asyncio.to_thread(self.load)
            active = engine.active
            if active is None or (active.revision, active.data_revision) != (policy.revision, policy.data_revision):
                await engine.activate(policy)
        except PolicyRefused as error:
            return PolicyEvent(None, error.problems)
        except CannotDecide as error:
            self._seen = ()  # The engine, not the policy, is at fault: try again.
            return PolicyEvent(None, (error.what,))
        return PolicyEvent(policy)

    async def watch(self, engine: Engine, on_event: Callable[[PolicyEvent], None]) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if await asyncio.to_thread(self.changed):
                on_event(await self.activate(engine))

    def _signature(self) -> tuple[Any, ...]:
        paths = [self._grants_path]
        if self._spec not in BUILTIN:
            root = Path(self._spec)
            paths += [root, *sorted(root.rglob("*"))] if root.is_dir() else [root]
        return tuple((str(path), *_stamp(path)) for path in paths)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
