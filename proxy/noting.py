"""Noting: what evidence has of the policy that decides, where nobody waits for the record."""

from collections.abc import Callable, Mapping

from evidence.journal import Journal
from evidence.record import Entry, Kind
from policy.activation import PolicyEvent
from policy.engine import Policy
from proxy.excepting import ExceptionNotes, note_exceptions
from proxy.metrics import Metrics


def note_policy(
    metrics: Metrics, exceptions: ExceptionNotes, journals: Mapping[str, Journal]
) -> Callable[[PolicyEvent], None]:
    """Each policy that becomes active, or cannot, is counted and recorded, and so are exceptions that come with it."""

    def note(event: PolicyEvent) -> None:
        bodies: list[dict[str, object]] = []
        if event.problems:
            metrics.policy_refused()
            bodies.append({"event": "policy_refused", "problems": list(event.problems)})
        if event.policy is not None:
            metrics.policy_activated()
            bodies.append(_policy_body(event.policy))
        for journal in journals.values():
            for body in bodies:
                append_unwaited(journal, Entry(Kind.NOTICE, body))
        if event.policy is not None:
            note_exceptions(exceptions, event.policy, journals, append_unwaited)

    return note


def _policy_body(policy: Policy) -> dict[str, object]:
    return {"event": "policy_activated", **named(policy), "data_revision": policy.data_revision}


def named(policy: Policy) -> dict[str, object]:
    """What evidence and /readyz call a policy; within its line a version says which files it has."""
    names = ("name", "revision", "version", "signed")
    return {name: getattr(policy, name) for name in names}


def append_unwaited(journal: Journal, entry: Entry) -> None:
    """Append where nobody waits; the journal itself declares what it loses."""
    journal.append(entry).add_done_callback(lambda done: done.cancelled() or done.exception())
