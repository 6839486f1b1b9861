"""How many conditions a body is away from holding: exactly, where each of them can be looked at, else at most so many.

A body is left at the first condition that is not so. To count, it is gone through once more, past each of them; only
what reads a value that one of them did not give cannot be known, and counts as not so.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from policy.explaining.bodies import conditions
from policy.explaining.trace import Run, Step
from policy.plan import Statement, statements_of
from policy.program.reaching import reads, writes

_CHECKS: Final = frozenset({"EqualStmt", "NotEqualStmt", "IsArrayStmt", "IsObjectStmt", "IsSetStmt", "ScanStmt"})
"""Statements by which a value that was not given would have been looked at."""


class Distance(NamedTuple):
    """`at_most`: it may be fewer."""

    conditions: int
    at_most: bool = False


class Through(NamedTuple):
    """One way through a body past what is not so: the steps that failed, and the statements that could not be tried."""

    run: Run
    failed: Sequence[int]
    untried: Sequence[Statement]


def all_reads(statement: Statement) -> set[int]:
    """The locals that a statement reads, or one inside of it."""
    return {local for each in statements_of([{"stmts": [statement]}]) for local in reads(each)}


def all_writes(statement: Statement) -> set[int]:
    """The locals that a statement writes, or one inside of it."""
    return {local for each in statements_of([{"stmts": [statement]}]) for local in writes(each)}


def measured(way: Through, parts: Iterable[int]) -> Distance:
    """The distance of a body; `parts` are those of the steps that failed, each at most so far from holding."""
    known = list(parts)
    waiting = [{*_gives(way.run.steps[at])} for at in way.failed]
    own = 0
    shared = False
    for statement in way.untried:
        read = all_reads(statement)
        asking = [given for given in waiting if not given.isdisjoint(read)]
        if statement["type"] in _CHECKS:
            own += bool(asking)
            shared = shared or len(asking) > 1
            waiting = [given for given in waiting if given not in asking]
        else:
            for given in asking:
                given |= all_writes(statement)
    unknown = conditions([*_assigned(way.run.block), *way.untried]) - own
    return Distance(sum(known) + max(0, unknown), shared or unknown > 0 or any(part > 1 for part in known))


def _gives(step: Step) -> set[int]:
    """What was to come of a step that has no value; a condition of its own gives nothing."""
    return set() if step.kind in _CHECKS else all_writes({"type": step.kind, "stmt": step.statement})


def _assigned(block: Any) -> list[Statement]:
    return [one for one in block["stmts"] if one["type"].startswith("AssignVar")]
