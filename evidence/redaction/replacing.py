"""Replaces what was found in one text: masks, tokens, or nothing at all."""

import base64
import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from evidence.canonical import canonical
from evidence.redaction.choosing import Choices, Mode, Pointer
from evidence.redaction.detectors import Detector, normal
from evidence.redaction.finding import Finder, Finding
from evidence.redaction.folding import Folded, folded
from evidence.redaction.shapes import decoded_text

TOKEN_BYTES: Final = 13
TOKEN_LETTERS: Final = 20
"""Of base32: 100 bits."""

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_TOKEN_TAG: Final = b"agentgate/redaction-token/v1\x00"


class Tokens:
    """Makes tokens under a secret key: equal for equal values of a tenant, and different for another tenant."""

    def __init__(self, key: bytes, tenant: str) -> None:
        self._key = hmac.digest(key, _TOKEN_TAG + tenant.encode(), "sha256")

    def token(self, detector: Detector, value: str) -> str:
        """`tok_<detector>_` and 20 letters; spellings that the detector counts as the same value have the same."""
        digest = hmac.digest(self._key, canonical([detector.id, normal(detector.same, value)]), "sha256")
        letters = base64.b32encode(digest[:TOKEN_BYTES]).decode().lower()[:TOKEN_LETTERS]
        return f"tok_{detector.id}_{letters}"


class Place(Struct, frozen=True):
    """Where a text stands: its pointer, the tool that the call is of, and the names around it, as words."""

    at: Pointer = ()
    tool: str = ""
    names: str = ""


class Region(Struct, frozen=True):
    """A part of a text that is to be replaced."""

    start: int
    end: int
    detector: Detector
    mode: Mode


class Replacer:
    """Finds, chooses and replaces, in one text."""

    def __init__(self, finder: Finder, choices: Choices, tokens: Tokens) -> None:
        self.finder = finder
        self._choices = choices
        self._tokens = tokens
        ids = "|".join(detector.id for detector in finder.detectors)
        self._own = re.compile(rf"(?:\[(?:{ids})\]|tok_(?:{ids})_[a-z2-7]{{{TOKEN_LETTERS}}})".encode())

    def regions(self, text: bytes, place: Place) -> list[Region]:
        """What is to be replaced, in its order, without overlaps; not what is kept, nor what stands for a value."""
        seen = folded(text)
        looked = text if seen is None else seen.text
        found = [
            (finding, mode)
            for finding in self._findings(looked, place.names)
            if (mode := self._choices.mode(place.at, place.tool, finding.detector)) != "keep"
        ]
        apart = [one for one in _apart(found) if self._own.fullmatch(looked, one.start, one.end) is None]
        return apart if seen is None else [_as_it_stands(one, seen) for one in apart]

    def _findings(self, text: bytes, names: str) -> list[Finding]:
        """What is found in a text, and in what of it is the base64 of a text: of that the whole run counts."""
        found = self.finder.find(text, names)
        for run in _BASE64.finditer(text):
            if (inner := decoded_text(run[0].decode())) is not None:
                inside = self.finder.find(inner.encode(), names)
                found += [Finding(run.start(), run.end(), one.detector, one.rank) for one in inside]
        return sorted(found, key=lambda each: (each.start, each.rank)) if len(found) > 1 else found

    def replaced(self, text: bytes, regions: Iterable[Region]) -> bytes:
        """The text with its regions replaced; of those that are dropped nothing is left."""
        parts: list[bytes] = []
        end = 0
        for region in regions:
            parts += text[end : region.start], self.stand_in(region, text)
            end = region.end
        return b"".join([*parts, text[end:]])

    def stand_in(self, region: Region, text: bytes) -> bytes:
        """What stands for a region."""
        if region.mode == "drop":
            return b""
        if region.mode == "mask":
            return f"[{region.detector.id}]".encode()
        raw = text[region.start : region.end]
        seen = folded(raw)
        value = (raw if seen is None else seen.text).decode("utf-8", "surrogateescape")
        return self._tokens.token(region.detector, value.encode("utf-8", "replace").decode()).encode()


def _as_it_stands(region: Region, seen: Folded) -> Region:
    return Region(seen.origins[region.start], seen.origins[region.end], region.detector, region.mode)


def _apart(found: Iterable[tuple[Finding, Mode]]) -> Iterator[Region]:
    """Findings that overlap become one region, named by the one whose detector stands first; some give way instead."""
    best: tuple[Finding, Mode] | None = None
    start = end = -1
    for finding, mode in found:
        if best is None or finding.start >= end:
            if best is not None:
                yield Region(start, end, best[0].detector, best[1])
            start, end, best = finding.start, finding.end, (finding, mode)
            continue
        first, second = sorted((best, (finding, mode)), key=lambda each: each[0].rank)
        if not second[0].detector.yields:
            end = max(end, finding.end)
        elif first[0] is finding:
            start, end = finding.start, finding.end
        best = first
    if best is not None:
        yield Region(start, end, best[0].detector, best[1])
