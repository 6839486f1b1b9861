"""Follows a chain record by record, as it arrives: what it may do, and what is worth an incident. No database.

The rules are those of `evidence.checking`, applied to a part of a chain: what came before it is a `Standing`, and what
the ledger has to be asked for is `Held`.
"""

import re
from dataclasses import replace
from typing import Final

from central.ledger.standing import Held, KnownHead, Life, Noted, Silence, Standing, Turned, call_key
from central.ledger.vocabulary import IncidentKind
from evidence.batch import Sent, SentHead
from evidence.chain import BrokenLink, Continuity, OutOfTurn, Position, State, still_open, turn
from evidence.clock import micros
from evidence.printable import printable
from evidence.record import OUTCOMES, Header, Kind, Record
from evidence.signing import open_note, read_head, signer_name
from evidence.start import read_start

BACKWARDS_US: Final = 60 * 1_000_000
"""How far the wall clock of a sidecar may go back without an incident."""

_WITH_CALL: Final = frozenset({Kind.INTENT, Kind.OUTCOME, Kind.REFUSAL, Kind.LATE})
_INCARNATION: Final = re.compile(r"[0-9a-f]{32}")
_ISOLATIONS: Final = frozenset({"none", "uid", "container", "host"})


class Refused(Exception):
    """A record or head that this chain cannot have."""

    def __init__(self, kind: IncidentKind, seq: int, what: object) -> None:
        super().__init__(what)
        self.kind = kind
        self.seq = seq
        self.what = printable(what)


