"""The desk: a Unix socket on which people other than the agent answer approvals; the kernel says who is there.

    GET  /approvals             {"approvals": [...]}, what waits; with ?all=1 what is over, too
    POST /approvals/ID          {"answer": "approve" | "reject"}: {"id", "state"}

Refusals are {"error": text}: 403 for whoever may not, 404 for no such approval, 400 for a body that says anything else.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import orjson
from aiohttp import web

from policy.engine import CannotDecide
from policy.peer import peer_uid
from proxy.approval_answers import EVENTS, MayNot, NoneSuch, shown
from proxy.gate import Gate
from proxy.login import login_of
from proxy.path.approve import unix_seconds

PEER: Final = "peer"
"""How an approver is verified here: by the user id at the other end of the socket."""

MAX_BODY_BYTES: Final = 4096

Admitted = Callable[[web.Request], Awaitable[str]]
"""Who asks, if that is one of the approvers. Raises HTTPForbidden."""


def desk_app(gate: Gate, approvers: frozenset[str], agent_uid: int | None) -> web.Application:
    """The application. `approvers` are login names; `agent_uid` is turned away whatever its name."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    admitted = partial(_admitted, approvers, agent_uid)
    app.router.add_get("/approvals", partial(_list, gate, admitted))
    app.router.add_post("/approvals/{id:[0-9a-f]{4,32}}", partial(_answer, gate, admitted))
    return app


async def _admitted(approvers: frozenset[str], agent_uid: int | None, request: web.Request) -> str:
    """Who asks. Raises HTTPForbidden."""
    connection = None if request.transport is None else request.transport.get_extra_info("socket")
    uid = None if connection is None else peer_uid(connection)
    if uid is None or uid == agent_uid:
        raise web.HTTPForbidden(body=_error("the agent answers nothing here"), content_type="application/json")
    login = await asyncio.to_thread(login_of, uid)
    if login not in approvers:
        text = f"{login} is none of the people whom approvals.approvers names"
        raise web.HTTPForbidden(body=_error(text), content_type="application/json")
    return login


async def _list(gate: Gate, admitted: Admitted, request: web.Request) -> web.Response:
    await admitted(request)
    try:
        found = await gate.approvals.listed(unix_seconds(gate), every=request.query.get("all") == "1")
    except CannotDecide as failed:
        return _refused(503, failed.what)
    return _json({"approvals": [shown(one) for one in found]})


async def _answer(gate: Gate, admitted: Admitted, request: web.Request) -> web.Response:
    approver = await admitted(request)
    event = EVENTS.get(_said(await request.read()))
    if event is None:
        return _refused(400, 'the body says neither {"answer": "approve"} nor {"answer": "reject"}')
    try:
        after = await gate.approvals.give(request.match_info["id"], event, approver, PEER, unix_seconds(gate))
    except NoneSuch as none:
        return _refused(404, str(none))
    except MayNot as refused:
        return _refused(403, str(refused))
    except CannotDecide as failed:
        return _refused(503, failed.what)
    return _json({"id": after.asked.id, "state": str(after.state)})


def _said(body: bytes) -> Any:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    answer = said.get("answer") if isinstance(said, dict) and said.keys() == {"answer"} else ""
    return answer if isinstance(answer, str) else ""


def _json(members: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(members), content_type="application/json")


def _refused(status: int, text: str) -> web.Response:
    return web.Response(status=status, body=_error(text), content_type="application/json")


def _error(text: str) -> bytes:
    return orjson.dumps({"error": text})
