"""The bodies of a rule in its trace: which held, which did not, and which were not tried since another one had held.

A rule of a plan is a block that resets its value, a block for each body or chain of `else`, and one that returns.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from policy.explaining.trace import Asked, Operand, Run, Step
from policy.plan import Statement, local_of, nested
from policy.program.reaching import reads
from policy.program.values import UNDEFINED

_PLUMBING: Final = (
    ("ResetLocalStmt",),
    ("ResetLocalStmt", "MakeSetStmt"),
    ("ResetLocalStmt", "MakeObjectStmt"),
    ("IsDefinedStmt", "AssignVarOnceStmt"),
    ("IsDefinedStmt", "ReturnLocalStmt"),
)
"""Blocks that stand around bodies."""

_TRUE: Final = {"type": "bool", "value": True}
_GIVES: Final = ("target", "result")

_CHECKS: Final = frozenset({"EqualStmt", "IsArrayStmt", "IsObjectStmt", "IsSetStmt", "NotStmt", "ScanStmt"})
"""Statements that are a condition of their own; what else can fail gives a value to one of them, or to `NotEqual`."""


def bodies(asked: Asked) -> list[Run]:
    """The bodies of a rule or function, in the order of their trial."""
    found: list[Run] = []
    for run in asked.runs:
        if _is_plumbing(run.block):
            continue
        inner = run.steps[0].runs if run.steps and run.steps[0].kind == "BlockStmt" else [run]
        found += [one for one in inner if not _is_plumbing(one.block)]
    return found


def is_untried(run: Run) -> bool:
    """Whether a body was left at once, because another one before it had held."""
    return len(run.steps) == 1 and run.failed is not None and run.steps[0].kind == "IsUndefinedStmt" and run.at == 0


def holds(run: Run) -> bool:
    """Whether a body gave a value: it came to its end, and where that is in a loop, some turn of it did."""
    return run.ended and ((scan := ending_scan(run)) is None or any(map(holds, scan.runs)))


def ending_scan(run: Run) -> Step | None:
    """The loop that a block ends with, if it does."""
    statements = run.block["stmts"]
    ends_so = bool(statements) and statements[-1]["type"] == "ScanStmt" and run.steps and run.failed is None
    return run.steps[-1] if ends_so else None


def passed(run: Run) -> int:
    """How many of a block's conditions were so."""
    return conditions(run.block["stmts"][: run.at])


def remaining(run: Run) -> int:
    """How many conditions stand behind the one at which a block was left."""
    statements = run.block["stmts"]
    failed = statements[run.at]["stmt"]
    tainted = {failed[member] for member in _GIVES if member in failed}
    behind: list[Statement] = []
    inner, own = 0, statements[run.at]["type"] in _CHECKS
    for statement in statements[run.at + 1 :]:
        if statement["type"] == "AssignVarStmt" or tainted.isdisjoint(reads(statement)):
            behind.append(statement)
        else:  # The first that looks at it belongs to the one that failed, but not what a loop asks of each element.
            inner += own and statement["type"] in {*_CHECKS, "NotEqualStmt"}
            own = own or statement["type"] in {*_CHECKS, "NotEqualStmt"}
            tainted |= {statement["stmt"][member] for member in _GIVES if member in statement["stmt"]}
            inner += sum(conditions(block["stmts"]) for block in nested(statement))
    return conditions(behind) + inner


def conditions(statements: Sequence[Statement]) -> int:
    """How many conditions there are among statements, those inside of them included; a `not` is one."""
    true = {
        one["stmt"]["target"] for one in statements if one["stmt"].get("source") == _TRUE and "target" in one["stmt"]
    }
    return sum(
        _conditions(one)
        for one in statements
        if not (one["type"] == "NotEqualStmt" and local_of(one["stmt"]["a"]) in true)
    )


def is_unconditional(run: Run) -> bool:
    """Whether a body holds whatever it is asked about."""
    return conditions(run.block["stmts"]) == 0


def fails_by_its_head(asked: Asked, run: Run) -> bool:
    """Whether an argument is another one than the head of this body names: it is not about these arguments."""
    failed = run.failed
    return failed is not None and all(_is_of_head(asked, step) for step in run.steps)


def _is_of_head(asked: Asked, step: Step) -> bool:
    if step.kind == "NotEqualStmt":
        return step.held
    return step.kind == "EqualStmt" and any(_is_among(one, asked.arguments) for one in step.operands)


def _is_among(operand: Operand, given: tuple[Operand, ...]) -> bool:
    return operand.value is not UNDEFINED and any(operand is one for one in given)


def _is_plumbing(block: Mapping[str, Any]) -> bool:
    return tuple(statement["type"] for statement in block["stmts"]) in _PLUMBING


def _conditions(statement: Statement) -> int:
    kind = statement["type"]
    if kind == "NotStmt":
        return 1
    return int(kind in _CHECKS or kind == "NotEqualStmt") + sum(
        conditions(block["stmts"]) for block in nested(statement)
    )
