"""The history of the keys that sign under one name: entries (evidence/key_entry.py), and what they come to. Pure.

The first entry is signed by its own key, the root, which whoever checks knows beforehand. Each later one is signed by
the leading key (of those that are active, the one that became so last), and `announce` and `activate` by the key that
they are about as well: it is in somebody's possession. There are no other signatures.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from evidence.key_entry import (
    NOTHING,
    BadHistory,
    Change,
    Event,
    Rule,
    digest,
    entry_line,
    entry_text,
    is_time,
    read_entry,
    read_entry_line,
)
from evidence.note import ED25519, Note, VerifierKey, read_note, read_verifier_key, write_note
from evidence.signing import BadSignature, check

_PIN: Final = re.compile(r"(?P<root>.*)@(?P<number>0|[1-9][0-9]{0,5}):(?P<digest>[0-9a-f]{64})", re.DOTALL)
MOST_BYTES: Final = 1 << 20
"""Of a history: it has some thousand entries then."""


class State(StrEnum):
    """What a key is: only an active one signs."""

    ANNOUNCED = "announced"
    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


_NEXT: Final[Mapping[tuple[State | None, Event], State]] = {
    (None, Event.ROOT): State.ACTIVE,
    (None, Event.ANNOUNCE): State.ANNOUNCED,
    (State.ANNOUNCED, Event.ACTIVATE): State.ACTIVE,
    (State.ANNOUNCED, Event.RETIRE): State.RETIRED,
    (State.ACTIVE, Event.RETIRE): State.RETIRED,
    (State.ANNOUNCED, Event.REVOKE): State.REVOKED,
    (State.ACTIVE, Event.REVOKE): State.REVOKED,
    (State.RETIRED, Event.REVOKE): State.REVOKED,
}
"""The state after an event; what is not here cannot happen."""

_PROVED: Final = frozenset({Event.ANNOUNCE, Event.ACTIVATE})
"""Events that the key itself signs, too."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A key as a history leaves it; times are RFC 3339, UTC, microseconds."""

    key: VerifierKey
    state: State
    announced: str
    active: str | None = None
    retired: str | None = None
    revoked: str | None = None
    since: str | None = None

    def refuse(self, at: str) -> None:
        """Raises BadHistory unless the key could sign at this time."""
        shown = f"the key {self.key.id.hex()} of {self.key.name}"
        if self.active and not is_time(at):
            raise BadHistory(Rule.FORM, f"signed at {at!r}, which is no time in UTC with microseconds")
        if self.since is not None and at >= self.since:
            raise BadHistory(
                Rule.REVOKED, f"signed at {at} by a revoked key: {shown} is not believed since {self.since}"
            )
        if self.active is None or at < self.active:
            raise BadHistory(Rule.NOT_ACTIVE, f"signed at {at} by a key that was not active yet: {shown}")
        if self.retired is not None and at >= self.retired:
            raise BadHistory(Rule.RETIRED, f"signed at {at} by a retired key: {shown} was retired at {self.retired}")


@dataclass(frozen=True, slots=True)
class Pin:
    """What somebody knows beforehand: the root, and how far the history had come when they last looked, if they did."""

    root: VerifierKey
    number: int = 0
    digest: str | None = None

    def text(self) -> str:
        """What `read_pin` takes."""
        return self.root.text() if self.digest is None else f"{self.root.text()}@{self.number}:{self.digest}"


def read_pin(text: str) -> Pin:
    """Read a pin: the root's verifier key, and `@<number>:<digest>` of an entry that is known. Raises ValueError."""
    found = _PIN.fullmatch(text)
    pin = Pin(read_verifier_key(text)) if found is None else _read_known(found)
    if pin.root.kind != ED25519:
        raise ValueError("this is the key of a witness (type 0x04), and receipts are signed by a ledger's (0x01)")
    return pin


def _read_known(found: re.Match[str]) -> Pin:
    return Pin(read_verifier_key(found["root"]), int(found["number"]), found["digest"])


