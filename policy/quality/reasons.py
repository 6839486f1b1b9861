"""Where the reason codes of a policy come from: each `reason` beside an `effect` is followed to the texts it can be."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from policy.quality.syntax import Module, Name, Node, Rule, calls, line_of


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its text, or None where it is no literal."""

    module: Module
    line: int
    text: str | None


def reasons(modules: Sequence[Module]) -> Iterator[Reason]:
    """The reasons of all decisions that are spelled in these modules; one that relays another's reason has none."""
    rules = [rule for module in modules for rule in module.rules]
    for rule in rules:
        for term in rule.terms():
            members = _members(term)
            if "effect" in members and "reason" in members:
                yield from _Search(rules).follow(rule, members["reason"])


@dataclass(frozen=True, slots=True)
class _Search:
    """The way from one reason to its texts: each term is followed once, whatever leads to it."""

    rules: list[Rule]
    followed: set[Hashable] = field(default_factory=set)

    def follow(self, rule: Rule, term: Node) -> Iterator[Reason]:
        """What `term`, in `rule`, can be."""
        place = term.get("location") or {}
        mark = (rule.module.path, place.get("row"), place.get("col"), place.get("text"), term["type"])
        if mark in self.followed:
            return
        self.followed.add(mark)
        if term["type"] == "string":
            yield Reason(rule.module, line_of(term), str(term["value"]))
        elif _relays(term):
            return
        elif sources := list(self._sources(rule, term)):
            for other, source in sources:
                yield from self.follow(other, source)
        else:
            yield Reason(rule.module, line_of(term), None)

    def _sources(self, rule: Rule, term: Node) -> Iterator[tuple[Rule, Node]]:
        """The terms that a variable or a reference has its value from, each with the rule that it stands in."""
        if term["type"] == "var" and term["value"] in rule.parameters:
            yield from self._arguments(rule.name, rule.parameters.index(str(term["value"])))
        elif term["type"] == "var" and (found := list(rule.bound(str(term["value"])))):
            for one in found:
                yield from ((rule, each) for each in _elements(one))
        elif (target := rule.module.target(term)) is not None:
            yield from self._values(target)

    def _arguments(self, function: Name, position: int) -> Iterator[tuple[Rule, Node]]:
        for rule in self.rules:
            for call in calls([[branch["head"], branch["body"]] for branch in rule.branches]):
                if rule.module.target(call[0]) == function and len(call) > position + 1:
                    yield rule, call[position + 1]

    def _values(self, name: Name) -> Iterator[tuple[Rule, Node]]:
        for rule in self.rules:
            if rule.name == name and not rule.head.get("args"):
                yield from ((rule, branch["head"]["value"]) for branch in rule.branches if "value" in branch["head"])


def _members(term: Node) -> dict[str, Any]:
    if term["type"] != "object":
        return {}
    return {str(key["value"]): value for key, value in term["value"] if key["type"] == "string"}


def _relays(term: Node) -> bool:
    """Whether it is the `reason` of another decision, which is looked at where that one is made."""
    if term["type"] != "ref":
        return False
    last = term["value"][-1]
    return bool(last["type"] == "string" and last["value"] == "reason")


def _elements(bound: Node) -> list[Node]:
    """What `some x in …` takes x from, where the collection is spelled; else what it is bound to."""
    if bound.get("elements") and bound["type"] in ("array", "set"):
        return list(bound["value"])
    return [{key: value for key, value in bound.items() if key != "elements"}]
