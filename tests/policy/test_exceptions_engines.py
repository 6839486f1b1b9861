"""Exceptions on both engines: the same decision, held against the same exception, and a listing that goes with it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import structs

from evidence.clock import Instant
from policy.bundle import load
from policy.decision import BadException, hidden, input_text, input_values, listing_values, read_decision, require_fit
from policy.embedded import EmbeddedEngine
from policy.engine import Engine, EntryPoint, Policy
from policy.exception_file import Found
from policy.exceptions import Exempt
from policy.grants import Grant, index
from policy.opa import OpaEngine
from policy.opa_process import OpaProcess, find_opa
from policy.vocabulary import Definition, Listed
from tests.policy.asking import SESSION, SIDECAR, call, tool_call

NOW: Final = 1_767_225_600
KNOWN: Final = Definition("sha256:" + "0" * 64, {})


def _exempt(id: str, name: str, begins: int = -10, ends: int = 100, agent: str = "billing", **rules: Any) -> Exempt:
    scope = Grant("u", "tools/call", name, tenant="default", agent=agent, **rules)
    return Exempt(id, scope, NOW + begins, NOW + ends, "reason", "issuer")


EXCEPTIONS: Final = (
    _exempt("drop", "drop", arguments={"path": {"under": ["/srv"]}}),
    _exempt("tmp", "tmp_*"),
    _exempt("hard", "hard"),
    _exempt("soft", "soft"),
    _exempt("other", "other", agent="x"),
    _exempt("later", "later", begins=50),
    _exempt("over", "over", ends=-1),
    _exempt("long", "long", ends=90_000),
    _exempt("ask", "ask"),
)
GRANTS: Final = [
    Grant("u", "tools/call", "hard", effect="deny"),
    Grant("u", "tools/call", "soft", effect="deny", exceptable=True),
    Grant("u", "tools/call", "ask", effect="require_approval", exceptable=True),
]
NO, DENIED, APPROVAL = ("not_granted", None), ("denied_by_operator", None), ("approval_required", None)
ROWS: Final[dict[str, tuple[str, dict[str, str], int, tuple[str, str | None]]]] = {
    "within its rules": ("drop", {"path": "/srv/a"}, 0, ("excepted", "drop")),
    "beyond them": ("drop", {"path": "/etc"}, 0, NO),
    "a prefix": ("tmp_x", {}, 0, ("excepted", "tmp")),
    "dots that are no step": ("tmp_..x", {}, 0, ("excepted", "tmp")),
    "a step": ("tmp_/../x", {}, 0, NO),
    "a firm denial": ("hard", {}, 0, DENIED),
    "a denial that lets itself be excepted": ("soft", {}, 0, ("excepted", "soft")),
    "another agent's": ("other", {}, 0, NO),
    "not begun": ("later", {}, 49, NO),
    "begun": ("later", {}, 50, ("excepted", "later")),
    "over": ("over", {}, 0, NO),
    "its last second": ("tmp_x", {}, 99, ("excepted", "tmp")),
    "ended": ("tmp_x", {}, 100, NO),
    "longer than policy lets it": ("long", {}, 0, NO),
    "a wish for an approval": ("ask", {}, 0, ("excepted", "ask")),
}
UNKNOWN: Final = {"hard": DENIED, "soft": DENIED, "ask": APPROVAL}
"""What is said of tools that are not known; of all others that nothing was granted."""


@asynccontextmanager
async def _running(kind: str, policy: Policy, folder: Path) -> AsyncIterator[Engine]:
    if kind == "embedded":
        engine: Engine = EmbeddedEngine(budget_seconds=5.0)
        await engine.activate(policy)
        yield engine
        await engine.close()
        return
    process = OpaProcess(find_opa(os.environ), folder / "opa")  # noqa: TID251  (where OPA is, is the machine's setting)
    await process.start(policy)
    opa = OpaEngine(process.address, budget_seconds=5.0)
    try:
        await opa.activate(policy)
        yield opa
    finally:
        await opa.close()
        await process.stop()


async def _said(engine: Engine, name: str, arguments: Any, seconds: int, definition: Definition | None) -> Any:
    now = Instant((NOW + seconds) * 1_000_000_000, 5)
    asked = tool_call(name, arguments, definition=definition)
    values = input_values(asked, session=SESSION, sidecar=SIDECAR, now=now)
    answer = await engine.ask(EntryPoint.DECISION, input_text(engine.reads.narrowed(values)))
    decision = read_decision(answer, engine=engine.name, decision_id="d")
    require_fit(decision, asked, answer.policy, now)
    return decision.reason, decision.exception


@pytest.mark.parametrize("kind", ["embedded", "opa"])
async def test_what_is_excepted(kind: str, tmp_path: Path) -> None:
    policy = load("starter", grants=index(GRANTS), exceptions=Found(EXCEPTIONS))
    assert len(policy.exception_problems) == 1
    async with _running(kind, policy, tmp_path) as engine:
        for row, (name, arguments, seconds, expected) in ROWS.items():
            assert await _said(engine, name, arguments, seconds, KNOWN) == expected, row
            changed = structs.replace(KNOWN, pinned="changed")
            assert (await _said(engine, name, arguments, seconds, changed))[1] is None, row
            assert await _said(engine, name, arguments, seconds, None) == UNKNOWN.get(name, NO), row


@pytest.mark.parametrize("kind", ["embedded", "opa"])
@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, {"drop", "tmp_x", "soft", "ask"}), (60, {"drop", "tmp_x", "soft", "ask", "later"}), (100, {"ask"})],
)
async def test_what_is_listed_meanwhile(kind: str, seconds: int, shown: set[str], tmp_path: Path) -> None:
    policy = load("starter", grants=index(GRANTS), exceptions=Found(EXCEPTIONS))
    names = {name for name, *_ in ROWS.values()} - {"tmp_..x", "tmp_/../x"}
    items = [
        Listed(name, {"digest": "d", "pinned": "same", "annotations": {}, "findings": []}) for name in sorted(names)
    ]
    now = Instant((NOW + seconds) * 1_000_000_000, 5)
    values = listing_values(call("tools/list"), items, session=SESSION, sidecar=SIDECAR, now=now)
    async with _running(kind, policy, tmp_path) as engine:
        answer = await engine.ask(EntryPoint.LISTING, input_text(engine.reads.narrowed(values)))
    assert hidden(answer) == frozenset(names - shown)


async def test_a_policy_that_names_what_there_is_not(tmp_path: Path) -> None:
    (tmp_path / "policy.rego").write_text(
        'package agentgate\n\ndecision := {"effect": "allow", "reason": "excepted", "exception": "nobody"}\n'
    )
    policy = load(str(tmp_path), grants=None, exceptions=Found(EXCEPTIONS))
    async with _running("embedded", policy, tmp_path) as engine:
        with pytest.raises(BadException, match="not in force here"):
            await _said(engine, "drop", {}, 0, KNOWN)
