"""Finds secrets in a text: one pass tells which forms can be there at all, and only those are looked for.

All patterns are RE2's, so that the time is in proportion to the text, whoever wrote it. Texts are bytes of UTF-8.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import re2  # type: ignore[import-untyped]
from msgspec import Struct

from evidence.redaction.detectors import LONGEST, LOOK_BACK, Detector, Form
from evidence.redaction.folding import HINT
from evidence.redaction.shapes import not_a_placeholder
from evidence.redaction.validators import VALIDATORS

SET_BYTES: Final = 8 << 20
"""Memory that the pass over all hints may take; RE2 begins anew when it is full, and finds no less."""

SHORTEST_FIELD: Final = 4
"""Bytes of a text that is secret by the name of its member."""

_ENCODED: Final = (r"\\[u\"/\\]", r"%[0-9A-Fa-f]{2}", r'"[A-Za-z0-9+/_-]{12,}={0,2}"\s*[,}\]]')
"""Where a document may hold a text in another spelling: escapes of JSON, of URLs, base64."""

MOST_WORDS_BEHIND: Final = 2

MOST_TRIES: Final = 2
"""So often is a number looked for within what was taken for one."""

_NUMBERS: Final = frozenset({"digits", "alnum"})
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD_BYTES: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")


class Finding(Struct, frozen=True):
    """A secret in a text: the bytes that it takes there, and whose detector it is. `rank` is its place in the file."""

    start: int
    end: int
    detector: Detector
    rank: int


class Finder:
    """Looks for all of its detectors at once. It has no state: any number of threads may share it."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self.detectors = tuple(detectors)
        self._forms: list[tuple[int, Detector, Form]] = []
        self._set = _search_set()
        documents = _search_set()
        for rank, detector in enumerate(self.detectors):
            for form in detector.forms:
                self._forms.append((rank, detector, form))
                self._set.Add(form.hint)
                documents.Add(form.hint)
            if detector.fields is not None:
                documents.Add(detector.fields.hint)
        for hint in (*_ENCODED, HINT):
            documents.Add(hint)
        self._fields = [(rank, detector) for rank, detector in enumerate(self.detectors) if detector.fields is not None]
        self._set.Compile()
        documents.Compile()
        self._documents = documents

    def may_hold(self, document: bytes) -> bool:
        """Whether anything could be found in a JSON text, read as one; false is certain."""
        return self._documents.Match(document) is not None

    def find(self, text: bytes, names: str = "") -> list[Finding]:
        """What is secret in a text, in its order; findings may overlap.

        `names` are the names that a document gives the text: of its member, and of those around it.
        """
        found: list[Finding] = []
        for index in self._set.Match(text) or ():
            rank, detector, form = self._forms[index]
            found += _of_form(text, names, rank, detector, form)
        if names and self._fields:
            found += self._by_name(text, names)
        found.sort(key=lambda each: (each.start, each.rank))
        return found

    def _by_name(self, text: bytes, names: str) -> Iterator[Finding]:
        for rank, detector in self._fields:
            if detector.fields is None or detector.fields.pattern.search(names.encode()) is None:
                continue
            if len(text) >= SHORTEST_FIELD and not_a_placeholder(text.decode("utf-8", "replace")):
                yield Finding(0, len(text), detector, rank)


def named(*keys: str) -> str:
    """Names of members as words: `socialSecurityNumber` has three."""
    return " ".join(map(_as_words, keys))


@lru_cache(maxsize=1_024)
def _as_words(key: str) -> str:
    return _CAMEL.sub(" ", key)


def _search_set() -> "re2.Set":
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = SET_BYTES
    return re2.Set.SearchSet(options)


def _of_form(text: bytes, names: str, rank: int, detector: Detector, form: Form) -> Iterator[Finding]:
    for start, end in _where(text, names, detector, form):
        yield from _between(text, start, end, rank, detector, form)


def _where(text: bytes, names: str, detector: Detector, form: Form) -> Iterator[tuple[int, int]]:
    """Where a value may begin: anywhere, or a little behind each word that it needs."""
    if not form.needs_word or detector.words is None or detector.words.search(names.encode()) is not None:
        yield 0, len(text)
        return
    begin = end = 0
    for word in detector.words.finditer(text):
        if word.end() > end:
            if end:
                yield begin, end
            begin = word.end() - 1
        end = word.end() + LOOK_BACK
    if end:
        yield begin, end


def _between(text: bytes, begin: int, last: int, rank: int, detector: Detector, form: Form) -> Iterator[Finding]:
    """Values that begin at `begin` or behind it, and not behind `last`; nobody looks far behind that."""
    number, until = detector.same in _NUMBERS, min(len(text), last + LONGEST)
    at, tries, tried = begin, 0, 0
    while (match := form.pattern.search(text, at, until)) is not None and match.start() <= last:
        start, end = match.span(form.group)
        for shorter in _ends(text, start, end) if number else (end,):
            if shorter < end and form.pattern.fullmatch(text, start, shorter) is None:
                continue
            finding = Finding(start, shorter, detector, rank)
            if _stands(text, finding) and _is_one(finding, text):
                yield finding
                at = max(shorter, at + 1)
                break
        else:
            # A number may begin within what was taken for one.
            tries = tries + 1 if start < tried else 0
            tried = max(tried, end)
            at = match.start() + 1 if number and tries < MOST_TRIES else match.end()


def _ends(text: bytes, start: int, end: int) -> Iterator[int]:
    """Where a number may end: a word or two behind it may have been taken for a part of it."""
    for _ in range(MOST_WORDS_BEHIND + 1):
        yield end
        end = text.rfind(b" ", start, end)
        if end < 0:
            return


def _stands(text: bytes, finding: Finding) -> bool:
    """Whether what is around a finding lets it be one."""
    if not _is_apart(text, finding):
        return False
    unlike = finding.detector.not_after
    return unlike is None or unlike.search(text[max(0, finding.start - LOOK_BACK) : finding.start]) is None


def _is_apart(text: bytes, finding: Finding) -> bool:
    """Neither side goes on, behind one of the joints: `0.4111` is no number that begins with 4."""
    start, end, joints = finding.start, finding.end, finding.detector.apart
    if joints and start > 1 and text[start - 1] in joints and text[start - 2] in _WORD_BYTES:
        return False
    goes_on = end + 1 < len(text) and text[end + 1] in _WORD_BYTES
    return not (goes_on and (text[end] in joints or text[end] in finding.detector.not_before))


def _is_one(finding: Finding, text: bytes) -> bool:
    detector = finding.detector
    value = text[finding.start : finding.end].decode("utf-8", "replace")
    if detector.unless is not None and detector.unless.search(value.encode()) is not None:
        return False
    try:
        return detector.validator is None or VALIDATORS[detector.validator](value)
    except (ValueError, LookupError):
        # An operator's pattern may give a validator what has not even its form.
        return False
