"""The embedded engine: regopy (rego-cpp) in this process, for places where there is no OPA.

An evaluation cannot be stopped and an interpreter is not thread safe, hence: a bounded number of worker threads,
each with an interpreter of its own; a question that is not answered within the budget is given up while its
thread goes on; two threads that are still out make the engine report a problem. An interpreter takes some megabytes:
the second one is made when two questions are open at once for the first time. regopy gives way to other
Python threads while it evaluates. Where it is known not to evaluate as OPA does, it is not asked at all
(see `exactness`).
"""

import asyncio
import threading
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any, Final

from policy.engine import (
    Answer,
    CannotDecide,
    EngineFailed,
    EngineTimeout,
    EngineUnavailable,
    EntryPoint,
    Policy,
    PolicyRefused,
)
from policy.exactness import Limits, limits
from policy.interpreter import Compiled
from policy.plan import read_plan
from policy.planning import plan_document
from policy.reads import EVERYTHING, Reads, reads_of
from policy.vetting import plan_problems, smoke_problems

BUDGET_SECONDS: Final = 0.5
"""How long a call may wait for its decision: a thousand times what one takes."""

_LOST: Final = 2
"""So many evaluations out of time at once are not bad luck any more."""


class Inexact(EngineFailed):
    """The engine is known not to evaluate the active policy as OPA does for this input."""

    code = "engine_inexact"


@dataclass(frozen=True, slots=True)
class _Program:
    """A vetted policy, compiled once for each worker, by its number."""

    policy: Policy
    limits: Limits
    reads: Reads
    compiled: dict[int, Compiled]

    def of(self, worker: int) -> Compiled:
        """The worker's own; only that worker asks. Raises PolicyRefused, which vetting has made impossible."""
        if worker not in self.compiled:
            self.compiled[worker] = Compiled(self.policy)
        return self.compiled[worker]


@dataclass(slots=True)
class _Question:
    program: _Program
    entry: EntryPoint
    document: bytes
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"
    begun: bool = False


class EmbeddedEngine:
    """Decides in this process. `budget_seconds` counts from the question to the answer, waiting included."""

    def __init__(self, budget_seconds: float = BUDGET_SECONDS, threads: int = 2) -> None:
        """At most `threads` workers; they hold no policy before the first activation."""
        self._budget_seconds = budget_seconds
        self._threads = threads
        self._program: _Program | None = None
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()
        self._open = 0
        self._lost = 0
        self._workers: list[threading.Thread] = []
        self._hire()

    @property
    def name(self) -> str:
        """`embedded`."""
        return "embedded"

    @property
    def active(self) -> Policy | None:
        """The policy whose answers count; None before the first activation."""
        return None if self._program is None else self._program.policy

    @property
    def reads(self) -> Reads:
        """What the plan of the active policy reads."""
        return EVERYTHING if self._program is None else self._program.reads

    async def activate(self, policy: Policy) -> None:
        """Compile, vet and make `policy` the active one. Raises PolicyRefused; the previous one then stays active."""
        self._program = await asyncio.to_thread(_program, policy, len(self._workers))

    async def ask(self, entry: EntryPoint, document: bytes) -> Answer:
        """Evaluate `entry` over `document`. Raises EngineUnavailable, EngineTimeout, Inexact or EngineFailed."""
        program = self._program
        if program is None:
            raise EngineUnavailable("no policy is active")
        if (obstacle := program.limits.obstacle(document)) is not None:
            raise Inexact(f"the embedded engine is not exact for {obstacle}; the opa engine is")
        loop = asyncio.get_running_loop()
        question = _Question(program, entry, document, loop, loop.create_future())
        self._open += 1
        if self._open + self._lost > len(self._workers) < self._threads:
            self._hire()
        self._questions.put(question)
        timer = loop.call_later(self._budget_seconds, self._give_up, question)
        try:
            return Answer(await question.answer, program.policy)
        finally:
            self._open -= 1
            timer.cancel()

    def problem(self) -> str | None:
        """Why the engine is not ready, or None."""
        if self._program is None:
            return "no policy is active"
        if self._lost >= _LOST:
            return f"{self._lost} evaluations have not come back within {self._budget_seconds} s"
        return None

    async def close(self) -> None:
        """Let the workers end after what they are at; idempotent."""
        self._program = None
        for _ in self._workers:
            self._questions.put(None)
        self._workers.clear()

    def _give_up(self, question: _Question) -> None:
        if question.answer.done():
            return
        self._lost += question.begun
        question.answer.set_exception(EngineTimeout(f"no decision within {self._budget_seconds} s"))

    def _hire(self) -> None:
        number = len(self._workers)
        worker = threading.Thread(target=self._work, args=(number,), name=f"policy-{number}", daemon=True)
        self._workers.append(worker)
        worker.start()

    def _work(self, number: int) -> None:
        if (program := self._program) is not None:
            # Those who are there answer meanwhile.
            program.of(number)
        while (question := self._questions.get()) is not None:
            if question.answer.done():
                continue
            question.begun = True
            value, error = _evaluate(question, number)
            try:
                question.loop.call_soon_threadsafe(self._settle, question, value, error)
            except RuntimeError:
                return  # The loop is closed: nobody is left to answer.

    def _settle(self, question: _Question, value: Any, error: CannotDecide | None) -> None:
        if question.answer.done():
            self._lost -= not question.answer.cancelled()
        elif error is not None:
            question.answer.set_exception(error)
        else:
            question.answer.set_result(value)


def _evaluate(question: _Question, number: int) -> tuple[Any, CannotDecide | None]:
    try:
        return question.program.of(number).evaluate(question.entry, question.document), None
    except CannotDecide as error:
        return None, error
    except Exception as error:  # noqa: BLE001  (whatever a foreign engine raises is a refusal of this call, not the thread's end)
        return None, EngineFailed(f"{type(error).__name__}: {error}")


def _program(policy: Policy, copies: int) -> _Program:
    document = plan_document(replace(policy, has_result=False))
    plan = read_plan(document)
    if policy.has_result is not (there := EntryPoint.RESULT.value in plan.rules):
        policy = replace(policy, has_result=there)
    first = Compiled(policy)
    problems = plan_problems(plan) or smoke_problems(policy, first.evaluate)
    if problems:
        raise PolicyRefused(problems)
    return _Program(
        policy, limits(plan), reads_of(document), {0: first} | {number: Compiled(policy) for number in range(1, copies)}
    )
