"""The opa engine: a real OPA at the other end of a Unix socket, or of loopback TCP.

What counts is checked on each answer: HTTP 200, exactly one value, and the revision of the loaded bundle, which
must be that of the active policy or of the one that is becoming active, and never an earlier one again. Who listens
on a Unix socket is looked at before anything is sent there.
How the bundle comes to OPA is the business of whoever runs it; in development that is `opa_process`.
"""

import asyncio
import os
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final

import orjson

from evidence.files import replace_file
from policy.bundle import bundle_revision, pack
from policy.engine import (
    UNDEFINED,
    Answer,
    CannotDecide,
    EngineFailed,
    EngineTimeout,
    EngineUnavailable,
    EntryPoint,
    Policy,
    PolicyMoved,
    PolicyRefused,
)
from policy.opa_wire import Connections
from policy.peer import trusted_users
from policy.planning import plan_document
from policy.precedence import Precedence
from policy.reads import EVERYTHING, Reads, reads_of
from policy.vetting import smoke_inputs, smoke_problems

BUDGET_SECONDS: Final = 0.05
ACTIVATION_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
_BEHIND: Final = "OPA answered for the policy before the one that it has answered for already"
_PATIENT_SECONDS: Final = 2.0


class OpaEngine:
    """Asks an OPA at `address`: `unix:/path` or `http://127.0.0.1:8181`.

    OPA is brought its bundle by this engine, at `bundle`, or by somebody else; an activation waits until OPA answers
    with the revision of the policy. What this engine brings is never ahead of what it knows: no answer is of a policy
    that is not active or becoming so.
    """

    def __init__(
        self,
        address: str,
        budget_seconds: float = BUDGET_SECONDS,
        activation_seconds: float = ACTIVATION_SECONDS,
        users: AbstractSet[int] | None = None,
        bundle: Path | None = None,
        precedence: Precedence | None = None,
    ) -> None:
        """Nothing is connected yet. On a Unix socket OPA is of one of `users`, else of this process's user or root."""
        self._bundle = bundle
        self._connections = Connections(address, trusted_users(os.geteuid()) if users is None else users)
        self._budget_seconds = budget_seconds
        self._activation_seconds = activation_seconds
        self._active: Policy | None = None
        self._activating: Policy | None = None
        self._reads = EVERYTHING
        self._moved_on = False
        self._former: frozenset[str] = frozenset()
        self._problem: str | None = None
        self._precedence = precedence or Precedence()

    @property
    def name(self) -> str:
        """`opa`."""
        return "opa"

    @property
    def active(self) -> Policy | None:
        """The policy whose answers count; None before the first activation."""
        return self._active

    @property
    def reads(self) -> Reads:
        """What the active policy reads; everything while another one is becoming active, which may read more."""
        return self._reads if self._activating is None else EVERYTHING

    async def activate(self, policy: Policy) -> None:
        """Wait until OPA answers for `policy`, then ask the smoke table.

        Raises PolicyRefused, or EngineUnavailable if nobody is there to ask: the old one stays active.
        """
        self._activating, self._moved_on = policy, False
        try:
            await self._bring(policy)
            try:
                await self._wait_for(policy)
                await self._vet(policy)
            except BaseException:
                if self._active is not None:
                    await self._bring(self._active)
                raise
            reads = await asyncio.to_thread(_reads_of, policy)
            if self._active is not None:
                self._former = revisions_of(self._active) - revisions_of(policy)
            self._active, self._reads = policy, reads
        finally:
            self._activating = None

    async def _bring(self, policy: Policy) -> None:
        """Put the policy where OPA looks for it, if that is for this engine to do. Raises EngineUnavailable."""
        if self._bundle is None:
            return
        try:
            await asyncio.to_thread(_write, self._bundle, policy)
        except OSError as error:
            raise EngineUnavailable(f"the bundle for OPA cannot be written: {error}") from error

    async def ask(self, entry: EntryPoint, document: bytes) -> Answer:
        """Evaluate `entry` over `document`. Raises EngineUnavailable, EngineTimeout or EngineFailed."""
        try:
            answer = await self._in_turn(entry, document)
        except (EngineUnavailable, EngineFailed) as error:
            self._problem = error.what
            raise
        self._problem = None
        return answer

    def problem(self) -> str | None:
        """Why the engine is not ready, or None."""
        return "no policy is active" if self._active is None else self._problem

    async def close(self) -> None:
        """Close the connections; idempotent."""
        self._connections.close()

    async def _in_turn(self, entry: EntryPoint, document: bytes) -> Answer:
        """A part of a list takes OPA ten times as long as a call, and on one core a question waits for those before."""
        if entry is EntryPoint.LISTING:
            await self._precedence.give_way()
            return await self._ask(entry, document)
        with self._precedence:
            return await self._ask(entry, document)

    async def _ask(self, entry: EntryPoint, document: bytes) -> Answer:
        narrowed = self._activating is None
        value, revision = await self._query(entry, document, self._budget_seconds)
        if self._activating is not None and revision in revisions_of(self._activating):
            self._moved_on = True
            if narrowed:
                raise PolicyMoved("the policy changed under a question that was put for the one before it")
            return Answer(value, self._activating)
        active = self._active
        if active is not None and revision in revisions_of(active):
            if self._activating is not None and self._moved_on:
                raise PolicyMoved(_BEHIND)
            return Answer(value, active)
        if revision in self._former:
            raise PolicyMoved(_BEHIND)
        raise EngineFailed(f"OPA answered for revision {revision!r}, which is not the active one")

    async def _query(self, entry: EntryPoint, document: bytes, seconds: float) -> tuple[Any, str]:
        path = f"/v1/data/{entry.value}?provenance=true"
        try:
            answered = await self._connections.post(path, b'{"input":' + document + b"}", seconds=seconds)
        except TimeoutError as error:
            raise EngineTimeout(f"no decision within {seconds} s") from error
        except OSError as error:
            raise EngineUnavailable(f"OPA cannot be asked: {error}") from error
        return _read(answered.status, answered.body)

    async def _wait_for(self, policy: Policy) -> None:
        deadline = asyncio.get_running_loop().time() + self._activation_seconds
        _, entry, document = next(iter(smoke_inputs()))
        seen = "nothing"
        unreachable = False
        while asyncio.get_running_loop().time() < deadline:
            try:
                _, revision = await self._query(entry, document, _PATIENT_SECONDS)
            except CannotDecide as error:
                seen, unreachable = error.what, isinstance(error, EngineUnavailable)
            else:
                unreachable = False
                if revision in revisions_of(policy):
                    return
                seen = f"an answer for revision {revision!r}"
            await asyncio.sleep(_POLL_SECONDS)
        problem = f"OPA did not load the policy within {self._activation_seconds} s: {seen}"
        raise EngineUnavailable(problem) if unreachable else PolicyRefused((problem,))

    async def _vet(self, policy: Policy) -> None:
        answers: dict[tuple[EntryPoint, bytes], Any] = {}
        for _, entry, document in smoke_inputs():
            try:
                answers[entry, document], _ = await self._query(entry, document, _PATIENT_SECONDS)
            except EngineUnavailable:
                # Nobody answers any more: that says nothing of the policy, which is tried again.
                raise
            except CannotDecide as error:
                answers[entry, document] = error
        problems = smoke_problems(policy, lambda entry, document: _recall(answers[entry, document]))
        if problems:
            raise PolicyRefused(problems)


