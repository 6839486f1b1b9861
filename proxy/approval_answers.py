"""Answering approvals for a person: which one is meant, whether this person may, and the answer, signed and kept."""

import json
from typing import TYPE_CHECKING, Any, Final

from policy.approval import Answer, Event, NoTurn, SameApprover, seal
from policy.approval_store import Approval, answered, listed

if TYPE_CHECKING:
    import sqlite3

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

EVENTS: Final = {"approve": Event.GRANT, "reject": Event.REJECT}
"""What a person says, and what it does."""


class NoneSuch(LookupError):
    """No approval, or more than one, begins with what was given."""


class MayNot(Exception):
    """This person is not one of those whom policy names, or the approval is past this answer; the text says which."""


def meant(database: "sqlite3.Connection", id: str, now: int) -> Approval:
    """The approval that `id`, or the beginning of one, names. Raises NoneSuch, sqlite3.Error."""
    found = [one for one in listed(database, now, every=True) if one.asked.id.startswith(id)]
    if len(found) != 1:
        raise NoneSuch(f"there is no approval {id}" if not found else f"more than one approval begins with {id}")
    return found[0]


def give(
    database: "sqlite3.Connection",
    key: "Ed25519PrivateKey",
    approval: Approval,
    event: Event,
    approver: str,
    authn_method: str,
    now: int,
) -> Approval:
    """The approval after the answer of `approver`, who was verified by `authn_method`. Raises MayNot, sqlite3.Error."""
    asked = approval.asked
    if asked.approvers and approver not in asked.approvers:
        raise MayNot(f"{approver} is none of {', '.join(asked.approvers)}")
    signed = seal(Answer(asked.id, asked.binding, event, approver, authn_method, now), key)
    try:
        return answered(database, asked.id, event, approver, signed, now)
    except (NoTurn, SameApprover) as late:
        raise MayNot(str(late)) from late


def shown(one: Approval) -> dict[str, Any]:
    """An approval as JSON; times are seconds since 1970, `params` is what of them an approver is shown."""
    asked = one.asked
    return {
        "id": asked.id,
        "state": str(one.state),
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
        "answered_by": [json.loads(answer)["approver"] for answer in one.answers],
    }
