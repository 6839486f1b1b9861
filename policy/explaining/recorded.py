"""The question of a record: which call it is about, what was decided, with which policy, and the input if it opens."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evidence.record import Kind
from evidence.tailing import FolderTail, Found
from evidence.unsealing import Unsealer
from policy.engine import Policy

SHORTEST_ID: Final = 4
"""Of the beginning of an id that may stand for it."""

_ASKED: Final = (Kind.INTENT, Kind.REFUSAL)
_BY_OBLIGATION: Final = ("limit_reached", "obligation_unmet")
"""Refusals of what a rule had let pass."""


class NotExplainable(Exception):
    """No record, no decision, or no input to explain; the text says which, and what is to be done."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One record of a call that policy decided. `opened` are the texts that a key opens: none if it is sealed."""

    found: Found
    opened: Mapping[str, Any]

    @property
    def document(self) -> bytes | None:
        """The input as it was asked with, None if sealed."""
        text = self.opened.get("input")
        return text.encode() if isinstance(text, str) else None

    @property
    def decision(self) -> Mapping[str, Any]:
        """As the record has it."""
        decision: Mapping[str, Any] = self.found.record.body["decision"]
        return decision

    @property
    def tenant(self) -> str:
        """Whose key opens it."""
        return self.found.record.header.tenant

    def heading(self) -> dict[str, Any]:
        """What stands in the clear of the record: which call, when, by whom, for what, and what became of it."""
        header, body = self.found.record.header, self.found.record.body
        refusal = body.get("refusal") or {}
        return {
            "call": header.call,
            "decision": self.decision["id"],
            "kind": str(header.kind),
            "at": header.at,
            "chain": self.found.chain.name,
            "seq": header.seq,
            "caller": f"{body['caller']['tenant']}/{body['caller']['agent']}",
            "upstream": body["request"]["upstream"],
            "method": body["request"]["method"],
            "name": body["request"]["name"],
            "effect": self.decision["effect"],
            "reason": self.decision["reason"],
            "refused_as": refusal.get("code"),
            "decided_by": self._decided_by(refusal.get("code")),
            "engine": self.decision["engine"],
        }

    @property
    def is_redacted(self) -> bool:
        """True if what is left of the input is not what policy was asked with."""
        return isinstance(text := self.opened.get("input"), dict) and "redacted" in text

    def _detail(self) -> str:
        text = self.opened.get("detail")
        return str(text.get("redacted", "")) if isinstance(text, dict) else str(text or "")

    def _decided_by(self, code: Any) -> dict[str, Any] | None:
        """The obligation that refused what the rules had let pass, as far as the record tells which it was."""
        if code not in _BY_OBLIGATION:
            return None
        kind, _, which = self._detail().partition(" ")
        name = "limit" if code == "limit_reached" else which
        given = self.decision["obligations"].get(name, [])
        values = given if isinstance(given, list) else [given]
        if code == "limit_reached" and kind:
            values = [one for one in values if one["key"] == which]
        return {"obligation": name or None, "values": values}


def recorded(folder: Path, wanted: str, unsealer: Unsealer | None) -> Recorded:
    """The record of the call whose id, or whose decision's id, begins so.

    Raises NotExplainable, and Unreadable or OSError for evidence that cannot be read.
    """
    if len(wanted) < SHORTEST_ID:
        raise NotExplainable(f"{wanted}: give at least {SHORTEST_ID} characters of the id")
    fitting = [found for found in FolderTail(folder).more() if _is_wanted(found, wanted)]
    calls = sorted({str(found.record.header.call) for found in fitting})
    if not fitting:
        raise NotExplainable(f"{wanted}: no record in {folder} has a call or a decision with this id")
    if len(calls) > 1:
        raise NotExplainable(f"{wanted}: {len(calls)} calls have ids that begin so: {', '.join(calls[:5])}")
    asked = [found for found in fitting if found.record.header.kind in _ASKED]
    if not asked:
        raise NotExplainable(_undecided(fitting[0]))
    if (found := asked[0]).record.body["decision"] is None:
        refusal = found.record.body["refusal"]["code"]
        raise NotExplainable(f"call {calls[0]} was refused as {refusal} before or without a decision of policy")
    return Recorded(found, (unsealer.open(found) if unsealer else None) or {})


def differences(decision: Mapping[str, Any], policy: Policy) -> list[str]:
    """What of the policy is another than it was when a recorded decision was made."""
    was = decision["versions"]
    now = {
        "policy": policy.revision,
        "data": policy.data_revision,
        "pins": policy.pins_revision,
        "exceptions": getattr(policy, "exceptions_revision", None),
    }
    return [f"{name}: {was.get(name)} then, {now[name]} now" for name in now if was.get(name) != now[name]]


def _is_wanted(found: Found, wanted: str) -> bool:
    header, body = found.record.header, found.record.body
    ids = [header.call, body.get("reference")]
    if header.kind in _ASKED and body.get("decision"):
        ids.append(body["decision"]["id"])
    return any(isinstance(one, str) and one.startswith(wanted) for one in ids)


def _undecided(found: Found) -> str:
    code = (found.record.body.get("refusal") or {}).get("code")
    said = f"was refused as {code}" if code else "is no call that policy decides"
    return f"record {found.record.header.seq} of {found.chain.name} {said}: there is no decision of policy in it"
