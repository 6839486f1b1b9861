"""Builtins that write values into a text."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from policy.program.cost import Metered, joined, weighed
from policy.program.order import members, ordered
from policy.program.running import Budget
from policy.program.values import UNDEFINED, Inexact, Set


def sprintf(budget: Budget, form: Any, operands: Any) -> Any:
    """Go's Sprintf for the verbs `%v`, `%s`, `%d` and `%%`. Raises Inexact for all others."""
    if type(form) is not str or type(operands) is not list:
        return UNDEFINED
    weighed(operands, budget)
    pieces = form.split("%")
    text, rest, index = [pieces[0]], iter(operands), 1
    while index < len(pieces):
        piece = pieces[index]
        if piece == "" and index + 1 < len(pieces):
            text.append("%" + pieces[index + 1])
            index += 2
            continue
        text.append(_verb(piece[:1], next(rest, UNDEFINED)) + piece[1:])
        index += 1
    if next(rest, UNDEFINED) is not UNDEFINED:
        raise Inexact("sprintf with more values than its format takes")
    return joined(budget, "", text)


def template(budget: Budget, parts: Any) -> Any:
    """The text of `$"…{x}…"`: parts that are sets with one value, or with none where it is undefined."""
    if type(parts) is not list:
        return UNDEFINED
    weighed(parts, budget)
    return joined(budget, "", [_part(each) for each in parts])


def shown(value: Any) -> str:
    """A value as OPA writes it into a text: its own text bare, all else as Rego."""
    return value if type(value) is str else rego(value)


def rego(value: Any) -> str:
    """A value as Rego source."""
    match value:
        case list():
            return "[" + ", ".join(map(rego, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{rego(name)}: {rego(member)}" for name, member in members(value)) + "}"
        case Set():
            return "{" + ", ".join(map(rego, ordered(value))) + "}" if value.members else "set()"
        case Decimal():
            raise Inexact("a number with a point or an exponent written into a text")
        case str() if not value.isprintable():
            raise Inexact("text with control characters, written as Rego")
        case _:
            return str(value) if type(value) is int else orjson.dumps(value).decode()


def _part(part: Any) -> str:
    if type(part) is Set:
        inner = list(part)
        if len(inner) > 1:
            raise Inexact("a template with several values at one place")
        return shown(inner[0]) if inner else "<undefined>"
    return shown(part)


def _verb(verb: str, value: Any) -> str:
    kind = type(value)
    if verb == "v" or (verb == "s" and kind is str) or (verb == "d" and kind is int):
        if value is UNDEFINED:
            raise Inexact("sprintf with fewer values than its format takes")
        return shown(value)
    if verb == "s" and kind in (list, dict, Set, bool, type(None)):
        return rego(value)
    raise Inexact(f"sprintf with %{verb} for such a value")


WRITING: Final[Mapping[str, Any]] = {
    "internal.template_string": Metered(template),
    "sprintf": Metered(sprintf),
}
