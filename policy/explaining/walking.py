"""Goes through an evaluation plan statement by statement, with the functions of the engine, and writes down its way.

The value that comes of it must be that of the translated plan (`policy.program.translation`): whoever explains compares
the two. Leaving blocks is as there: a statement without a value leaves its block, a jump leaves several.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from policy.explaining.distance import Through, all_reads, all_writes
from policy.explaining.frame import UNSET, Frame, member
from policy.explaining.sources import Sources
from policy.explaining.trace import Asked, Given, KeyOf, Operand, Place, Ref, Run, Step
from policy.explaining.valuing import TESTS, built, dot, length, tested
from policy.plan import Statement, statements_of
from policy.program import running
from policy.program.values import UNDEFINED

MOST_STEPS: Final = 100_000
"""Of one evaluation that is written down, in some 50 MB; the starter takes some hundred."""

_GIVEN: Final = 2
"""Input and data, which every function of a plan has first."""

ENDED: Final = None
"""A block that came to its end. A number says how many blocks around it are left with it."""

RETURNED: Final = -1


class TooLong(Exception):
    """More steps than are written down."""


class Walker:
    """One plan, and the budget of one evaluation."""

    def __init__(self, sources: Sources, budget: running.Budget) -> None:
        """Nothing is evaluated yet."""
        self._sources = sources
        self._functions = sources.functions
        self._budget = budget
        self._left = MOST_STEPS
        self._memo: dict[str, Asked] = {}
        self.at: Place | None = None
        """Where the evaluation is, or where it ended."""

    def decide(self, entry: str, given: Any, data: Any) -> Asked:
        """The rule at a path (`agentgate/decision`), evaluated. Raises what an evaluation raises, and TooLong."""
        name = next(name for name, one in self._functions.items() if one["path"][1:] == entry.split("/"))
        return self._ask({}, name, (Operand(given, Ref("input")), Operand(data, Ref("data"))))

    def again(self, asked: Asked, block: Mapping[str, Any], given: Sequence[Operand]) -> Run:
        """One block of a function as if no other one of it had come before. Raises as `decide`."""
        frame = self._frame({}, asked.function, given)
        run = Run(block, at=_untested(block))
        self._go_on(frame, run)
        return run

    def through(self, asked: Asked, block: Mapping[str, Any], given: Sequence[Operand]) -> Through:
        """As `again`, past each condition that is not so; what reads a value that is missing then is not tried."""
        frame = self._frame(self._memo, asked.function, given)
        run, failed, untried, missing = Run(block), list[int](), list[Statement](), set[int]()
        for statement in block["stmts"][_untested(block) :]:
            if not missing.isdisjoint(all_reads(statement)):
                untried.append(statement)
                missing |= all_writes(statement)
                continue
            self._statement(frame, run, statement["type"], statement["stmt"])
            if run.failed is not None and run.failed.statement is statement["stmt"]:
                failed.append(len(run.steps) - 1)
                missing |= all_writes(statement)
        return Through(run, failed, untried)

    def _ask(self, memo: dict[str, Asked], name: str, given: Sequence[Operand]) -> Asked:
        function = self._functions[name]
        if (known := memo.get(name)) is not None:
            return known
        self._budget.spend(1)
        asked = Asked(tuple(function["path"][1:]), function, tuple(given[_GIVEN:]))
        if len(function["params"]) == _GIVEN:
            memo[name] = asked
        frame = self._frame(memo, function, given)
        for block in function["blocks"]:
            run = Run(block)
            asked.runs.append(run)
            if self._go_on(frame, run) == RETURNED:
                break
        asked.result = frame.result
        return asked

    def _frame(self, memo: dict[str, Asked], function: Mapping[str, Any], given: Sequence[Operand]) -> Frame:
        inserts = (one["stmt"] for one in statements_of(function["blocks"]) if one["type"] == "ObjectInsertStmt")
        keyed = any(inner["key"]["type"] != "string_index" for inner in inserts)
        locals_ = dict(zip(function["params"], given, strict=False))
        return Frame(self._sources.strings, function, memo, locals_, keyed=keyed)

    def _go_on(self, frame: Frame, run: Run) -> int | None:
        """Through the rest of a block. ENDED, RETURNED, or how many further blocks are left."""
        statements = run.block["stmts"]
        while run.at < len(statements):
            statement = statements[run.at]
            left = self._statement(frame, run, statement["type"], statement["stmt"])
            if left is not ENDED:
                return left
            run.at += 1
        run.ended = True
        return ENDED

    def _statement(self, frame: Frame, run: Run, kind: str, inner: Statement) -> int | None:
        match kind:
            case "BlockStmt":
                return self._blocks(frame, self._step(frame, run, kind, inner), inner["blocks"])
            case "ScanStmt":
                return self._scan(frame, self._step(frame, run, kind, inner), inner)
            case "NotStmt" | "WithStmt":
                return self._inside(frame, self._step(frame, run, kind, inner), inner)
            case "BreakStmt":
                return int(inner.get("index", 0))
            case "ReturnLocalStmt":
                frame.result = frame.operand(inner["source"])
                return RETURNED
            case "CallStmt" | "CallDynamicStmt" | "DotStmt" | "LenStmt":
                return self._value(frame, run, kind, inner)
            case _ if kind in TESTS:
                return self._test(frame, run, kind, inner)
            case _:
                frame.make(kind, inner)
                return ENDED

    def _step(self, frame: Frame, run: Run, kind: str, inner: Statement, *operands: Operand) -> Step:
        self._left -= 1
        if self._left < 0:
            raise TooLong
        step = Step(kind, inner, self._sources.place(frame.function, inner), operands=operands)
        run.steps.append(step)
        self.at = step.place or self.at
        return step

    def _blocks(self, frame: Frame, step: Step, blocks: Sequence[Mapping[str, Any]]) -> int | None:
        for block in blocks:
            run = Run(block)
            step.runs.append(run)
            left = self._go_on(frame, run)
            if left == RETURNED or left:
                return left if left == RETURNED else left - 1
        return ENDED

    def _scan(self, frame: Frame, step: Step, inner: Statement) -> int | None:
        source = frame.locals.get(int(inner["source"]), UNSET)
        step.operands = (source,)
        pairs = running.scan(source.value, self._budget)
        if pairs is None:
            step.held = False
            return 0
        for key, value in pairs:
            run = Run(inner["block"])
            step.runs.append(run)
            frame.locals[int(inner["key"])] = Operand(key, KeyOf(source))
            frame.locals[int(inner["value"])] = Operand(value, member(source, key))
            left = self._go_on(frame, run)
            if left == RETURNED or left:
                return left if left == RETURNED else left - 1
        return ENDED

    def _inside(self, frame: Frame, step: Step, inner: Statement) -> int | None:
        """A `not`, which holds if its block does not come to its end, or a `with`, which holds if it does."""
        run = Run(inner["block"])
        step.runs.append(run)
        if step.kind == "NotStmt":
            left = self._go_on(frame, run)
            step.held = not run.ended
        else:
            left = self._with(frame, run, inner)
            step.held = run.ended
        if left == RETURNED or left:
            return left if left == RETURNED else left - 1
        return ENDED if step.held else 0

    def _with(self, frame: Frame, run: Run, inner: Statement) -> int | None:
        local = int(inner["local"])
        before, memo = frame.locals[local], frame.memo
        path = tuple(self._sources.strings[index] for index in inner.get("path") or ())
        value = frame.operand(inner["value"])
        frame.locals[local] = Operand(running.upserted(before.value, path, value.value))
        frame.memo = {}
        left = self._go_on(frame, run)
        frame.locals[local], frame.memo = before, memo
        return left

    def _value(self, frame: Frame, run: Run, kind: str, inner: Statement) -> int | None:
        step = self._step(frame, run, kind, inner)
        target = inner["result"] if kind.startswith("Call") else inner["target"]
        made = {"DotStmt": self._dot, "LenStmt": self._length, "CallStmt": self._call}.get(kind, self._called)
        found = made(frame, step, inner)
        frame.locals[int(target)] = found
        step.held = found.value is not UNDEFINED
        return ENDED if step.held else 0

    def _dot(self, frame: Frame, step: Step, inner: Statement) -> Operand:
        source, key = frame.operand(inner["source"]), frame.operand(inner["key"])
        step.operands = (source, key)
        return dot(source, key)

    def _length(self, frame: Frame, step: Step, inner: Statement) -> Operand:
        step.operands = (frame.operand(inner["source"]),)
        return length(step.operands[0])

    def _call(self, frame: Frame, step: Step, inner: Statement) -> Operand:
        name, given = inner["func"], [frame.operand(one) for one in inner["args"]]
        if name in self._functions:
            step.operands = tuple(given[_GIVEN:])
            step.asked = self._ask(frame.memo, name, given)
            return Operand(step.asked.result.value, Given(step.asked, step.asked.result.origin))
        step.operands = tuple(given)
        return built(self._budget, name, given)

    def _called(self, frame: Frame, step: Step, inner: Statement) -> Operand:
        by_path = {tuple(one["path"][1:]): name for name, one in self._functions.items()}
        given = [frame.operand(one) for one in inner["args"]]

        def ask(name: str) -> Any:
            step.asked = self._ask(frame.memo, name, given)
            return step.asked.result.value

        functions = {name: lambda *_, name=name: ask(name) for name in self._functions}
        path = tuple(frame.operand(part).value for part in inner["path"])
        return Operand(running.called(functions, by_path, path, given[0].value, given[1].value))

    def _test(self, frame: Frame, run: Run, kind: str, inner: Statement) -> int | None:
        operands, held = tested(frame, kind, inner)
        step = self._step(frame, run, kind, inner, *operands)
        step.held = held
        return ENDED if held else 0


def _untested(block: Mapping[str, Any]) -> int:
    """How many statements of a body ask whether one before it has held."""
    statements = block["stmts"]
    others = (at for at, statement in enumerate(statements) if statement["type"] != "IsUndefinedStmt")
    return next(others, len(statements))
