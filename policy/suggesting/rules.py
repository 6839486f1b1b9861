"""The narrowest rule for an argument that all its values keep, so that the next like value is kept as well.

Pure: values in, a rule of `grants.json` out. A rule is only said where the values themselves keep it.
"""

import json
import math
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from evidence.canonical import EXACT
from policy.engine import PolicyRefused
from policy.grants import read_grant

MOST_VALUES: Final = 8
"""More different values than so many are not listed one by one; nor are more folders or addresses."""

LONGEST_VALUE: Final = 64
"""A longer text is free text, and is not listed either."""

ANYTHING: Final[Mapping[str, Any]] = {}
"""The rule of an argument that may have any value; it must only be there."""

_VERBS: Final = ("select", "with", "insert", "update", "delete", "explain", "show", "describe", "create", "alter")
_STATEMENT: Final = re.compile(r"(?:from|into|set|where|table|values|join|view|index)\b", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"https?://[^/?#\\@\s]+/")
_NO_PLAIN_PATH: Final = ("\\", "%", "*")


def rules_for(calls: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A rule for each argument that any of the calls has, by name; `optional` where some call goes without it."""
    found: dict[str, dict[str, Any]] = {}
    for argument in sorted({name for call in calls for name in call}):
        values = [call[argument] for call in calls if argument in call]
        rule = dict(rule_for(values))
        found[argument] = rule if len(values) == len(calls) else {**rule, "optional": True}
    return found


def rule_for(values: Iterable[Any]) -> Mapping[str, Any]:
    """The narrowest rule that all values keep; ANYTHING for texts that are long or many, for lists and for objects."""
    different = list({json.dumps(value, sort_keys=True): value for value in values}.values())
    for rule in (_between(different), _under(different), _sql(different), _listed(different), _at(different)):
        if rule and _is_fit(rule):
            return rule
    return ANYTHING


def _between(values: Sequence[Any]) -> Mapping[str, Any]:
    if len(values) < 2 or not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        return {}
    return {"max": max(values), "min": min(values)}


def _under(values: Sequence[Any]) -> Mapping[str, Any]:
    """The folder that all paths share, or their own folders, if what they share is only at the top of everything."""
    if len(values) < 2 or not all(isinstance(value, str) and _is_path(value) for value in values):
        return {}
    common = posixpath.commonpath(values)
    if common.count("/") > 1:
        return {"under": [common]}
    folders = sorted({posixpath.dirname(value) for value in values})
    outer = [one for one in folders if not any(one.startswith(f"{other}/") for other in folders)]
    return {} if "/" in outer or len(outer) > MOST_VALUES else {"under": outer}


def _is_path(value: str) -> bool:
    return value.startswith("/") and value == posixpath.normpath(value) and not any(c in value for c in _NO_PLAIN_PATH)


def _sql(values: Sequence[Any]) -> Mapping[str, Any]:
    """The verbs that statements begin with; one that the rule itself would refuse makes none of them a statement."""
    verbs: set[str] = set()
    for value in values:
        verb = value.partition(" ")[0] if isinstance(value, str) else ""
        if verb not in _SPELLINGS or not _STATEMENT.search(value) or any(sign in value for sign in (";", "--", "/*")):
            return {}
        verbs.add(verb.lower())
    return {"sql": sorted(verbs)}


_SPELLINGS: Final = frozenset({spelling for verb in _VERBS for spelling in (verb, verb.upper())})


def _listed(values: Sequence[Any]) -> Mapping[str, Any]:
    return {"one_of": list(values)} if len(values) <= MOST_VALUES and all(map(_is_short, values)) else {}


def _is_short(value: Any) -> bool:
    if isinstance(value, int | float):
        return math.isfinite(value) and abs(value) <= EXACT
    return isinstance(value, str) and len(value) <= LONGEST_VALUE


def _at(values: Sequence[Any]) -> Mapping[str, Any]:
    """The hosts of web addresses, each to its first slash, so that no longer name of a host begins alike."""
    found = [_ADDRESS.match(value) if isinstance(value, str) else None for value in values]
    hosts = sorted({match.group() for match in found if match is not None})
    return {"prefix": hosts} if None not in found and 0 < len(hosts) <= MOST_VALUES else {}


def _is_fit(rule: Mapping[str, Any]) -> bool:
    """Whether a grant may have the rule: the bounds of numbers have at most 15 digits."""
    try:
        read_grant({"upstream": "u", "tool": "t", "arguments": {"a": dict(rule)}}, "")
    except PolicyRefused:
        return False
    return True