def _write(path: Path, policy: Policy) -> None:
    replace_file(path, pack(policy), mode=0o644)


def revisions_of(policy: Policy) -> frozenset[str]:
    """What an OPA that has loaded `policy` calls it.

    One that is fed by us names rules and data. One that has loaded the signed bundle itself knows nothing of grants and
    trusted upstreams of this machine: it counts only where there are none.
    """
    ours = policy.data.get("agentgate", {})
    by_itself = policy.signed and not any(ours.get(name) for name in ("grants", "trusted_upstreams", "exceptions"))
    return frozenset({bundle_revision(policy), *((policy.revision,) if by_itself else ())})


def _reads_of(policy: Policy) -> Reads:
    """What the policy reads of its input, by the embedded compiler's plan; everything if that has none for it."""
    try:
        return reads_of(plan_document(policy))
    except (PolicyRefused, KeyError, TypeError, IndexError):
        return EVERYTHING


def _recall(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _read(status: int, body: bytes) -> tuple[Any, str]:
    """The value and the revision in OPA's answer. Raises EngineFailed."""
    if status != 200:
        raise EngineFailed(f"OPA answered HTTP {status}")
    try:
        answer = orjson.loads(body)
        bundles = answer["provenance"]["bundles"]
        (revision,) = {str(bundle["revision"]) for bundle in bundles.values()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineFailed("OPA answered without the revision of exactly one bundle") from error
    return answer.get("result", UNDEFINED), revision
