"""Builtins on text. Each takes values and gives one, or UNDEFINED for operands of another type."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from policy.program.cost import WORTH_COUNTING, Metered, counted, ensure_bounded, joined, looked_through
from policy.program.order import ordered
from policy.program.running import Budget, whole
from policy.program.values import UNDEFINED, Inexact, Set

MOST_REPLACED: Final = 4_096
"""Characters of all texts together that strings.replace_n looks for."""

MOST_TRIMMED: Final = 256
"""Different characters that are trimmed in one call."""

_PART: Final = 60
"""Bytes of a text in an array, its characters aside."""

_INDEX: Final = 40
"""Bytes of a number in an array."""

_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What Go's unicode.IsSpace takes for white space; Python has four characters more."""


def on_texts(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` where all operands are text, else UNDEFINED."""

    def checked(*operands: Any) -> Any:
        return function(*operands) if all(type(each) is str for each in operands) else UNDEFINED

    return checked


def _in_ascii(function: Callable[[str], str], name: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if not text.isascii():
            raise Inexact(f"{name} of text outside ASCII")
        return function(text)

    return checked


def concat(budget: Budget, delimiter: Any, parts: Any) -> Any:
    """The texts of an array or a set, joined."""
    if type(delimiter) is not str or type(parts) not in (list, Set):
        return UNDEFINED
    texts = ordered(parts) if type(parts) is Set else parts
    if not all(type(each) is str for each in texts):
        return UNDEFINED
    return joined(budget, delimiter, texts)


def substring(text: Any, offset: Any, length: Any) -> Any:
    """`length` characters from `offset`; all that follow where it is negative."""
    if type(text) is not str or not whole(offset) or not whole(length) or offset < 0:
        return UNDEFINED
    return text[offset:] if length < 0 else text[offset : offset + length]


def split(budget: Budget, text: Any, at: Any) -> Any:
    """What is before, between and after the delimiters; single characters where it is nothing."""
    if type(text) is not str or type(at) is not str:
        return UNDEFINED
    if len(text) > WORTH_COUNTING:
        budget.make(len(text) + (text.count(at) if at else len(text)) * _PART)
    return text.split(at) if at else list(text)


def replace(text: str, old: str, new: str) -> str:
    """Every `old` as `new`."""
    if not old and not text.isascii():
        raise Inexact("replace of nothing in text outside ASCII")
    if len(new) > len(old):
        ensure_bounded(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def replace_all(budget: Budget, pairs: Any, text: Any) -> Any:
    """Each key of an object as its value; where several fit, the one that is first in order."""
    if type(pairs) is not dict or type(text) is not str:
        return UNDEFINED
    if not all(type(part) is str for pair in pairs.items() for part in pair):
        return UNDEFINED
    if "" in pairs or sum(map(len, pairs)) > MOST_REPLACED:
        raise Inexact("strings.replace_n of nothing, or of so much")
    budget.spend(len(pairs) * len(text) >> 4)
    any_of = re.compile("|".join(map(re.escape, sorted(pairs))) if pairs else "(?!)")
    parts: list[str] = []
    end = 0
    for found in any_of.finditer(text):
        budget.spend(1)
        parts += text[end : found.start()], pairs[found[0]]
        end = found.end()
    return joined(budget, "", [*parts, text[end:]])


def index(text: str, part: str) -> Any:
    """Where `part` begins first, or -1."""
    return text.find(part) if part else UNDEFINED


def indexes(budget: Budget, text: Any, part: Any) -> Any:
    """Wherever `part` begins, also inside another one."""
    if type(text) is not str or type(part) is not str or not part:
        return UNDEFINED
    found: list[int] = []
    at = text.find(part)
    while at >= 0:
        budget.make(_INDEX)
        budget.spend(1 + (len(part) >> 8))
        found.append(at)
        at = text.find(part, at + 1)
    return found


def trimmed(function: Callable[[str, str], str]) -> Metered:
    """Without some characters at its ends."""

    def checked(text: str, letters: str) -> str:
        several = letters if len(letters) <= MOST_TRIMMED else "".join(set(letters))
        if len(several) > MOST_TRIMMED:
            raise Inexact("so many characters to trim")
        return function(text, several)

    return looked_through(on_texts(checked))


def any_match(test: Callable[[str, tuple[str, ...]], bool]) -> Metered:
    """Whether any of one text or several fits any of the others."""

    def checked(budget: Budget, searched: Any, bases: Any) -> Any:
        ours, theirs = _texts(searched), _texts(bases)
        if ours is None or theirs is None:
            return UNDEFINED
        any_of = tuple(theirs)
        for text in ours:
            budget.spend(1 + (len(any_of) >> 2))
            if test(text, any_of):
                return True
        return False

    return Metered(checked)


def _texts(value: Any) -> list[str] | None:
    if type(value) is str:
        return [value]
    if type(value) in (list, Set) and all(type(each) is str for each in value):
        return list(value)
    return None


TEXTS: Final[Mapping[str, Any]] = {
    "concat": Metered(concat),
    "contains": looked_through(on_texts(lambda text, part: part in text)),
    "endswith": on_texts(lambda text, part: text.endswith(part)),
    "indexof": looked_through(on_texts(index)),
    "indexof_n": Metered(indexes),
    "lower": counted(on_texts(_in_ascii(str.lower, "lower"))),
    "replace": looked_through(on_texts(replace)),
    "split": Metered(split),
    "startswith": on_texts(lambda text, part: text.startswith(part)),
    "strings.any_prefix_match": any_match(str.startswith),
    "strings.any_suffix_match": any_match(str.endswith),
    "strings.count": looked_through(on_texts(lambda text, part: text.count(part) if part else len(text) + 1)),
    "strings.replace_n": Metered(replace_all),
    "strings.reverse": counted(on_texts(lambda text: text[::-1])),
    "substring": counted(substring),
    "trim": trimmed(str.strip),
    "trim_left": trimmed(str.lstrip),
    "trim_prefix": counted(on_texts(str.removeprefix)),
    "trim_right": trimmed(str.rstrip),
    "trim_space": counted(on_texts(lambda text: text.strip(_SPACE))),
    "trim_suffix": counted(on_texts(str.removesuffix)),
    "upper": counted(on_texts(_in_ascii(str.upper, "upper"))),
}
