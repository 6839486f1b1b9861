"""`Mcp-Param-*` headers: arguments of a tool that its schema mirrors by `x-mcp-header` (revision 2026-07-28)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evidence.canonical import Spelled
from proxy.wire.header_values import PARAM_PREFIX, check_printable, decoded
from proxy.wire.rules import Malformed, Rule

_ANNOTATION: Final = "x-mcp-header"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DECIMAL = re.compile(r"(-?[0-9]+)(?:\.0+)?")
_MIRRORED_TYPES = ("string", "integer", "boolean")


@dataclass(frozen=True, slots=True)
class _Mirror:
    """One annotated property: the lower-case header, where its argument is, and whether it compares as a number."""

    header: str
    path: tuple[str, ...]
    integer: bool


def check_parameters(values: Mapping[str, Sequence[str]], arguments: object, schema: Mapping[str, Any] | None) -> None:
    """Compare the headers with the arguments that they mirror; headers that the schema does not name are ignored.

    Without a schema only their form can be judged: sent once, printable, canonical base64. Raises Malformed.
    """
    if schema is None:
        for name in values:
            if name.startswith(PARAM_PREFIX):
                _single(name, values)
        return
    for mirror in _mirrors(schema):
        _check_mirror(mirror, values, _argument(arguments, mirror.path))


def _check_mirror(mirror: _Mirror, values: Mapping[str, Sequence[str]], argument: object) -> None:
    expected = _rendered(argument)
    found = _single(mirror.header, values) if mirror.header in values else None
    if found == expected:
        return
    if mirror.integer and found is not None and expected is not None and _same_integer(found, expected):
        return
    raise Malformed(Rule.HEADER_PARAM, mirror.header)


def _single(name: str, values: Mapping[str, Sequence[str]]) -> str:
    if len(values[name]) > 1:
        raise Malformed(Rule.HEADER_DOUBLED, name)
    value = values[name][0]
    check_printable(name, value)
    return decoded(name, value)


def _mirrors(schema: Mapping[str, Any]) -> Sequence[_Mirror]:
    """The annotated properties; none at all where an annotation is invalid, since clients then drop the tool."""
    found = {}
    for path, part in _properties(schema):
        token = part.get(_ANNOTATION)
        if token is None:
            continue
        kind = part.get("type")
        if type(token) is not str or not _TOKEN.fullmatch(token) or kind not in _MIRRORED_TYPES:
            return ()
        header = PARAM_PREFIX + token.lower()
        if header in found:
            return ()
        found[header] = _Mirror(header, path, kind == "integer")
    return tuple(found.values())


def _properties(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every schema that is reached by `properties` alone, with the path of its argument."""
    stack: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((), schema)]
    while stack:
        path, part = stack.pop()
        properties = part.get("properties")
        if not isinstance(properties, Mapping):
            continue
        below = [((*path, name), inner) for name, inner in properties.items() if isinstance(inner, Mapping)]
        yield from below
        stack.extend(below)


def _argument(arguments: object, path: tuple[str, ...]) -> object:
    for name in path:
        arguments = arguments.get(name) if isinstance(arguments, Mapping) else None
    return arguments


def _rendered(argument: object) -> str | None:
    """An argument as clients mirror it; None where they send no header (absent, null, a structure)."""
    match argument:
        case bool():
            return "true" if argument else "false"
        case str():
            return argument
        case Spelled():
            return argument.spelling
        case int() | float():
            return str(argument)
        case _:
            return None


def _same_integer(left: str, right: str) -> bool:
    one, other = _DECIMAL.fullmatch(left), _DECIMAL.fullmatch(right)
    return one is not None and other is not None and _trimmed(one[1]) == _trimmed(other[1])


def _trimmed(digits: str) -> str:
    sign, number = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    return (sign + number.lstrip("0")) if number.strip("0") else "0"
