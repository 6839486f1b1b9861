"""Two replicas of the sequencer over one database, and one of them is stopped, or held up, at every single step.

Whatever happens, every tree that was ever signed is the beginning of every larger one, no published checkpoint gives
way to a smaller one, and each batch becomes leaves exactly once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import pytest

from central.log.sequencer import Sequencer
from central.log.stopping import LogStopped, Overtaken
from central.log.store import LogFolder
from evidence.checkpoint import read_checkpoint
from evidence.merkle import Edge, leaf_hash
from evidence.note import read_note
from tests.central.log.logs import checked
from tests.central.log.memory import MemoryState, MemoryWitnesses, RememberingSigner, link

_BATCHES: Final = ((0, 200), (200, 260), (260, 263))
_INTRUDER_BATCHES: Final = ((300, 307), (307, 600))


class Killed(BaseException):
    """The process is gone: nothing after this happens."""


@dataclass(slots=True)
class Fuse:
    """Counts the moments before and after each call of a port, and does something at one of them."""

    at: int
    deed: Callable[[], Awaitable[None]]
    count: int = 0
    methods: list[str] = field(default_factory=list)

    def burns(self, method: str) -> bool:
        self.count += 1
        self.methods.append(method)
        return self.count == self.at


class Ticking:
    """A port, before and after each of whose calls the fuse may burn."""

    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found
        return self._waiting(name, found) if asyncio.iscoroutinefunction(found) else self._calling(name, found)

    def _calling(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def ticking(*arguments: Any) -> Any:
            if self._fuse.burns(f"before {name}"):
                asyncio.run(self._fuse.deed())  # type: ignore[arg-type]
            answer = call(*arguments)
            if self._fuse.burns(f"after {name}"):
                asyncio.run(self._fuse.deed())  # type: ignore[arg-type]
            return answer

        return ticking

    def _waiting(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        async def ticking(*arguments: Any) -> Any:
            if self._fuse.burns(f"before {name}"):
                await self._fuse.deed()
            answer = await call(*arguments)
            if self._fuse.burns(f"after {name}"):
                await self._fuse.deed()
            return answer

        return ticking


class WatchedFolder(LogFolder):
    """Remembers the sizes that were published one after the other."""

    def __init__(self, folder: Path, published: list[int]) -> None:
        super().__init__(folder)
        self._published = published

    def publish(self, note: str) -> None:
        super().publish(note)
        self._published.append(read_checkpoint(read_note(note).text).size)


@dataclass(slots=True)
class Stage:
    """One database, one key, one set of witnesses; a folder for each replica, or one for both."""

    root: Path
    shared: bool
    state: MemoryState = field(default_factory=MemoryState)
    signer: RememberingSigner = field(default_factory=RememberingSigner)
    witnesses: MemoryWitnesses = field(default_factory=lambda: MemoryWitnesses(2, needed=1))
    published: dict[str, list[int]] = field(default_factory=dict)

    def path(self, replica: str) -> Path:
        return self.root / ("one" if self.shared else replica)

    def sequencer(self, replica: str, fuse: Fuse | None = None) -> Sequencer:
        path = self.path(replica)
        path.mkdir(parents=True, exist_ok=True)
        ports = (
            self.state,
            WatchedFolder(path, self.published.setdefault(str(path), [])),
            self.signer,
            self.witnesses,
        )
        if fuse is None:
            return Sequencer(*ports)
        return Sequencer(*(cast(Any, Ticking(port, fuse)) for port in ports))

    async def live(self, replica: str, fuse: Fuse | None = None) -> None:
        """A life that takes one batch after the other as they come; ends when it is overtaken, or killed."""
        running = self.sequencer(replica, fuse)
        await running.start()
        for first, end in _BATCHES:
            if len(self.state.batches) < 10 and not self._has(first):
                self.state.add(*(link(number) for number in range(first, end)))
            await running.step()

    async def intrude(self) -> None:
        """Another replica takes over and goes on, while the first one is held up or gone."""
        running = self.sequencer("second")
        await running.start()
        for first, end in _INTRUDER_BATCHES:
            self.state.add(*(link(number) for number in range(first, end)))
            await running.step()

    def _has(self, number: int) -> bool:
        return any(link(number) in links for links in self.state.batches.values())

    def check(self, leaves: list[bytes]) -> None:
        """Everything that was ever signed is the beginning of these leaves."""
        roots, edge = [Edge().root()], Edge()
        for leaf in leaves:
            edge.append(leaf_hash(leaf))
            roots.append(edge.root())
        for checkpoint in self.signer.signed:
            assert checkpoint.size < len(roots)
            assert checkpoint.root == roots[checkpoint.size]
        for sizes in self.published.values():
            assert sizes == sorted(sizes)
        assert sorted(leaves) == sorted(link for links in self.state.batches.values() for link in links)
        assert self.state.waiting == []


async def _killed() -> None:
    raise Killed


def _moments(root: Path, *, shared: bool) -> list[str]:
    """The names of all moments of a life that nobody disturbs."""
    fuse = Fuse(0, _killed)
    asyncio.run(Stage(root, shared).live("first", fuse))
    return fuse.methods


async def _end(stage: Stage) -> list[bytes]:
    """A last life, that nobody disturbs, and what it published."""
    await stage.live("first")
    return checked(stage.path("first"), stage.witnesses.quorum)[1]


@pytest.mark.parametrize("shared", [True, False], ids=["one-folder", "two-folders"])
def test_a_crash_at_any_moment_splits_nothing(tmp_path: Path, *, shared: bool) -> None:
    moments = _moments(tmp_path / "undisturbed", shared=shared)
    for at in range(1, len(moments) + 1):
        stage = Stage(tmp_path / str(at), shared)
        with pytest.raises(Killed):
            asyncio.run(stage.live("first", Fuse(at, _killed)))
        asyncio.run(stage.intrude())
        stage.check(asyncio.run(_end(stage)))
    assert {"after advance", "after write", "after sign", "after ask", "after publish"} <= set(moments)


@pytest.mark.parametrize("shared", [True, False], ids=["one-folder", "two-folders"])
def test_whoever_is_held_up_while_another_goes_on_signs_no_other_tree(tmp_path: Path, *, shared: bool) -> None:
    """Two folders are two machines; one folder is what a lock that failed would look like."""
    moments = _moments(tmp_path / "undisturbed", shared=shared)
    overtaken = 0
    for at in range(1, len(moments) + 1):
        stage = Stage(tmp_path / str(at), shared)
        try:
            with suppress(LogStopped):
                asyncio.run(stage.live("first", Fuse(at, stage.intrude)))
        except Overtaken:
            overtaken += 1
        stage.check(asyncio.run(_end(stage)))
    assert overtaken > len(moments) / 2


def test_a_crash_in_a_crash_splits_nothing(tmp_path: Path) -> None:
    """The start that mends what a crash left is killed as well, wherever it is."""
    moments = _moments(tmp_path / "undisturbed", shared=True)
    worst = [at for at, name in enumerate(moments, 1) if name in {"after advance", "after write", "after sign"}]
    for first in worst[::3]:
        for second in range(1, 25, 2):
            stage = Stage(tmp_path / f"{first}-{second}", shared=True)
            for at in (first, second):
                with suppress(Killed):
                    asyncio.run(stage.live("first", Fuse(at, _killed)))
            asyncio.run(stage.intrude())
            stage.check(asyncio.run(_end(stage)))
