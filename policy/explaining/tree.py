"""Walks through a trace."""

from collections.abc import Iterator

from policy.explaining.trace import Asked, Run, Step


def all_asked(root: Asked) -> Iterator[Asked]:
    """Every rule and function of a trace, once, each before those that it asks."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        asked = waiting.pop()
        if id(asked) in seen:
            continue
        seen.add(id(asked))
        yield asked
        waiting += reversed([step.asked for run in asked.runs for step in steps_of(run) if step.asked is not None])


def steps_of(run: Run) -> Iterator[Step]:
    """Every step of a run, those inside of others included."""
    waiting = [run]
    while waiting:
        for step in waiting.pop().steps:
            yield step
            waiting += step.runs
