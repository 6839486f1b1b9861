"""The acts of the demo: what is put up for each, and the steps that one MCP client then plays."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from proxy.story.keeping import kept
from proxy.story.scene import Scene
from proxy.story.steps import STEPS, Step
from proxy.story.stranger import steps_before

Staged = tuple[Sequence[str], Sequence[Step]]
"""With which flags the sidecar is started for an act, and its steps."""

Act = Callable[[Scene], AbstractAsyncContextManager[Staged]]


def alone(steps: Sequence[Step]) -> Act:
    """The sidecar is all that there is."""

    @asynccontextmanager
    async def act(scene: Scene) -> AsyncIterator[Staged]:
        yield (), steps

    return act


@asynccontextmanager
async def before_a_stranger(scene: Scene) -> AsyncIterator[Staged]:
    """A central is there, and a witness of its log. Raises NotAsSaid."""
    async with kept(scene) as keeper:
        yield keeper.flags, steps_before(keeper)


ACTS: Final[tuple[Act, ...]] = (alone(STEPS), before_a_stranger)
