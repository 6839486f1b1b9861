"""Keeping the active policy what its files say, without a restart.

The rules and the grants are looked at twice a second; what a server gives lies in a file, too (`following`). A change
that loads and passes vetting becomes active; one that does not is reported, and what was active stays so. An engine
that was not there, or that loaded it late, is asked again (`retrying`). Of bundles the last good one is kept: it is
what a start takes when the given file is missing or bad, and what goes on with new grants while it is.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from policy.bundle import BUILTIN, load, load_bundle
from policy.engine import CannotDecide, Engine, Policy, PolicyAway, PolicyRefused
from policy.exception_file import ExceptionFile, Found
from policy.following import Following, stamp
from policy.grant_file import read_grants
from policy.grants import index
from policy.keeping import Keeping
from policy.opening import Bundle, open_bundle, opened
from policy.pins import read_file
from policy.retrying import Retrying
from policy.trust import Trust

POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class PolicyEvent:
    """A change of the files: the policy that became active, or else the problems for which none did.

    Both: the files are refused for these problems, and what became active is the last good bundle.
    """

    policy: Policy | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A policy that may become active, and the bundle that it comes from."""

    policy: Policy
    bundle: Bundle | None = None


class PolicySource:
    """Where the policy comes from: `spec` as in `bundle.load`, the grants file, the trusted upstreams.

    `trust` says which bundles count, and `keeping` holds what is remembered of them; without it, nothing is. At
    `pins_path` is the lock file of tool definitions, for a policy that brings none. With `served`, the bundle is
    the one that its server gives, and whoever watches has to `follow` it as well. `exceptions` reads those of the state
    folder; without it there are none.
    """

    def __init__(
        self,
        spec: str,
        grants_path: Path,
        trusted: Iterable[str] = (),
        *,
        trust: Trust | None = None,
        keeping: Keeping | None = None,
        pins_path: Path | None = None,
        served: Following | None = None,
        exceptions: ExceptionFile | None = None,
    ) -> None:
        """Nothing is read yet."""
        self.served = served
        self._pins_path = pins_path
        self._exceptions = exceptions
        self._spec = spec
        self._grants_path = grants_path
        self._trusted = tuple(sorted(trusted))
        self._trust = trust or Trust()
        self._keeping = keeping
        self._seen: tuple[Any, ...] = ()
        self._bundle: Bundle | None = None
        self._problems: tuple[str, ...] = ()
        self._again = Retrying()

    @property
    def problems(self) -> tuple[str, ...]:
        """Why what the files say now is not active; empty if it is."""
        return self._problems

    async def fetch(self) -> None:
        """Ask the server once, where there is one; if that fails, `load` goes on with what it gave before."""
        if self.served is not None:
            await self.served.ask_first()

    def load(self) -> Policy:
        """Read everything now. Raises PolicyRefused."""
        return self._read().policy

    def load_without_server(self) -> Policy:
        """What a start goes on with while the server is away: what it gave last, else the last good bundle.

        Raises PolicyAway where there is neither, PolicyRefused for what must not become active.
        """
        try:
            return self._read().policy
        except PolicyAway:
            if (candidate := self._last()) is None:
                raise
            return candidate.policy

    def changed(self) -> bool:
        """Whether the files are others than when they were last read."""
        return self._signature() != self._seen

    async def begin(self, engine: Engine) -> tuple[Policy, tuple[str, ...]]:
        """As `activate`, at a start: the policy, and why it is not what the files say, if it is not.

        Raises PolicyRefused or CannotDecide where none became active.
        """
        await self.fetch()
        event = await self._activate(engine)
        if event.policy is None:
            away = self.served is not None and not self.served.file.is_file()
            raise (PolicyAway if away else PolicyRefused)(event.problems)
        return event.policy, event.problems

    async def activate(self, engine: Engine) -> PolicyEvent:
        """Load, and activate what differs from the active policy. Problems are in the event, nothing is raised."""
        try:
            return await self._activate(engine)
        except CannotDecide as error:
            self._again.failed(refused=False)
            return PolicyEvent(None, (error.what,))
        except Exception:
            # Nobody foresaw it, and the files will not change again because of it.
            self._again.failed(refused=False)
            raise

    async def watch(self, engine: Engine, on_event: Callable[[PolicyEvent], None]) -> None:
        """Look for changes until cancelled. What comes of trying again is told where it is something else."""
        told: tuple[str, ...] = ()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            changed = await asyncio.to_thread(self.changed)
            if changed:
                self._again.taken()
            if changed or self._again.due(ready=engine.problem() is None):
                event = await self.activate(engine)
                if changed or event.policy is not None or event.problems != told:
                    on_event(event)
                told = event.problems

    async def _activate(self, engine: Engine) -> PolicyEvent:
        try:
            candidate = await asyncio.to_thread(self._read)
        except PolicyRefused as error:
            return await self._refused(engine, error)
        try:
            await self._put(engine, candidate)
        except PolicyRefused as error:
            self._again.failed(refused=True)
            return await self._refused(engine, error)
        self._again.taken()
        self._problems = ()
        return PolicyEvent(candidate.policy)

    async def _refused(self, engine: Engine, error: PolicyRefused) -> PolicyEvent:
        self._problems = error.problems
        return PolicyEvent(await self._fall_back(engine), error.problems)

    async def _fall_back(self, engine: Engine) -> Policy | None:
        """Have the last good bundle decide, with the grants of now; None where that changes nothing."""
        try:
            candidate = await asyncio.to_thread(self._last)
            if candidate is not None and await self._put(engine, candidate):
                return candidate.policy
        except PolicyRefused:
            return None  # What is wrong with the files has been said.
        return None

    async def _put(self, engine: Engine, candidate: _Candidate) -> bool:
        """Make it active, unless it is; whether it was not. What comes of a bundle is then kept."""
        differs = engine.active is None or not _same(engine.active, candidate.policy)
        if differs:
            await engine.activate(candidate.policy)
        if candidate.bundle is not None and self._keeping is not None:
            await asyncio.to_thread(self._keeping.remember, candidate.bundle)
        self._bundle = candidate.bundle
        return differs

    def _read(self) -> _Candidate:
        self._seen = self._signature()
        bundle = self._opened()
        if bundle is None:
            return _Candidate(load(self._spec, **self._beside()))
        candidate = self._of(bundle)
        if self._keeping is not None:
            self._keeping.check(bundle)
        return candidate

    def _opened(self) -> Bundle | None:
        """The bundle that is there now; None for what is no bundle."""
        if self.served is not None:
            return opened(self.served.server.name, self.served.read(), self._trust)
        path = Path(self._spec)
        return None if self._spec in BUILTIN or not path.is_file() else open_bundle(path, self._trust)

    def _last(self) -> _Candidate | None:
        if self._spec in BUILTIN or Path(self._spec).is_dir():
            return None
        kept = None if self._bundle is not None or self._keeping is None else self._keeping.last(self._trust)
        bundle = self._bundle or kept
        return None if bundle is None else self._of(bundle)

    def _of(self, bundle: Bundle) -> _Candidate:
        return _Candidate(load_bundle(bundle, **self._beside()), bundle)

    def _beside(self) -> dict[str, Any]:
        """What the policy is given of this machine."""
        found = Found() if self._exceptions is None else self._exceptions.read()
        return {"grants": self._grants(), "trusted": self._trusted, "pins": self._pins(), "exceptions": found}

    def _pins(self) -> dict[str, Any] | None:
        return None if self._pins_path is None else read_file(self._pins_path)

    def _grants(self) -> dict[str, Any]:
        return index(read_grants(self._grants_path))

    def _signature(self) -> tuple[Any, ...]:
        paths = [self._grants_path, *([] if self._pins_path is None else [self._pins_path])]
        paths += [] if self._exceptions is None else self._exceptions.paths
        if self.served is not None:
            paths.append(self.served.file)
        elif self._spec not in BUILTIN:
            root = Path(self._spec)
            paths += [root, *sorted(root.rglob("*"))] if root.is_dir() else [root]
        return tuple((str(path), *stamp(path)) for path in paths)


def _same(active: Policy, policy: Policy) -> bool:
    """Whether a policy says nothing else than the active one; revisions are names that anybody may give twice."""
    names = ("revision", "data_revision", "version", "signed", "modules", "pins_revision", "exceptions_revision",
             "exception_problems")  # fmt: skip
    return all(getattr(active, name) == getattr(policy, name) for name in names)
