"""The bodies of a policy's rules that give a decision: what each would say, and how far each got.

A body counts if it spells out an effect: in an object with the member `effect`, or by handing one to a function that
makes such an object. Where no body of a policy does, those count that are an effect themselves (`effect := "deny"`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from policy.explaining.bodies import bodies, holds, is_unconditional, is_untried
from policy.explaining.cause import Cause, Why
from policy.explaining.causes import Causes
from policy.explaining.distance import Distance, measured
from policy.explaining.sources import Sources
from policy.explaining.trace import Asked, Operand, Place, Ref, Run
from policy.explaining.tree import all_asked
from policy.explaining.walking import TooLong, Walker
from policy.plan import Statement, statements_of
from policy.program.running import Conflict, OutOfTime
from policy.program.values import Inexact

EFFECTS: Final = ("allow", "deny", "require_approval")

_TOO_MUCH: Final = (Conflict, Inexact, OutOfTime, TooLong, RecursionError)
"""What ends an attempt to say more; what is known already stands."""

Status = Literal["fired", "overruled", "failed", "untried"]
"""`overruled`: it would have held if none before it had."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One body of a rule. `reason` is None where it is not spelled out; `behind`: another body before it has held.

    `at_most`: the distance may be shorter. `fallback`: it has no conditions. `causes` are what was not so, or else what
    was.
    """

    rule: str
    place: Place | None
    effect: str
    reason: str | None
    status: Status
    behind: bool
    fallback: bool
    distance: int
    at_most: bool
    causes: tuple[Cause, ...]


class Alternatives:
    """Finds them in the trace of one evaluation with `given` as input and `data`."""

    def __init__(self, sources: Sources, walker: Walker, root: Asked, given: Any, data: Any) -> None:
        self._sources = sources
        self._walker = walker
        self._given = (Operand(given, Ref("input")), Operand(data, Ref("data")))
        self._asked = list(all_asked(root))
        self._causes = Causes()
        self._makers = _makers(sources.functions)
        every = (one for function in sources.functions.values() for one in _flat(function))
        self._has_with = any(one["type"] == "WithStmt" for one in every)

    def found(self) -> list[Alternative]:
        """In the order of their trial."""
        return list(self._told(objects=True)) or list(self._told(objects=False))

    def _told(self, *, objects: bool) -> Iterator[Alternative]:
        for asked in self._asked:
            said = [(run, self._says(run.block, objects=objects)) for run in bodies(asked)]
            for run, (effect, reason) in said:
                if effect is not None:
                    yield self._alternative(asked, run, effect, reason)

    def _alternative(self, asked: Asked, run: Run, effect: str, reason: str | None) -> Alternative:
        status: Status = "fired" if holds(run) else "failed"
        if behind := is_untried(run):
            status, run = self._tried(asked, run)
        why = self._causes.why_not(run) if status == "failed" else Why(0, self._causes.facts(run))
        distance = self._distance(asked, run, why.distance)
        return Alternative(
            rule=asked.name,
            place=self._place(asked, run.block),
            effect=effect,
            reason=reason,
            status=status,
            behind=behind,
            fallback=is_unconditional(run),
            distance=distance.conditions,
            at_most=distance.at_most,
            causes=why.causes,
        )

    def _distance(self, asked: Asked, run: Run, at_most: int) -> Distance:
        """How far a body is from holding. Where one condition alone is not so, none can be missing from the count."""
        if at_most <= 1:
            return Distance(at_most)
        if run.failed is None or self._has_with:
            return Distance(at_most, at_most=True)
        try:
            way = self._walker.through(asked, run.block, (*self._given, *asked.arguments))
        except _TOO_MUCH:
            return Distance(at_most, at_most=True)
        return measured(way, self._causes.parts(way))

    def _tried(self, asked: Asked, run: Run) -> tuple[Status, Run]:
        """A body that another one came before, as if that had not held."""
        if self._has_with:
            return "untried", run
        try:
            again = self._walker.again(asked, run.block, (*self._given, *asked.arguments))
        except _TOO_MUCH:
            return "untried", run
        return ("overruled" if holds(again) else "failed"), again

    def _says(self, block: Mapping[str, Any], *, objects: bool) -> tuple[str | None, str | None]:
        statements = list(statements_of([block]))
        spelled = list(self._spelled(statements, objects=objects))
        return next(((effect, reason) for effect, reason in spelled if effect in EFFECTS), (None, None))

    def _spelled(self, statements: list[Statement], *, objects: bool) -> Iterator[tuple[str | None, str | None]]:
        members = {self._text(one["stmt"]["key"]): one["stmt"]["value"] for one in statements if _inserts(one)}
        if objects:
            yield self._text(members.get("effect")), self._text(members.get("reason"))
        for statement in statements:
            inner = statement["stmt"]
            if objects and statement["type"] == "CallStmt" and inner["func"] in self._makers:
                texts = [self._text(one) for one in inner["args"][2:]]
                at = next((number for number, text in enumerate(texts) if text in EFFECTS), None)
                if at is not None:
                    yield texts[at], next((text for text in texts[at + 1 :] if text is not None), None)
            elif not objects and statement["type"] == "AssignVarOnceStmt":
                yield self._text(inner["source"]), None

    def _text(self, operand: Any) -> str | None:
        literal = self._sources.literal(operand)
        return literal if isinstance(literal, str) else None

    def _place(self, asked: Asked, block: Mapping[str, Any]) -> Place | None:
        inside = (
            place for one in statements_of([block]) if (place := self._sources.place(asked.function, one["stmt"]))
        )
        return next(inside, None) or self._sources.begins(asked.function)


def _flat(function: Mapping[str, Any]) -> Iterable[Statement]:
    return statements_of(function["blocks"])


def _inserts(statement: Statement) -> bool:
    return bool(statement["type"] == "ObjectInsertStmt" and statement["stmt"]["key"]["type"] == "string_index")


def _makers(functions: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Functions with parameters that make an object, or have one made by another one of them."""
    made = {name for name, one in functions.items() if len(one["params"]) > 2 and any(map(_inserts, _flat(one)))}
    before = -1
    while before != len(made):
        before = len(made)
        calling = {
            name: {one["stmt"]["func"] for one in _flat(each) if one["type"] == "CallStmt"}
            for name, each in functions.items()
        }
        made |= {name for name, called in calling.items() if called & made and len(functions[name]["params"]) > 2}
    return frozenset(made)
