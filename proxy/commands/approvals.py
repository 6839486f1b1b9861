"""`agentgate approvals list|approve|reject`: what waits for a human, and a human's answer, signed."""

import argparse
import json
import sqlite3
import sys
import time
from collections.abc import Sequence
from typing import Any, Final, TextIO

from policy.approval import Answer, Event, NoTurn, SameApprover, State, seal
from policy.approval_store import FILE, Approval, answered, listed, opened
from proxy.approvals import KEY
from proxy.commands.command import Command, ends_with_its_reader, place_arguments, places_of
from proxy.config import operator_name

_LOCAL: Final = "local"
"""How the approver was verified: by the user id under which this command runs."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    below = parser.add_subparsers(metavar="list|approve|reject", dest="what", required=True)
    listing = below.add_parser("list", help="what waits for an answer")
    place_arguments(listing)
    listing.add_argument("--all", action="store_true", dest="every", help="what is over, too")
    listing.add_argument("--json", action="store_true", dest="as_json", help="one JSON object a line")
    for what, help in (("approve", "let the call pass once, when it is repeated"), ("reject", "refuse it")):
        answering = below.add_parser(what, help=help)
        place_arguments(answering)
        answering.add_argument("id", metavar="ID", help="the approval's id, or its first characters")


def _run(given: argparse.Namespace) -> int:
    ends_with_its_reader()
    path = places_of(given).state / FILE
    if not path.exists():
        if given.what == "list":
            sys.stdout.write("" if given.as_json else "nothing waits\n")
            return 0
        sys.stderr.write(f"agentgate approvals: there is no approval {given.id}\n")
        return 1
    database = opened(path)
    try:
        now = int(time.time())
        if given.what == "list":
            return _list(listed(database, now, every=given.every), sys.stdout, as_json=given.as_json)
        found = [one for one in listed(database, now, every=True) if one.asked.id.startswith(given.id)]
        if len(found) != 1:
            problem = "there is no approval" if not found else "more than one approval begins with"
            sys.stderr.write(f"agentgate approvals: {problem} {given.id}\n")
            return 1
        return _answer(given, database, found[0], now)
    finally:
        database.close()


def _list(approvals: Sequence[Approval], out: TextIO, *, as_json: bool) -> int:
    out.writelines(f"{json.dumps(_members(one))}\n" if as_json else _lines(one) for one in approvals)
    if not approvals and not as_json:
        out.write("nothing waits\n")
    return 0


def _members(one: Approval) -> dict[str, Any]:
    asked = one.asked
    by = [json.loads(answer)["approver"] for answer in one.answers]
    return {
        "id": asked.id,
        "state": one.state,
        "tenant": asked.tenant,
        "agent": asked.agent,
        "upstream": asked.upstream,
        "method": asked.method,
        "name": asked.name,
        "params": asked.shown,
        "reason": asked.reason,
        "asked_at": asked.asked_at,
        "expires_at": asked.expires_at,
        "approvers": list(asked.approvers),
        "steps": asked.steps,
        "answered_by": by,
    }


def _lines(one: Approval) -> str:
    from evidence.printable import printable

    asked = one.asked
    left = max(0, asked.expires_at - int(time.time())) // 60
    until = f"{left} min left" if one.state in (State.WAITING, State.GRANTED) else ""
    who = f"{asked.tenant}/{asked.agent}"
    head = f"{asked.id}  {one.state:<9} {who}  {asked.upstream}  {asked.method}  {asked.name}  {until}"
    return f"{printable(head.rstrip())}\n    {printable(asked.shown)}\n"


def _answer(given: argparse.Namespace, database: sqlite3.Connection, found: Approval, now: int) -> int:
    from evidence.keys import signing_key

    event = Event.GRANT if given.what == "approve" else Event.REJECT
    approver, asked = operator_name(), found.asked
    if asked.approvers and approver not in asked.approvers:
        sys.stderr.write(f"agentgate approvals: {approver} is none of {', '.join(asked.approvers)}\n")
        return 1
    answer = Answer(asked.id, asked.binding, event, approver, _LOCAL, now)
    try:
        signed = seal(answer, signing_key(places_of(given).state, KEY))
        after = answered(database, asked.id, event, approver, signed, now)
    except (NoTurn, SameApprover) as late:
        sys.stderr.write(f"agentgate approvals: {late}\n")
        return 1
    sys.stdout.write(f"{asked.id}  {after.state}\n")
    return 0


COMMANDS: Final = {"approvals": Command(_arguments, _run)}
