"""Elicit: the client helps to have its call approved, in the form that it takes; without one it is told to come again.

modern  the call is answered with a question (`input_required`), and comes back with the answer (`resume`)
legacy  the question goes to the client as a request of ours while its own call is held

A page that was opened is no consent: the call is then held until somebody has answered, for so long as configuration
says. After it policy decides again, with what was answered.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import orjson

from evidence.printable import printable
from policy.approval import Asked, Event, State
from policy.decision import ApprovalNeeded
from policy.vocabulary import Caller
from proxy.elicitation import (
    METHOD,
    Form,
    Reply,
    declared_here,
    event_of,
    form_params,
    question,
    read_reply,
    url_params,
)
from proxy.gate import Gate
from proxy.path.approve import unix_seconds
from proxy.path.outlive import ROUND_METHODS
from proxy.path.resume import Returned, result, state_of
from proxy.vocabulary import ClientLeg, Exchange
from proxy.wire.ids import message_id
from proxy.wire.message import Message, MessageKind

POLL_SECONDS: Final = 0.25
ALIVE_SECONDS: Final = 3.0
"""How often a client whose call is held hears of it where a stream is open: some wait five seconds for a byte."""

_DEFAULT_REASON: Final = "A human must approve this."


async def agree(
    gate: Gate,
    exchange: Exchange,
    client: ClientLeg,
    needed: ApprovalNeeded,
    returned: Returned | None,
    given_up: Callable[[], bool],
) -> None:
    """Have somebody answer; when this returns somebody has, and policy must decide again.

    `returned` is what a modern client brings back, `given_up` tells whether a legacy one has cancelled its call.
    Raises `needed` where the client cannot help, must first be asked, or nobody has answered in time.
    """
    asked, message = needed.asked, exchange.envelope.messages[0]
    holding = _Holding(gate, exchange.caller, client, needed, given_up)
    if asked is None or len(exchange.envelope.messages) != 1 or message.kind is not MessageKind.REQUEST or exchange.own:
        raise needed
    if returned is not None and returned.approval == asked.id:
        client.hold()
        await _heed(gate, exchange.caller, needed, asked, returned.form, returned.reply, holding)
        return
    form = _form(gate, exchange, message, asked)
    if form is None:
        raise needed
    params = _params(gate, exchange, needed, asked, form)
    if exchange.modern:
        needed.question = await _round(gate, exchange, message, asked, form, params)
        raise needed
    reply = await _asked_now(gate, exchange, client, params, holding)
    await _heed(gate, exchange.caller, needed, asked, form, reply, holding)


def _form(gate: Gate, exchange: Exchange, message: Message, asked: Asked) -> Form | None:
    """The form in which this client can help with this approval."""
    if exchange.modern:
        forms = declared_here(message) if message.method in ROUND_METHODS else frozenset[Form]()
    elif gate.upstreams[exchange.upstream].passthrough_auth or not _takes_events(exchange):
        # A stream begun for us commits to a status before the upstream has said its own (401, for one).
        forms = frozenset()
    else:
        forms = gate.sessions.forms(exchange.caller, exchange.upstream, exchange.session)
    if asked.client_attested and Form.FORM in forms:
        return Form.FORM
    usable = Form.URL in forms and gate.approvals.answerable and gate.approvals.page(asked.id) is not None
    return Form.URL if usable else None


def _takes_events(exchange: Exchange) -> bool:
    accepts = (value for name, value in exchange.headers if name.lower() == "accept")
    return exchange.transport != "http" or any("text/event-stream" in value or "*/*" in value for value in accepts)


def _params(gate: Gate, exchange: Exchange, needed: ApprovalNeeded, asked: Asked, form: Form) -> dict[str, Any]:
    subject = printable(f"{asked.name or asked.method} at {asked.upstream}")
    text = question(form, needed.decision.message or _DEFAULT_REASON, subject, printable(asked.shown))
    url = gate.approvals.page(asked.id)
    if form is Form.URL and url is not None:
        return url_params(None if exchange.modern else asked.id, url, text)
    return form_params(text)


async def _round(
    gate: Gate, exchange: Exchange, message: Message, asked: Asked, form: Form, params: dict[str, Any]
) -> dict[str, Any] | None:
    key = f"agentgate/{gate.new_id()}"
    state = await state_of(gate, exchange, message, asked.id, form, key)
    return None if state is None else result(key, params, state)


async def _asked_now(
    gate: Gate, exchange: Exchange, client: ClientLeg, params: dict[str, Any], holding: "_Holding"
) -> Reply | None:
    id = f"agentgate/{gate.new_id()}"
    identified = message_id(id)
    assert identified is not None  # noqa: S101  (a text is an id)
    key = exchange.key(identified)
    request = {"jsonrpc": "2.0", "id": id, "method": METHOD, "params": params}
    with gate.asking.expecting(key) as answer, holding.place():
        await client.ask(orjson.dumps(request))
        while await holding.goes_on():
            await asyncio.wait((answer,), timeout=POLL_SECONDS)
            if answer.done():
                return read_reply(answer.result().result)
    raise holding.needed


async def _heed(
    gate: Gate,
    caller: Caller,
    needed: ApprovalNeeded,
    asked: Asked,
    form: Form,
    reply: Reply | None,
    holding: "_Holding",
) -> None:
    if reply is None:
        raise needed
    event = event_of(form, reply)
    if event is None:
        await _answered(gate, asked, holding)
    elif event is Event.CANCEL:
        await gate.approvals.cancel(asked.id, unix_seconds(gate))
        needed.approval, needed.detail = None, "the client's user has cancelled it"
        raise needed
    else:
        await gate.approvals.attest(asked.id, event, caller.user or caller.agent, unix_seconds(gate))


async def _answered(gate: Gate, asked: Asked, holding: "_Holding") -> None:
    """Hold the call until the approval does not wait any more."""
    with holding.place():
        while await holding.goes_on():
            approval = await gate.approvals.look(asked.id, unix_seconds(gate))
            if approval is None or approval.state is not State.WAITING:
                return
            await asyncio.sleep(POLL_SECONDS)
    raise holding.needed


class _Holding:
    """One call that is held: where too many are, or nobody answers in time, it comes to `needed`."""

    def __init__(
        self, gate: Gate, caller: Caller, client: ClientLeg, needed: ApprovalNeeded, given_up: Callable[[], bool]
    ) -> None:
        self.needed = needed
        self._approvals = gate.approvals
        self._caller = caller
        self._client = client
        self._given_up = given_up
        self._heard = self._until = 0.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """The block for whose length one more call is held. Raises `needed` where too many are."""
        self._heard = asyncio.get_running_loop().time()
        self._until = self._heard + self._approvals.wait_seconds
        if not self._approvals.take_place(self._caller):
            raise self.needed
        try:
            yield
        finally:
            self._approvals.leave_place(self._caller)

    async def goes_on(self) -> bool:
        """Whether the call may still be held; its client hears of it now and then. Raises ClientGone."""
        now = asyncio.get_running_loop().time()
        if now - self._heard >= ALIVE_SECONDS:
            self._heard = now
            await self._client.keep_alive()
        return now < self._until and not self._given_up()
