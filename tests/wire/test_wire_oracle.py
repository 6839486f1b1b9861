"""What we accept, every other reader must see as we do: the standard library, orjson and the MCP SDK are the oracle.

Documents are generated as text, not as values, so that odd spellings of one value occur.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from evidence.canonical import Spelled
from proxy.wire.json_text import MAX_DEPTH, read_json
from proxy.wire.message import Envelope, MessageKind, read_client, read_server
from proxy.wire.rules import Malformed

LIMIT = 1_000_000

_numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
_words = st.sampled_from(["method", "Method", "params", "id", "a", "name", "NAME", "\u212a", "jsonrpc", "x" * 30])
_strings = st.one_of(_words, st.text(max_size=8)).flatmap(
    lambda text: st.sampled_from([json.dumps(text), json.dumps(text, ensure_ascii=False)])
)
_odd = st.sampled_from(
    ["NaN", "Infinity", '"\\ud800"', '"\\ud83d\\ude00"', "-0", "01", "1.", '"\\u0000"', "\ufeff", "+1"]
)
_leaves = st.one_of(_numbers, _strings, st.sampled_from(["true", "false", "null"]), _odd)
_blank = st.sampled_from(["", "", " ", "\r", "\n", "\t "])


def _object(pairs: list[tuple[str, str]], blank: str) -> str:
    return "{" + ",".join(f"{blank}{key}{blank}:{value}{blank}" for key, value in pairs) + "}"


_texts = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(_object, st.lists(st.tuples(_strings, inner), max_size=4), _blank),
        st.builds(lambda items, blank: "[" + f"{blank},{blank}".join(items) + "]", st.lists(inner, max_size=4), _blank),
    ),
    max_leaves=12,
)


def _as_decimals(value: Any) -> Any:
    """The value with every number in its exact form."""
    match value:
        case Spelled():
            return Decimal(value.spelling)
        case bool() | None | str():
            return value
        case int() | float():
            return Decimal(repr(value))
        case dict():
            return {key: _as_decimals(part) for key, part in value.items()}
        case _:
            return [_as_decimals(part) for part in value]


@settings(max_examples=600, deadline=None)
@given(_texts)
def test_an_accepted_document_is_what_others_read(text: str) -> None:
    raw = text.encode(errors="surrogatepass")
    try:
        reading = read_json(raw)
    except Malformed:
        return
    exact = json.loads(raw, parse_float=Decimal, parse_int=Decimal)
    assert _as_decimals(reading.value) == exact
    if not reading.inexact:
        assert json.loads(raw) == reading.value
        assert orjson.loads(raw) == reading.value


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40), st.sampled_from([read_client, read_server]))
def test_any_bytes_are_read_or_refused(raw: bytes, read: Callable[..., Envelope]) -> None:
    with suppress(Malformed):
        read(raw, limit=LIMIT)


_members = st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "extra"]), _leaves)
_usual = st.fixed_dictionaries(
    {"jsonrpc": st.just('"2.0"')},
    optional={
        "id": st.one_of(_numbers, _strings, st.just("null")),
        "method": st.one_of(_strings, st.just('"tools/call"')),
        "params": st.one_of(_texts, st.just('{"name":"a","arguments":{}}')),
        "result": st.one_of(_texts, st.just("{}")),
        "error": st.just('{"code":-1,"message":"x"}'),
        "extra": _leaves,
    },
)


@settings(max_examples=600, deadline=None)
@given(st.one_of(_members, _usual))
def test_an_accepted_message_is_what_the_sdk_reads(members: dict[str, str]) -> None:
    raw = ("{" + ",".join(f'"{key}":{value}' for key, value in members.items()) + "}").encode(errors="surrogatepass")
    try:
        message = read_server(raw, limit=LIMIT).messages[0]
        theirs = jsonrpc_message_adapter.validate_json(raw).model_dump(mode="json")
    except (Malformed, ValidationError):
        return
    odd_id = message.id is not None and re.fullmatch("-0|.*[eE].*", message.id.text) and message.id.key.startswith("n:")
    if message.inexact or odd_id:
        return
    assert theirs.get("method") == message.method
    assert theirs.get("params") == message.params
    assert theirs.get("result") == message.result
    if message.kind is MessageKind.NOTIFICATION:
        assert "id" not in theirs
    elif message.id is not None:
        assert orjson.dumps(theirs["id"]).decode() == message.id.text


_FILLERS = ('"[[{"', '"\\"["', '"\\\\"', '"]"', "0", '{"a":1}')


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
@settings(max_examples=30, deadline=None)
@given(kinds=st.lists(st.tuples(st.booleans(), st.sampled_from(_FILLERS)), min_size=MAX_DEPTH, max_size=MAX_DEPTH))
def test_depth_is_exact_whatever_stands_in_strings(depth: int, kinds: list[tuple[bool, str]]) -> None:
    text = "[]"
    for in_object, filler in kinds[: depth - 1]:
        text = f'{{"a":{text},"b":{filler}}}' if in_object else f"[{filler},{text},{filler}]"
    if depth <= MAX_DEPTH:
        read_json(text.encode())
    else:
        with pytest.raises(Malformed, match="too_deep"):
            read_json(text.encode())
