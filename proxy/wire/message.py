"""JSON-RPC messages as MCP uses them: bytes in, messages out, or the rule that refuses them.

Unknown members are none of our business and stay in `raw`, which is what is forwarded. What is
refused is what two readers could take for two different messages.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import orjson
from msgspec import Struct

from evidence.canonical import Spelled
from proxy.wire.ids import MessageId, is_too_long, message_id
from proxy.wire.json_text import MAX_DEPTH, Reading, elements, fold, read_json
from proxy.wire.rules import MAX_METHOD_BYTES, Malformed, Rule
from proxy.wire.uris import check_uri

__all__ = [
    "Envelope",
    "Message",
    "MessageId",
    "MessageKind",
    "error_answer",
    "meta",
    "modern_version",
    "read_client",
    "read_server",
    "result_answer",
    "trace",
]

MAX_BATCH: Final = 100
"""Messages in one array; only 2025-03-26 has batches, and no client was seen to send more than a handful."""

SERVER_MAX_DEPTH: Final = 128
"""Structured content of a tool nests deeper than what a client sends."""

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_TRACE_KEYS = ("traceparent", "tracestate", "baggage")
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_MESSAGE_MEMBERS = frozenset(("jsonrpc", "id", "method", "params", "result", "error"))
_PARAMS_MEMBERS = frozenset(
    ("name", "uri", "arguments", "_meta", "taskId", "task", "ref", "inputRequests", "inputResponses", "requestState",
     "requestId", "protocolVersion", "capabilities", "cursor", "notifications", "status", "result")
)  # fmt: skip
_RESULT_MEMBERS = frozenset(
    ("tools", "resources", "resourceTemplates", "prompts", "tasks", "content", "contents", "structuredContent",
     "isError", "inputRequests", "requestState", "resultType", "task", "taskId", "status", "result", "nextCursor",
     "ttlMs", "cacheScope", "_meta")
)  # fmt: skip
_REF_MEMBERS = frozenset(("type", "name", "uri"))
_LISTEN_MEMBERS = frozenset(("resourceSubscriptions",))
_TASK_MEMBERS = frozenset(("taskId", "ttl"))
_INPUT_MEMBERS = frozenset(("method", "params"))
_FOLDED: Final = {
    members: frozenset(map(fold, members))
    for members in (
        _MESSAGE_MEMBERS, _PARAMS_MEMBERS, _RESULT_MEMBERS, _REF_MEMBERS, _LISTEN_MEMBERS, _TASK_MEMBERS, _INPUT_MEMBERS
    )
}  # fmt: skip


class MessageKind(StrEnum):
    """What a message is, by the members that it has."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESULT = "result"
    ERROR = "error"


class Message(Struct, frozen=True):
    """One message. `raw` is its exact bytes; `inexact` the spellings of numbers (the id apart) that a double changes.

    Members that a message of its kind does not have are None; `id` is None for notifications and
    for a server's error that answers nothing in particular.
    """

    raw: bytes
    kind: MessageKind
    id: MessageId | None
    method: str | None
    params: Any
    result: Any
    error: Any
    inexact: tuple[str, ...]


class Envelope(Struct, frozen=True):
    """What one body, event or line holds: one message, or a batch of 1 to 100 in their order."""

    raw: bytes
    messages: tuple[Message, ...]
    batch: bool


def read_client(raw: bytes, *, limit: int, max_depth: int = MAX_DEPTH) -> Envelope:
    """Read what a client sent, at most `limit` bytes. Raises only Malformed."""
    envelope = _read(raw, limit, max_depth)
    for message in envelope.messages:
        if message.kind is MessageKind.ERROR and message.id is None:
            raise Malformed(Rule.ID_MISSING)
    return envelope


def read_server(raw: bytes, *, limit: int, max_depth: int = SERVER_MAX_DEPTH) -> Envelope:
    """Read what a server sent, at most `limit` bytes; its errors may have no id, or null. Raises only Malformed."""
    return _read(raw, limit, max_depth)


def meta(message: Message) -> Mapping[str, Any]:
    """The `_meta` object of the params or of the result; empty where there is none."""
    holder = message.result if message.kind is MessageKind.RESULT else message.params
    found = holder.get("_meta") if type(holder) is dict else None
    return found if type(found) is dict else _NOTHING


def modern_version(message: Message) -> str | None:
    """The revision that the message itself claims, as stateless revisions (2026-07-28) demand; None for legacy."""
    found = meta(message).get(VERSION_KEY) if message.method is not None else None
    return found if type(found) is str else None


def trace(message: Message) -> Mapping[str, str]:
    """The W3C trace context in `_meta`, where MCP carries it: traceparent, tracestate, baggage, as far as given."""
    found = meta(message)
    return {key: value for key in _TRACE_KEYS if type(value := found.get(key)) is str}


def result_answer(id: MessageId, result: Mapping[str, Any]) -> bytes:
    """A result of our own; it carries `resultType: "complete"` unless it says otherwise."""
    body = orjson.dumps({"resultType": "complete", **result})
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (id.text.encode(), body)


