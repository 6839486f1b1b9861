"""JSON-RPC: what is accepted reads the same in the standard library, in orjson and in the MCP SDK."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from evidence.canonical import Spelled
from proxy.wire.message import Envelope, Message, MessageKind, read_client, read_server
from proxy.wire.rules import RULES, Malformed
from tests.fuzz.target import Target
from tests.fuzz.vectors import contents

LIMIT: Final = 1 << 20
JSON_WORDS: Final = (
    b'{"jsonrpc":"2.0","id":1,"method":"',
    b'"jsonrpc":"2.0"',
    b'"id":',
    b'"method":',
    b'"params":{',
    b'"result":{',
    b'"error":{',
    b'"_meta":{',
    b'"name":',
    b'"arguments":{',
    b"tools/call",
    b"\\u0000",
    b"\\ud83d\\ude00",
    b"\\ud800",
    b"\\u0061",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xc5\xbf",
    b"\xe2\x84\xaa",
    b"\xef\xbb\xbf",
    b"1e400",
    b"9007199254740993",
    b"-0",
    b"1.0",
    b"[[[[",
    b"]]]]",
    b"null",
    b"true",
)


def _client(raw: bytes) -> None:
    _check(raw, read_client)


def _server(raw: bytes) -> None:
    _check(raw, read_server)


def _check(raw: bytes, read: Callable[..., Envelope]) -> None:
    try:
        envelope = read(raw, limit=LIMIT)
    except Malformed as refusal:
        assert refusal.rule in RULES
        return
    theirs = json.loads(raw, parse_float=_exact, parse_int=_exact)
    assert envelope.raw == raw
    assert envelope.batch is isinstance(theirs, list)
    parts = theirs if envelope.batch else [theirs]
    at = 0
    for message, part in zip(envelope.messages, parts, strict=True):
        at = raw.index(message.raw, at) + len(message.raw)
        _check_standard(message, part)
        _check_orjson(message)
        _check_sdk(message)


def _check_standard(message: Message, part: dict[str, Any]) -> None:
    assert json.loads(message.raw, parse_float=_exact, parse_int=_exact) == part
    assert message.method == part.get("method")
    assert _decimals(message.result) == part.get("result")
    assert _decimals(message.error) == part.get("error")
    if message.method is not None:
        assert _decimals(message.params) == part.get("params")


def _check_orjson(message: Message) -> None:
    """Where each number is exact, orjson must see what we see; the id is text to us."""
    if message.inexact or _is_odd_id(message):
        return
    theirs = orjson.loads(message.raw)
    assert theirs.get("result") == message.result
    assert theirs.get("error") == message.error
    if message.method is not None:
        assert theirs.get("params") == message.params


def _check_sdk(message: Message) -> None:
    if message.inexact or _is_odd_id(message):
        return
    try:
        theirs = jsonrpc_message_adapter.validate_json(message.raw).model_dump(mode="json")
    except ValidationError:
        return
    assert theirs.get("method") == message.method
    assert theirs.get("params") == message.params
    assert theirs.get("result") == message.result
    if message.kind is MessageKind.NOTIFICATION:
        assert "id" not in theirs
    elif message.id is not None:
        assert orjson.dumps(theirs["id"]).decode() == message.id.text


def _is_odd_id(message: Message) -> bool:
    """An integer spelled as no SDK repeats it; it is text to us."""
    id = message.id
    return id is not None and id.key.startswith("n:") and re.fullmatch("-0|.*[eE].*|-?[0-9]{16,}", id.text) is not None


def _exact(spelling: str) -> Decimal | str:
    """A number without loss; its spelling where no decimal holds the exponent."""
    with suppress(InvalidOperation):
        return Decimal(spelling)
    return f"number {spelling}"


def _decimals(value: Any) -> Any:
    match value:
        case Spelled():
            return _exact(value.spelling)
        case bool() | None | str():
            return value
        case int() | float():
            return Decimal(repr(value))
        case dict():
            return {key: _decimals(part) for key, part in value.items()}
        case _:
            return [_decimals(part) for part in value]


CLIENT: Final = Target(
    "client",
    "a client's message is read by everybody alike, or refused as Malformed",
    _client,
    lambda: contents("messages.json") + contents("json.json"),
    JSON_WORDS,
)
SERVER: Final = Target(
    "server",
    "a server's message is read by everybody alike, or refused as Malformed",
    _server,
    lambda: contents("messages.json") + contents("json.json"),
    JSON_WORDS,
)
