"""One question put to a policy twice: to the program that decides calls, and step by step. Both must say the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from policy.engine import EntryPoint, Policy, PolicyRefused
from policy.explaining.sources import Sources
from policy.explaining.trace import Asked
from policy.explaining.walking import TooLong, Walker
from policy.plan import read_plan
from policy.planning import plan_document
from policy.program import json_values
from policy.program.running import Budget, Conflict, OutOfTime
from policy.program.source import NotTranslatable
from policy.program.translation import Program, translate
from policy.program.values import UNDEFINED, Inexact, same
from policy.vetting import plan_problems

DECIDE_SECONDS: Final = 0.5
"""As long as a sidecar waits for a decision."""

WALK_SECONDS: Final = 5.0
"""Going step by step takes some thirty times as long."""


class Disagree(Exception):
    """Step by step, a policy came to something else than its program: nothing can be explained."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no value, or nothing to explain it by: the code of the refusal, and what it says."""

    code: str
    what: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """A policy ready to be asked."""

    policy: Policy
    document: Mapping[str, Any]
    program: Program
    data: Any


@dataclass(frozen=True, slots=True)
class Evaluated:
    """`value` is Rego's, UNDEFINED without one. `trace` is None where there is none; `failure` then says why."""

    value: Any
    trace: Asked | None
    sources: Sources
    walker: Walker
    failure: Failure | None


def compiled(policy: Policy) -> Compiled:
    """What the embedded engine makes of a policy. Raises PolicyRefused."""
    document = plan_document(policy)
    if problems := plan_problems(read_plan(document)):
        raise PolicyRefused(problems)
    try:
        program = translate(document)
    except NotTranslatable as error:
        raise PolicyRefused((f"{policy.name}: {error}",)) from error
    return Compiled(policy, document, program, json_values.given(dict(policy.data)))


def evaluated(policy: Compiled, given: Any) -> Evaluated:
    """The decision on an input of Rego's values, and the way to it. Raises Disagree."""
    value, failure = decided(policy, given)
    sources = Sources(policy.document, policy.policy.modules)
    walker = Walker(sources, Budget(WALK_SECONDS))
    try:
        trace = walker.decide(EntryPoint.DECISION.value, given, policy.data)
    except (Conflict, Inexact) as error:
        if failure is None:
            raise Disagree(f"step by step, the policy fails: {error}") from error
        return Evaluated(UNDEFINED, None, sources, walker, Failure(failure.code, f"{walker.at}: {failure.what}"))
    except (OutOfTime, TooLong, RecursionError) as error:
        too_long = Failure("too_long", f"the way to this decision is too long to be told ({type(error).__name__})")
        return Evaluated(value, None, sources, walker, failure or too_long)
    if failure is not None and failure.code != "engine_timeout":
        raise Disagree("step by step, the policy has a value; its program fails")
    if failure is None and not (trace.result.value is value or same(trace.result.value, value)):
        raise Disagree("step by step, the policy has another value than its program")
    return Evaluated(value, trace, sources, walker, failure)


def decided(policy: Compiled, given: Any) -> tuple[Any, Failure | None]:
    """What the program says, as a sidecar would hear it."""
    try:
        return policy.program.evaluate(EntryPoint.DECISION.value, given, policy.data, Budget(DECIDE_SECONDS)), None
    except OutOfTime:
        return UNDEFINED, Failure("engine_timeout", f"no decision within {DECIDE_SECONDS} s")
    except Inexact as error:
        return UNDEFINED, Failure("engine_inexact", f"the embedded engine is not exact for {error}; the opa engine is")
    except Conflict as error:
        return UNDEFINED, Failure("engine_failed", str(error))
    except Exception as error:  # noqa: BLE001  (whatever goes wrong in an evaluation refuses its call)
        return UNDEFINED, Failure("engine_failed", f"{type(error).__name__}: {error}")
