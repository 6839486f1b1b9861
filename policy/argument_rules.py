"""Rules for arguments, of grants and of exceptions: on a command line, in a file, and in the index. Pure.

One of `one_of`, `under`, `prefix`, `sql` (a list each), or `max` and/or `min`; and `optional`. Numbers are those that
every reader holds: a call with another one is refused before any rule is looked at (`number_not_exact`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from evidence.canonical import EXACT, canonical

_LISTS: Final = frozenset({"one_of", "under", "prefix", "sql"})
_BOUNDS: Final = frozenset({"max", "min"})
_SHOWN: Final = 60
"""Characters of a number that a problem shows."""


def parse_arguments(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`NAME=RULE:VALUE` as rules: `path=under:/srv,/data`, `amount=max:100`, `q=sql:select`, `note=optional`.

    A value of `one_of` is a number, true or false where it is spelled as one, and text where it is not or is quoted
    (`id=one_of:"17"`). Raises ValueError with the text that is none. Whether rules make sense, `rule_problems` says.
    """
    rules: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, equals, rule = text.partition("=")
        kind, colon, value = rule.partition(":")
        if not name or not equals or (not colon and kind != "optional"):
            raise ValueError(f"{text}: not NAME=RULE:VALUE")
        try:
            rules.setdefault(name, {})[kind] = _value(kind, value)
        except ValueError as error:
            raise ValueError(f"{text}: {kind} is no number") from error
    return rules


def rule_problems(arguments: Any) -> Iterator[str]:
    """What is wrong with an object that has a rule for each argument."""
    if not isinstance(arguments, dict):
        yield "arguments is not an object"
        return
    for name, rule in arguments.items():
        if not isinstance(rule, dict):
            yield f"arguments.{name}: not an object"
        else:
            yield from (f"arguments.{name}: {problem}" for problem in _problems(rule))


def indexed_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The rule as Rego looks at it."""
    indexed = dict(rule)
    if "under" in rule:
        indexed["under"] = [root.rstrip("/") for root in rule["under"]]
    if "sql" in rule:
        indexed["sql"] = sorted({spelling for verb in rule["sql"] for spelling in (verb.lower(), verb.upper())})
    if not rule.get("optional", False):
        indexed.pop("optional", None)
    return indexed


def _value(kind: str, value: str) -> Any:
    if kind == "optional":
        return True
    if kind in _BOUNDS:
        return _number(value)
    if kind == "one_of":
        return [_scalar(part) for part in value.split(",")]
    return value.split(",")


def _number(text: str) -> int | float:
    value = _scalar(text)
    if type(value) is int or type(value) is float:
        return value
    raise ValueError(text)


def _scalar(text: str) -> bool | int | float | str:
    try:
        value = json.loads(text, parse_constant=_no_number)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | str) else text


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _problems(rule: Mapping[str, Any]) -> Iterator[str]:
    kinds = rule.keys() - {"optional"}
    if len(kinds & _LISTS) > 1 or (kinds & _LISTS and kinds & _BOUNDS):
        yield "one kind of rule at a time (max and min go together)"
    yield from (f"no rule {name!r} is known" for name in sorted(kinds - _LISTS - _BOUNDS))
    for name in sorted(kinds & _LISTS):
        yield from _list_problems(name, rule[name])
    bounds = [rule[name] for name in sorted(kinds & _BOUNDS)]
    if not all(_is_bound(bound) for bound in bounds):
        yield "max and min are numbers of at most 15 digits"
    elif len(bounds) == 2 and bounds[0] < bounds[1]:
        yield "max is below min"
    if not isinstance(rule.get("optional", True), bool):
        yield "optional is not true or false"


def _list_problems(name: str, values: Any) -> Iterator[str]:
    if not isinstance(values, list) or not values:
        yield f"{name} is not a list with at least one value"
    elif name == "one_of":
        yield from (problem for value in values for problem in _value_problems(value))
    elif not all(isinstance(value, str) and value for value in values):
        yield f"{name} is not a list of texts"
    elif name == "under" and not all(value.startswith("/") for value in values):
        yield "under is not a list of absolute paths"


def _value_problems(value: Any) -> Iterator[str]:
    if type(value) is int and abs(value) > EXACT:
        yield (
            f"one_of has {_shown(value)}, which no call can have: some readers round integers beyond 2^53, and a call "
            f'with one is refused (number_not_exact). If the tool takes text, write it as text ("{_shown(value)}")'
        )
        return
    try:
        canonical(value)
    except ValueError as error:
        yield f"one_of has a value that no call can have: {error}"


def _shown(value: int) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _is_bound(value: Any) -> bool:
    if type(value) is int:
        return -EXACT <= value <= EXACT and float(f"{value:.15g}") == value
    return type(value) is float and abs(value) < float("inf") and float(f"{value:.15g}") == value
