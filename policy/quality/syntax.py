"""Rego modules as OPA parses them, as far as the lint rules look at them: rules, and what each of them refers to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from policy.quality.sources import is_test

Node = Mapping[str, Any]
Name = tuple[str, ...]
"""Where something lies below `data`: the package, then the rule."""

_ASSIGNING: Final = (("assign",), ("eq",))
_MEMBER: Final = (("internal", "member_2"), ("internal", "member_3"))


@dataclass(frozen=True)
class Rule:
    """One rule of a module, with all its `else`s."""

    module: "Module"
    node: Node

    @property
    def head(self) -> Node:
        """Its head."""
        found: Node = self.node["head"]
        return found

    @property
    def short(self) -> str:
        """Its name in its own package; that of a rule `a.b` is `a`."""
        return str(self.head["ref"][0]["value"])

    @property
    def name(self) -> Name:
        """Its whole name."""
        return (*self.module.package, self.short)

    @property
    def line(self) -> int:
        """Where it begins."""
        return line_of(self.node)

    @property
    def is_default(self) -> bool:
        """Whether it is `default …`."""
        return bool(self.node.get("default"))

    @property
    def branches(self) -> Iterator[Node]:
        """The rule itself and each of its `else`s: nodes with `head` and `body`."""
        node: Node | None = self.node
        while node is not None:
            yield node
            node = node.get("else")

    @cached_property
    def parameters(self) -> tuple[str | None, ...]:
        """The names of its arguments; None for one that is a pattern."""
        given = self.head.get("args") or ()
        return tuple(str(one["value"]) if one["type"] == "var" else None for one in given)

    @cached_property
    def references(self) -> frozenset[Name]:
        """All that it refers to below `data`, as far as the names are written out."""
        found = (self.module.target(term) for term in self.terms())
        return frozenset(name for name in found if name is not None)

    def terms(self) -> Iterator[Node]:
        """Every term in it, its own name apart."""
        for branch in self.branches:
            head = branch["head"]
            for part in (head.get("args"), head["ref"][1:], head.get("key"), head.get("value"), branch["body"]):
                yield from terms(part)

    def bound(self, variable: str) -> Iterator[Node]:
        """What the rule assigns to a variable, or takes it from with `some … in`."""
        for left, right in self._bindings():
            if left["type"] == "var" and left["value"] == variable:
                yield right

    def _bindings(self) -> Iterator[tuple[Node, Node]]:
        for term in self._calls():
            operator, *operands = term
            path = tuple(str(one["value"]) for one in operator["value"])
            if path in _ASSIGNING and len(operands) == 2:
                yield operands[0], operands[1]
            elif path in _MEMBER:
                yield operands[-2], {**operands[-1], "elements": True}

    def _calls(self) -> Iterator[list[Any]]:
        for branch in self.branches:
            yield from calls([branch["head"], branch["body"]])


@dataclass(frozen=True)
class Module:
    """A parsed module."""

    path: Path
    node: Node

    @cached_property
    def package(self) -> Name:
        """Its package, without `data`."""
        return tuple(str(part["value"]) for part in self.node["package"]["path"][1:])

    @property
    def line(self) -> int:
        """Where its package stands."""
        return line_of(self.node["package"])

    @property
    def for_tests(self) -> bool:
        """Whether a sidecar never loads it."""
        return is_test(self.path)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules, in their order."""
        return tuple(Rule(self, node) for node in self.node.get("rules") or ())

    @cached_property
    def imports(self) -> Mapping[str, Name]:
        """What its imports of `data` are called here."""
        found: dict[str, Name] = {}
        for one in self.node.get("imports") or ():
            head, *rest = (str(part["value"]) for part in one["path"]["value"])
            if head == "data" and rest:
                found[str(one.get("alias") or rest[-1])] = tuple(rest)
        return found

    def target(self, term: Node) -> Name | None:
        """Where below `data` a reference or a variable leads; None if to `input`."""
        parts = term["value"] if term["type"] == "ref" else [term]
        if term["type"] not in ("ref", "var") or parts[0]["type"] != "var":
            return None
        head, rest = str(parts[0]["value"]), _literal(parts[1:])
        if head == "data":
            return rest
        if head == "input":
            return None
        return (*self.imports.get(head, (*self.package, head)), *rest)


def terms(node: Any) -> Iterator[Node]:
    """Every term below a node, itself too; of a reference only what stands in it beside its first name."""
    if isinstance(node, list):
        for one in node:
            yield from terms(one)
    elif isinstance(node, dict):
        if "type" in node:
            yield node
        below = node["value"] if node.get("type") == "ref" else [v for k, v in node.items() if k != "location"]
        if node.get("type") == "ref" and below[0]["type"] == "var":
            below = below[1:]
        yield from terms(below)


def calls(node: Any) -> Iterator[list[Any]]:
    """Every call below a node: the operator, then the operands."""
    if isinstance(node, list):
        for one in node:
            yield from calls(one)
    elif isinstance(node, dict):
        called = node.get("value") if node.get("type") == "call" else node.get("terms")
        if isinstance(called, list):
            yield called
        for value in node.values():
            yield from calls(value)


def operator_of(call: list[Any]) -> str:
    """The builtin or function as it is written."""
    return ".".join(str(part["value"]) for part in call[0]["value"])


def line_of(node: Node) -> int:
    """The line of a node; 1 where it has none."""
    return int((node.get("location") or {}).get("row", 1))


def always(branch: Node) -> bool:
    """Whether a branch has no condition."""
    return all(expression.get("generated") for expression in branch["body"])


def _literal(parts: list[Any]) -> Name:
    found: list[str] = []
    for part in parts:
        if part["type"] != "string":
            break
        found.append(str(part["value"]))
    return tuple(found)
