"""What becomes of a finding: the mode that the most specific rule says.

    at (a JSON Pointer, the longer one first)  >  tool  >  detector  >  kind  >  the default

A rule may name several of these; it counts where all of them fit, and rules are compared by the first in which they
differ. Of two that are equally specific the more careful mode counts: drop, then mask, then tokenise, then keep.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from evidence.redaction.detectors import Detector

Mode = Literal["mask", "tokenise", "drop", "keep"]
MODES: Final[tuple[Mode, ...]] = ("keep", "tokenise", "mask", "drop")
"""From the one that keeps most to the most careful."""

Pointer = tuple[str, ...]
"""The parts of a JSON Pointer (RFC 6901), unescaped."""


class Rule(Struct, frozen=True):
    """A mode for findings under a pointer, in the calls of a tool (`upstream/name`), of a detector or of a kind."""

    mode: Mode
    at: Pointer | None = None
    tool: str | None = None
    detector: str | None = None
    kind: str | None = None

    def fits(self, at: Pointer, tool: str, detector: Detector) -> bool:
        """Whether this rule is about such a finding."""
        return (
            (self.at is None or at[: len(self.at)] == self.at)
            and self.tool in {None, tool}
            and self.detector in {None, detector.id}
            and self.kind in {None, detector.kind}
        )

    def specificity(self) -> tuple[int, bool, bool, bool, int]:
        """What is greater goes first; the last part is how careful the mode is."""
        depth = -1 if self.at is None else len(self.at)
        named = (self.tool is not None, self.detector is not None, self.kind is not None)
        return (depth, *named, MODES.index(self.mode))


class Choices:
    """All rules, and the mode where none fits."""

    def __init__(self, rules: Sequence[Rule] = (), default: Mode = "mask") -> None:
        self._rules = sorted(rules, key=Rule.specificity, reverse=True)
        self._default = default

    def mode(self, at: Pointer, tool: str, detector: Detector) -> Mode:
        """The mode for what a detector found there."""
        return next((rule.mode for rule in self._rules if rule.fits(at, tool, detector)), self._default)
