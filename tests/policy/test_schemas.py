"""The schemas of the input documents against the documents that the path makes, as OPA's own validator sees them."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from policy.engine import EntryPoint
from policy.opa_process import find_opa
from policy.quality.documents import schemas
from policy.quality.gates import SCHEMAS
from policy.vocabulary import Listed
from proxy.path.result import decide_result
from proxy.wire.message import read_server
from tests.path.stage import TENANT, HandClock, OrdersInHand, ScriptedEngine, callers, make_gate, open_journal
from tests.policy.asking import call, document, listing, read_only, tool_call

Document = dict[str, Any]

_RECENT = {"at": 1_767_225_600, "upstream": "u", "method": "tools/call", "name": None, "effect": "deny"}
_APPROVAL = {"id": "a", "approvers": ["ann"], "authn_method": "peer", "at": "2026-01-01T00:00:00Z"}


def _problems(name: str, asked: Document) -> Any:
    """What OPA's validator says of a document under one of the files."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    given = json.dumps({"schema": schema, "document": asked})
    binary = find_opa(os.environ)  # noqa: TID251  (where OPA is, is the machine's setting)
    query = "json.match_schema(input.document, input.schema)[1]"
    done = subprocess.run([binary, "eval", "-I", query], input=given, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["result"][0]["expressions"][0]["value"]


def _decision(**changes: Any) -> Document:
    found: Document = json.loads(document(tool_call("read", {"path": "/srv"}, definition=read_only())))
    return found | changes


def _listing(*items: Listed) -> Document:
    found: Document = json.loads(listing("tools/list", *items))
    return found


async def _result(tmp_path: Path, answer: str) -> Document:
    """What policy is asked about an answer, from the step of the path that asks."""
    asked: list[Document] = []

    def ask(entry: EntryPoint, given: Any) -> Any:
        assert entry is EntryPoint.RESULT
        asked.append(given)
        return {"effect": "allow", "reason": "fits"}

    clock = HandClock()
    async with open_journal(tmp_path, clock) as journal:
        gate = make_gate(journal, engine=ScriptedEngine(ask), orders=OrdersInHand(), upstreams={}, clock=clock)
        caller = callers()[0]
        assert caller.tenant == TENANT
        (message,) = read_server(answer.encode(), limit=1 << 20).messages
        await decide_result(gate, structs.replace(tool_call("read"), caller=caller), message)
    return asked[0]


FIT: dict[str, tuple[str, Callable[[], Document]]] = {
    "a call of a tool": ("decision", _decision),
    "an unknown method without params": ("decision", lambda: json.loads(document(call("x/y")))),
    "a caller with a past": ("decision", lambda: _decision(session=_decision()["session"] | {"recent": [_RECENT]})),
    "an approval": ("decision", lambda: _decision(approval=_APPROVAL)),
    "a list of nothing": ("listing", _listing),
    "a list of a tool, and of what has no definition": (
        "listing",
        lambda: _listing(
            Listed("echo", {"digest": "sha256:0", "pinned": "same", "annotations": {"readOnlyHint": True}}),
            Listed("told without its digest", {"pinned": "new", "annotations": {}}),
            Listed("file:///a"),
        ),
    ),
}


@pytest.mark.parametrize("name", FIT)
def test_what_the_path_asks_fits(name: str) -> None:
    schema, make = FIT[name]
    assert _problems(schema, make()) == []
    assert _problems("input", make()) == []


@pytest.mark.parametrize(
    "answer",
    [
        '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}',
        '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}',
    ],
    ids=["a result", "an error"],
)
async def test_what_is_asked_of_an_answer_fits(answer: str, tmp_path: Path) -> None:
    asked = await _result(tmp_path, answer)
    assert _problems("result", asked) == []
    assert _problems("input", asked) == []
    assert _problems("decision", asked) != []


UNFIT: dict[str, tuple[str, Callable[[], Document]]] = {
    "a member more": ("decision", lambda: _decision(other=1)),
    "items of no list": ("decision", lambda: _decision(items=[])),
    "another version": ("decision", lambda: _decision(version=2)),
    "a member more of the call": ("decision", lambda: _decision(call=_decision()["call"] | {"tool": "x"})),
    "a direction that there is not": ("decision", lambda: _decision(call=_decision()["call"] | {"direction": "up"})),
    "a name that is a number": ("decision", lambda: _decision(call=_decision()["call"] | {"name": 1})),
    "a call without items": ("listing", _decision),
    "an answer without a result": ("result", _decision),
    "an item without a name": ("listing", lambda: _decision(items=[{"definition": {}}])),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_it_never_asks_does_not_fit(name: str) -> None:
    schema, make = UNFIT[name]
    assert _problems(schema, make()) != []


def test_each_member_is_required() -> None:
    whole = _decision()
    for member in whole:
        assert _problems("decision", {name: value for name, value in whole.items() if name != member}) != [], member


def test_the_files_are_what_the_code_says() -> None:
    found = {path.stem: json.loads(path.read_text()) for path in SCHEMAS.iterdir()}
    assert found == dict(schemas())
