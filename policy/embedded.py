"""The embedded engine: the policy's evaluation plan as Python in this process, for places where there is no OPA.

regopy compiles the policy, in a process of its own (`planning`); what it compiles to is translated and run here
(`policy.program`). Nearly every question takes some ten microseconds and is answered on the event loop. One that takes
longer than a moment is begun again in a thread, where its time is bounded as well. Where OPA would calculate otherwise
than Python does, there is no answer (`Inexact`).
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

from policy.engine import (
    Answer,
    EngineFailed,
    EngineTimeout,
    EngineUnavailable,
    EntryPoint,
    Policy,
    PolicyRefused,
)
from policy.plan import read_plan
from policy.planning import plan_document
from policy.program import json_values, running, values
from policy.program.source import NotTranslatable
from policy.program.translation import Program, translate
from policy.reads import EVERYTHING, Reads, reads_of
from policy.vetting import plan_problems, smoke_problems

BUDGET_SECONDS: Final = 0.5
"""How long a call may wait for its decision: a thousand times what one takes."""

MOMENT_SECONDS: Final = 0.002
"""How long a question may keep the event loop."""

MOMENT_BYTES: Final = 16 << 10
"""A longer question is for a thread from the beginning."""

MOMENT_LIST_BYTES: Final = 4 << 10
"""The same for a part of a list: others follow at once, and calls would wait for them all."""

_VETTING_SECONDS: Final = 5.0


class Inexact(EngineFailed):
    """The engine is known not to evaluate the active policy as OPA does for this input."""

    code = "engine_inexact"


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A vetted policy: its program, its data as Rego's values, and what of the input it reads."""

    policy: Policy
    program: Program
    data: Any
    reads: Reads

    def evaluate(self, entry: EntryPoint, given: Any, budget: running.Budget) -> Any:
        """The value of an entry point as JSON values, or UNDEFINED. Raises CannotDecide, OutOfTime."""
        try:
            return json_values.plain(self.program.evaluate(entry.value, given, self.data, budget))
        except running.OutOfTime:
            raise
        except values.Inexact as error:
            raise Inexact(f"the embedded engine is not exact for {error}; the opa engine is") from error
        except running.Conflict as error:
            raise EngineFailed(str(error)) from error
        except Exception as error:  # Whatever goes wrong in an evaluation refuses its call.
            raise EngineFailed(f"{type(error).__name__}: {error}") from error


class EmbeddedEngine:
    """Decides in this process. `budget_seconds` counts from the question to the answer, waiting included."""

    def __init__(self, budget_seconds: float = BUDGET_SECONDS, threads: int = 2) -> None:
        """`threads` are begun when a question needs them."""
        self._budget_seconds = budget_seconds
        self._loaded: _Loaded | None = None
        self._slow: set[EntryPoint] = set()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="policy")

    @property
    def name(self) -> str:
        """`embedded`."""
        return "embedded"

    @property
    def active(self) -> Policy | None:
        """The policy whose answers count; None before the first activation."""
        return None if self._loaded is None else self._loaded.policy

    @property
    def reads(self) -> Reads:
        """What the plan of the active policy reads."""
        return EVERYTHING if self._loaded is None else self._loaded.reads

    async def activate(self, policy: Policy) -> None:
        """Compile, vet and make `policy` the active one. Raises PolicyRefused; the previous one then stays active."""
        self._loaded = await asyncio.to_thread(_load, policy)
        self._slow.clear()

    async def ask(self, entry: EntryPoint, document: bytes) -> Answer:
        """Evaluate `entry` over `document`. Raises EngineUnavailable, EngineTimeout, Inexact or EngineFailed."""
        loaded = self._loaded
        if loaded is None:
            raise EngineUnavailable("no policy is active")
        longest = MOMENT_LIST_BYTES if entry is EntryPoint.LISTING else MOMENT_BYTES
        if len(document) <= longest and entry not in self._slow:
            try:
                moment = running.Budget(min(MOMENT_SECONDS, self._budget_seconds))
                return Answer(loaded.evaluate(entry, _read(document), moment), loaded.policy)
            except running.OutOfTime:
                self._slow.add(entry)
        return Answer(await self._at_length(loaded, entry, document), loaded.policy)

    async def _at_length(self, loaded: _Loaded, entry: EntryPoint, document: bytes) -> Any:
        budget = running.Budget(self._budget_seconds)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, _evaluate, loaded, entry, document, budget)
        except running.OutOfTime as error:
            raise EngineTimeout(f"no decision within {self._budget_seconds} s") from error
        except RuntimeError as error:
            raise EngineUnavailable("the engine is closed") from error

    def problem(self) -> str | None:
        """Why the engine is not ready, or None."""
        return "no policy is active" if self._loaded is None else None

    async def close(self) -> None:
        """Let what is being evaluated end, within its budget; idempotent."""
        self._loaded = None
        self._threads.shutdown(wait=False, cancel_futures=True)


def _evaluate(loaded: _Loaded, entry: EntryPoint, document: bytes, budget: running.Budget) -> Any:
    budget.spend(0)
    return loaded.evaluate(entry, _read(document), budget)


def _read(document: bytes) -> Any:
    try:
        return json_values.read(document)
    except values.Inexact as error:
        raise Inexact(f"the embedded engine is not exact for {error}; the opa engine is") from error
    except ValueError as error:
        raise EngineFailed(f"the input is no JSON: {error}") from error


def _load(policy: Policy) -> _Loaded:
    document = plan_document(policy)
    plan = read_plan(document)
    if policy.has_result is not (there := EntryPoint.RESULT.value in plan.rules):
        policy = replace(policy, has_result=there)
    if problems := plan_problems(plan):
        raise PolicyRefused(problems)
    try:
        program = translate(document)
    except NotTranslatable as error:
        raise PolicyRefused((f"{policy.name}: {error}",)) from error
    loaded = _Loaded(policy, program, json_values.given(dict(policy.data)), reads_of(document))
    if problems := smoke_problems(policy, lambda entry, asked: _vetted(loaded, entry, asked)):
        raise PolicyRefused(problems)
    return loaded


def _vetted(loaded: _Loaded, entry: EntryPoint, document: bytes) -> Any:
    try:
        return loaded.evaluate(entry, _read(document), running.Budget(_VETTING_SECONDS))
    except running.OutOfTime as error:
        raise EngineTimeout(f"no decision within {_VETTING_SECONDS} s") from error
