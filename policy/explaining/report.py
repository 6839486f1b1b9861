"""An explanation for a person, line by line, and for a machine, as one document (docs/policy.md has its members)."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from evidence.printable import printable
from policy.explaining.alternatives import Alternative
from policy.explaining.cause import Cause
from policy.explaining.explanation import Explanation, telling
from policy.explaining.near import Near, near_words
from policy.explaining.showing import shown
from policy.explaining.words import path_text, words

VERSION: Final = 1
MOST_BODIES: Final = 200
"""Of the bodies of rules that a document tells of."""

_TOLD: Final = 5
"""Bodies that did not fire, and values, of which a person is told."""

_MOST_LINES: Final = 5
"""For one body."""


def document(found: Explanation) -> dict[str, Any]:
    """The explanation as JSON values; texts and values are cut."""
    decision = found.decision
    return {
        "version": VERSION,
        "decision": None if decision is None else dict(decision),
        "failure": None if found.failure is None else {"code": found.failure.code, "what": found.failure.what},
        "fired": [_body(one) for one in found.fired[:MOST_BODIES]],
        "closest": [_body(one) for one in found.closest[:MOST_BODIES]],
        "inputs": [
            {
                "path": path_text(one.ref),
                "value": shown(one.value),
                "decides": one.decides,
                "without": {"effect": one.without[0], "reason": one.without[1]},
            }
            for one in found.inputs
        ],
        "near": [_near(one) for one in found.near],
        "left_out": max(0, len(found.fired) - MOST_BODIES) + max(0, len(found.closest) - MOST_BODIES),
    }


def lines(found: Explanation) -> Iterator[str]:
    """What a person reads."""
    yield from map(printable, _lines(found))


def _lines(found: Explanation) -> Iterator[str]:
    if found.decision is not None:
        yield f"{found.decision['effect']}: {found.decision['reason']}{_message(found.decision)}"
        yield from _beside(found.decision)
    if found.failure is not None:
        yield f"{'refused' if found.decision is None else 'not explained'}: {found.failure.code}: {found.failure.what}"
    yield from _fired(found)
    yield from _closest(found)
    if found.near:
        yield "Grants about nearly the same call:"
        yield from (f"  {near_words(one)}" for one in found.near)
    yield from _inputs(found)


def _message(decision: Any) -> str:
    return f" ({decision['message']})" if decision.get("message") else ""


def _beside(decision: Any) -> Iterator[str]:
    if decision.get("rules"):
        yield f"  rules: {', '.join(map(str, decision['rules']))}"
    for member in ("obligations", "exception", "shadow"):
        if decision.get(member):
            yield f"  {member}: {shown(decision[member])}"


def _fired(found: Explanation) -> Iterator[str]:
    if found.fired:
        yield "Fired:"
    for one in found.fired[:_TOLD]:
        yield f"  {_said(one)}"
        yield from _causes(telling(one))


def _closest(found: Explanation) -> Iterator[str]:
    told = [one for one in found.closest if not one.fallback and one.status != "untried"][:_TOLD]
    if told:
        yield "Came closest, the nearest to another effect first:"
    for one in told:
        yield f"  {_said(one)}: {_distance(one)}"
        yield from _causes(telling(one))
    if len(found.closest) > len(told):
        yield f"  ({len(found.closest) - len(told)} more with --json)"


def _inputs(found: Explanation) -> Iterator[str]:
    deciding = [one for one in found.inputs if one.decides]
    if deciding:
        yield "Values that decided it, and what would be said without each:"
    for one in deciding[:_TOLD]:
        yield f"  {path_text(one.ref)} = {shown(one.value)}: {': '.join(filter(None, one.without))}"
    others = [path_text(one.ref) for one in found.inputs if not one.decides]
    if others:
        more = f" and {len(others) - _TOLD} more" if len(others) > _TOLD else ""
        yield f"Looked at, too: {', '.join(others[:_TOLD])}{more}"


def _said(one: Alternative) -> str:
    place = f" ({one.place})" if one.place is not None else ""
    return f"{one.effect} {one.reason or ''}".rstrip() + place


def _distance(one: Alternative) -> str:
    if one.status == "overruled":
        return "would hold, if none before it did"
    most = "at most " if one.at_most else ""
    conditions = f"{most}{one.distance} condition{'' if one.distance == 1 else 's'} away"
    return conditions + (", behind one that holds" if one.behind else "")


def _causes(causes: Sequence[Cause]) -> Iterator[str]:
    said: dict[str, str] = {}
    for cause in causes:
        said.setdefault(words(cause), "" if cause.place is None else f" ({cause.place})")
    yield from (f"    {text}{place}" for text, place in list(said.items())[:_MOST_LINES])
    if len(said) > _MOST_LINES:
        yield f"    ({len(said) - _MOST_LINES} more)"


def _body(one: Alternative) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "at": None if one.place is None else str(one.place),
        "effect": one.effect,
        "reason": one.reason,
        "status": one.status,
        "distance": one.distance,
        "at_most": one.at_most,
        "behind": one.behind,
        "fallback": one.fallback,
        "conditions": [_condition(cause) for cause in telling(one)],
    }


def _condition(cause: Cause) -> dict[str, Any]:
    values = {path_text(ref): shown(value) for operand in cause.operands for ref, value in operand.refs()}
    return {
        "words": words(cause),
        "at": None if cause.place is None else str(cause.place),
        "rules": [".".join(asked.path) for asked in cause.within],
        "values": [{"path": path, "value": value} for path, value in values.items()],
    }


def _near(one: Near) -> dict[str, Any]:
    differences = [{"level": level, "grant": theirs, "call": shown(ours)} for level, theirs, ours in one.differences]
    return {"id": one.id, "effect": one.effect, "differences": differences}
