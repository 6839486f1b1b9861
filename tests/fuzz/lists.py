"""Lists edited in place: the bytes that stay are found by a tokenizer that shares nothing with the product's."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from proxy.wire.message import Message, MessageKind, read_server
from proxy.wire.rules import Malformed
from proxy.wire.splice import drop_members, edit_list
from tests.fuzz.messages import JSON_WORDS, LIMIT
from tests.fuzz.pieces import Pieces
from tests.fuzz.target import Target

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{},:]|[^][{},:"\s]+', re.DOTALL)
_KEYS: Final = ("tools", "prompts", "resources", "resourceTemplates", "tasks")
_SET: Final = {"cacheScope": '"private"', "ttlMs": "5000"}
_PREFIX: Final = "agentgate/"

Span = tuple[int, int]


def _check(raw: bytes) -> None:
    pieces = Pieces(raw)
    verdicts, sets = pieces.number(256), pieces.number(2)
    text = pieces.rest()
    try:
        message = read_server(text, limit=LIMIT).messages[0]
    except Malformed:
        return
    if message.kind is not MessageKind.RESULT or type(message.result) is not dict or message.raw != text:
        return
    for key in _KEYS:
        if type(message.result.get(key)) is list:
            _check_edit(text, message, key, verdicts, _SET if sets else {})
    if type(message.result.get("_meta")) is dict:
        _check_drop(text)


def _check_edit(text: bytes, message: Message, key: str, verdicts: int, members: dict[str, str]) -> None:
    keep = [bool(verdicts >> at % 8 & 1) for at in range(len(message.result[key]))]
    edited = edit_list(text, key, keep, members)
    result = _member(text, _first(text), "result")
    begin, end = _member(text, result[0], key)
    kept = [text[a:b] for (a, b), stays in zip(_elements(text, begin), keep, strict=True) if stays]
    if not members:
        assert edited == text[:begin] + b"[" + b",".join(kept) + b"]" + text[end:]
        return
    expected = _paired(text)
    inner = dict(expected)["result"]
    given = {name: _paired(value.encode()) for name, value in members.items()}
    now = given | {key: [_paired(item) for item in kept]}
    changed = [(name, now.get(name, value)) for name, value in inner]
    new = [(name, value) for name, value in given.items() if name not in dict(inner)]
    assert _paired(edited) == [(name, new + changed if name == "result" else value) for name, value in expected]


def _check_drop(text: bytes) -> None:
    edited = drop_members(text, ("result", "_meta"), _PREFIX)
    begin, end = _member(text, _member(text, _first(text), "result")[0], "_meta")
    assert edited.startswith(text[:begin])
    assert edited.endswith(text[end:])
    left = [(name, value) for name, value in _paired(text[begin:end]) if not name.startswith(_PREFIX)]
    assert _paired(edited[begin : len(edited) - len(text) + end]) == left


def _paired(text: bytes) -> Any:
    """The value with objects as pairs in their order, and numbers by their spelling."""
    return json.loads(text, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number)


class _Number(str):
    """A number's spelling, which is equal to no text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is _Number and str.__eq__(self, other)

    __hash__ = str.__hash__


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, in their order."""


def _first(text: bytes) -> int:
    found = _TOKEN.search(text)
    assert found is not None
    return found.start()


def _end(text: bytes, at: int) -> int:
    """Where the value at `at` ends."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        depth += token[0] in (b"[", b"{")
        depth -= token[0] in (b"]", b"}")
        if depth == 0:
            return token.end()
    raise AssertionError("the document ends in a value")


def _elements(text: bytes, at: int) -> Iterator[Span]:
    """The span of each item of the array, or of each member's name and value of the object, at `at`."""
    at += 1
    while found := _TOKEN.search(text, at):
        if found[0] in (b"]", b"}"):
            return
        at = found.end() if found[0] in (b",", b":") else _end(text, found.start())
        if found[0] not in (b",", b":"):
            yield found.start(), at


def _member(text: bytes, at: int, name: str) -> Span:
    spans = list(_elements(text, at))
    found = [value for key, value in zip(spans[::2], spans[1::2], strict=True) if json.loads(text[slice(*key)]) == name]
    assert len(found) == 1, "a key that stands once"
    return found[0]


def _seeds() -> list[bytes]:
    items = '{"name":"a","description":"x"} , {"name":"b","inputSchema":{"type":"object"}},1.10,"}]"'
    texts = [
        f'{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{items}],"nextCursor":"n"}}}}',
        f' {{"result" : {{ "ttlMs":1, "prompts" : [ {items} ] , "cacheScope":"public"}}, "jsonrpc":"2.0","id":"x" }}\n',
        '{"jsonrpc":"2.0","id":1,"result":{"resources":[],"tools":[ ]}}',
        '{"jsonrpc":"2.0","id":1,"result":{"\\u0074asks":[1],"_meta":{"agentgate/x":{},"y":1 ,"agentgate/z":[2]}}}',
    ]
    return [head + text.encode() for text in texts for head in (b"\xff\0", b"\x05\1", b"\0\1")]


SPLICE: Final = Target(
    "splice",
    "an edited list has the items that stay, and every other byte as it was",
    _check,
    _seeds,
    (*JSON_WORDS, *(f'"{key}":['.encode() for key in _KEYS), b'"cacheScope":', b'"agentgate/', b'"ttlMs":', b"} , {"),
)