@dataclass(frozen=True, slots=True)
class History:
    """Entries that hold, and what they come to. `notes` are the entries as they were signed."""

    root: VerifierKey
    notes: tuple[str, ...]
    digests: tuple[str, ...]
    keys: tuple[Standing, ...]
    leading: tuple[VerifierKey, ...]
    last: str

    @property
    def leader(self) -> VerifierKey:
        """The key that signs receipts, and the next entry."""
        return self.leading[-1]

    @property
    def pin(self) -> Pin:
        """The root, and how far this history has come."""
        return Pin(self.root, len(self.notes) - 1, self.digests[-1]) if self.notes else Pin(self.root)

    def find(self, key_id: bytes) -> Standing | None:
        """The key with this id, if the history leads to it."""
        return next((standing for standing in self.keys if standing.key.id == key_id), None)

    def bytes(self) -> bytes:
        """The history as a file: a line `key TAB <the note as a JSON string> LF` for each entry."""
        return b"".join(map(entry_line, self.notes))

    def open(self, note: str) -> tuple[str, Standing]:
        """The text of a note that one key of this history has signed, and that key. Raises BadSignature.

        When it was signed is for the caller to know and to ask (`Standing.refuse`).
        """
        read = read_note(note)
        if len(read.signatures) != 1 or read.signatures[0].name != self.root.name:
            raise BadSignature(f"not a note signed by {self.root.name}")
        signature = read.signatures[0]
        standing = self.find(signature.key_id)
        if standing is None:
            raise BadHistory(
                Rule.UNKNOWN_KEY,
                f"the note names another key: {signature.key_id.hex()}, to which nothing leads from the key "
                f"{self.root.id.hex()} that was given",
            )
        check(standing.key.public, signature.signed, read.text.encode())
        return read.text, standing

    def believed(self) -> tuple[VerifierKey, ...]:
        """The keys that have been active and are not revoked, newest first: what has no time is held to these."""
        found = [each for each in self.keys if each.active is not None and each.state is not State.REVOKED]
        return tuple(each.key for each in sorted(found, key=lambda each: each.active or "", reverse=True))

    def refuse_older(self, pin: Pin) -> None:
        """Raises BadHistory unless this goes on from where `pin` has seen it: rolled back, or another history."""
        if pin.root != self.root:
            raise BadHistory(Rule.UNKNOWN_KEY, "the history begins with another root than the one that was given", 0)
        if pin.digest is None:
            return
        if pin.number >= len(self.digests):
            what = f"it was rolled back: it has {len(self.digests)} entries, and entry {pin.number} was seen"
            raise BadHistory(Rule.ROLLED_BACK, what)
        if self.digests[pin.number] != pin.digest:
            raise BadHistory(Rule.FORKED, "it is another one than was seen: two histories were signed", pin.number)


def only(root: VerifierKey) -> History:
    """What is known of keys by somebody who has seen no history: the root signs, since ever."""
    return History(root, (), (), (Standing(root, State.ACTIVE, "", active=""),), (root,), "")


def read_history(data: bytes, pin: Pin) -> History:
    """The history in a file, each entry checked from the pinned root on. Raises BadHistory: the first that fails."""
    if len(data) > MOST_BYTES:
        raise BadHistory(Rule.FORM, f"the key history has more than {MOST_BYTES} bytes")
    *lines, rest = data.split(b"\n")
    if rest or not lines:
        raise BadHistory(Rule.FORM, "the key history does not end with a line")
    history = begun(read_entry_line(lines[0], 0), pin.root)
    for number, line in enumerate(lines[1:], 1):
        history = continued(history, read_entry_line(line, number))
    history.refuse_older(pin)
    return history


def root_of(data: bytes) -> Pin:
    """The root that a history names itself: for whoever holds it in safe keeping. Raises BadHistory."""
    note = read_entry_line(data.partition(b"\n")[0], 0)
    try:
        return Pin(read_verifier_key(note.split("\n")[5]))
    except (ValueError, IndexError) as error:
        raise BadHistory(Rule.FORM, f"is no entry: {error}", 0) from error


def merged(one: History, other: History) -> History:
    """The longer of two histories of one root. Raises BadHistory if neither begins with the other."""
    longer, shorter = (one, other) if len(one.notes) >= len(other.notes) else (other, one)
    longer.refuse_older(shorter.pin)
    return longer


def begun(note: str, root: VerifierKey) -> History:
    """The history of one entry. Raises BadHistory."""
    read, change = read_entry(note, 0, NOTHING, root.name)
    if change.event is not Event.ROOT:
        raise BadHistory(Rule.OUT_OF_ORDER, "the first entry is of another kind than `root`", 0)
    if change.key != root:
        raise BadHistory(Rule.UNKNOWN_KEY, "the history begins with another root than the one that was given", 0)
    _check_signed(read, (root,), 0)
    standing = Standing(root, State.ACTIVE, change.at, active=change.at)
    return History(root, (note,), (digest(read.text),), (standing,), (root,), change.at)


