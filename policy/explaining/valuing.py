"""What one statement of a plan comes to, by the functions of the engine: the value it gives, or whether it holds."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from policy.explaining.frame import Frame, member
from policy.explaining.trace import Made, Operand
from policy.plan import Statement
from policy.program import running
from policy.program.builtins import BUILTINS
from policy.program.cost import Metered
from policy.program.values import UNDEFINED, Set, same

_KINDS: Final[Mapping[str, type]] = {"IsArrayStmt": list, "IsObjectStmt": dict, "IsSetStmt": Set}
_PAIRS: Final = frozenset({"EqualStmt", "NotEqualStmt"})
TESTS: Final = _KINDS.keys() | _PAIRS | {"IsDefinedStmt", "IsUndefinedStmt"}
"""Statements that hold or do not, and give no value."""


def tested(frame: Frame, kind: str, inner: Statement) -> tuple[list[Operand], bool]:
    """What a test looks at, and whether it holds."""
    names = ("a", "b") if kind in _PAIRS else ("source",)
    operands = [frame.operand(inner[name]) for name in names]
    return operands, _holds(kind, [one.value for one in operands])


def _holds(kind: str, values: Sequence[Any]) -> bool:
    match kind:
        case "EqualStmt":
            return same(*values)
        case "NotEqualStmt":
            return UNDEFINED not in values and not same(*values)
        case "IsDefinedStmt" | "IsUndefinedStmt":
            return (values[0] is UNDEFINED) is (kind == "IsUndefinedStmt")
        case _:
            return type(values[0]) is _KINDS[kind]


def dot(source: Operand, key: Operand) -> Operand:
    """What lies in a value under a key."""
    return Operand(running.dot(source.value, key.value), member(source, key.value))


def length(source: Operand) -> Operand:
    """How many members a value has."""
    return Operand(running.length(source.value), Made("count", (source,)))


def built(budget: running.Budget, name: str, given: Sequence[Operand]) -> Operand:
    """What a builtin makes of its operands."""
    builtin, values = BUILTINS[name], [one.value for one in given]
    found = builtin.function(budget, *values) if isinstance(builtin, Metered) else builtin(*values)
    return Operand(found, Made(name, tuple(given)))
