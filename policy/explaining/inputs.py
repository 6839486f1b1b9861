"""Which values of the input decided: each that was looked at is taken away in turn, and the policy asked again."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from policy.explaining.evaluating import Compiled, decided
from policy.explaining.trace import Asked, Operand, Ref, Step
from policy.explaining.tree import all_asked, steps_of
from policy.program.values import UNDEFINED

MOST_TRIED: Final = 64
"""Values that are taken away; each costs what a decision does."""


class Looked(NamedTuple):
    """A value of the input that was looked at; `without` is effect and reason if it were not there."""

    ref: Ref
    value: Any
    without: tuple[str | None, str | None]
    decides: bool


def looked_at(policy: Compiled, given: Any, value: Any, root: Asked) -> list[Looked]:
    """Those that were looked at by conditions, in the order of that, as far as they were there."""
    was, found = said(value), []
    for ref in _refs(root):
        there, without = _removed(given, ref.path)
        if there is UNDEFINED:
            continue
        then, failure = decided(policy, without)
        would = (None, failure.code) if failure else said(then)
        found.append(Looked(ref, there, would, would != was))
        if len(found) == MOST_TRIED:
            break
    return found


def said(value: Any) -> tuple[str | None, str | None]:
    """Effect and reason of a decision, as far as it is one."""
    if not isinstance(value, dict):
        return None, "policy_undefined" if value is UNDEFINED else "policy_malformed"
    effect, reason = value.get("effect"), value.get("reason")
    return (effect, reason) if isinstance(effect, str) and isinstance(reason, str) else (None, "policy_malformed")


def _refs(root: Asked) -> Iterator[Ref]:
    seen: set[str] = set()
    for asked in all_asked(root):
        for run in asked.runs:
            for step in steps_of(run):
                for operand in _looked(step):
                    for ref, _ in operand.refs():
                        if ref.root == "input" and ref.path and (name := repr(ref.path)) not in seen:
                            seen.add(name)
                            yield ref


def _looked(step: Step) -> Iterator[Operand]:
    """What a step looks at, not only goes through."""
    match step.kind:
        case "DotStmt":
            yield step.operands[1]
        case "CallStmt" if step.asked is not None:
            return
        case "IsDefinedStmt" | "IsUndefinedStmt":
            return
        case _:
            yield from step.operands


def _removed(value: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    """What lies at a path of objects, and the whole without it; UNDEFINED if nothing does."""
    name = path[0]
    if not isinstance(value, dict) or name not in value:
        return UNDEFINED, value
    if len(path) == 1:
        return value[name], {key: member for key, member in value.items() if key != name}
    there, below = _removed(value[name], path[1:])
    return there, {**value, name: below}
