"""Finds secrets in a text: one pass tells which forms can be there at all, and only those are looked for.

All patterns are RE2's, so that the time is in proportion to the text, whoever wrote it. Texts are bytes of UTF-8.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import re2  # type: ignore[import-untyped]
from msgspec import Struct

from evidence.redaction.detectors import LOOK_BACK, Detector, Form
from evidence.redaction.shapes import not_a_placeholder
from evidence.redaction.validators import VALIDATORS

SET_BYTES: Final = 8 << 20
"""Memory that the pass over all hints may take; RE2 begins anew when it is full, and finds no less."""

SHORTEST_FIELD: Final = 4
"""Bytes of a text that is secret by the name of its member."""

_ENCODED: Final = (r"\\[u\"/\\]", r"%[0-9A-Fa-f]{2}", r"[A-Za-z0-9+/_-]{15}")
"""Where a document may hold a text in another spelling: escapes of JSON, of URLs, base64."""

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
        for hint in _ENCODED:
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

    def unfinished(self, text: bytes) -> int:
        """Where something begins that may go on behind the end of a text, and has no longest length; else its end."""
        starts = (
            match.start()
            for _, _, form in self._forms
            if form.unfinished is not None and (match := form.unfinished.search(text)) is not None
        )
        return min(starts, default=len(text))

    def _by_name(self, text: bytes, names: str) -> Iterator[Finding]:
        for rank, detector in self._fields:
            if detector.fields is not None and text and detector.fields.pattern.search(names.encode()) is not None:
                if len(text) >= SHORTEST_FIELD and not_a_placeholder(text.decode("utf-8", "replace")):
                    yield Finding(0, len(text), detector, rank)


def named(*keys: str) -> str:
    """Names of members as words: `socialSecurityNumber` has three."""
    return " ".join(_CAMEL.sub(" ", key) for key in keys)


def _search_set() -> "re2.Set":
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = SET_BYTES
    return re2.Set.SearchSet(options)


def _of_form(text: bytes, names: str, rank: int, detector: Detector, form: Form) -> Iterator[Finding]:
    at = 0
    while (match := form.pattern.search(text, at)) is not None:
        start, end = match.span(form.group)
        finding = Finding(start, end, detector, rank)
        if _stands(text, names, finding, form) and _is_one(finding, text):
            yield finding
            at = match.end()
        elif detector.same in {"digits", "alnum"}:
            # A number may begin within what was taken for one.
            at = match.start() + 1
        else:
            at = match.end()


def _stands(text: bytes, names: str, finding: Finding, form: Form) -> bool:
    """Whether what is around a finding lets it be one."""
    detector = finding.detector
    if not _is_apart(text, finding):
        return False
    if not form.needs_word and detector.not_after is None:
        return True
    before = text[max(0, finding.start - LOOK_BACK) : finding.start]
    if form.needs_word:
        around = names.encode() + b" : " + before
        return detector.words is not None and detector.words.search(around) is not None
    return detector.not_after is None or detector.not_after.search(before) is None


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
    return detector.validator is None or VALIDATORS[detector.validator](value)
