"""What records say in the clear: of a caller, a request, a decision, an outcome. Whatever is personal stays out."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import structs

from evidence.journal import Journal
from policy.vocabulary import Call, Caller, Decision
from proxy.vocabulary import Ending
from proxy.wire.message import Message, MessageKind, trace

MAX_NAME: Final = 128
"""Characters of what a client chose (a method, a tool's or prompt's name) that a record holds in the clear."""

_CLEAR_NAMES: Final = frozenset({"tools/call", "prompts/get"})
"""Methods whose name is an identifier of the upstream's own; a URI or taskId can hold personal data."""


def brief(message: Message) -> dict[str, Any]:
    """A message that is no call, by its kind and method, and which trace contexts it carries."""
    method = message.method
    told: dict[str, Any] = {"kind": str(message.kind), "method": method and method[:MAX_NAME]}
    if message.kind is MessageKind.REQUEST and (context := trace(message)):
        told["trace"] = sorted(context)
    return told


def without_content(call: Call) -> Call:
    """The call without what its params say."""
    return structs.replace(call, params=None, arguments=None)


def outcome_body(ending: Ending) -> dict[str, Any]:
    """The clear part of an outcome: what the caller got and what is known of the effect are two things."""
    body = {
        "outcome": str(ending.outcome),
        "delivery": str(ending.delivery),
        "effect": str(ending.effect),
        "reason": ending.reason,
        "status": ending.status,
    }
    return body if ending.decision is None else {**body, "decision": decision_body(ending.decision)}


def decision_body(decision: Decision) -> dict[str, Any]:
    """The decision as evidence holds it; its message may quote arguments and is committed to apart."""
    return {
        "id": decision.id,
        "effect": decision.effect,
        "reason": decision.reason,
        "rules": list(decision.rules),
        "versions": dict(decision.versions),
        "engine": decision.engine,
        "signed": decision.signed,
        "shadow": None if decision.shadow is None else _shadow(decision.shadow),
        "exception": decision.exception,
        "obligations": decision.obligations,
    }


def _shadow(shadow: Mapping[str, Any]) -> dict[str, Any]:
    return {key: shadow.get(key) for key in ("effect", "reason", "rules")}


def owner_text(caller: Caller) -> str:
    """One text for each verified caller, to be made a pseudonym of."""
    return "\n".join((caller.tenant, caller.agent, caller.workload or "", caller.user or ""))


@lru_cache(maxsize=1024)
def caller_body(journal: Journal, caller: Caller) -> dict[str, Any]:
    """The caller as evidence holds it: a user only as a keyed pseudonym."""
    return {
        "tenant": caller.tenant,
        "agent": caller.agent,
        "workload": caller.workload,
        "user": None if caller.user is None else journal.pseudonym("user", caller.user),
        "authn_method": caller.authn_method,
    }


@lru_cache(maxsize=4096)
def session_body(journal: Journal, session: str | None) -> str | None:
    """A client's session id as evidence holds it: a keyed pseudonym."""
    return None if session is None else journal.pseudonym("session", session)


def erasure_unit(journal: Journal, session: str | None, caller: Caller, upstream: str) -> str:
    """What is erased together: a session, or without one what a caller does at one upstream."""
    return session_body(journal, session) or f"caller:{upstream}\n{owner_text(caller)}"


def request_body(call: Call) -> dict[str, Any]:
    """What a call asks for, as far as it is no secret."""
    return {
        "direction": call.direction,
        "transport": call.transport,
        "era": call.era,
        "protocol_version": call.protocol_version and call.protocol_version[:MAX_NAME],
        "upstream": call.upstream,
        "method": call.method[:MAX_NAME],
        "name": call.name[:MAX_NAME] if call.name is not None and call.method in _CLEAR_NAMES else None,
        "definition": call.definition.digest if call.definition else None,
    }
