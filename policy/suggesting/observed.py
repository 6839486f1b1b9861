"""What evidence says of calls that could be granted: by whom, at what, how often, and with which arguments.

Only what policy was asked about, and allowed or refused for want of a grant, counts. What was contained, malformed or
denied by somebody is left out, and told by its count.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from evidence.record import Kind
from evidence.tailing import FolderTail, Found
from evidence.unsealing import Unsealer
from policy.grants import ANY

_GRANTED_AS: Final[Mapping[str, str]] = {
    "tools/call": "tools/call",
    "prompts/get": "prompts/get",
    "resources/read": "resources/read",
    "resources/subscribe": "resources/read",
    "sampling/createMessage": "sampling/createMessage",
    "elicitation/create": "elicitation/create",
    "roots/list": "roots/list",
}
"""The method that a grant names for a call; every other one follows from these."""

NAMELESS: Final = frozenset({"sampling/createMessage", "elicitation/create", "roots/list"})
"""Methods that go by no name: a grant for one is for all of them."""

_CLEAR_NAME: Final = 127
"""Characters of a name that a record holds in the clear; of a longer one it may hold the beginning alone."""

_WANTING: Final = frozenset({"not_granted", "argument_refused"})
"""Reasons of the starter that a grant cures. Every other denial is somebody's word, and stays."""

_ASKING: Final = frozenset({"approved", "approval_required"})
_TRUSTED: Final = frozenset({"read_only_trusted", "upstream_trusted"})

_DENIED: Final = "denied_by_operator"

Effect = Literal["allow", "deny", "require_approval"]


class Wanted(NamedTuple):
    """What a grant would be for; `refused`: the calls were not let through, `deny`: an operator has denied them."""

    tenant: str
    agent: str
    upstream: str
    method: str
    name: str
    effect: Effect
    refused: bool

    @property
    def thing(self) -> tuple[str, ...]:
        """Who, and what, whatever became of it."""
        return self[:5]


@dataclass(slots=True)
class Seen:
    """Calls that one grant is for. `arguments` has each different set of those that could be opened, once."""

    calls: int = 0
    opened: int = 0
    first: str = ""
    last: str = ""
    reasons: Counter[str] = field(default_factory=Counter)
    arguments: dict[str, Mapping[str, Any]] = field(default_factory=dict)


class LeftOut(Exception):
    """No grant comes of a call; the text says why."""


class Asked(NamedTuple):
    """One call: what it wants, why it was allowed or refused, when, and its arguments if they could be opened."""

    wanted: Wanted
    reason: str
    at: str
    arguments: Mapping[str, Any] | None


@dataclass(slots=True)
class Observed:
    """All that was seen: by what it wants, and how many calls were left out, by the reason."""

    seen: dict[Wanted, Seen] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, asked: Asked) -> None:
        """Count one call."""
        seen = self.seen.setdefault(asked.wanted, Seen())
        seen.calls += 1
        seen.reasons[asked.reason] += 1
        seen.first = min(seen.first or asked.at, asked.at)
        seen.last = max(seen.last, asked.at)
        if asked.arguments is not None:
            seen.opened += 1
            seen.arguments.setdefault(json.dumps(asked.arguments, sort_keys=True), asked.arguments)

    def settle(self) -> None:
        """Take out what an operator has denied at some time, also if it was asked for before that."""
        denied = {wanted.thing for wanted in self.seen if wanted.effect == "deny"}
        for wanted in [wanted for wanted in self.seen if wanted.thing in denied]:
            self.left_out[f"denied: {_DENIED}"] += self.seen.pop(wanted).calls


