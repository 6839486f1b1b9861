"""The sidecar's side of exceptions: evidence has which came and went, and time does not go back under them."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from evidence.journal import Journal
from evidence.record import Entry, Kind
from policy.engine import Policy, PolicyRefused
from policy.exceptions import Exempt, as_mapping
from policy.grants import ANY
from policy.steady_clock import KEEP_SECONDS, TOLD_SECONDS, SteadyClock, keep_mark
from proxy.path.bodies import MAX_NAME

MAX_NOTED: Final = 50
"""Exceptions that one notice names; more of them make more notices."""

_UNIT: Final = "exceptions"


class ExceptionNotes:
    """What evidence has been told of exceptions so far."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._known: Mapping[str, Exempt] = {}
        self._problems: tuple[str, ...] = ()

    def news(self, policy: Policy, tenants: Iterable[str]) -> list[tuple[str, Entry]]:
        """The notices that are due now that `policy` is active, each with the tenant whose chain it is for."""
        before, self._known = self._known, policy.exceptions
        told, self._problems = self._problems, policy.exception_problems
        fresh = [one for id, one in policy.exceptions.items() if before.get(id) != one]
        gone = [one for id, one in before.items() if id not in policy.exceptions]
        if not fresh and not gone and told == policy.exception_problems:
            return []
        return [(tenant, entry) for tenant in tenants for entry in _entries(tenant, policy, fresh, gone)]


def _entries(tenant: str, policy: Policy, fresh: Sequence[Exempt], gone: Sequence[Exempt]) -> Iterator[Entry]:
    """The first notice has all that is to be said once; a tenant is told nothing of another one's exceptions."""
    mine = [one for one in fresh if one.scope.tenant in (ANY, tenant)]
    lost = [one.id for one in gone if one.scope.tenant in (ANY, tenant)]
    once: dict[str, Any] = {
        "gone": lost[:MAX_NOTED],
        "gone_count": len(lost),
        "refused": list(policy.exception_problems),
    }
    for begin in range(0, max(1, len(mine)), MAX_NOTED):
        those = mine[begin : begin + MAX_NOTED]
        body = {"event": "exceptions", "revision": policy.exceptions_revision, "loaded": [_told(one) for one in those]}
        yield Entry(Kind.NOTICE, body | once, secrets=_secrets(those), unit=_UNIT, retention=Kind.NOTICE.value)
        once = {}


def _told(one: Exempt) -> dict[str, Any]:
    scope = one.scope
    return {
        "exception": one.id,
        "issuer": one.issuer,
        "tenant": scope.tenant,
        "agent": scope.agent,
        "upstream": scope.upstream,
        "method": scope.method,
        "name": scope.name[:MAX_NAME],
        "from": one.begins,
        "until": one.ends,
    }


def _secrets(those: Sequence[Exempt]) -> dict[str, bytes]:
    """The reasons, and the rules for arguments, which may say what only the operator knows."""
    if not those:
        return {}
    return {"exceptions": json.dumps([as_mapping(one) for one in those], ensure_ascii=False).encode()}


def note_exceptions(
    notes: ExceptionNotes,
    policy: Policy,
    journals: Mapping[str, Journal],
    append: Callable[[Journal, Entry], None],
) -> None:
    """Have evidence told what is new."""
    for tenant, entry in notes.news(policy, journals):
        append(journals[tenant], entry)


async def keep_time(clock: SteadyClock, state: Path, policy: Callable[[], Policy | None]) -> None:
    """Keep the time that has come, until cancelled, while there are exceptions that a clock set back could revive."""
    try:
        while True:
            await _keep_now(clock, state, policy())
            await asyncio.sleep(KEEP_SECONDS)
    except asyncio.CancelledError:
        _keep(clock, state, policy())
        raise


async def _keep_now(clock: SteadyClock, state: Path, policy: Policy | None) -> None:
    await asyncio.to_thread(_keep, clock, state, policy)


def _keep(clock: SteadyClock, state: Path, policy: Policy | None) -> None:
    if policy is not None and policy.exceptions:
        with suppress(OSError, PolicyRefused):
            keep_mark(state, clock.now().unix_ns)


def exception_notes(policy: Policy | None, clock: object) -> list[str]:
    """What /readyz says of exceptions that do not count, and of a clock that was set back."""
    found = [] if policy is None else list(policy.exception_problems)
    if isinstance(clock, SteadyClock) and clock.behind_seconds >= TOLD_SECONDS:
        found.append(
            f"clock: it is {clock.behind_seconds} s behind what it has been; policy goes by the later time until it "
            "has caught up (clock.mark in the state folder)"
        )
    return found
