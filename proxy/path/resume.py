"""Resume: a modern client comes back with the answer to a question of ours; the call goes on as it was before that.

What the question has put into the request (our `requestState`, the answer in `inputResponses`) is taken out again, and
what stood there before is put back: policy decides, and the upstream gets, the call that the client made at first.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, structs

from proxy.approval_state import PREFIX
from proxy.elicitation import METHOD, Form, Reply, read_reply
from proxy.gate import Gate
from proxy.path.approve import owner_of
from proxy.reading import read_request
from proxy.refusals import NoSuchApproval
from proxy.vocabulary import Exchange
from proxy.wire.message import Message, MessageKind
from proxy.wire.splice import member_texts, with_members

MAX_STATE_CHARACTERS: Final = 256 << 10
CARRIED: Final = ("inputResponses", "requestState")
"""The members of params that a round of questions takes up; those of the upstream's own round are carried along."""


class Returned(Struct, frozen=True):
    """The client's answer to what it was asked about the approval of this id."""

    approval: str
    form: Form
    reply: Reply | None


async def resume(gate: Gate, exchange: Exchange) -> tuple[Exchange, Returned | None]:
    """The exchange as the client made it at first, and what it answers. Raises NoSuchApproval, CannotDecide."""
    found = _ours(exchange)
    if found is None:
        return exchange, None
    message, state = found
    members = await gate.approvals.unseal(state) if len(state) <= MAX_STATE_CHARACTERS else None
    if members is None or members["about"] != about(gate, exchange, message):
        raise NoSuchApproval
    returned = Returned(members["approval"], Form(members["form"]), _reply(message.params, members["key"]))
    raw = with_members(message.raw, ("params",), {name: members["carried"].get(name) for name in CARRIED})
    envelope = await read_request(raw, limit=len(raw), depth=gate.bounds.depth)
    return structs.replace(exchange, envelope=envelope), returned


async def state_of(gate: Gate, exchange: Exchange, message: Message, approval: str, form: Form, key: str) -> str | None:
    """The state that brings the call back; None where what it would have to carry along is too long."""
    texts = member_texts(message.raw, ("params",)) if isinstance(message.params, dict) else {}
    carried = {name: texts[name] for name in CARRIED if name in texts}
    if sum(map(len, carried.values())) > MAX_STATE_CHARACTERS // 4:
        return None
    told = {"about": about(gate, exchange, message), "approval": approval, "form": form, "key": key}
    return await gate.approvals.seal({**told, "carried": carried})


def about(gate: Gate, exchange: Exchange, message: Message) -> list[Any]:
    """Whose request a state belongs to. What exactly is approved is told by the approval itself."""
    return [owner_of(gate, exchange.caller), exchange.upstream, message.method]


def _ours(exchange: Exchange) -> tuple[Message, str] | None:
    messages = exchange.envelope.messages
    if not exchange.modern or len(messages) != 1 or messages[0].kind is not MessageKind.REQUEST:
        return None
    params = messages[0].params
    state = params.get("requestState") if isinstance(params, dict) else None
    return (messages[0], state) if isinstance(state, str) and state.startswith(PREFIX) else None


def _reply(params: Mapping[str, Any], key: str) -> Reply | None:
    """The answer under `key`. Raises NoSuchApproval if others stand beside it: nobody asked for them in this round."""
    given = params.get("inputResponses")
    if not isinstance(given, Mapping) or given.keys() != {key}:
        raise NoSuchApproval
    return read_reply(given[key])


def result(key: str, params: Mapping[str, Any], state: str) -> dict[str, Any]:
    """The result that asks the client (2026-07-28, multi round-trip requests)."""
    asked = {key: {"method": METHOD, "params": dict(params)}}
    return {"resultType": "input_required", "inputRequests": asked, "requestState": state}
