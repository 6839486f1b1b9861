"""Our own rules for a policy: one function each, in one table with what to do about it.

Unused imports, unused variables and deprecated builtins are not among them: `opa check --strict` refuses those.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from policy.quality.finding import Case, Finding
from policy.quality.reasons import reasons
from policy.quality.sources import Sources
from policy.quality.syntax import Module, Name, Rule, always, calls, line_of, operator_of
from policy.vetting import FORBIDDEN

ENTRY: Final = ("agentgate",)
"""The package that the sidecar asks."""

ASKED: Final = ("decision", "listing", "result")

_NAME: Final = re.compile(r"_?[a-z][a-z0-9_]*", re.ASCII)
_REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_TEXT: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_PRINT: Final = "print"


class Seen(NamedTuple):
    """What a rule found, before it has its name and its remedy."""

    file: Path
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Code:
    """All that the rules look at."""

    sources: Sources
    modules: tuple[Module, ...]

    @property
    def loaded(self) -> tuple[Module, ...]:
        """The modules that a sidecar loads."""
        return tuple(module for module in self.modules if not module.for_tests)

    def rules(self, *, loaded: bool) -> Iterator[Rule]:
        """The rules of all modules, or of the loaded ones."""
        for module in self.loaded if loaded else self.modules:
            yield from module.rules

    @property
    def entry(self) -> Module:
        """A module of the package that is asked, or, if there is none, the first one."""
        return next((module for module in self.loaded if module.package == ENTRY), self.modules[0])


class Lint(NamedTuple):
    """One rule: what it finds, what to do about it, and whether it fails the policy whatever the score."""

    find: Callable[[Code], Iterator[Seen]]
    remedy: str
    must: bool = False


def lint(code: Code) -> tuple[Case, ...]:
    """What each rule of the table finds."""
    return tuple(
        Case(name, tuple(Finding(name, str(file), line, what, rule.remedy, rule.must) for file, line, what in found))
        for name, rule in LINTS.items()
        for found in [sorted(set(rule.find(code)))]
    )


def _names(code: Code) -> Iterator[Seen]:
    for rule in code.rules(loaded=False):
        parts = [str(part["value"]) for part in rule.head["ref"][1:] if part["type"] == "string"]
        for part in (rule.short, *parts):
            if _NAME.fullmatch(part) is None:
                yield Seen(rule.module.path, rule.line, f"rule {part} is not in snake_case")


def _packages(code: Code) -> Iterator[Seen]:
    roots = {folder.resolve() for folder in code.sources.folders}
    for module in code.modules:
        package, folder = _tested(module.package), module.path.resolve().parent
        stem = module.path.stem.removesuffix("_test")
        if package[-1] not in (folder.name, stem) and not (package == ENTRY and folder in roots):
            dotted = ".".join(module.package)
            yield Seen(module.path, module.line, f"package {dotted} is in a folder {folder.name}, and a file {stem}")


def _unused(code: Code) -> Iterator[Seen]:
    used = _uses(code.rules(loaded=True))
    tested = _uses(code.rules(loaded=False))
    first = {(rule.module.path, rule.name): rule for rule in reversed(list(code.rules(loaded=False)))}
    for rule in first.values():
        if _is_asked(rule) or _is_used(rule, tested if rule.module.for_tests else used):
            continue
        kind = "function" if rule.head.get("args") else "rule"
        reader = "only tests read" if _is_used(rule, tested) else "nothing reads"
        yield Seen(rule.module.path, rule.line, f"{reader} {kind} {rule.short}")


def _decision(code: Code) -> Iterator[Seen]:
    if not any(rule.name == (*ENTRY, "decision") for rule in code.rules(loaded=True)):
        yield Seen(code.entry.path, code.entry.line, "there is no rule decision in package agentgate")


def _listing(code: Code) -> Iterator[Seen]:
    if not any(rule.name == (*ENTRY, "listing") for rule in code.rules(loaded=True)):
        yield Seen(code.entry.path, code.entry.line, "without a rule listing every item of every list is hidden")


def _default(code: Code) -> Iterator[Seen]:
    rules = list(code.rules(loaded=True))
    name = (*ENTRY, "decision")
    first = next((rule for rule in rules if rule.name == name), None)
    if first is not None and not _is_total(rules, name, frozenset()):
        yield Seen(first.module.path, first.line, "decision has no default: what no rule is about has no decision")


def _reason_literals(code: Code) -> Iterator[Seen]:
    for reason in reasons(code.loaded):
        if reason.text is None:
            yield Seen(reason.module.path, reason.line, "a reason is calculated, or read from data")


def _reason_forms(code: Code) -> Iterator[Seen]:
    for reason in reasons(code.loaded):
        if reason.text is not None and _REASON.fullmatch(reason.text) is None:
            yield Seen(reason.module.path, reason.line, f"reason {json.dumps(reason.text)} is no code")


def _reason_table(code: Code) -> Iterator[Seen]:
    table = code.sources.reasons
    if table is None:
        return
    for reason in reasons(code.loaded):
        if reason.text is not None and reason.text not in table:
            yield Seen(reason.module.path, reason.line, f"reason {json.dumps(reason.text)} is not in the reasons table")


def _prints(code: Code) -> Iterator[Seen]:
    for module, line, name in _called(code.modules):
        if name == _PRINT:
            yield Seen(module.path, line, "print")


def _forbidden(code: Code) -> Iterator[Seen]:
    for module, line, name in _called(code.loaded):
        if name in FORBIDDEN and name != _PRINT:
            yield Seen(module.path, line, f"{name}: its answer depends on more than the input and the data")


def _steps_upwards(code: Code) -> Iterator[Seen]:
    for _, path in code.sources.data:
        for number, text in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            for found in _TEXT.findall(text):
                if ".." in re.split(r"[/\\]+", found[1:-1]):
                    yield Seen(path, number, f"{found} has a step upwards")


def _unread(code: Code) -> Iterator[Seen]:
    for path in code.sources.unread:
        yield Seen(path, 1, "data in YAML: tests read it, a sidecar does not")


LINTS: Final[Mapping[str, Lint]] = {
    "rule-name": Lint(_names, "Use lower-case letters, digits and _."),
    "package-place": Lint(
        _packages,
        "Put it into a folder, or a file, that has the name of the package's last part; package agentgate may lie at "
        "the top.",
    ),
    "unused-rule": Lint(_unused, "Remove it, or read it where the decision is made."),
    "no-decision": Lint(_decision, "Write one: it is what the sidecar asks for each call.", must=True),
    "no-listing": Lint(_listing, 'Write one; listing := {"hide": []} shows everything.'),
    "no-default": Lint(
        _default, "Begin with default decision := {...}, or end with an else that has no condition.", must=True
    ),
    "reason-literal": Lint(_reason_literals, "Write the code as a text beside its effect, or hand it to the function."),
    "reason-form": Lint(
        _reason_forms, "Use lower-case letters, digits and _, 64 at most: anything else refuses the call.", must=True
    ),
    "reason-table": Lint(_reason_table, "Add it, with a message for a person, or correct its spelling."),
    "print": Lint(_prints, "Remove it: a decision writes nowhere.", must=True),
    "forbidden-builtin": Lint(
        _forbidden, "Put what it would find out into the data: a decision must be replayable.", must=True
    ),
    "data-step-upwards": Lint(_steps_upwards, "Write the path as it is meant, without `..`.", must=True),
    "data-unread": Lint(_unread, "Write it as JSON."),
}


def _tested(package: Name) -> Name:
    """The package that a package of tests is about."""
    return (*package[:-1], package[-1].removesuffix("_test"))


def _uses(rules: Iterable[Rule]) -> dict[Name, set[Name]]:
    """Who refers to each name: a rule that refers only to itself is read by nobody."""
    found: dict[Name, set[Name]] = {}
    for rule in rules:
        for name in rule.references:
            found.setdefault(name, set()).add(rule.name)
    return found


def _is_used(rule: Rule, uses: Mapping[Name, set[Name]]) -> bool:
    length = len(rule.name)
    near = [readers for name, readers in uses.items() if name[:length] == rule.name or rule.name[: len(name)] == name]
    return any(readers - {rule.name} for readers in near)


def _is_asked(rule: Rule) -> bool:
    """Whether the sidecar, OPA itself or `opa test` reads it."""
    package = rule.module.package
    if rule.module.for_tests and rule.short.startswith(("test_", "todo_test_")):
        return True
    return package[0] == "system" or (package == ENTRY and rule.short in ASKED)


def _is_total(rules: Sequence[Rule], name: Name, seen: frozenset[Name]) -> bool:
    """Whether a rule has a value for every input, as far as its form tells."""
    own = [rule for rule in rules if rule.name == name]
    if any(rule.is_default for rule in own):
        return True
    for rule in own:
        last = list(rule.branches)[-1]
        target = rule.module.target(last["head"].get("value") or {"type": "none", "value": []})
        followed = any(other.name == target for other in rules)
        if always(last) and (not followed or target in seen or _is_total(rules, target or (), seen | {name})):
            return True
    return False


def _called(modules: Iterable[Module]) -> Iterator[tuple[Module, int, str]]:
    for module in modules:
        for call in calls(module.node.get("rules")):
            yield module, line_of(call[0]), operator_of(call)
