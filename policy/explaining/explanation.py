"""An explanation: what was decided, which rules fired, which came closest, and which values decided it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from policy.explaining.alternatives import Alternative, Alternatives
from policy.explaining.cause import Cause
from policy.explaining.evaluating import Compiled, Failure, evaluated
from policy.explaining.granted import is_level, place_of
from policy.explaining.inputs import Looked, looked_at, said
from policy.explaining.near import Near, near
from policy.explaining.trace import Asked, Ref
from policy.explaining.tree import all_asked, steps_of
from policy.program.json_values import plain
from policy.program.values import UNDEFINED, Inexact

_INDEX: Final = ("agentgate", "grants")


@dataclass(frozen=True, slots=True)
class Explanation:
    """`decision` is None without one; `failure` then says why, or why there is nothing to explain it by.

    `closest` are bodies of rules that did not fire, the nearest to another decision first. `near` are grants about
    nearly the same call.
    """

    decision: Mapping[str, Any] | None
    failure: Failure | None
    fired: Sequence[Alternative] = ()
    closest: Sequence[Alternative] = ()
    inputs: Sequence[Looked] = ()
    near: Sequence[Near] = field(default_factory=tuple)


def explain(policy: Compiled, given: Any) -> Explanation:
    """Why `policy` says what it says to an input of Rego's values. Raises Disagree."""
    found = evaluated(policy, given)
    decision, failure = _decision(found.value, found.failure)
    if found.trace is None:
        return Explanation(decision, failure)
    bodies = Alternatives(found.sources, found.walker, found.trace, given, policy.data).found()
    effect, _ = said(found.value)
    fired = [one for one in bodies if one.status == "fired"]
    others = [one for one in bodies if one.status != "fired"]
    asks_grants = effect != "allow" and _looks_into_grants(found.trace)
    return Explanation(
        decision=decision,
        failure=failure,
        fired=sorted(fired, key=lambda one: one.effect != effect),
        closest=sorted(others, key=lambda one: _rank(one, effect)),
        inputs=looked_at(policy, given, found.value, found.trace),
        near=near(policy.data["agentgate"]["grants"], _subject(given, found.trace)) if asks_grants else (),
    )


def telling(one: Alternative) -> Sequence[Cause]:
    """The causes of a body that say something to a person: what a grant does not have was no reason to let it pass."""
    return [cause for cause in one.causes if one.status == "failed" or not _is_plain(cause)]


def _is_plain(cause: Cause) -> bool:
    """Whether it goes without saying where a body held: a condition that a grant does not have, a type, a `not`."""
    first = cause.operands[0].ref if cause.operands else None
    if cause.kind in ("missing", "present") and not cause.is_about_input:
        place = place_of(first)
        return is_level(first) or (place is not None and place.inside != ("id",))
    return cause.function.startswith("is_") or (cause.kind == "false" and bool(cause.function))


def _decision(value: Any, failure: Failure | None) -> tuple[Mapping[str, Any] | None, Failure | None]:
    if value is UNDEFINED:
        return None, failure or Failure("policy_undefined", "agentgate/decision is undefined for this input")
    try:
        decision = plain(value)
    except Inexact as error:
        return None, Failure("engine_inexact", f"the embedded engine is not exact for {error}; the opa engine is")
    if said(value)[0] is None:
        return None, failure or Failure("policy_malformed", "the value of agentgate/decision is no decision")
    return decision, failure


def _rank(one: Alternative, effect: str | None) -> tuple[bool, bool, bool, bool, int]:
    """What would change the effect first; then what no earlier body stands before, and the shortest way."""
    return (one.effect == effect, one.fallback, one.status == "untried", one.behind, one.distance)


def _looks_into_grants(root: Asked) -> bool:
    refs = (
        operand.ref
        for asked in all_asked(root)
        for run in asked.runs
        for step in steps_of(run)
        for operand in step.operands
    )
    return any(isinstance(ref, Ref) and ref.root == "data" and ref.path[:2] == _INDEX for ref in refs)


def _subject(given: Any, root: Asked) -> tuple[Any, ...]:
    """Tenant, agent, upstream, method and name that a grant for this call would name."""
    call, caller = given.get("call") or {}, given.get("caller") or {}
    own = next((one for one in all_asked(root) if one.path == ("agentgate", "rules", "method")), None)
    method = call.get("method") if own is None or not own.has_value else own.result.value
    return (caller.get("tenant"), caller.get("agent"), call.get("upstream"), method, call.get("name"))