def continued(history: History, note: str) -> History:
    """The history with one entry more. Raises BadHistory."""
    number = len(history.notes)
    read, change = read_entry(note, number, history.digests[-1], history.root.name)
    standings = _changed(history, change, number)
    _refuse_signers_out_of_turn(history, read, change, number)
    _check_signed(read, signers(history, change), number)
    leading = tuple(key for key in history.leading if key != change.key)
    if change.event is Event.ACTIVATE:
        leading = (*leading, change.key)
    return History(
        history.root, (*history.notes, note), (*history.digests, digest(read.text)), standings, leading, change.at
    )


def text_of(history: History | None, change: Change) -> str:
    """The text of the next entry, or of the first one. Raises BadHistory for a change that cannot be."""
    number, before = (0, NOTHING) if history is None else (len(history.notes), history.digests[-1])
    if history is not None:
        _changed(history, change, number)
    return entry_text(change.key.name, number, before, change)


def signers(history: History, change: Change) -> tuple[VerifierKey, ...]:
    """Who signs the next entry, in this order."""
    return (history.leader, change.key) if change.event in _PROVED else (history.leader,)


def signed_entry(text: str, signed: Iterable[tuple[VerifierKey, bytes]]) -> str:
    """The note of an entry, with the signatures of its signers in their order."""
    return write_note(text, [key.signature(signature) for key, signature in signed])


def _changed(history: History, change: Change, number: int) -> tuple[Standing, ...]:
    """All keys after a change. Raises BadHistory."""
    shown, known = change.key.id.hex(), history.find(change.key.id)
    before = None if known is None else known.state
    if known is not None and known.key != change.key:
        raise BadHistory(Rule.OUT_OF_ORDER, f"another key with the id {shown} is known", number)
    if known is None and change.event is not Event.ANNOUNCE:
        raise BadHistory(Rule.UNKNOWN_KEY, f"`{change.event}` of the key {shown}, which was never announced", number)
    after = _NEXT.get((before, change.event))
    if after is None or change.event is Event.ROOT:
        raise BadHistory(Rule.OUT_OF_ORDER, f"`{change.event}` of the key {shown}, which is {before}", number)
    if change.event in {Event.RETIRE, Event.REVOKE} and change.key == history.leader:
        what = f"`{change.event}` of the leading key {shown}: another one has to become active before"
        raise BadHistory(Rule.OUT_OF_ORDER, what, number)
    if change.at < history.last:
        raise BadHistory(Rule.OUT_OF_ORDER, f"holds from {change.at}, before the entry before it", number)
    if change.since is not None and change.since > change.at:
        raise BadHistory(Rule.OUT_OF_ORDER, f"the key is not believed since {change.since}, after {change.at}", number)
    if known is None:
        return (*history.keys, Standing(change.key, after, announced=change.at))
    return tuple(_after(each, change, after) if each is known else each for each in history.keys)


def _after(known: Standing, change: Change, state: State) -> Standing:
    match change.event:
        case Event.ACTIVATE:
            return replace(known, state=state, active=change.at)
        case Event.RETIRE:
            return replace(known, state=state, retired=change.at)
        case _:
            return replace(known, state=state, revoked=change.at, since=change.since)


def _refuse_signers_out_of_turn(history: History, read: Note, change: Change, number: int) -> None:
    """Name what is known of a signer that has no say: a retired key, a revoked one, one that leads no more."""
    expected = {key.id for key in signers(history, change)}
    for signature in read.signatures:
        standing = history.find(signature.key_id)
        if signature.key_id in expected:
            continue
        if standing is None or signature.name != history.root.name:
            what = f"signed by {signature.key_id.hex()} of {signature.name}, which is no key of this history"
            raise BadHistory(Rule.UNKNOWN_KEY, what, number)
        rule = {State.RETIRED: Rule.RETIRED, State.REVOKED: Rule.REVOKED}.get(standing.state, Rule.NOT_SIGNED)
        what = f"signed by the key {signature.key_id.hex()}, which is {standing.state} and does not lead"
        raise BadHistory(rule, what, number)


def _check_signed(read: Note, expected: Sequence[VerifierKey], number: int) -> None:
    made = [key for key, signature in zip(expected, read.signatures, strict=False) if key.made(signature)]
    if len(made) != len(expected) or len(read.signatures) != len(expected):
        wanted = " and ".join(key.id.hex() for key in expected)
        raise BadHistory(Rule.NOT_SIGNED, f"not signed by {wanted}, in this order and by nobody else", number)
    for key, signature in zip(expected, read.signatures, strict=True):
        try:
            check(key.public, signature.signed, read.text.encode())
        except BadSignature as error:
            raise BadHistory(Rule.NOT_SIGNED, f"the signature of {key.id.hex()} does not hold", number) from error
