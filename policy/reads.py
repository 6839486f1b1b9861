"""What of the input a policy can read at all, seen from its plan: the rest need not be given to the engine.

An engine that parses its input for each question pays for each value in it. The record still holds the whole
input; a value that no statement of the plan can reach changes no answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from policy.plan import Statement, local_of, statements_of, text_of

_OPERANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "ArrayAppendStmt": ("array", "value"),
    "AssignIntStmt": (),
    "AssignVarOnceStmt": ("source",),
    "BlockStmt": (),
    "BreakStmt": (),
    "EqualStmt": ("a", "b"),
    "IsArrayStmt": ("source",),
    "IsDefinedStmt": ("source",),
    "IsObjectStmt": ("source",),
    "IsSetStmt": ("source",),
    "IsUndefinedStmt": ("source",),
    "LenStmt": ("source",),
    "MakeArrayStmt": (),
    "MakeNullStmt": (),
    "MakeNumberIntStmt": (),
    "MakeNumberRefStmt": (),
    "MakeObjectStmt": (),
    "MakeSetStmt": (),
    "NopStmt": (),
    "NotEqualStmt": ("a", "b"),
    "NotStmt": (),
    "ObjectInsertOnceStmt": ("key", "value", "object"),
    "ObjectInsertStmt": ("key", "value", "object"),
    "ObjectMergeStmt": ("a", "b"),
    "ResetLocalStmt": (),
    "ResultSetAddStmt": ("value",),
    "ReturnLocalStmt": ("source",),
    "SetAddStmt": ("value", "set"),
}
"""What a statement reads as values. A part of the input that is read so is read whole."""

_FOLLOWED: Final = frozenset({"AssignVarStmt", "CallStmt", "DotStmt", "ScanStmt"})
"""Statements that hand a part of the input on. A plan with a statement that stands nowhere here is not understood."""

MAX_DEPTH: Final = 16
"""Steps into the input that are followed; what is read further inside is read whole."""

MAX_HELD: Final = 100_000
"""Parts of the input in locals of the plan; a built-in policy has some hundred."""

_ABSENT: Final = object()


@dataclass(slots=True)
class Reads:
    """One value of the input: `members` that are read by name, what is read of `each` of its elements, or the `whole`.

    The elements of an array are all kept, each in its place; of an object that is looped over, everything is.
    `there`: whether there is a value at all makes a difference, even if nothing of it is read.
    """

    whole: bool = False
    members: dict[str, "Reads"] = field(default_factory=dict)
    each: "Reads | None" = None
    there: bool = False

    def reaches(self, *path: str) -> bool:
        """Whether anything at a path of members may be read."""
        at = self
        for name in path:
            if at.whole or at.each is not None:
                return True
            if name not in at.members:
                return False
            at = at.members[name]
        return True

    def narrowed(self, value: Any) -> Any:
        """`value` without the members that are never read, and without those in which nothing is found to read.

        Every `.` into the latter is undefined, as it is where there is no value at all.
        """
        if self.whole:
            return value
        if self.each is not None:
            return [self.each.narrowed(one) for one in value] if isinstance(value, list | tuple) else value
        if not self.members or not (type(value) is dict or isinstance(value, Mapping)):
            return value
        kept: dict[str, Any] = {}
        for name, below in self.members.items():
            inner = value.get(name, _ABSENT)
            if inner is _ABSENT:
                continue
            if not below.whole:
                inner = below.narrowed(inner)
                if not (inner and type(inner) is dict) and not below.is_kept:
                    continue
            kept[name] = inner
        return kept

    def of(self, name: str) -> "Reads":
        """What is read of the member of that name; everything where it is kept as it is."""
        return self.members.get(name, EVERYTHING) if self.each is None and not self.whole else EVERYTHING

    def below(self, name: str | None) -> "Reads":
        """What is read of the member of that name; of any element, if None."""
        if name is not None:
            return self.members.setdefault(name, Reads())
        if self.each is None:
            self.each = Reads()
        return self.each

    @property
    def is_kept(self) -> bool:
        """It must not vanish: more may be made of it than to look for members by their names."""
        return self.whole or self.there or self.each is not None or not self.members


EVERYTHING: Final = Reads(whole=True)


class _Unclear(Exception):
    """The plan has something that is not understood."""


def reads_of(document: Mapping[str, Any]) -> Reads:
    """What the plan `document` (`plan.json`) reads of its input; everything if that cannot be told."""
    strings = [entry["value"] for entry in document["static"].get("strings", ())]
    functions = {body["name"]: _Body(body, strings) for body in document["funcs"]["funcs"]}
    bodies = [*functions.values(), *(_Body(plan, strings) for plan in document["plans"]["plans"])]
    root = Reads()
    try:
        for body in bodies:
            body.check(functions)
            body.hold(body.given[0], root, 0)
        while sum([body.follow(functions) for body in bodies]):
            if sum(body.size for body in bodies) > MAX_HELD:
                return EVERYTHING
    except _Unclear:
        return EVERYTHING
    for body in bodies:
        body.settle(functions)
    return root


class _Body:
    """A function of the plan, or one of its entry points, and which of its locals hold which parts of the input."""

    def __init__(self, body: Mapping[str, Any], strings: list[str]) -> None:
        self.given: list[int] = body.get("params") or [0, 1]
        self._statements = [(one["type"], one["stmt"]) for one in statements_of(body["blocks"])]
        self._strings = strings
        self._held: dict[int, dict[int, tuple[Reads, int]]] = {}

    @property
    def size(self) -> int:
        """How many parts are held."""
        return sum(map(len, self._held.values()))

    def check(self, functions: Mapping[str, "_Body"]) -> None:
        """Raises _Unclear for a statement that is not known, or a call that hands on another input or too little."""
        for kind, inner in self._statements:
            if kind == "CallStmt" and (called := functions.get(inner["func"])) is not None:
                arguments = [_any_local(argument) for argument in inner["args"]]
                if arguments[:2] != self.given[:2] or len(arguments) != len(called.given):
                    raise _Unclear
            elif kind not in _FOLLOWED and kind not in _OPERANDS:
                raise _Unclear

    def hold(self, local: int, part: Reads, depth: int) -> int:
        """`local` may hold this part, so deep in the input. Returns 1 if that is new."""
        parts = self._held.setdefault(local, {})
        new = id(part) not in parts
        parts[id(part)] = (part, depth)
        return int(new)

    def follow(self, functions: Mapping[str, "_Body"]) -> int:
        """Go one step further from every local that holds a part. Returns how many parts came to be held by it."""
        return sum([self._step(kind, inner, functions) for kind, inner in self._statements])

    def _step(self, kind: str, inner: Statement, functions: Mapping[str, "_Body"]) -> int:
        match kind:
            case "AssignVarStmt":
                return self._hand(inner["source"], self, inner["target"])
            case "DotStmt":
                return self._into(inner["source"], inner["target"], self._name(inner["key"]))
            case "ScanStmt":
                return self._into(inner["source"], inner["value"], None)
            case "CallStmt" if inner["func"] in functions:
                called = functions[inner["func"]]
                pairs = zip(called.given[2:], inner["args"][2:], strict=True)
                return sum([self._hand(argument, called, local) for local, argument in pairs])
        return 0

    def _hand(self, source: Any, to: "_Body", local: int) -> int:
        """The whole of what `source` holds, to a local that may look at it in other places."""
        new = 0
        for part, depth in self._parts(source):
            part.there = True
            new += to.hold(local, part, depth)
        return new

    def _into(self, source: Any, target: int, name: str | None) -> int:
        """The member of that name, or any element, of what `source` holds."""
        new = 0
        for part, depth in self._parts(source):
            if depth == MAX_DEPTH:
                part.whole = True
            else:
                new += self.hold(target, part.below(name), depth + 1)
        return new

    def _name(self, key: Any) -> str | None:
        """The name in a `.`, if it is written there."""
        return text_of(self._strings[key["value"]]) if key.get("type") == "string_index" else None

    def settle(self, functions: Mapping[str, "_Body"]) -> None:
        """Whatever is used as a value is read whole."""
        for kind, inner in self._statements:
            for operand in _values(kind, inner, functions):
                for part, _ in self._parts(operand):
                    part.whole = True

    def _parts(self, operand: Any) -> list[tuple[Reads, int]]:
        local = _any_local(operand)
        return [] if local is None else list(self._held.get(local, {}).values())


def _values(kind: str, inner: Statement, functions: Mapping[str, _Body]) -> Iterable[Any]:
    """What a statement reads as values; the input and data that every call hands on are none."""
    match kind:
        case "AssignVarStmt" | "ScanStmt":
            return ()
        case "DotStmt":
            return (inner["key"],)
        case "CallStmt":
            return () if inner["func"] in functions else inner["args"]
    return [inner[name] for name in _OPERANDS[kind]]


def _any_local(operand: Any) -> int | None:
    """A local, given as an operand or by its bare number (Scan, IsDefined and others write it so)."""
    return operand if isinstance(operand, int) and not isinstance(operand, bool) else local_of(operand)
