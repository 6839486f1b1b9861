"""Reading the evaluation plan that the embedded engine compiles a policy to.

The plan names every function that is called, with file and line, whatever a comment or a string may hold.
It is OPA's intermediate representation (the `plan` target), as JSON.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Statement = Mapping[str, Any]

_READ: Final = ("source", "value", "a", "b", "key", "object", "array", "set")
_WRITTEN: Final = ("target", "result", "key", "value")


@dataclass(frozen=True, slots=True)
class Called:
    """One call of a function, and where it stands (line 0 if the plan does not say)."""

    function: str
    file: str
    line: int

    def where(self) -> str:
        """File and line, as a problem begins."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a compiled policy consists of.

    `rules` are the paths of its rules (`agentgate/decision`), `own` the names of its functions as calls use
    them, `builtins` those that it needs from the engine, `undefined` where a name is read that nothing defines,
    `lost` where an argument of a function is read inside a comprehension as if it were a new name (a fault of
    regopy's compiler), `dynamic` where rules are read by a name that is known only then (regopy's compiler looks for
    data there, and finds none).
    """

    calls: tuple[Called, ...]
    rules: frozenset[str]
    own: frozenset[str]
    builtins: frozenset[str]
    undefined: tuple[str, ...]
    lost: tuple[str, ...]
    dynamic: tuple[str, ...]


def read_plan(document: Mapping[str, Any]) -> Plan:
    """What stands in `plan.json`. Raises KeyError, TypeError or IndexError for a document that is none."""
    static = document["static"]
    files = [entry["value"] for entry in static.get("files", ())]
    builtins = frozenset(entry["name"] for entry in static.get("builtin_funcs", ()))
    functions = document["funcs"]["funcs"]
    calls: list[Called] = []
    undefined: list[str] = []
    lost: list[str] = []
    dynamic: list[str] = []
    packages = _packages(functions)
    strings = [text_of(entry["value"]) for entry in static.get("strings", ())]
    for function in functions:
        statements = list(statements_of(function["blocks"]))
        calls.extend(_called(one["stmt"], files) for one in statements if one["type"] == "CallStmt")
        undefined.extend(_undefined(function, statements, files))
        lost.extend(_lost(function, statements, files))
        dynamic.extend(_dynamic(function, statements, files, packages, strings))
    return Plan(
        calls=tuple(calls),
        rules=frozenset("/".join(function["path"][1:]) for function in functions),
        own=frozenset(function["name"] for function in functions),
        builtins=builtins,
        undefined=tuple(dict.fromkeys(undefined)),
        lost=tuple(dict.fromkeys(lost)),
        dynamic=tuple(dict.fromkeys(dynamic)),
    )


def text_of(literal: str) -> str:
    """The text behind a string of a plan: regopy leaves it in its JSON spelling, in some places with its quotes."""
    quoted = literal if len(literal) > 1 and literal[0] == literal[-1] == '"' else f'"{literal}"'
    text: str = json.loads(quoted, strict=False)  # A text of several lines keeps its line breaks.
    return text


def nested(statement: Statement) -> list[Mapping[str, Any]]:
    """The blocks inside a statement."""
    inner = statement["stmt"]
    return [*(inner.get("blocks") or ()), *([inner["block"]] if inner.get("block") else ())]


def statements_of(blocks: Iterable[Mapping[str, Any]]) -> Iterator[Statement]:
    """Every statement of the blocks, each before those inside it."""
    for block in blocks:
        for statement in block["stmts"]:
            yield statement
            yield from statements_of(nested(statement))


def _called(inner: Statement, files: list[str]) -> Called:
    return Called(inner["func"], files[inner.get("file", 0)], inner.get("row", -1) + 1)


def _undefined(function: Mapping[str, Any], statements: list[Statement], files: list[str]) -> Iterator[str]:
    written = {0, 1, *function["params"], function["return"]}
    written.update(*(_writes(statement["stmt"]) for statement in statements))
    rows = [int(statement["stmt"]["row"]) for statement in statements if "row" in statement["stmt"]]
    for statement in statements:
        inner = statement["stmt"]
        if any(local_of(inner.get(member)) not in written | {None} for member in _READ):
            yield f"{files[inner.get('file', 0)]}:{inner.get('row', min(rows, default=-1)) + 1}"


def _lost(function: Mapping[str, Any], statements: list[Statement], files: list[str]) -> Iterator[str]:
    """Where the copy of an argument is also written from elsewhere: one name in the source, two in the plan."""
    parameters = frozenset(function["params"])
    written: dict[int, set[int | None]] = {}
    for statement in statements:
        if statement["type"].startswith("AssignVar"):
            inner = statement["stmt"]
            written.setdefault(inner["target"], set()).add(local_of(inner["source"]))
    if any(len(sources) > 1 and sources & parameters for sources in written.values()):
        rows = [one["stmt"] for one in statements if "row" in one["stmt"]]
        yield from (f"{files[inner.get('file', 0)]}:{inner['row'] + 1}" for inner in rows[:1])


def _packages(functions: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, ...]]:
    """The paths below which there are rules, and those of the rules."""
    paths = [tuple(function["path"][1:]) for function in functions]
    return frozenset(path[:size] for path in paths for size in range(1, len(path) + 1))


def _dynamic(
    function: Mapping[str, Any],
    statements: list[Statement],
    files: list[str],
    packages: frozenset[tuple[str, ...]],
    strings: list[str],
) -> Iterator[str]:
    """Where what lies at a path of rules is used otherwise than for a member that is named in the source."""
    at: dict[int | None, tuple[str, ...]] = {1: ()}
    for statement in statements:
        kind, inner = statement["type"], statement["stmt"]
        if kind.startswith("AssignVar") and local_of(inner["source"]) in at:
            at[inner["target"]] = at[local_of(inner["source"])]
        elif kind == "DotStmt" and local_of(inner["source"]) in at and inner["key"]["type"] == "string_index":
            path = (*at[local_of(inner["source"])], strings[inner["key"]["value"]])
            at[inner["target"]] = path
        else:
            used = {local_of(operand) for operand in _operands(kind, inner)}
            if any(at[local] in packages for local in used & at.keys()):
                yield _where(function, inner, files)
    if any(at.get(function["return"]) == path for path in packages):
        yield _where(function, {}, files)


def _operands(kind: str, inner: Statement) -> Iterator[Any]:
    """What a statement uses; input and data, which every call hands on, do not count."""
    if kind == "ScanStmt":
        yield {"type": "local", "value": inner["source"]}
    elif kind not in ("IsDefinedStmt", "IsUndefinedStmt", "ResetLocalStmt"):
        yield from (inner.get(member) for member in _READ)
    arguments = inner.get("args", ())
    yield from arguments[2 if len(arguments) > 1 and local_of(arguments[1]) == 1 else 0 :]


def _where(function: Mapping[str, Any], inner: Statement, files: list[str]) -> str:
    rows = [one["stmt"]["row"] for one in statements_of(function["blocks"]) if "row" in one["stmt"]]
    return f"{files[inner.get('file', 0)]}:{inner.get('row', min(rows, default=-1)) + 1}"


def _writes(inner: Statement) -> Iterator[int]:
    return (inner[member] for member in _WRITTEN if isinstance(inner.get(member), int))


def local_of(operand: Any) -> int | None:
    """The number of the local that an operand is; None for a literal."""
    if isinstance(operand, Mapping) and operand.get("type") == "local":
        return int(operand["value"])
    return None
