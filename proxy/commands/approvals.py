"""`agentgate approvals list|approve|reject`: what waits for a human, and a human's answer, signed."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from proxy.commands.command import Command, ends_with_its_reader, place_arguments, places_of

if TYPE_CHECKING:
    import sqlite3

_LOCAL: Final = "local"
"""How the approver was verified: by the user id under which this command runs."""

Shown = dict[str, Any]


class _Office(Protocol):
    """Where approvals are listed and answered: the state folder, or a sidecar's socket."""

    def list(self, *, every: bool) -> list[Shown]:
        """The approvals, the oldest first."""
        ...

    def answer(self, id: str, what: str) -> Shown:
        """The id and the state after the answer. Raises _Refused."""
        ...


class _Refused(Exception):
    """Nothing was answered; the text says why."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    below = parser.add_subparsers(metavar="list|approve|reject", dest="what", required=True)
    listing = below.add_parser("list", help="what waits for an answer")
    _office_arguments(listing)
    listing.add_argument("--all", action="store_true", dest="every", help="what is over, too")
    listing.add_argument("--json", action="store_true", dest="as_json", help="one JSON object a line")
    for what, help in (("approve", "let the call pass once, when it is repeated"), ("reject", "refuse it")):
        answering = below.add_parser(what, help=help)
        _office_arguments(answering)
        answering.add_argument("id", metavar="ID", help="the approval's id, or its first characters")


def _office_arguments(parser: argparse.ArgumentParser) -> None:
    place_arguments(parser)
    parser.add_argument("--socket", metavar="PATH", help="ask the sidecar that listens there (approvals.listen)")


def _run(given: argparse.Namespace) -> int:
    ends_with_its_reader()
    try:
        with _office(given) as office:
            return _list(office, given) if given.what == "list" else _answer(office, given)
    except _Refused as refused:
        sys.stderr.write(f"agentgate approvals: {refused}\n")
        return 1


def _list(office: _Office, given: argparse.Namespace) -> int:
    found = office.list(every=given.every)
    sys.stdout.writelines(f"{json.dumps(one)}\n" if given.as_json else _lines(one) for one in found)
    if not found and not given.as_json:
        sys.stdout.write("nothing waits\n")
    return 0


def _answer(office: _Office, given: argparse.Namespace) -> int:
    after = office.answer(given.id, given.what)
    sys.stdout.write(f"{after['id']}  {after['state']}\n")
    return 0


def _lines(one: Shown) -> str:
    from evidence.printable import printable

    left = max(0, one["expires_at"] - int(time.time())) // 60
    rest = [f"{left} min left"] if one["state"] in ("waiting", "granted") else []
    if one["steps"] > 1:
        rest.append(f"{len(one['answered_by'])} of {one['steps']} have approved")
    who = f"{one['tenant']}/{one['agent']}"
    head = f"{one['id']}  {one['state']:<9} {who}  {one['upstream']}  {one['method']}  {one['name']}"
    return f"{printable('  '.join([head, *rest]))}\n    {printable(one['params'])}\n"


def _office(given: argparse.Namespace) -> AbstractContextManager[_Office]:
    return _at_socket(given) if given.socket else _in_state(given)


@contextmanager
def _at_socket(given: argparse.Namespace) -> Iterator[_Office]:
    from proxy.approval_client import Desk, Unanswered

    desk = Desk(given.socket)
    try:
        yield desk
    except Unanswered as refused:
        raise _Refused(str(refused)) from refused


@contextmanager
def _in_state(given: argparse.Namespace) -> Iterator[_Office]:
    from policy.approval_store import FILE, opened

    state = places_of(given).state
    if not (state / FILE).exists():
        yield _Empty()
        return
    database = opened(state / FILE)
    try:
        yield _Folder(database, state)
    finally:
        database.close()


class _Empty:
    """A state folder in which nothing was ever asked."""

    def list(self, *, every: bool) -> list[Shown]:
        return []

    def answer(self, id: str, what: str) -> Shown:
        raise _Refused(f"there is no approval {id}")


class _Folder:
    """The approvals of a state folder that this user may write."""

    def __init__(self, database: "sqlite3.Connection", state: Path) -> None:
        self._database, self._state = database, state

    def list(self, *, every: bool) -> list[Shown]:
        from policy.approval_store import listed
        from proxy.approval_answers import shown

        return [shown(one) for one in listed(self._database, int(time.time()), every=every)]

    def answer(self, id: str, what: str) -> Shown:
        from evidence.keys import signing_key
        from proxy.approval_answers import EVENTS, MayNot, NoneSuch, give, meant
        from proxy.approvals import KEY
        from proxy.login import operator_name

        now, key = int(time.time()), signing_key(self._state, KEY)
        try:
            approval = meant(self._database, id, now)
            after = give(self._database, key, approval, EVENTS[what], operator_name(), _LOCAL, now)
        except (NoneSuch, MayNot) as refused:
            raise _Refused(str(refused)) from refused
        return {"id": after.asked.id, "state": str(after.state)}


COMMANDS: Final = {"approvals": Command(_arguments, _run)}
