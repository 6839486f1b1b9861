"""One entry in the history of the keys that sign under one name (evidence/key_history.py). Pure.

A C2SP signed note (c2sp.org/signed-note) whose text has seven lines:

    agentgate/key/v1
    <name under which the keys sign>
    <number, from 0 on>
    <SHA-256 over the text of the entry before, in hex; 64 zeros for number 0>
    <event: root, announce, activate, retire or revoke>
    <the key that it is about, as a verifier key>
    <RFC 3339 time from which on it holds>

For `revoke` a blank and the time since which the key is not believed follow in the last line.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import orjson

from evidence.note import ED25519, Note, VerifierKey, read_note, read_verifier_key, write_note
from evidence.signing import BadSignature

NOTHING: Final = "0" * 64
"""Stands for the entry before the first one."""

_ENTRY: Final = "agentgate/key/v1"
_LINE: Final = b"key\t"
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\+00:00")


class Rule(StrEnum):
    """What a history, or a signature held to it, offends against."""

    FORM = "form"
    UNKNOWN_KEY = "unknown_key"
    OUT_OF_ORDER = "out_of_order"
    NOT_SIGNED = "not_signed"
    RETIRED = "retired"
    REVOKED = "revoked"
    NOT_ACTIVE = "not_active"
    ROLLED_BACK = "rolled_back"
    FORKED = "forked"


class BadHistory(BadSignature):
    """A history that does not hold, or a key that it does not stand for. `entry` is the number of the entry, if any."""

    def __init__(self, rule: Rule, what: str, entry: int | None = None) -> None:
        super().__init__(what if entry is None else f"key history, entry {entry}: {what}")
        self.rule, self.entry = rule, entry


class Event(StrEnum):
    """What becomes of a key."""

    ROOT = "root"
    ANNOUNCE = "announce"
    ACTIVATE = "activate"
    RETIRE = "retire"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry: from `at` on `event` holds for `key`. `since` is for `revoke` alone."""

    event: Event
    key: VerifierKey
    at: str
    since: str | None = None


def read_entry(note: str, number: int, before: str, name: str) -> tuple[Note, Change]:
    """The entry in a note, in its place; no signature is checked. Raises BadHistory."""
    try:
        read = read_note(note)
        lines = read.text.split("\n")
        at, _, since = lines[6].partition(" ")
        change = Change(Event(lines[4]), read_verifier_key(lines[5]), at, since or None)
    except (ValueError, IndexError) as error:
        raise BadHistory(Rule.FORM, f"is no entry: {error}", number) from error
    times = [change.at] if change.since is None else [change.at, change.since]
    known = (change.event is Event.REVOKE) == (change.since is not None) and all(map(is_time, times))
    if not known or change.key.kind != ED25519 or change.key.name != name or lines[1] != name:
        raise BadHistory(Rule.FORM, f"is no entry of the keys of {name}", number)
    if lines[2:4] != [str(number), before]:
        what = f"says that it is number {lines[2]} after {lines[3][:8]}, and stands after {before[:8]}"
        raise BadHistory(Rule.OUT_OF_ORDER, what, number)
    if entry_text(name, number, before, change) != read.text or write_note(read.text, read.signatures) != note:
        raise BadHistory(Rule.FORM, "is not in the form that is written", number)
    return read, change


def entry_text(name: str, number: int, before: str, change: Change) -> str:
    """The text of an entry, its last LF included."""
    at = change.at if change.since is None else f"{change.at} {change.since}"
    return "\n".join((_ENTRY, name, str(number), before, change.event, change.key.text(), at)) + "\n"


def read_entry_line(line: bytes, number: int) -> str:
    """The note in a line of a history (without its LF), not checked. Raises BadHistory."""
    try:
        note = orjson.loads(line.removeprefix(_LINE)) if line.startswith(_LINE) else None
    except ValueError:
        note = None
    if not isinstance(note, str) or entry_line(note) != line + b"\n":
        raise BadHistory(Rule.FORM, "the line holds no entry", number)
    return note


def digest(text: str) -> str:
    """What the next entry names this one by."""
    return hashlib.sha256(text.encode()).hexdigest()


def entry_line(note: str) -> bytes:
    """The line of an entry in the file of a history, its LF included."""
    return b"%b%b\n" % (_LINE, orjson.dumps(note))


def is_time(text: str) -> bool:
    """Whether a time is written as entries and receipts have it: such texts sort as their times do."""
    return _TIME.fullmatch(text) is not None