def observe(evidence: Path, unsealer: Unsealer | None) -> Observed:
    """What the records of a folder say; opened where `unsealer` can. Raises Unreadable, OSError."""
    observed = Observed()
    running: dict[str | None, Asked] = {}
    for found in FolderTail(evidence).more():
        header = found.record.header
        if header.kind is Kind.OUTCOME:
            _end(observed, running.pop(header.call, None), found.record.body)
        elif header.kind in (Kind.INTENT, Kind.REFUSAL):
            try:
                asked = asked_of(found, unsealer)
            except LeftOut as why:
                observed.left_out[str(why)] += 1
                continue
            if header.kind is Kind.INTENT:
                running[header.call] = asked
            else:
                observed.add(asked)
    for asked in running.values():
        observed.add(asked)
    observed.settle()
    return observed


def _end(observed: Observed, asked: Asked | None, body: Mapping[str, Any]) -> None:
    if asked is None:
        return
    if body.get("outcome") == "killed" or body.get("reason") == "contained":
        observed.left_out["stopped by an order"] += 1
    else:
        observed.add(asked)


def asked_of(found: Found, unsealer: Unsealer | None) -> Asked:
    """What the record of an intent or a refusal says. Raises LeftOut."""
    body, header = found.record.body, found.record.header
    refused = header.kind is Kind.REFUSAL
    effect, reason = _judged(body, refused=refused)
    request = body["request"]
    method = _GRANTED_AS.get(request["method"])
    if method is None:
        raise LeftOut(f"{request['method']} follows from other grants, or can have none")
    opened = _opened_call(found, unsealer)
    name = ANY if method in NAMELESS else _exact(request["name"], opened)
    caller = body["caller"]
    if ANY in (caller["tenant"], caller["agent"], request["upstream"]):
        raise LeftOut("a grant would be for others, too")
    wanted = Wanted(caller["tenant"], caller["agent"], request["upstream"], method, name, effect, refused)
    return Asked(wanted, reason, header.at, _arguments(opened))


def _judged(body: Mapping[str, Any], *, refused: bool) -> tuple[Effect, str]:
    """What a grant would have to say, and the reason that policy gave. Raises LeftOut."""
    decision, refusal = body.get("decision"), body.get("refusal") or {}
    if decision is None or (refused and refusal.get("code") != decision["reason"]):
        raise LeftOut(f"refused before or beside policy: {refusal.get('code')}")
    if decision.get("exception") is not None:
        raise LeftOut("allowed by an exception, for a limited time")
    said = decision.get("shadow") or decision
    reason = str(said.get("reason"))
    if reason in _TRUSTED:
        raise LeftOut(f"needs no grant: {reason}")
    if reason in _ASKING or said.get("effect") == "require_approval":
        return "require_approval", reason
    if reason == _DENIED:
        return "deny", reason
    if said.get("effect") != "allow" and reason not in _WANTING:
        raise LeftOut(f"denied: {reason}")
    return "allow", reason


def _opened_call(found: Found, unsealer: Unsealer | None) -> Mapping[str, Any]:
    """`call` of the input that policy was asked with; empty if that is sealed, erased, or was not kept."""
    opened = (unsealer.open(found) if unsealer else None) or {}
    if not isinstance(opened.get("input"), str):
        return {}
    document = json.loads(opened["input"])
    call = document.get("call") if isinstance(document, dict) else None
    return call if isinstance(call, dict) else {}


def _exact(clear: str | None, opened: Mapping[str, Any]) -> str:
    """The whole name, and no other's beginning. Raises LeftOut."""
    name = opened.get("name") or clear
    if name is None:
        raise LeftOut("the name is sealed: the tenant's private key opens it (--key)")
    if name.endswith(ANY) or (not opened and len(name) > _CLEAR_NAME):
        raise LeftOut("the name is that of more than one thing")
    return str(name)


def _arguments(opened: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if not opened:
        return None
    arguments = opened.get("arguments")
    return arguments if isinstance(arguments, dict) else {}


def ordered(observed: Observed) -> list[tuple[Wanted, Seen]]:
    """By caller and thing; what was let through comes before what was refused."""
    return sorted(observed.seen.items(), key=lambda one: (one[0].refused, one[0]))
