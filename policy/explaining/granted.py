"""Causes that lie in a grant, in the words of grants: which one, which of its arguments, and what it allows.

Where a grant stands in `data.agentgate.grants` (`policy.grants.index`) says what it is about.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from policy.explaining.cause import Cause
from policy.explaining.showing import shown
from policy.explaining.trace import Asked, Ref

_LEVELS: Final = ("tenant", "agent", "upstream", "method", "name")
_ROOT: Final = ("agentgate", "grants")
_ENTRY: Final = len(_ROOT) + len(_LEVELS) + 2
"""Steps to an entry: the levels, its effect, and its number."""


class Place(NamedTuple):
    """Where in the index something lies: at which levels, and where in the entry."""

    levels: tuple[Any, ...]
    effect: str
    number: int
    inside: tuple[Any, ...]


def place_of(ref: Ref | None) -> Place | None:
    """Where in an entry of the index a value lies, if it does."""
    if ref is None or ref.root != "data" or ref.path[:2] != _ROOT or len(ref.path) < _ENTRY:
        return None
    levels = ref.path[2 : 2 + len(_LEVELS)]
    effect, number = ref.path[_ENTRY - 2 : _ENTRY]
    return Place(levels, str(effect), int(number), ref.path[_ENTRY:]) if isinstance(number, int) else None


def is_level(ref: Ref | None) -> bool:
    """Whether a value is the index, or a part of it above its entries."""
    return ref is not None and ref.root == "data" and ref.path[:2] == _ROOT and len(ref.path) < _ENTRY


def granted_words(cause: Cause) -> str | None:
    """The cause as a sentence about a grant, if it is one."""
    for asked in reversed(cause.within):
        if (said := _of_rule(asked, cause)) is not None:
            return said
    for asked in reversed(cause.within):
        if (said := _of_entry(asked, cause)) is not None:
            return said
    return _of_index(cause)


def _of_rule(asked: Asked, cause: Cause) -> str | None:
    """A rule for one argument: the deepest function that was asked with a part of it."""
    for operand in asked.arguments:
        place = place_of(operand.ref)
        if place is None or place.inside[:1] != ("arguments",) or len(place.inside) < 2:
            continue
        argument = place.inside[1]
        name = f"input.call.arguments.{argument}"
        grant = _grant(asked, cause)
        if len(place.inside) == 2:
            return f"{name} is not there; {grant} demands it{_demands(operand.value)}"
        if len(place.inside) == 3:
            return f"{name} is {_value(asked, argument)}; {grant} {_limit(str(place.inside[2]), operand.value)}"
    return None


def _of_entry(asked: Asked, cause: Cause) -> str | None:
    entry = next((one for one in asked.arguments if (place := place_of(one.ref)) and not place.inside), None)
    if entry is None or not isinstance(entry.value, Mapping):
        return None
    grant = _named(entry.value)
    first = cause.operands[0]
    inside = place_of(first.ref)
    if cause.kind == "missing" and inside is not None and inside.inside == ("arguments",):
        return f"input.call.arguments.{cause.operands[1].value} is given; {grant} is closed and does not name it"
    if any((place := place_of(one.ref)) and place.inside == ("prefix",) for one in cause.operands):
        said = "begins with" if cause.kind == "true" else "does not begin with"
        return f"the name {said} {shown(entry.value.get('prefix'))}, as {grant} is about"
    return None


def _of_index(cause: Cause) -> str | None:
    first = cause.operands[0]
    if cause.kind == "missing" and is_level(first.ref):
        key = cause.operands[1].value
        return _about(first.ref, key)
    place = place_of(first.ref)
    if cause.kind == "present" and place is not None and place.inside == ("id",):
        return f"{first.value} is about this call, and says {place.effect}"
    return None


def _about(ref: Ref | None, key: Any) -> str:
    path = () if ref is None else (*ref.path[2:], key)
    levels = zip(_LEVELS, path, strict=False)
    said = ", ".join(f"any {level}" if value == "*" else f"{level} {shown(value)}" for level, value in levels)
    effect = f"says {path[len(_LEVELS)]}" if len(path) > len(_LEVELS) else "is"
    return f"no grant {effect} for {said}"


def _grant(asked: Asked, cause: Cause) -> str:
    """The grant that a rule for an argument belongs to: an entry was handed on by somebody on the way."""
    for above in cause.within[: cause.within.index(asked) + 1]:
        for operand in above.arguments:
            place = place_of(operand.ref)
            if place is not None and not place.inside and isinstance(operand.value, Mapping):
                return _named(operand.value)
    return "the grant"


def _named(entry: Mapping[str, Any]) -> str:
    return str(entry.get("id", "the grant"))


def _value(asked: Asked, argument: Any) -> str:
    wanted = ("call", "arguments", argument)
    found = (one.value for one in asked.arguments if one.ref is not None and one.ref.path == wanted)
    return shown(next(found, None))


def _demands(rule: Any) -> str:
    if not isinstance(rule, Mapping) or not rule:
        return ""
    return ": it " + ", ".join(_limit(kind, value) for kind, value in rule.items())


def _limit(kind: str, value: Any) -> str:
    values = ", ".join(map(shown, value)) if isinstance(value, list) else shown(value)
    return {
        "max": f"allows at most {values}",
        "min": f"allows no less than {values}",
        "one_of": f"allows only {values}",
        "under": f"allows only paths under {values}",
        "prefix": f"allows only what begins with {values}",
        "sql": f"allows only one statement that begins with {values}",
    }.get(kind, f"has {kind} {values}")
