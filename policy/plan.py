"""Reading the evaluation plan that the embedded engine compiles a policy to.

The plan names every function that is called, with file and line, whatever a comment or a string may hold.
It is OPA's intermediate representation (the `plan` target), as JSON.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Statement = Mapping[str, Any]

_READ: Final = ("source", "value", "a", "b", "key", "object", "array", "set")
_WRITTEN: Final = ("target", "result", "key", "value")
_MAKES_NO_TEXT: Final = frozenset(
    {
        *("MakeNumberIntStmt", "MakeNumberRefStmt", "MakeNullStmt", "LenStmt"),
        *("MakeArrayStmt", "MakeSetStmt", "MakeObjectStmt"),
    }
)
_TEXT_TYPES: Final = frozenset({"string", "any"})


@dataclass(frozen=True, slots=True)
class Operand:
    """An argument of a call, as far as the plan tells: which literal it is, and whether it may be a string."""

    literal: str | None
    number: str | None
    text: bool


@dataclass(frozen=True, slots=True)
class Called:
    """One call of a function, and where it stands (line 0 if the plan does not say)."""

    function: str
    file: str
    line: int
    operands: tuple[Operand, ...]

    def where(self) -> str:
        """File and line, as a problem begins."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a compiled policy consists of.

    `rules` are the paths of its rules (`agentgate/decision`), `own` the names of its functions as calls use
    them, `builtins` those that it needs from the engine, `undefined` where a name is read that nothing defines,
    `strings` its literal strings in the escaped spelling that the engine works with, `lost` where an argument of
    a function is read inside a comprehension as if it were a new name (a fault of regopy's compiler).
    """

    calls: tuple[Called, ...]
    rules: frozenset[str]
    own: frozenset[str]
    builtins: frozenset[str]
    undefined: tuple[str, ...]
    strings: tuple[str, ...]
    lost: tuple[str, ...]


def read_plan(document: Mapping[str, Any]) -> Plan:
    """What stands in `plan.json`. Raises KeyError, TypeError or IndexError for a document that is none."""
    static = document["static"]
    strings = [entry["value"] for entry in static.get("strings", ())]
    files = [entry["value"] for entry in static.get("files", ())]
    builtins = {entry["name"]: entry.get("decl", {}) for entry in static.get("builtin_funcs", ())}
    textless = frozenset(name for name, declared in builtins.items() if not _may_be_text(declared.get("result", {})))
    functions = document["funcs"]["funcs"]
    calls: list[Called] = []
    undefined: list[str] = []
    lost: list[str] = []
    for function in functions:
        statements = list(statements_of(function["blocks"]))
        no_text = _textless_locals(statements, textless)
        numbers = _numbers(statements, strings)
        calls.extend(
            _called(one["stmt"], strings, files, numbers, no_text) for one in statements if one["type"] == "CallStmt"
        )
        undefined.extend(_undefined(function, statements, files))
        lost.extend(_lost(function, statements, files))
    return Plan(
        calls=tuple(calls),
        rules=frozenset("/".join(function["path"][1:]) for function in functions),
        own=frozenset(function["name"] for function in functions),
        builtins=frozenset(builtins),
        undefined=tuple(dict.fromkeys(undefined)),
        strings=tuple(strings),
        lost=tuple(dict.fromkeys(lost)),
    )


def statements_of(blocks: Iterable[Mapping[str, Any]]) -> Iterator[Statement]:
    """Every statement of the blocks, each before those inside it."""
    for block in blocks:
        for statement in block["stmts"]:
            yield statement
            inner = statement["stmt"]
            yield from statements_of(inner.get("blocks") or ())
            if inner.get("block"):
                yield from statements_of([inner["block"]])


def _may_be_text(kind: Mapping[str, Any]) -> bool:
    if isinstance(kind.get("of"), list):
        return any(_may_be_text(one) for one in kind["of"])
    return kind.get("type", "any") in _TEXT_TYPES


def _textless_locals(statements: list[Statement], textless: frozenset[str]) -> frozenset[int]:
    """The locals that are written only with values that are no strings."""
    no_text: set[int] = set()
    may_be: set[int] = set()
    for statement in statements:
        inner = statement["stmt"]
        if statement["type"] in _MAKES_NO_TEXT:
            no_text.add(inner["target"])
        elif statement["type"] == "CallStmt":
            (no_text if inner["func"] in textless else may_be).add(inner["result"])
        elif statement["type"].startswith("AssignVar") and local_of(inner["source"]) in no_text:
            no_text.add(inner["target"])
        else:
            may_be.update(_writes(inner))
    return frozenset(no_text - may_be)


def _numbers(statements: list[Statement], strings: list[str]) -> dict[int | None, str]:
    return {
        one["stmt"]["target"]: strings[one["stmt"]["index"]] for one in statements if one["type"] == "MakeNumberRefStmt"
    }


def _called(
    inner: Statement, strings: list[str], files: list[str], numbers: Mapping[int | None, str], no_text: frozenset[int]
) -> Called:
    operands = tuple(
        Operand(
            literal=_unquoted(strings[one["value"]]) if one["type"] == "string_index" else None,
            number=numbers.get(local_of(one)),
            text=one["type"] != "bool" and local_of(one) not in no_text,
        )
        for one in inner["args"]
    )
    return Called(inner["func"], files[inner.get("file", 0)], inner.get("row", -1) + 1, operands)


def _unquoted(literal: str) -> str:
    """A string as the engine works with it: in some positions the plan has it with its quotes."""
    return literal[1:-1] if len(literal) > 1 and literal[0] == literal[-1] == '"' else literal


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


def _writes(inner: Statement) -> Iterator[int]:
    return (inner[member] for member in _WRITTEN if isinstance(inner.get(member), int))


def local_of(operand: Any) -> int | None:
    """The number of the local that an operand is; None for a literal."""
    if isinstance(operand, Mapping) and operand.get("type") == "local":
        return int(operand["value"])
    return None
