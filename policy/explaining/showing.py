"""Values as a line takes them: JSON, cut in length, in members and in depth."""

import json
from typing import Any, Final

from policy.program.json_values import plain
from policy.program.values import UNDEFINED, Inexact

LONGEST: Final = 120
"""Characters of a value that are shown."""

_MOST_MEMBERS: Final = 8
"""Of a collection that are looked at to show it."""


def shown(value: Any) -> str:
    """A value as JSON, cut."""
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, str):
        value = value if len(value) <= LONGEST else value[:LONGEST] + "…"
    try:
        text = json.dumps(_small(value), ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "a value that is not shown"
    return text if len(text) <= LONGEST + 2 else text[:LONGEST] + "…"


def _small(value: Any) -> Any:
    """A value with as many members as are shown, as JSON."""
    if isinstance(value, dict):
        return {str(name): _leaf(value[name]) for name in list(value)[:_MOST_MEMBERS]}
    if isinstance(value, list):
        return [_leaf(each) for each in value[:_MOST_MEMBERS]]
    try:
        found = plain(value)
    except Inexact:
        return "a value that is not shown"
    return found[:_MOST_MEMBERS] if isinstance(found, list) else found


def _leaf(value: Any) -> Any:
    """A member of a collection: one more level is shown, what lies deeper is not."""
    if isinstance(value, dict):
        return {str(name): _deep(value[name]) for name in list(value)[:_MOST_MEMBERS]}
    if isinstance(value, list):
        return list(map(_deep, value[:_MOST_MEMBERS]))
    if isinstance(value, str) and len(value) > LONGEST:
        return value[:LONGEST] + "…"
    return _small(value)


def _deep(value: Any) -> Any:
    return "…" if isinstance(value, dict | list) and value else _leaf(value)
