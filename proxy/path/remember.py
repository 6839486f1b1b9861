"""Remember: what a caller has done before is there when policy decides, and what it does now for the next call.

A caller's own session id narrows which recent calls policy is shown; it never resets counts, labels or limits.
"""

from typing import Any, Final

from policy.decision import LimitReached
from policy.vocabulary import Call, Caller, Permit, SessionView
from proxy.gate import Gate
from proxy.memory import Deed
from proxy.path.bodies import owner_text

_REMEMBERED: Final = ("calls", "denials", "labels", "recent")


def remembers(gate: Gate) -> bool:
    """Whether the active policy reads anything of a caller's past."""
    return any(gate.engine.reads.reaches("session", part) for part in _REMEMBERED)


def owner(gate: Gate, caller: Caller) -> str:
    """The caller's name in memory: a keyed pseudonym."""
    return gate.journals[caller.tenant].pseudonym("memory", owner_text(caller))


async def view_of(gate: Gate, call: Call) -> SessionView:
    """What policy is shown of a caller's past, as far as it looks. Raises MemoryFailed."""
    if remembers(gate):
        return await past(gate, call.caller, call.session)
    return gate.sessions.view(call.caller, call.session)


async def past(gate: Gate, caller: Caller, session: str | None) -> SessionView:
    """What policy may know of a caller's past. Raises MemoryFailed."""
    found = await gate.memory.past(owner(gate, caller))
    name = _session(gate, caller, session)
    recent = tuple(_shown(deed) for deed in found.recent if name is None or deed.get("session") == name)
    return SessionView(session, found.calls, found.denials, found.labels, recent)


async def remember(gate: Gate, permit: Permit) -> None:
    """A permitted call, on disk when this returns. Raises LimitReached (then it is not permitted), MemoryFailed."""
    obligations = permit.obligations
    deed = _deed(gate, permit.call, "allow", labels=obligations.labels, limits=obligations.limits)
    if (reached := await gate.memory.remember(deed)) is not None:
        await remember_denied(gate, permit.call)
        raise LimitReached(permit.decision, reached)


async def leave_labels(gate: Gate, call: Call, labels: tuple[str, ...]) -> None:
    """Labels of the answer to a call, on disk when this returns. Raises MemoryFailed."""
    await gate.memory.label(owner(gate, call.caller), labels)


async def remember_denied(gate: Gate, call: Call) -> None:
    """A call that was not permitted."""
    await gate.memory.remember(_deed(gate, call, "deny", denied=True))


def _deed(gate: Gate, call: Call, effect: str, **more: Any) -> Deed:
    now = gate.clock.now()
    shown = {
        "at": now.unix_ns // 1_000_000_000,
        "upstream": call.upstream,
        "method": call.method,
        "name": call.name,
        "effect": effect,
        "session": _session(gate, call.caller, call.session),
    }
    return Deed(call.caller.tenant, owner(gate, call.caller), now.unix_ns, shown, **more)


def _session(gate: Gate, caller: Caller, session: str | None) -> str | None:
    return None if session is None else gate.journals[caller.tenant].pseudonym("session", session)


def _shown(deed: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in deed.items() if name != "session"}
