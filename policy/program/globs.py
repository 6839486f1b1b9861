"""Builtins with globs, as OPA's package `gobwas/glob` reads them. A glob becomes a regular expression.

`*` and `?` stop at the delimiters, `**` does not; `[abc]`, `[!a-z]` and `{one,another}` are known; `\\` quotes.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from policy.program.patterns import LONGEST_PATTERN, NoPattern, compiled, on_texts, prepared
from policy.program.running import Budget
from policy.program.values import UNDEFINED, Inexact

_ANY: Final = "(?s:.)"
_TOKEN: Final = re.compile(r"\*\*|\\.|\\\Z|[*?\[{},]|[^*?\[{},\\]+", re.DOTALL)
_CLASS: Final = re.compile(
    r"(?P<no>!?+)(?:(?P<low>.)-(?P<high>.)|(?!.-)(?P<set>(?:\\.|[^\]\\])+))\]",
    re.DOTALL,
)
_QUOTED: Final = re.compile(r"([*?\\\[\]{}])")


def match(budget: Budget, pattern: str, text: str, delimiters: tuple[str, ...]) -> bool:
    """Whether the whole text is one of the pattern's."""
    if len(pattern) > LONGEST_PATTERN:
        raise Inexact("so long a glob")
    source = _expression(pattern, delimiters)
    prepared(budget, source, text)
    return compiled(source).fullmatch(text) is not None


def quoted(pattern: Any) -> Any:
    """The glob that matches only this text."""
    return _QUOTED.sub(r"\\\1", pattern) if type(pattern) is str else UNDEFINED


def _checked(budget: Budget, pattern: str, delimiters: Any, text: Any) -> Any:
    if type(text) is not str:
        return UNDEFINED
    match delimiters:
        case None:
            return match(budget, pattern, text, ())
        case list() if all(type(each) is str and len(each) == 1 for each in delimiters):
            return match(budget, pattern, text, tuple(delimiters) or (".",))
        case _:
            return UNDEFINED


@lru_cache(maxsize=64)
def _expression(pattern: str, delimiters: tuple[str, ...]) -> str:
    """The glob as a regular expression. Raises NoPattern, and Inexact."""
    one = f"[^{''.join(map(_in_class, delimiters))}]" if delimiters else _ANY
    parts: list[str] = []
    depth = 0
    for token in _tokens(pattern):
        match token:
            case "**":
                parts.append(_ANY + "*")
            case "*":
                parts.append(one + "*")
            case "?":
                parts.append(one)
            case "{":
                depth += 1
                parts.append("(?:")
            case "}" if depth:
                depth -= 1
                parts.append(")")
            case "," if depth:
                parts.append("|")
            case _ if token.startswith("["):
                parts.append(_class(token))
            case _:
                parts.append(_literal(token))
    if depth:
        raise NoPattern(pattern)
    return "".join(parts)


def _tokens(pattern: str) -> Iterator[str]:
    """Stars, marks, braces, commas, whole classes, quoted characters, and plain texts."""
    at = 0
    while at < len(pattern):
        reader = _CLASS if pattern[at] == "[" else _TOKEN
        found = reader.match(pattern, at + (reader is _CLASS))
        if found is None or found[0] == "\\":
            raise NoPattern(pattern)
        yield pattern[at : found.end()]
        at = found.end()


def _class(token: str) -> str:
    found = _CLASS.match(token, 1)
    if found is None:
        raise NoPattern(token)
    if found["set"] is None:
        if found["low"] > found["high"]:
            raise NoPattern(token)
        inner = _in_class(found["low"]) + "-" + _in_class(found["high"])
    else:
        inner = "".join(map(_in_class, re.sub(r"\\(.)", r"\1", found["set"], flags=re.DOTALL)))
    return f"[{'^' if found['no'] else ''}{inner}]"


def _literal(token: str) -> str:
    text = token[1:] if token.startswith("\\") else token
    return "".join(letter if letter.isalnum() or not letter.isascii() else f"\\x{ord(letter):02x}" for letter in text)


def _in_class(letter: str) -> str:
    if "\ud800" <= letter <= "\udfff":
        raise Inexact("half a character in a glob")
    return f"\\x{{{ord(letter):x}}}"


BUILTINS: Final[Mapping[str, Any]] = {
    "glob.match": on_texts(_checked, 1),
    "glob.quote_meta": quoted,
}
