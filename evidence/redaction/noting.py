"""Notes what redaction finds, for whoever asks what a configuration does: operators, and the measures of the corpus."""

from msgspec import Struct

from evidence.redaction.choosing import Choices, Mode, Pointer
from evidence.redaction.detectors import Detector
from evidence.redaction.finding import Finder
from evidence.redaction.replacing import Place, Region, Replacer, Tokens


class Noted(Struct, frozen=True):
    """One value that is replaced, and the place of its text."""

    at: Pointer
    detector: Detector
    mode: Mode
    value: bytes


class Noting(Replacer):
    """Replaces as every replacer does, and keeps what it found in `noted`."""

    def __init__(self, finder: Finder, choices: Choices, tokens: Tokens) -> None:
        super().__init__(finder, choices, tokens)
        self.noted: list[Noted] = []

    def regions(self, text: bytes, place: Place) -> list[Region]:
        """As a replacer's, noted."""
        found = super().regions(text, place)
        self.noted += [Noted(place.at, one.detector, one.mode, text[one.start : one.end]) for one in found]
        return found
