"""Reading the evaluation plan that the embedded engine compiles a policy to.

The plan names every function that is called, with file and line, whatever a comment or a string may hold.
It is OPA's intermediate representation (the `plan` target), as JSON.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_SOURCES: Final = ("source", "value", "a", "b", "key", "object", "array", "set")


@dataclass(frozen=True, slots=True)
class Called:
    """One call of a function: by which rule, where, and what its arguments are as far as they are literal strings."""

    function: str
    inside: str
    file: str
    line: int
    literals: tuple[str | None, ...]

    def where(self) -> str:
        """File and line, as a problem begins."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a compiled policy consists of. `rules` are the paths of its own functions, `agentgate/decision` for one."""

    calls: tuple[Called, ...]
    rules: frozenset[str]
    builtins: frozenset[str]
    own: frozenset[str]
    undefined: tuple[str, ...]


def read_plan(document: Mapping[str, Any]) -> Plan:
    """What stands in `plan.json`. Raises KeyError, TypeError or IndexError for a document that is none."""
    static = document["static"]
    strings = [entry["value"] for entry in static.get("strings", ())]
    files = [entry["value"] for entry in static.get("files", ())]
    functions = document["funcs"]["funcs"]
    calls: list[Called] = []
    undefined: list[str] = []
    for function in functions:
        statements = list(_statements(function["blocks"]))
        calls.extend(_called(one, function["name"], strings, files) for one in statements if one["type"] == "CallStmt")
        undefined.extend(_undefined(function, statements, files))
    return Plan(
        calls=tuple(calls),
        rules=frozenset("/".join(function["path"][1:]) for function in functions),
        builtins=frozenset(entry["name"] for entry in static.get("builtin_funcs", ())),
        own=frozenset(function["name"] for function in functions),
        undefined=tuple(undefined),
    )


def _statements(blocks: Any) -> Iterator[dict[str, Any]]:
    for block in blocks:
        for statement in block["stmts"]:
            yield statement
            inner = statement["stmt"]
            yield from _statements(inner.get("blocks", ()))
            if "block" in inner:
                yield from _statements([inner["block"]])


def _called(statement: Mapping[str, Any], inside: str, strings: list[str], files: list[str]) -> Called:
    inner = statement["stmt"]
    literals = tuple(strings[one["value"]] if one["type"] == "string_index" else None for one in inner["args"])
    return Called(inner["func"], inside, files[inner.get("file", 0)], inner.get("row", 0), literals)


def _undefined(function: Mapping[str, Any], statements: list[dict[str, Any]], files: list[str]) -> Iterator[str]:
    """Where a local is read that nothing writes: a name that the source does not define."""
    written = {0, 1, *function["params"], function["return"]}
    for statement in statements:
        inner = statement["stmt"]
        written.update(
            value for key in ("target", "result", "key", "value") if isinstance(value := inner.get(key), int)
        )
    for statement in statements:
        inner = statement["stmt"]
        for key in _SOURCES:
            operand = inner.get(key)
            if isinstance(operand, dict) and operand.get("type") == "local" and operand["value"] not in written:
                yield f"{files[inner.get('file', 0)]}:{_row(function, inner)}"


def _row(function: Mapping[str, Any], inner: Mapping[str, Any]) -> int:
    if "row" in inner:
        return int(inner["row"])
    return min((int(one["stmt"]["row"]) for one in _statements(function["blocks"]) if "row" in one["stmt"]), default=0)
