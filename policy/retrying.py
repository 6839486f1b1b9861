"""When a policy that an engine did not take is put to it again: ever more rarely, and only where that can help."""

from dataclasses import dataclass
from typing import Final

MOST_LOOKS: Final = 64
"""Half a minute, where the files are looked at twice a second."""


@dataclass(slots=True)
class Retrying:
    """Counts looks at the files: nobody has to know the time."""

    _failures: int = 0
    _left: int = 0
    _refused: bool = False

    def taken(self) -> None:
        """It became active, or something else is there to be tried."""
        self._failures = self._left = 0

    def failed(self, *, refused: bool) -> None:
        """It did not: the engine refused it, or else nobody was there to say so."""
        self._failures += 1
        self._left = min(1 << min(self._failures, 16), MOST_LOOKS)
        self._refused = refused

    def due(self, *, ready: bool) -> bool:
        """Whether to try again at this look. One that was refused by an engine that goes on answering stays refused.

        An engine that is not `ready`, since it answers for another policy than the active one, may have loaded it late.
        """
        if self._failures == 0 or (self._refused and ready):
            return False
        self._left -= 1
        return self._left <= 0
