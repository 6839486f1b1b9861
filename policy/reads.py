"""What of the input a policy can read at all, seen from its plan: the rest need not be given to the engine.

An engine that parses its input for each question pays for each value in it. The record still holds the whole
input; a value that no statement of the plan can reach changes no answer.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from policy.plan import Statement, local_of, statements_of

_OPERANDS: Final = ("source", "value", "a", "b", "key", "object", "array", "set")


@dataclass(slots=True)
class Reads:
    """One object of the input: `members` that are read by name, or the `whole` of it."""

    whole: bool = False
    members: dict[str, "Reads"] = field(default_factory=dict)

    def narrowed(self, value: Any) -> Any:
        """`value` without the members that are never read, and without those in which nothing is found to read.

        Every `.` into the latter is undefined, as it is where there is no value at all.
        """
        if self.whole or not self.members or not isinstance(value, Mapping):
            return value
        kept: dict[str, Any] = {}
        for name, below in self.members.items():
            if name in value:
                inner = value[name] if below.whole else below.narrowed(value[name])
                if below.whole or not below.members or (inner and isinstance(inner, Mapping)):
                    kept[name] = inner
        return kept


EVERYTHING: Final = Reads(whole=True)


def reads_of(document: Mapping[str, Any]) -> Reads:
    """What the plan `document` (`plan.json`) reads of its input; everything if that cannot be told."""
    strings = [entry["value"] for entry in document["static"].get("strings", ())]
    own = frozenset(function["name"] for function in document["funcs"]["funcs"])
    root = Reads()
    for body in (*document["plans"]["plans"], *document["funcs"]["funcs"]):
        statements = list(statements_of(body["blocks"]))
        if any(one["type"] == "WithStmt" for one in statements):
            return EVERYTHING
        _follow(root, (body.get("params") or [0])[0], statements, strings, own)
    return root


def _follow(
    root: Reads, input_local: int, statements: list[Statement], strings: list[str], own: frozenset[str]
) -> None:
    """Add what one function reads. Locals that hold a part of the input are followed from `.` to `.`."""
    held: dict[int, list[Reads]] = {input_local: [root]}
    dots = [one["stmt"] for one in statements if one["type"] == "DotStmt"]
    pending = True
    while pending:
        pending = False
        for dot in dots:
            pending = _step(dot, held, strings) or pending
    for one in statements:
        for local in _used(one, own):
            for part in held.get(local, ()):
                part.whole = True


def _step(dot: Statement, held: dict[int, list[Reads]], strings: list[str]) -> bool:
    """Follow one `.`; True if that led to a part that its target was not known to hold."""
    source, key = local_of(dot["source"]), dot["key"]
    if source is None or source not in held:
        return False
    found = False
    targets = held.setdefault(dot["target"], [])
    for part in tuple(held[source]):
        if key.get("type") != "string_index":
            part.whole = True
            continue
        below = part.members.setdefault(strings[key["value"]], Reads())
        if not any(known is below for known in targets):
            targets.append(below)
            found = True
    return found


def _used(one: Statement, own: frozenset[str]) -> Iterator[int]:
    """The locals that a statement reads as values; the input and data that every call hands on are none."""
    inner = one["stmt"]
    if one["type"] == "DotStmt":
        operands: Iterable[Any] = [inner["key"]]
    elif one["type"] == "CallStmt":
        operands = inner["args"][2:] if inner["func"] in own else inner["args"]
    else:
        operands = [inner.get(name) for name in _OPERANDS]
        if one["type"] == "ScanStmt":
            operands = [inner["source"]]
    return (local for operand in operands if (local := _any_local(operand)) is not None)


def _any_local(operand: Any) -> int | None:
    """A local, given as an operand or by its bare number (Scan, IsDefined and others write it so)."""
    return operand if isinstance(operand, int) and not isinstance(operand, bool) else local_of(operand)
