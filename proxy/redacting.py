"""What is kept of texts that policy wants recorded `redacted`: detectors take out what is secret or personal.

Nothing of this is loaded before the first such record, or where the configuration has no word about it. What takes
longer than a moment is done in a thread, one text after another, so that other calls go on meanwhile.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from policy.decision import recording
from policy.vocabulary import Call, Decision

if TYPE_CHECKING:
    from evidence.redaction.choosing import Mode, Rule
    from evidence.redaction.detectors import Detector
    from evidence.redaction.redactor import Redactor

LONGEST: Final = 64 << 10
"""Bytes of a text that is looked through (some 40 ms, 100 where it is made to be slow); of a longer one only the
commitment is kept."""

AT_ONCE: Final = 2 << 10
"""Bytes of all texts of a record that are looked through while the event loop waits: 1 ms, 3 where they are slow."""

NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})


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
        self._turn = asyncio.Lock()

    async def redacted(self, call: Call, decision: Decision | None, texts: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """What may be kept of each text of a record, by name; nothing unless `decision` wants it redacted."""
        short = _short(decision, texts)
        if not short or self._takes_a_moment(call, short):
            return self._redact(call, short)
        async with self._turn:
            return await asyncio.to_thread(self._redact, call, short)

    def redacted_now(self, call: Call, decision: Decision | None, texts: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """As `redacted`, where nobody can wait: nothing at all of what takes longer than a moment."""
        short = _short(decision, texts)
        return self._redact(call, short) if self._takes_a_moment(call, short) else NOTHING

    def _takes_a_moment(self, call: Call, texts: Mapping[str, bytes]) -> bool:
        return call.caller.tenant in self._redactors and sum(map(len, texts.values())) <= AT_ONCE

    def _redact(self, call: Call, texts: Mapping[str, bytes]) -> Mapping[str, bytes]:
        if not texts:
            return NOTHING
        tenant, tool = call.caller.tenant, f"{call.upstream}/{call.name}"
        redactor = self._redactors.get(tenant) or self._make(tenant)
        return {name: redactor.document(text, tool=tool, name=name) for name, text in texts.items()}

    def _make(self, tenant: str) -> "Redactor":
        from evidence.redaction.redactor import Redactor  # Policies that want nothing redacted do without RE2.

        given = self._config
        made = Redactor(self._key, tenant, detectors=given.detectors, rules=given.rules, mode=given.mode)
        self._redactors[tenant] = made
        return made


def _short(decision: Decision | None, texts: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The texts that are looked through."""
    if decision is None or recording(decision) != "redacted":
        return NOTHING
    return {name: text for name, text in texts.items() if len(text) <= LONGEST}