class Follower:
    """Takes the new records and heads of one batch in their order. `take` and `head` raise Refused."""

    def __init__(self, before: Standing, held: Held, *, identity: bytes, silence_us: int) -> None:
        self._continuity = Continuity(before.position, before.last)
        self._held = held
        self._identity = identity
        self._silence_us = silence_us
        self._key = before.key
        self._signed = before.signed
        self._missing = before.missing
        self._links: dict[int, str] = {before.position.seq: before.position.link}
        self._at = None if before.last is None else micros(before.last.at)
        self._gap_before: int | None = None
        self.calls: dict[bytes, Turned] = {}
        self.lives: list[Life] = []
        self.noted: list[Noted] = []
        self.silences: list[Silence] = []
        self.heads: list[KnownHead] = []

    @property
    def standing(self) -> Standing:
        """Where the chain stands now."""
        return Standing(self._continuity.position, self._continuity.last, self._key, self._signed, self._missing)

    def leap(self, after: Position) -> None:
        """The records up to `after` are missing, and the sender has declared it."""
        before = self._continuity.position.seq
        self._gap_before = after.seq
        what = f"records {before + 1} to {after.seq} are missing, and their sender has them no more"
        self.noted.append(Noted(IncidentKind.GAP, str(before + 1), before + 1, what, after.seq - before))
        self._missing += after.seq - before
        self._continuity.position = after
        self._links[after.seq] = after.link

    def take(self, sent: Sent) -> None:
        """The next record."""
        record = sent.record
        header = record.header
        before = self._continuity.last
        if self._gap_before is not None:
            self._land(record)
        else:
            self._follow(header, record.link)
        at = micros(header.at)
        if header.kind is Kind.START:
            self._start(record)
        self._tell_time(before, header, at)
        self._live(record, at if at is not None else self._at or 0)
        self._turn(record)
        if header.kind is Kind.LOSS:
            self._lose(record)
        self._links[header.seq] = record.link
        self._at = at if at is not None else self._at

    def head(self, sent: SentHead) -> None:
        """A head; one that is known already is passed over."""
        last = self._continuity.last
        seq = self._continuity.position.seq
        if last is None:
            raise Refused(IncidentKind.SIGNATURE, seq, "a head before the first record")
        try:
            name = signer_name(last.incarnation)
            text = (
                sent.note.rpartition("\n\n")[0] + "\n" if self._key is None else open_note(sent.note, name, self._key)
            )
            head = read_head(text)
        except ValueError as error:
            raise Refused(IncidentKind.SIGNATURE, seq, error) from error
        covered = head.position
        if head.incarnation != last.incarnation:
            raise Refused(IncidentKind.SIGNATURE, seq, "the head names another incarnation than its signer")
        link = self._links.get(covered.seq) or self._held.link(covered.seq)
        if covered.seq > seq or (link is not None and link != covered.link):
            raise Refused(IncidentKind.FORK, covered.seq, f"a signed head names another record {covered.seq}")
        if covered.seq > self._signed:
            self.heads.append(KnownHead(seq, covered.seq, self._key is not None, sent.note))
            self._signed = covered.seq

    def _follow(self, header: Header, link: str) -> None:
        try:
            self._continuity.follow(header, link)
        except BrokenLink as error:
            raise Refused(IncidentKind.TURN, header.seq, error) from error

    def _land(self, record: Record) -> None:
        """The first record after a gap is believed: it is the notice that lists what is open there, or a start."""
        header, last = record.header, self._continuity.last
        listed = still_open(record)
        if header.kind is not Kind.START and listed is None:
            raise Refused(IncidentKind.TURN, header.seq, "after a gap comes the notice that begins a segment")
        if last is None or last.incarnation != header.incarnation:
            self._key = None
        self._continuity.position = Position(header.seq, record.link)
        self._continuity.last = header
        if listed is not None:
            now = {call_key(call) for call in listed}
            for key in set(self._held.open_calls()) - now:
                self.calls[key] = replace(self._held.call(key), state=State.ENDED)
            self.calls |= {key: Turned(State.OPEN, self._held.call(key).intent_seq, header.seq) for key in now}
        self._gap_before = None

    def _start(self, record: Record) -> None:
        try:
            start = read_start(record)
        except ValueError as error:
            what = f"the incarnation is not certified: {error}"
            raise Refused(IncidentKind.CERTIFICATE, record.header.seq, what) from error
        if start.identity_key != self._identity:
            what = "the identity that certifies the incarnation is not the one that is registered"
            raise Refused(IncidentKind.CERTIFICATE, record.header.seq, what)
        self._key = start.incarnation_key

    def _tell_time(self, before: Header | None, header: Header, at: int | None) -> None:
        if at is None:
            what = f"`at` is no time: {header.at[:40]!r}"
            self._note(IncidentKind.CLOCK, header.incarnation, header.seq, what, 0)
        elif self._at is not None and self._at - at > BACKWARDS_US:
            what = f"the wall clock of the sidecar goes back by {(self._at - at) / 1e6:.0f} s"
            self._note(IncidentKind.CLOCK, header.incarnation, header.seq, what, self._at - at)
        if before is not None and before.incarnation == header.incarnation:
            passed = header.boot - before.boot
            if passed > self._silence_us and header.seq == before.seq + 1:
                self.silences.append(Silence(before.seq, self._at or 0, at or 0, passed))

    def _live(self, record: Record, at: int) -> None:
        header = record.header
        started = header.kind is Kind.START
        if started or not self.lives or self.lives[-1].incarnation != header.incarnation:
            seq = header.seq
            if _INCARNATION.fullmatch(header.incarnation) is None:
                raise Refused(IncidentKind.CERTIFICATE, seq, "the incarnation is not named by 32 hex digits")
            self.lives.append(Life(header.incarnation, seq, seq, at, at, header.boot, started, self._key))
        life = self.lives[-1]
        life.last_seq, life.last_at, life.last_boot = header.seq, at, header.boot
        life.heartbeats += header.kind is Kind.HEARTBEAT
        life.closed = header.kind is Kind.CLOSE
        if started:
            isolation = record.body.get("isolation")
            life.isolation = isolation if isinstance(isolation, str) and isolation in _ISOLATIONS else None

    def _turn(self, record: Record) -> None:
        header = record.header
        call, kind, seq = header.call, header.kind, header.seq
        if kind is Kind.OUTCOME and not _is_outcome(record.body.get("outcome")):
            raise Refused(IncidentKind.TURN, seq, "an outcome that is none")
        if (listed := still_open(record)) is not None:
            self._compare(listed, seq)
        if call is None:
            if kind in _WITH_CALL:
                raise Refused(IncidentKind.TURN, seq, f"{kind.value} without a call")
            return
        key = call_key(call)
        before = self.calls.get(key) or self._held.call(key)
        forgotten = self._missing and kind is Kind.LATE and before.state in {State.NOTHING, State.ASKED}
        try:
            # What a gap took may have begun and ended a call.
            state = turn(call, State.ENDED if forgotten else before.state, kind)
        except OutOfTurn as error:
            raise Refused(IncidentKind.TURN, seq, error) from error
        if state is not State.NOTHING:
            self.calls[key] = Turned(state, seq if kind is Kind.INTENT else before.intent_seq, seq)

    def _compare(self, listed: list[str], seq: int) -> None:
        """A segment's notice lists the calls that are open: what `verify` asks of the file that begins with it."""
        is_open = {key for key in self._held.open_calls() if key not in self.calls}
        is_open |= {key for key, turned in self.calls.items() if turned.state is State.OPEN}
        if listed != sorted(set(listed)) or {call_key(call) for call in listed} != is_open:
            raise Refused(IncidentKind.TURN, seq, "the calls that the notice lists are not those that are open")

    def _lose(self, record: Record) -> None:
        lost = record.body.get("lost")
        if not isinstance(lost, dict):
            raise Refused(IncidentKind.TURN, record.header.seq, "a loss that does not say what was lost")
        amount = sum(count for count in lost.values() if type(count) is int and count > 0)
        what = f"the sidecar could not write {amount} records, and says so"
        self.noted.append(Noted(IncidentKind.LOST, str(record.header.seq), record.header.seq, what, amount))

    def _note(self, kind: IncidentKind, about: str, seq: int, what: str, amount: int) -> None:
        """Once for each batch and matter, with the largest amount."""
        for number, noted in enumerate(self.noted):
            if (noted.kind, noted.about) == (kind, about):
                self.noted[number] = replace(noted, amount=max(noted.amount, amount))
                return
        self.noted.append(Noted(kind, printable(about), seq, printable(what), amount))


def _is_outcome(value: object) -> bool:
    return isinstance(value, str) and value in OUTCOMES
