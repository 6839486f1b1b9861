"""Why a body of a rule did not hold, down to the values, and how far it was from that; and what was so where one did.

Distance counts the conditions that were not so: those that failed, and those behind them in the same bodies. Where any
of several ways would do, the shortest counts; where all of several must be so, their sum.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policy.explaining.bodies import bodies, ending_scan, fails_by_its_head, holds, is_untried, passed, remaining
from policy.explaining.cause import MOST_CAUSES, NOTHING, Cause, Why, all_of, any_of, inside, one
from policy.explaining.distance import Through
from policy.explaining.trace import Asked, Given, KeyOf, Made, Operand, Run, Step
from policy.program.values import Set


class Causes:
    """Looks through one trace; each rule in it once, however many ask for it."""

    def __init__(self) -> None:
        self._no_value: dict[int, Why] = {}
        self._no_member: dict[int, Why] = {}
        self._so: dict[int, tuple[Cause, ...]] = {}

    def why_not(self, run: Run) -> Why:
        """Why a body, or a turn of a loop, did not hold."""
        step = run.failed
        if step is not None:
            return self._of_step(step, run).further(remaining(run))
        scan = ending_scan(run)
        return NOTHING if scan is None else self._of_turns(scan)

    def parts(self, way: Through) -> list[int]:
        """How far each step is from holding that failed on a way past all of them: at most so far."""
        steps = way.run.steps
        runs = (Run(way.run.block, steps[: at + 1]) for at in way.failed)
        return [max(1, self._of_step(run.steps[-1], run).distance) for run in runs]

    def why_no_value(self, asked: Asked) -> Why:
        """Why a rule or function has no value, or the one of its `default`."""
        if id(asked) not in self._no_value:
            self._no_value[id(asked)] = self._why_no_value(asked).inside(asked)
        return self._no_value[id(asked)]

    def facts(self, run: Run) -> tuple[Cause, ...]:
        """What was so where a body did hold."""
        found: list[Cause] = []
        for step in run.steps:
            found += self._facts_of(step)
            if len(found) >= MOST_CAUSES:
                break
        return tuple(found[:MOST_CAUSES])

    def _why_no_value(self, asked: Asked) -> Why:
        tried = [run for run in bodies(asked) if not holds(run) and not is_untried(run)]
        fitting = [run for run in tried if not fails_by_its_head(asked, run)] or tried
        whys = [(self.why_not(run), passed(run)) for run in fitting]
        ranked = sorted(((_key(why, so), why) for why, so in whys if why), key=lambda pair: pair[0])
        return any_of([why for key, why in ranked if key == ranked[0][0]])

    def _held(self, asked: Asked) -> tuple[Cause, ...]:
        if id(asked) not in self._so:
            found = [cause for run in bodies(asked) if holds(run) for cause in self.facts(run)]
            self._so[id(asked)] = inside(asked, found[:MOST_CAUSES])
        return self._so[id(asked)]

    def _facts_of(self, step: Step) -> Sequence[Cause]:
        operands = step.operands
        match step.kind:
            case "NotEqualStmt" if operands[1].value is False:
                return self._true(operands[0], step)
            case "EqualStmt":
                return [Cause("same", operands, step.place)] if operands[0].origin or operands[1].origin else []
            case "NotEqualStmt":
                return [Cause("differs", operands, step.place)]
            case "NotStmt":
                return self.why_not(step.runs[0]).causes
            case "ScanStmt" | "BlockStmt" | "WithStmt":
                held = [run for run in step.runs if holds(run)][:MOST_CAUSES]
                return [cause for run in held for cause in self.facts(run)]
            case "DotStmt" if isinstance(operands[0].origin, Given) and operands[0].origin.whole:
                return self._members(operands[0].origin.asked)
            case _:
                return []

    def _true(self, operand: Operand, step: Step) -> Sequence[Cause]:
        match operand.origin:
            case Made(function=function, operands=parts) if function:
                inner = [cause for part in parts for cause in self._facts_of_part(part)]
                return [*inner, Cause("true", parts, step.place, function)]
            case Given(asked=asked, whole=True):
                return self._held(asked)
            case None:
                return []
            case _:
                return [Cause("present", (operand,), step.place)]

    def _facts_of_part(self, part: Operand) -> Sequence[Cause]:
        match part.origin:
            case Given(asked=asked, whole=True) if part.ref is None:
                return self._members(asked)
            case Made(function="count", operands=(inner,)):
                return self._facts_of_part(inner)
            case _:
                return []

    def _members(self, asked: Asked) -> Sequence[Cause]:
        """What was so for the members of a collection that a rule makes; those of a plain value stand elsewhere."""
        return self._held(asked) if asked.result.ref is None else []

    def _of_step(self, step: Step, run: Run) -> Why:
        operands = step.operands
        match step.kind:
            case "DotStmt":
                return self._of_dot(step)
            case "CallStmt" | "CallDynamicStmt" if step.asked is not None:
                return self.why_no_value(step.asked) or _unknown(step)
            case "CallStmt":
                return one(Cause("untyped", operands, step.place, str(step.statement["func"])))
            case "NotEqualStmt" if operands[1].value is False and operands[0].value is False:
                return self._of_false(operands[0], step)
            case "NotEqualStmt":
                return one(Cause("same", operands, step.place))
            case "EqualStmt":
                return self._of_difference(step)
            case "NotStmt":
                return any_of([one(cause) for cause in self.facts(step.runs[0])]) or _unknown(step)
            case "WithStmt":
                return self.why_not(step.runs[0]) or _unknown(step)
            case "IsUndefinedStmt" | "IsDefinedStmt":
                return self._of_flag(step, run) or _unknown(step)
            case _:
                return one(Cause("no_collection", operands, step.place))

    def _of_dot(self, step: Step) -> Why:
        source = step.operands[0]
        why = NOTHING
        if isinstance(source.origin, Given) and source.origin.whole and source.ref is None:
            why = self._of_members(source.origin.asked)
        return why or one(Cause("missing", step.operands, step.place))

    def _of_members(self, asked: Asked) -> Why:
        """Why a collection that a rule makes has no more members."""
        if id(asked) not in self._no_member:
            whys = [why for body in bodies(asked) if not is_untried(body) for why in self._missed(body)]
            self._no_member[id(asked)] = any_of(whys).inside(asked)
        return self._no_member[id(asked)]

    def _missed(self, body: Run) -> Iterator[Why]:
        if not holds(body):
            yield self.why_not(body)
            return
        for run in (run for step in body.steps if step.kind == "BlockStmt" for run in step.runs):
            if not holds(run):
                yield self.why_not(run)
            elif (scan := ending_scan(run)) is not None:
                yield from self._turns(scan)

    def _of_false(self, operand: Operand, step: Step) -> Why:
        match operand.origin:
            case Made(function=function, operands=parts) if function:
                cause = Cause("false", parts, step.place, function)
                inner = any_of([self._of_part(part) for part in parts])
                return Why(max(inner.distance, 1), (*inner.causes[: MOST_CAUSES - 1], cause))
            case Given(asked=asked, whole=True):
                return self.why_no_value(asked) or _unknown(step)
            case _:
                return one(Cause("false", (operand,), step.place))

    def _of_part(self, part: Operand) -> Why:
        """Why an empty collection of the policy is empty, where one was looked into or counted."""
        match part.origin:
            case Given(asked=asked, whole=True) if type(part.value) in (list, dict, Set) and not len(part.value):
                return self._of_members(asked)
            case Made(function="count", operands=(inner,)):
                return self._of_part(inner)
            case _:
                return NOTHING

    def _of_difference(self, step: Step) -> Why:
        for this, other in (step.operands, step.operands[::-1]):
            if isinstance(this.origin, KeyOf):
                return one(Cause("no_key", (this.origin.collection, other), step.place))
        return one(Cause("differs", step.operands, step.place))

    def _of_flag(self, step: Step, run: Run) -> Why:
        """A local that says how something before it went: the turns of an `every`, or a block."""
        target = int(step.statement["source"])
        for before in reversed(run.steps[:-1]):
            if not any(_assigns(inner.block, target) for inner in before.runs):
                continue
            if before.kind == "ScanStmt":
                return all_of([self._of_blocks(turn) for turn in before.runs if turn.ended])
            return any_of([self.why_not(inner) for inner in before.runs if not holds(inner)])
        return NOTHING

    def _of_blocks(self, turn: Run) -> Why:
        inner = [run for step in turn.steps if step.kind == "BlockStmt" for run in step.runs if not holds(run)]
        return all_of([self.why_not(run) for run in inner])

    def _of_turns(self, scan: Step) -> Why:
        return any_of(self._turns(scan)) if scan.runs else one(Cause("empty", scan.operands, scan.place))

    def _turns(self, scan: Step) -> Sequence[Why]:
        """Why turns did not hold. One for another key than the one that is wanted says nothing, unless all are that."""
        whys = [self.why_not(run) for run in scan.runs if not holds(run)]
        telling = [why for why in whys if not all(cause.kind == "no_key" for cause in why.causes)]
        return telling or whys[:1]


def _assigns(block: Mapping[str, Any], target: int) -> bool:
    inner = (one["stmt"] for one in block["stmts"] if one["type"].startswith("AssignVar"))
    return any(statement["target"] == target for statement in inner)


def _unknown(step: Step) -> Why:
    return one(Cause("untyped", step.operands, step.place))


def _key(why: Why, so: int) -> tuple[bool, int, int]:
    """What orders the bodies of one rule: what the input can change comes before what is settled by data."""
    return (not why.is_about_input, why.distance, -so)
