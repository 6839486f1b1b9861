"""What the text of a module says before an engine reads it: its package, the rules that the sidecar asks for.

Names are found by their text alone, so that what is asked of a module needs no engine, and is asked of any text.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_TEXT: Final = r'"(?:[^"\\\n]|\\.)*+"?'
"""A text to its closing quote, or to the end of its line: whatever stands in a module, it is read once."""

_NOT_CODE: Final = re.compile(rf"({_TEXT})|`[^`]*`|#[^\n]*")
_NESTING: Final = re.compile(rf"{_TEXT}|[{{}}\[\]()]|\n\s*(?:(?:if|else)\b)?")
_PACKAGE: Final = re.compile(r"^[^\S\n]*package\s+agentgate[^\S\n]*$", re.MULTILINE)
_SYSTEM: Final = re.compile(r"^[^\S\n]*package\s+system\b", re.MULTILINE)
_HEAD: Final = re.compile(r"(?:default\s+)?(decision|listing|result)\b")

_CONSTANT_LISTING: Final = 'listing := {"hide": []}'


def entry_points(modules: Mapping[str, str]) -> frozenset[str]:
    """The rules of package agentgate that the sidecar asks for, as far as there are any."""
    return frozenset(rule for rule, _ in _rules(modules))


def hides_nothing(modules: Mapping[str, str]) -> bool:
    """Whether the rule for lists is the constant that hides nothing, and the only one of its name."""
    return ("listing", _CONSTANT_LISTING) in _rules(modules) and _mentions_of_listing(modules) == 1


def _rules(modules: Mapping[str, str]) -> list[tuple[str, str]]:
    """Name and text of each rule of package agentgate that the sidecar asks for."""
    codes = [code_of(text) for text in modules.values() if is_ours(text)]
    return [(head[1], text) for code in codes for text in _statements(code) if (head := _HEAD.match(text))]


def is_ours(text: str) -> bool:
    return _PACKAGE.search(code_of(text)) is not None


def is_system(text: str) -> bool:
    return _SYSTEM.search(code_of(text)) is not None


def code_of(text: str) -> str:
    """`text` without its comments, and without what its raw strings hold."""
    return _NOT_CODE.sub(lambda found: found[1] or "", text)


def _mentions_of_listing(modules: Mapping[str, str]) -> int:
    """How often the name stands anywhere in code: a second rule, wherever it hides, is a second mention."""
    return sum(re.sub(_TEXT, "", code_of(text)).count("listing") for text in modules.values())


def _statements(code: str) -> Iterator[str]:
    """The lines of a module outside of every bracket, each with the bracketed lines that belong to it."""
    depth = begin = 0
    for mark in _NESTING.finditer(code):
        if mark[0].isspace() and depth == 0:
            yield code[begin : mark.start()].strip()
            begin = mark.end()
        elif mark[0] in "{[(":
            depth += 1
        elif mark[0] in "}])":
            depth -= 1
    yield code[begin:].strip()
