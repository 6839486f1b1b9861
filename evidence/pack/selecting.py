"""Which records of a chain a pack discloses: those that were asked for, and what they cannot be understood without.

A call is disclosed as a whole, with the approval that it was given and the earlier call that it goes on with.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evidence.pack.vocabulary import Selection
from evidence.record import Header, Kind, Record

ANCHORS = frozenset({Kind.START, Kind.LOSS, Kind.CLOSE})
"""Kinds whose bodies each check needs: keys, losses, how a life ended. Nothing there is personal."""


@dataclass(slots=True)
class _Call:
    """What is known of one call."""

    session: str | None = None
    agent: str | None = None
    continues: str | None = None
    approvals: set[str] = field(default_factory=set)
    records: list[int] = field(default_factory=list)
    wanted: bool = False


class Selecting:
    """Goes through the records of one chain; `chosen` is what a pack discloses of them."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._calls: defaultdict[str, _Call] = defaultdict(_Call)
        self._approvals: defaultdict[str, list[int]] = defaultdict(list)
        self._alone: set[int] = set()
        self.first: Header | None = None
        self.last: Header | None = None

    def take(self, record: Record) -> None:
        """Look at the next record."""
        header, body = record.header, record.body
        self.first, self.last = self.first or header, header
        about = _Call() if header.call is None else self._calls[header.call]
        about.session = about.session or _text(body.get("session"))
        about.agent = about.agent or _text(_member(body, "caller").get("agent"))
        about.continues = about.continues or _text(body.get("continues"))
        if (approval := _approval(body)) is not None:
            about.approvals.add(approval)
            self._approvals[approval].append(header.seq)
        about.records.append(header.seq)
        about.wanted |= self._asked(header, about)
        if header.call is None and about.wanted:
            self._alone.add(header.seq)

    def chosen(self) -> set[int]:
        """The numbers of the records whose bodies are selected."""
        found: set[int] = set(self._alone)
        waiting = [name for name, call in self._calls.items() if call.wanted]
        done: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in done or name not in self._calls:
                continue
            done.add(name)
            call = self._calls[name]
            found.update(call.records, *(self._approvals[each] for each in call.approvals))
            if call.continues is not None:
                waiting.append(call.continues)
        return found

    def _asked(self, header: Header, about: _Call) -> bool:
        selection = self._selection
        return (
            (selection.session is None or selection.session == about.session)
            and (selection.agent is None or selection.agent == about.agent)
            and (selection.call is None or selection.call == header.call)
            and selection.spans(header.at)
        )


def calls_named(records: Iterable[Record], prefix: str) -> set[str]:
    """The calls whose id begins so."""
    return {call for record in records if (call := record.header.call) is not None and call.startswith(prefix)}


def _approval(body: Mapping[str, Any]) -> str | None:
    """The approval that a record is about; an intent's is said by the approval record that was spent for it."""
    return _text(body.get("approval")) if "state" in body else None


def _member(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
