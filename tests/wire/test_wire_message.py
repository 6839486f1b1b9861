"""What a reading says of a message: kinds, ids, inexact numbers, exact bytes, and the answers of our own."""

import pytest

from evidence.canonical import Spelled
from proxy.wire.json_text import HARMLESS, MEMBERS, fold
from proxy.wire.message import (
    Message,
    MessageId,
    MessageKind,
    error_answer,
    meta,
    modern_version,
    read_client,
    read_server,
    result_answer,
    trace,
)
from proxy.wire.rules import RULES, Malformed, Rule, rules_table

LIMIT = 10_000
META = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","traceparent":"00-a-b-01","baggage":5}'


def one(text: str) -> Message:
    """The only message of a server's frame."""
    return read_server(text.encode(), limit=LIMIT).messages[0]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param('{"jsonrpc":"2.0","id":1,"method":"ping"}', MessageKind.REQUEST, id="request"),
        pytest.param('{"jsonrpc":"2.0","method":"x"}', MessageKind.NOTIFICATION, id="notification"),
        pytest.param('{"jsonrpc":"2.0","id":1,"result":null}', MessageKind.RESULT, id="result"),
        pytest.param('{"jsonrpc":"2.0","error":{}}', MessageKind.ERROR, id="error without id"),
    ],
)
def test_kind(text: str, kind: MessageKind) -> None:
    assert one(text).kind is kind


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        pytest.param("1", MessageId("1", "n:1"), id="integer"),
        pytest.param("-7", MessageId("-7", "n:-7"), id="negative"),
        pytest.param("-0", MessageId("-0", "n:0"), id="negative zero is zero"),
        pytest.param('"1"', MessageId('"1"', "s:1"), id="text is not a number"),
        pytest.param('"\\u0061"', MessageId('"a"', "s:a"), id="escapes do not count"),
        pytest.param('"\\n\\"\u00e9"', MessageId('"\\n\\"\u00e9"', 's:\n"\u00e9'), id="text is written as JSON"),
        pytest.param("9007199254740993", MessageId("9007199254740993", "n:9007199254740993"), id="big"),
        pytest.param("9" * 1024, MessageId("9" * 1024, "n:" + "9" * 1024), id="as long as an id may be"),
        pytest.param("1e400", MessageId("1e400", "n:1e400"), id="exponent"),
        pytest.param("1E+400", MessageId("1E+400", "n:1e400"), id="exponent spelled otherwise"),
    ],
)
def test_id(spelling: str, expected: MessageId) -> None:
    message = one(f'{{"jsonrpc":"2.0","id":{spelling},"method":"ping"}}')
    assert message.id == expected
    assert message.inexact == ()
    answer = read_server(result_answer(expected, {}), limit=LIMIT).messages[0]
    assert (answer.id, answer.result) == (expected, {"resultType": "complete"})


@pytest.mark.parametrize(
    ("text", "id"),
    [
        pytest.param('{"jsonrpc":"2.0","id":5,"method":""}', MessageId("5", "n:5"), id="a request that has one"),
        pytest.param('{"jsonrpc":"1.0","id":5,"method":"x"}', MessageId("5", "n:5"), id="wrong version"),
        pytest.param('{"jsonrpc":"2.0","id":5,"method":"x","params":1}', MessageId("5", "n:5"), id="bad params"),
        pytest.param('{"jsonrpc":"2.0","id":5,"result":{},"error":{}}', None, id="an answer: the id is another's"),
        pytest.param('{"jsonrpc":"2.0","id":5,"method":"x","result":{}}', None, id="mixed"),
        pytest.param('{"jsonrpc":"2.0","id":5,"id":6,"method":"x"}', None, id="two ids"),
        pytest.param('{"jsonrpc":"2.0","id":5,"ID":6,"method":"x"}', None, id="two ids in case"),
        pytest.param('[{"jsonrpc":"2.0","id":5,"method":""}]', None, id="batch"),
        pytest.param('{"jsonrpc":"2.0","id":1.5,"method":"x"}', None, id="no id at all"),
        pytest.param(f'{{"jsonrpc":"2.0","id":{"9" * 1025},"method":"x"}}', None, id="too long to be repeated"),
    ],
)
def test_refusal_repeats_only_an_id_beyond_doubt(text: str, id: MessageId | None) -> None:
    with pytest.raises(Malformed) as refusal:
        read_client(text.encode(), limit=LIMIT)
    assert refusal.value.id == id


def test_inexact_numbers_stand_in_the_value_by_their_spelling() -> None:
    call = (
        '{"jsonrpc":"2.0","id":18446744073709551617,"method":"tools/call","params":{"a":[1.5,1e400],"b":-0},"x":2e999}'
    )
    message = one(call)
    assert message.params == {"a": [1.5, Spelled("1e400")], "b": Spelled("-0")}
    assert message.inexact == ("1e400", "-0", "2e999")


def test_batch_keeps_the_bytes_and_the_numbers_of_each_element() -> None:
    parts = [
        b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"n": 1e400, "t":"[,]"}}',
        b'{ "jsonrpc" : "2.0" , "id" : "\xc3\xa9" , "method" : "b" }',
    ]
    raw = b" [ " + parts[0] + b" ,\n" + parts[1] + b" ] "
    envelope = read_client(raw, limit=LIMIT)
    assert envelope.batch
    assert [message.raw for message in envelope.messages] == parts
    assert [message.inexact for message in envelope.messages] == [("1e400",), ()]


def test_meta_of_a_modern_message() -> None:
    message = one(f'{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{{META}}}}}')
    assert modern_version(message) == "2026-07-28"
    assert trace(message) == {"traceparent": "00-a-b-01"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"jsonrpc":"2.0","id":1,"method":"ping"}', id="no params"),
        pytest.param('{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', id="params in an array"),
        pytest.param('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":7}}', id="meta is no object"),
        pytest.param(f'{{"jsonrpc":"2.0","id":1,"result":{{{META}}}}}', id="a result claims no revision"),
    ],
)
def test_no_modern_version(text: str) -> None:
    assert modern_version(one(text)) is None


def test_meta_of_a_result() -> None:
    assert meta(one('{"jsonrpc":"2.0","id":1,"result":{"_meta":{"a":1}}}')) == {"a": 1}


def test_own_answers() -> None:
    id = MessageId("9007199254740993", "n:9007199254740993")
    assert result_answer(id, {"isError": True}) == (
        b'{"jsonrpc":"2.0","id":9007199254740993,"result":{"resultType":"complete","isError":true}}'
    )
    assert error_answer(None, -32700, "bad", {"rule": "not_json"}) == (
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"bad","data":{"rule":"not_json"}}}'
    )
    assert (
        error_answer(id, -1, "x", None) == b'{"jsonrpc":"2.0","id":9007199254740993,"error":{"code":-1,"message":"x"}}'
    )


def test_every_rule_has_its_row() -> None:
    assert list(RULES) == list(Rule)
    assert {row.code for row in RULES.values()} == {-32700, -32600, -32020}
    assert {row.status for row in RULES.values()} == {400, 403, 413}
    assert len(rules_table().splitlines()) == len(Rule) + 2


def test_no_two_members_are_look_alikes() -> None:
    assert len({fold(name) for name in MEMBERS}) == len(MEMBERS)


def test_keys_that_need_no_folding_are_no_look_alikes() -> None:
    members = {fold(name) for name in MEMBERS}
    assert not {fold(key) for key in HARMLESS - MEMBERS} & members
