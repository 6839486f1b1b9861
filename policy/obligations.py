"""What a decision obliges the sidecar to: read once, each kind by its own reader, all of it or nothing.

    durability  "process" | "host"                 how durable the call's records must be
    record      "full" | "redacted" | "digest"     how much of its text is kept
    label       NAME                               what the caller's past has from then on
    limit       {key, count, window}               no more than `count` calls for `key` in `window` seconds
    redact      {params: [...], result: [...]}     JSON Pointers (RFC 6901) of what does not go on

Each may also be a list of these. Policy may ask for what this sidecar cannot do, or ask wrongly: both are `Unmet`,
since a condition that nobody keeps is none.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

Durability = Literal["process", "host", "acknowledged"]
Recording = Literal["full", "redacted", "digest"]
Pointer = tuple[str, ...]
"""The parts of a JSON Pointer, unescaped; the empty one is the whole document."""

DURABILITIES: Final[tuple[Durability, ...]] = ("process", "host", "acknowledged")
"""From the least to the strictest."""

RECORDINGS: Final[tuple[Recording, ...]] = ("digest", "redacted", "full")
"""From the most reticent on."""

MAX_LABELS: Final = 16
MAX_LIMITS: Final = 8
MAX_POINTERS: Final = 256
"""So many of a kind in one decision."""

LONGEST_NAME: Final = 256
"""Characters of a label or of the key of a limit."""

MAX_COUNT: Final = 1_000_000
LONGEST_WINDOW: Final = 31 * 24 * 3600

REDACTED: Final = '"[redacted]"'
"""The JSON text that stands in the place of a redacted value."""

REDACTABLE: Final = frozenset({"arguments", "inputResponses"})
"""The members of params in which values may be replaced: all others say what is called, and that has been decided."""


class Unmet(Exception):
    """An obligation that cannot be met; `name` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Limit(Struct, frozen=True):
    """No more than `count` calls for `key`, whose callers may be several, in any `seconds`."""

    key: str
    count: int
    seconds: int


class Obligations(Struct, frozen=True):
    """All that one decision obliges to."""

    durability: Durability | None = None
    recording: Recording | None = None
    labels: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    params: tuple[Pointer, ...] = ()
    result: tuple[Pointer, ...] = ()


NONE: Final = Obligations()


def read_obligations(given: Mapping[str, Any]) -> Obligations:
    """What `obligations` of a decision ask for. Raises Unmet."""
    if not given:
        return NONE
    members: dict[str, Any] = {}
    for name, value in given.items():
        reader = _READERS.get(name)
        values = value if isinstance(value, list) else [value]
        if reader is None or not values:
            raise Unmet(name)
        try:
            members |= reader(values)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise Unmet(name) from error
    return Obligations(**members)


def strictest(values: Any) -> Durability | None:
    """The strictest durability among the values of an obligation; None if there is none."""
    return max((one for one in DURABILITIES if one in _texts(values)), key=DURABILITIES.index, default=None)


def most_reticent(values: Any) -> Recording | None:
    """The recording that keeps least among the values of an obligation; None if there is none."""
    return next((one for one in RECORDINGS if one in _texts(values)), None)


def pointer(text: str) -> Pointer:
    """The parts of a JSON Pointer (RFC 6901, sections 3 and 4). Raises ValueError."""
    if text == "":
        return ()
    if not text.startswith("/") or "~" in text.replace("~0", "").replace("~1", ""):
        raise ValueError(f"{text!r} is no JSON Pointer")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def _texts(values: Any) -> list[str]:
    return [each for each in (values if isinstance(values, list) else [values]) if isinstance(each, str)]


def _durability(values: list[Any]) -> dict[str, Any]:
    _only(values, DURABILITIES)
    return {"durability": strictest(values)}


def _recording(values: list[Any]) -> dict[str, Any]:
    _only(values, RECORDINGS)
    return {"recording": most_reticent(values)}


def _labels(values: list[Any]) -> dict[str, Any]:
    return {"labels": tuple(dict.fromkeys(map(_name, _at_most(values, MAX_LABELS))))}


def _limits(values: list[Any]) -> dict[str, Any]:
    return {"limits": tuple(map(_limit, _at_most(values, MAX_LIMITS)))}


def _limit(value: Mapping[str, Any]) -> Limit:
    if value.keys() != {"key", "count", "window"}:
        raise ValueError("a limit has key, count and window")
    return Limit(
        _name(value["key"]), _number(value["count"], 0, MAX_COUNT), _number(value["window"], 1, LONGEST_WINDOW)
    )


def _redact(values: list[Any]) -> dict[str, Any]:
    pointers: dict[str, list[Pointer]] = {"params": [], "result": []}
    for value in values:
        if not value or not value.keys() <= pointers.keys():
            raise ValueError("redact has params and result")
        for part, texts in value.items():
            if not isinstance(texts, list):
                raise TypeError("pointers stand in a list")
            pointers[part] += map(pointer, texts)
    if any(len(one) < 2 or one[0] not in REDACTABLE for one in pointers["params"]):
        raise ValueError("only values in arguments and inputResponses are redacted")
    return {part: tuple(_at_most(found, MAX_POINTERS)) for part, found in pointers.items()}


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise ValueError("not a name")
    return value


def _number(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError("not a number that fits")
    return value


def _only(values: list[Any], known: Iterable[str]) -> None:
    if not all(isinstance(value, str) for value in values) or not set(values) <= set(known):
        raise ValueError("not a known value")


def _at_most(values: list[Any], most: int) -> list[Any]:
    if len(values) > most:
        raise ValueError("too many")
    return values


_READERS: Final[Mapping[str, Callable[[list[Any]], dict[str, Any]]]] = {
    "durability": _durability,
    "record": _recording,
    "label": _labels,
    "limit": _limits,
    "redact": _redact,
}
