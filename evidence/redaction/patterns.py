"""Compiles the patterns of detectors, and makes those that lists of words stand for."""

from collections.abc import Sequence
from typing import Any, Final

import re2  # type: ignore[import-untyped]

from evidence.redaction.detectors import Fields

PATTERN_BYTES: Final = 1 << 20
"""Memory of one compiled pattern, what it works in included."""


def compiled(text: str) -> Any:
    """A pattern that takes bytes of UTF-8. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_BYTES
    return re2.compile(text.encode(), options)


def _any_of(words: Sequence[str]) -> str:
    return "|".join("[ _.-]{0,2}".join(re2.escape(part) for part in word.split()) for word in words)


def words_before(words: Sequence[str]) -> Any:
    return compiled(rf"(?i)(?:^|[^\p{{L}}])(?:{_any_of(words)})(?:$|[^\p{{L}}])") if words else None


def directly_before(words: Sequence[str]) -> Any:
    return compiled(rf"(?i)(?:^|[^\p{{L}}])(?:{_any_of(words)})[ :=/._-]{{0,3}}\z") if words else None


def field_names(words: Sequence[str]) -> Fields | None:
    if not words:
        return None
    return Fields(f"(?i)(?:{_any_of(words)})", compiled(rf"(?i)(?:^|[^\p{{L}}])(?:{_any_of(words)})\z"))
