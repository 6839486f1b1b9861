"""What a ledger says to a sidecar of its data keys: which of those that it asked about are destroyed. Pure.

A C2SP signed note by the key that signs the ledger's receipts. Its text:

    agentgate/erased/v1
    <sidecar>
    <tenant, as a JSON string>
    <RFC 3339 time at which it was said>
    <id of a destroyed data key>        none, or one a line, in their order, each once

An id that was destroyed stays so: an old answer says nothing that is not true any more.
"""

from dataclasses import dataclass
from typing import Final

import orjson

from evidence.record import is_digest
from evidence.signing import BadSignature

ASKED_AT_ONCE: Final = 1_000
"""Ids in one question."""

_ERASED: Final = "agentgate/erased/v1"
_HEAD_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class Erased:
    """That the data keys of these ids are destroyed, said to `sidecar` at `at`."""

    sidecar: str
    tenant: str
    at: str
    keys: tuple[str, ...]

    def text(self) -> str:
        """The text of the note, its last LF included."""
        return "\n".join((_ERASED, self.sidecar, orjson.dumps(self.tenant).decode(), self.at, *self.keys)) + "\n"


def read_erased(text: str) -> Erased:
    """Read the text of such a note. Raises BadSignature for any other text."""
    lines = text.split("\n")
    if len(lines) <= _HEAD_LINES or lines[0] != _ERASED:
        raise BadSignature("the note does not say what is erased")
    try:
        tenant = orjson.loads(lines[2])
    except ValueError as error:
        raise BadSignature("the note names no tenant") from error
    keys = tuple(lines[_HEAD_LINES:-1])
    erased = Erased(lines[1], tenant, lines[3], keys)
    if not isinstance(tenant, str) or list(keys) != sorted(set(keys)) or not all(map(is_digest, keys)):
        raise BadSignature("the note is not in the form that is written")
    if erased.text() != text:
        raise BadSignature("the note is not in the form that is written")
    return erased
