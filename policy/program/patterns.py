"""Builtins with regular expressions: RE2, which is what OPA has. They take time in proportion to the text.

Where RE2 and Go's package may differ (tables of Unicode, the largest pattern), there is no answer.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import re2  # type: ignore[import-untyped]

from policy.program.cost import LONGEST, Metered
from policy.program.running import Budget, whole
from policy.program.values import UNDEFINED, Inexact

LONGEST_PATTERN: Final = 4_096
MOST_GROUPS: Final = 500
"""Go and RE2 have other bounds to nesting; this is below both."""

MEMORY: Final = 256 << 10
"""Bytes that one compiled pattern takes at most, what it works in included; RE2 keeps 128 of them."""

MOST_WORK: Final = 16 << 20
"""States of the pattern times characters of the text: 0.1 s where RE2 has to follow all states at once."""

_STEPS_OF_A_MATCH: Final = 20
_BYTES_OF_A_MATCH: Final = 64

_FOLDS: Final = re.compile(r"\(\?[a-zA-Z-]*i")
_IN_UNICODE: Final = re.compile(r"\\[pPB]")
_CLASS: Final = re.compile(r"\\[pP](.?)(?:(?<=\{)\^?([^}]*)\})?", re.DOTALL)
_CLASSES: Final = re.compile("L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?")
_OTHER_NAME: Final = re.compile(r"\(\?P?<[^>(]*[^\x00-\x7f]")
_INSERT: Final = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})", re.ASCII)

Pattern = Any
"""A compiled pattern of google-re2, which has no types."""


class NoPattern(Exception):
    """The text is no regular expression."""


@lru_cache(maxsize=64)
def compiled(pattern: str, *, groups: bool = False) -> Pattern:
    """The pattern, told apart by whether its groups are wanted. Raises NoPattern, and Inexact."""
    _ensure_common(pattern)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    options.never_capture = not groups
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        if b"too large" in error.args[0] or b"invalid UTF-8" in error.args[0]:
            raise Inexact("so large a regular expression") from error
        raise NoPattern(pattern) from error


def prepared(budget: Budget, pattern: str, text: str, *, groups: bool = False) -> Pattern:
    """The pattern, with what it costs on `text` spent. Raises NoPattern, and Inexact."""
    found = compiled(pattern, groups=groups)
    if not text.isascii() and (_IN_UNICODE.search(pattern) or _FOLDS.search(pattern)):
        raise Inexact("letters outside ASCII, told apart by a regular expression")
    if (work := found.programsize * len(text)) > MOST_WORK:
        raise Inexact("so large a regular expression on so long a text")
    budget.spend(work >> 10)
    return found


def matches(budget: Budget, pattern: Pattern, text: str) -> Iterator[Any]:
    """Each match, as Go counts them: none that is empty right behind another one. What is made of them is counted."""
    budget.make(len(text))
    end = -1
    for found in pattern.finditer(text):
        budget.spend(_STEPS_OF_A_MATCH)
        budget.make(_BYTES_OF_A_MATCH)
        start, before = found.start(), end
        end = found.end()
        if start != end or start != before:
            yield found


def match(budget: Budget, pattern: str, text: str) -> bool:
    """Whether the text has a match in it."""
    return prepared(budget, pattern, text).search(text) is not None


def is_valid(pattern: Any) -> bool:
    """Whether a text is a regular expression."""
    if type(pattern) is not str:
        return False
    try:
        compiled(pattern)
    except NoPattern:
        return False
    return True


def find(budget: Budget, pattern: str, text: str, most: Any) -> Any:
    """The first matches; all of them where `most` is negative."""
    if not whole(most):
        return UNDEFINED
    found = matches(budget, prepared(budget, pattern, text), text)
    return [one.group() for one in _first(found, most)]


def find_groups(budget: Budget, pattern: str, text: str, most: Any) -> Any:
    """The first matches, each with its groups."""
    if not whole(most):
        return UNDEFINED
    compiled_pattern = prepared(budget, pattern, text, groups=True)
    found: list[list[str]] = []
    for one in _first(matches(budget, compiled_pattern, text), most):
        budget.make(_BYTES_OF_A_MATCH * compiled_pattern.groups)
        found.append([one.group(), *one.groups("")])
    return found


def _first(found: Iterator[Any], most: int) -> Iterator[Any]:
    return found if most < 0 else islice(found, min(most, LONGEST))


def split(budget: Budget, pattern: str, text: str) -> Any:
    """The text without its matches, in parts."""
    found = prepared(budget, pattern, text)
    if pattern and not text:
        return [""]
    parts: list[str] = []
    begin = end = 0
    for one in matches(budget, found, text):
        end = one.start()
        if one.end() != 0:
            parts.append(text[begin:end])
        begin = one.end()
    return parts if end == len(text) else [*parts, text[begin:]]


def replace(budget: Budget, text: str, pattern: str, by: str) -> Any:
    """Every match as `by`, in which `$1` and `${name}` stand for groups."""
    if "$" in by and not by.isascii():
        raise Inexact("a name of a group outside ASCII")
    found = prepared(budget, pattern, text, groups="$" in by)
    parts: list[str] = []
    end, size = 0, len(text)
    for one in matches(budget, found, text):
        inserted = _inserted(found, one, by) if "$" in by else by
        if (size := size + len(inserted)) > LONGEST:
            raise Inexact("a text of more than a megabyte")
        parts += text[end : one.start()], inserted
        end = one.end()
    return "".join([*parts, text[end:]])


def _inserted(pattern: Pattern, found: Any, by: str) -> str:
    def group(reference: "re.Match[str]") -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        if name.isdigit() and (name == "0" or name[0] != "0") and len(name) < 9:
            return (found.group(int(name)) or "") if int(name) <= pattern.groups else ""
        return (found.group(pattern.groupindex[name]) or "") if name in pattern.groupindex else ""

    return _INSERT.sub(group, by)


def _ensure_common(pattern: str) -> None:
    """Raises Inexact for a pattern that Go may read otherwise."""
    if len(pattern) > LONGEST_PATTERN or pattern.count("(") > MOST_GROUPS:
        raise Inexact("so large a regular expression")
    if "\\C" in pattern or _OTHER_NAME.search(pattern) or (not pattern.isascii() and _FOLDS.search(pattern)):
        raise Inexact("such a regular expression")
    for found in _CLASS.finditer(pattern):
        if not _CLASSES.fullmatch(found[2] or "" if found[1] == "{" else found[1]):
            raise Inexact("such a class of letters in a regular expression")


def on_texts(function: Callable[..., Any], texts: int) -> Metered:
    """`function` where the first operands are text; of what is no regular expression there is no value."""

    def checked(budget: Budget, *operands: Any) -> Any:
        if not all(type(each) is str for each in operands[:texts]):
            return UNDEFINED
        try:
            return function(budget, *operands)
        except NoPattern:
            return UNDEFINED

    return Metered(checked)


BUILTINS: Final[Mapping[str, Any]] = {
    "regex.find_all_string_submatch_n": on_texts(find_groups, 2),
    "regex.find_n": on_texts(find, 2),
    "regex.is_valid": is_valid,
    "regex.match": on_texts(match, 2),
    "regex.replace": on_texts(replace, 3),
    "regex.split": on_texts(split, 2),
}