def error_answer(id: MessageId | None, code: int, message: str, data: Mapping[str, Any] | None = None) -> bytes:
    """An error of our own; without an id it answers `null`."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": dict(data)})
    text = b"null" if id is None else id.text.encode()
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (text, orjson.dumps(error))


def _read(raw: bytes, limit: int, max_depth: int) -> Envelope:
    if len(raw) > limit:
        raise Malformed(Rule.TOO_LARGE, f"{len(raw)} bytes; the limit is {limit}")
    reading = read_json(raw, max_depth=max_depth)
    if type(reading.value) is list:
        return _batch(raw, reading)
    if type(reading.value) is not dict:
        raise Malformed(Rule.NOT_A_MESSAGE)
    return Envelope(raw, (_message(raw, reading.value, inexact=bool(reading.inexact)),), batch=False)


def _batch(raw: bytes, reading: Reading) -> Envelope:
    values = reading.value
    if not values:
        raise Malformed(Rule.BATCH_EMPTY)
    if len(values) > MAX_BATCH:
        raise Malformed(Rule.BATCH_TOO_LONG, f"{len(values)} messages; the limit is {MAX_BATCH}")
    if any(type(value) is not dict for value in values):
        raise Malformed(Rule.BATCH_NESTED)
    inexact = bool(reading.inexact)
    try:
        parts = zip(elements(raw), values, strict=True)
        messages = tuple(_message(part, value, inexact=inexact) for part, value in parts)
    except Malformed as problem:
        raise Malformed(problem.rule, problem.what) from None
    ids = [(message.method is None, message.id.key) for message in messages if message.id]
    if len(set(ids)) != len(ids):
        raise Malformed(Rule.BATCH_ID_TWICE)
    return Envelope(raw, messages, batch=True)


def _message(raw: bytes, value: dict[str, Any], *, inexact: bool) -> Message:
    _check_look_alikes(value, _MESSAGE_MEMBERS)
    id = message_id(value.get("id"))
    try:
        kind = _kind(value)
        _check_id(value, kind, id)
        _check_members(value, kind)
    except Malformed as problem:
        asked = "method" in value and problem.rule is not Rule.MESSAGE_MIXED
        raise Malformed(problem.rule, problem.what, id=id if asked else None) from None
    get = value.get
    method = get("method")
    params = None if method is None else get("params")
    spellings = tuple(_spellings(value)) if inexact else ()
    return Message(raw, kind, id, method, params, get("result"), get("error"), spellings)


def _kind(value: dict[str, Any]) -> MessageKind:
    if value.get("jsonrpc") != "2.0":
        raise Malformed(Rule.JSONRPC_VERSION)
    match "method" in value, "result" in value, "error" in value:
        case True, False, False:
            return MessageKind.REQUEST if "id" in value else MessageKind.NOTIFICATION
        case False, True, False:
            return MessageKind.RESULT
        case False, False, True:
            return MessageKind.ERROR
        case False, False, False:
            raise Malformed(Rule.NOT_A_MESSAGE, "neither method nor result nor error")
    raise Malformed(Rule.MESSAGE_MIXED)


def _check_id(value: dict[str, Any], kind: MessageKind, id: MessageId | None) -> None:
    if id is not None or kind is MessageKind.NOTIFICATION:
        return
    if value.get("id") is not None:
        raise Malformed(Rule.ID_TOO_LONG if is_too_long(value["id"]) else Rule.ID_TYPE)
    if kind is not MessageKind.ERROR:
        raise Malformed(Rule.ID_NULL if "id" in value else Rule.ID_MISSING)


def _check_members(value: dict[str, Any], kind: MessageKind) -> None:
    match kind:
        case MessageKind.REQUEST | MessageKind.NOTIFICATION:
            _check_method(value["method"])
            params = value.get("params", _NOTHING)
            if type(params) is dict:
                _check_params(params)
                check_uri(value["method"], params)
            elif type(params) is not list and params is not _NOTHING:
                raise Malformed(Rule.PARAMS_TYPE)
        case MessageKind.RESULT:
            if type(value["result"]) is dict:
                _check_result(value["result"])
        case MessageKind.ERROR:
            if type(value["error"]) is not dict:
                raise Malformed(Rule.ERROR_TYPE)


def _check_method(method: object) -> None:
    if type(method) is not str or not 0 < len(method.encode()) <= MAX_METHOD_BYTES:
        raise Malformed(Rule.METHOD_TYPE)


def _check_params(params: dict[str, Any]) -> None:
    if is_too_long(params.get("requestId")):
        raise Malformed(Rule.ID_TOO_LONG, "requestId")
    _check_look_alikes(params, _PARAMS_MEMBERS)
    _check_inside(params, "ref", _REF_MEMBERS)
    _check_inside(params, "notifications", _LISTEN_MEMBERS)
    _check_input_requests(params)


def _check_result(result: dict[str, Any]) -> None:
    _check_look_alikes(result, _RESULT_MEMBERS)
    _check_inside(result, "task", _TASK_MEMBERS)
    _check_input_requests(result)


def _check_input_requests(holder: dict[str, Any]) -> None:
    """Each of them is decided as a message of its own would be."""
    requests = holder.get("inputRequests")
    for each in requests.values() if type(requests) is dict else ():
        if type(each) is dict:
            _check_look_alikes(each, _INPUT_MEMBERS)
            _check_inside(each, "params", _PARAMS_MEMBERS)


def _check_inside(holder: dict[str, Any], member: str, members: frozenset[str]) -> None:
    if type(value := holder.get(member)) is dict:
        _check_look_alikes(value, members)


def _check_look_alikes(value: dict[str, Any], members: frozenset[str]) -> None:
    """A case-insensitive reader takes `Params` for `params` even where there is no `params` beside it."""
    folded = _FOLDED[members]
    for key in value:
        if key not in members and fold(key) in folded:
            raise Malformed(Rule.KEY_TWIN)


def _spellings(value: dict[str, Any]) -> Iterator[str]:
    """The spellings of inexact numbers in every member but the id, first one first, without recursion."""
    stack: list[Any] = [part for key, part in reversed(value.items()) if key != "id"]
    while stack:
        part = stack.pop()
        if type(part) is Spelled:
            yield part.spelling
        elif type(part) is dict:
            stack.extend(reversed(part.values()))
        elif type(part) is list:
            stack.extend(reversed(part))
