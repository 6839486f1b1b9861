"""What is kept of texts that policy wants recorded `redacted`: detectors take out what is secret or personal.

Nothing of this is loaded before the first such record, or where the configuration has no word about it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from evidence.redaction.choosing import Mode, Rule
    from evidence.redaction.detectors import Detector
    from evidence.redaction.redactor import Redactor

LONGEST: Final = 64 << 10
"""Bytes of a text that is looked through, while the event loop waits; of a longer one only the commitment is kept."""


class RedactionConfig(Struct, frozen=True):
    """How redaction differs from its defaults. `detectors` are all that are looked for; None are the built-in ones."""

    mode: "Mode" = "mask"
    rules: "tuple[Rule, ...]" = ()
    detectors: "tuple[Detector, ...] | None" = None


class Redacting:
    """Redacts the texts of records. Tokens are made under `key`, which is as secret as pseudonyms are to be."""

    def __init__(self, key: bytes, config: RedactionConfig) -> None:
        self._key = key
        self._config = config
        self._redactors: dict[str, Redactor] = {}

    def redacted(self, secrets: Mapping[str, bytes], *, tenant: str, tool: str) -> Mapping[str, bytes]:
        """What may be kept of each text, by name; nothing of one that is too long. `tool` is `upstream/name`."""
        redactor = self._redactors.get(tenant) or self._make(tenant)
        return {
            name: redactor.document(value, tool=tool, name=name)
            for name, value in secrets.items()
            if len(value) <= LONGEST
        }

    def _make(self, tenant: str) -> "Redactor":
        from evidence.redaction.redactor import Redactor  # Policies that want nothing redacted do without RE2.

        given = self._config
        made = Redactor(self._key, tenant, detectors=given.detectors, rules=given.rules, mode=given.mode)
        self._redactors[tenant] = made
        return made
