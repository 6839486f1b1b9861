"""Counts what redaction does with a text: the lines of it that run, and the bytes that patterns walk over."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from msgspec import structs

from evidence import redaction
from evidence.redaction.detectors import Detector
from evidence.redaction.loading import built_in
from evidence.redaction.redactor import Redactor

_FOLDER = str(Path(redaction.__file__).parent)


class Steps:
    """A redactor that counts."""

    def __init__(self) -> None:
        self._count = 0
        detectors = tuple(map(self._counted, built_in()))
        self._redactor = Redactor(b"k" * 32, "acme", detectors=detectors)

    def of(self, document: str) -> int:
        """So many steps one document takes."""
        raw = document.encode()
        self._count, before = 0, sys.gettrace()
        sys.settrace(self._called)
        try:
            self._redactor.document(raw)
        finally:
            sys.settrace(before)
        return self._count

    def walked(self, size: int) -> None:
        """A pattern went over so many bytes."""
        self._count += size

    def _called(self, frame: FrameType, _event: str, _: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(_FOLDER) else None

    def _line(self, _frame: FrameType, event: str, _: Any) -> Any:
        self._count += event == "line"
        return self._line

    def _counted(self, detector: Detector) -> Detector:
        forms = tuple(structs.replace(form, pattern=Walked(form.pattern, self)) for form in detector.forms)
        patterns = {
            name: Walked(pattern, self)
            for name in ("words", "not_after", "unless")
            if (pattern := getattr(detector, name)) is not None
        }
        fields = detector.fields and structs.replace(detector.fields, pattern=Walked(detector.fields.pattern, self))
        return structs.replace(detector, forms=forms, fields=fields, **patterns)


class Walked:
    """A pattern of RE2, which goes over each byte once, up to the end of what it finds."""

    def __init__(self, pattern: Any, steps: Steps) -> None:
        self._pattern, self._steps = pattern, steps

    def search(self, text: bytes, start: int = 0, end: int | None = None) -> Any:
        """As RE2's, counted."""
        last = len(text) if end is None else min(end, len(text))
        found = self._pattern.search(text, start, last)
        self._steps.walked((last if found is None else found.end()) - start)
        return found

    def fullmatch(self, text: bytes, start: int, end: int) -> Any:
        """As RE2's, counted."""
        self._steps.walked(end - start)
        return self._pattern.fullmatch(text, start, end)

    def finditer(self, text: bytes) -> Iterator[Any]:
        """As RE2's, counted."""
        self._steps.walked(len(text))
        found: Iterator[Any] = self._pattern.finditer(text)
        return found
