"""Redacts a plain text that comes in pieces, however it is cut: the same text comes out as if it had come whole.

A piece is held back until nothing that is still to come can change what is found in it: HELD bytes, since no value
that has a longest length is longer; and from where something begins that has none (a private key, a token), until it
ends, at most LONGEST bytes. Of what is longer than that, its stand-in comes out and the rest of its unbroken run is
dropped.

Events of a stream are redacted as documents, each when it is whole; this is for texts that have no such parts. They are
not decoded.
"""

import re
from typing import Final

from evidence.redaction.detectors import LOOK_BACK
from evidence.redaction.replacing import Place, Region, Replacer

HELD: Final = 1_024
"""Bytes; the forms of the built-in detectors that end are shorter, and so are 4 x 256 bytes of an operator's."""

LONGEST: Final = 16_384
"""Bytes of a value that has no longest length."""

_RUN: Final = re.compile(rb"[A-Za-z0-9+/=_.\-\\:,\s]*", re.ASCII)


class Streaming:
    """One text. `feed` gives what can be let go, `finish` the rest."""

    def __init__(self, replacer: Replacer, place: Place) -> None:
        self._replacer = replacer
        self._place = place
        self._before = b""
        self._held = b""
        self._scanned = 0
        self._swallowing = False

    def feed(self, piece: bytes) -> bytes:
        """What is certain by now; pieces may be cut within a character."""
        self._held += self._swallow(piece)
        if len(self._held) < self._scanned + HELD * 2:
            return b""
        return self._let_go()

    def finish(self) -> bytes:
        """All that is left."""
        text = self._before + self._held
        regions = [each for each in self._replacer.regions(text, self._place) if each.end > len(self._before)]
        return self._replaced(text, regions, len(text))

    def _let_go(self) -> bytes:
        text = self._before + self._held
        begins = len(self._before)
        regions = [each for each in self._replacer.regions(text, self._place) if each.end > begins]
        end = max(begins, _boundary(text, len(text) - HELD))
        open_at = self._replacer.finder.unfinished(text)
        if begins <= open_at < end:
            end = open_at
        for region in regions:
            if region.start < end < region.end:
                end = region.start if region.end > len(text) - HELD else region.end
        if len(text) - end > LONGEST:
            return self._cut_off(text, regions, open_at)
        self._scanned = len(text) - end
        return self._replaced(text, [each for each in regions if each.end <= end], end)

    def _cut_off(self, text: bytes, regions: list[Region], open_at: int) -> bytes:
        """What is open is longer than may be held back: a stand-in for it goes out, and nothing more of its run."""
        start = max(len(self._before), min([open_at, *(each.start for each in regions if each.end > len(text) - HELD)]))
        out = self._replaced(text, [each for each in regions if each.end <= start], start)
        region = next((each for each in regions if each.start >= start), None)
        stand_in = b"[cut off]" if region is None else self._replacer.stand_in(region, text)
        rest = self._held
        self._held, self._swallowing = b"", True
        self._held = self._swallow(rest)
        self._scanned = 0
        return out + stand_in

    def _swallow(self, piece: bytes) -> bytes:
        if not self._swallowing:
            return piece
        end = _RUN.match(piece)
        rest = piece if end is None else piece[end.end() :]
        self._swallowing = not rest
        return rest

    def _replaced(self, text: bytes, regions: list[Region], end: int) -> bytes:
        begins = len(self._before)
        shown = self._replacer.replaced(text[:end], [each for each in regions if each.start >= begins])[begins:]
        self._before, self._held = text[max(0, end - LOOK_BACK - 2) : end], text[end:]
        return shown


def _boundary(text: bytes, at: int) -> int:
    """The last place at or before `at` that is between two characters."""
    while at > 0 and text[at] & 0xC0 == 0x80:
        at -= 1
    return at
