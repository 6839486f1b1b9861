"""What of a call's params whoever approves it is shown: what the server is to get, and never a part as if it were all.

Long values are cut in their middle, so that no value hides another one behind it; where even that is too long, the text
ends with how much of it is missing. `_meta` is left out: an approval is for the call without it (`policy.approval`).
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

from policy.decision import input_text
from policy.obligations import REDACTED, Pointer
from proxy.wire.json_text import read_json
from proxy.wire.splice import replace_at

SHOWN_CHARACTERS: Final = 4096
"""How much of a call's params an approver is shown."""

_LONGEST: Final = (1024, 256, 64)
"""Characters of one value that are left, the first that is short enough for the whole."""

_MOST: Final = 64
"""Members of a list that are left."""


def shown_params(params: Any, hidden: Sequence[Pointer] = ()) -> str:
    """Params as JSON text of limited length, without the values that `hidden` leads to. Raises Unaskable."""
    named = {name: value for name, value in params.items() if name != "_meta"} if isinstance(params, Mapping) else {}
    # Cut names are no place that anything leads to, so that what is hidden goes first.
    given = read_json(replace_at(input_text(named), hidden, REDACTED)).value if hidden else named
    text = ""
    for longest in (None, *_LONGEST):
        text = input_text(_cut(given, longest)).decode()
        if len(text) <= SHOWN_CHARACTERS:
            return text
    return beginning(text, SHOWN_CHARACTERS)


def beginning(text: str, most: int) -> str:
    """The beginning of a text, which says how much of it is missing."""
    if len(text) <= most:
        return text
    return f"{text[:most]} ... ({len(text) - most:,} more characters are not shown)"


def _cut(value: Any, longest: int | None) -> Any:
    """The value with each long text in it cut in its middle, and each long list at its end."""
    if longest is None:
        return value
    match value:
        case str() if len(value) > longest:
            half = longest // 2
            return f"{value[:half]} ... ({len(value) - 2 * half:,} characters) ... {value[-half:]}"
        case list():
            kept = [_cut(one, longest) for one in value[:_MOST]]
            return kept if len(value) <= _MOST else [*kept, f"... ({len(value) - _MOST:,} more)"]
        case Mapping():
            return _cut_members(value, longest)
        case _:
            return value


def _cut_members(value: Mapping[str, Any], longest: int) -> dict[str, Any]:
    """Every member, none in the place of another: names that are cut to the same text are numbered."""
    kept: dict[str, Any] = {}
    for name, one in value.items():
        cut = free = _cut(name, longest)
        numbers = count(2)
        while free != name and (free in kept or free in value):
            free = f"{cut} #{next(numbers)}"
        kept[free] = _cut(one, longest)
    return kept
