"""The findings of a definition: a sorted list of codes. What it has in itself is remembered by its digest.

Not for the event loop: a long text takes some milliseconds. Any thread may ask.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from policy.findings.names import ALONE, Surroundings
from policy.pins import digest

if TYPE_CHECKING:
    from policy.findings.reading import Own

REMEMBERED: Final = 8_192
"""Definitions; then all are forgotten."""


class Inspector:
    """Finds, and remembers what it found."""

    def __init__(self) -> None:
        self._own: dict[str, Own] = {}

    def findings(
        self, item: Mapping[str, Any], around: Surroundings = ALONE, known: str | None = None
    ) -> tuple[str, ...]:
        """The codes of a definition beside others, sorted; `known` is its digest, where somebody has it.

        Raises ValueError for one that has no canonical form.
        """
        # A sidecar starts without the patterns: compiling them takes longer than all else that is loaded here.
        from policy.findings.reading import own

        key = digest(item) if known is None else known
        found = self._own.get(key)
        if found is None:
            found = own(item)
            if len(self._own) >= REMEMBERED:
                self._own.clear()
            self._own[key] = found
        return tuple(sorted({*found.codes, *around.codes(str(item.get("name")), found.mentioned)}))
