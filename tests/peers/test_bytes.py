"""What is allowed arrives byte for byte, and so does what comes back; only the headers on the lists pass.

The last request received is the test's own: before its first call the sidecar asks the upstream for its list of tools.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import raw
from tests.peers import sidecar as starting
from tests.peers.recorder import Recorder, recording
from tests.peers.sidecar import Sidecar

META = json.dumps(json.loads(raw.document("x"))["params"]["_meta"]).encode()
ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[]}}'
STREAM = "text/event-stream"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Recorder]:
    """One upstream for all rows; each row says what it answers."""
    with recording() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def gate(upstream: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    """One sidecar for all rows."""
    folder: Path = tmp_path_factory.mktemp("bytes")
    with starting.sidecar(folder, {"up": upstream.url}, policy="observe") as sidecar:
        yield sidecar


def _call(arguments: bytes, *, id: bytes = b"1", more: bytes = b"") -> bytes:
    params = b'{"name":"echo","arguments":%b,"_meta":%b}' % (arguments, META)
    return b'{"jsonrpc":"2.0","id":%b,"method":"tools/call","params":%b%b}' % (id, params, more)


def _send(gate: Sidecar, body: bytes) -> raw.Answer:
    return raw.send(gate.url("up"), "POST", body, raw.modern_headers("tools/call", "echo"))


REQUESTS = [
    pytest.param(_call(b"{}"), id="plain"),
    pytest.param(b" \n\t" + _call(b'{ "b" : 1 ,\r\n "a":\t2 }') + b"\n", id="blanks-and-key-order"),
    pytest.param(_call(b'{"a":"\\u00e9\\/\\ud83d\\ude00 \xc3\xa9"}'), id="escapes-as-spelled"),
    pytest.param(_call(b'{"a":[1.0,1e2,0.5,-7,9007199254740992]}'), id="numbers-as-spelled"),
    pytest.param(_call(b"{}", id=b'"caf\\u00e9"'), id="id-as-spelled"),
    pytest.param(_call(b"{}", id=b"9007199254740993"), id="id-beyond-a-double"),
    pytest.param(_call(b"{}", more=b',"unknown":{"deep":[null,true]}'), id="unknown-members"),
    pytest.param(_call(b'{"a":"%b"}' % (b"x" * 1_000_000)), id="a-megabyte"),
]


@pytest.mark.parametrize("body", REQUESTS)
def test_a_request_arrives_as_it_was_sent(body: bytes, gate: Sidecar, upstream: Recorder) -> None:
    identifier = json.loads(body)["id"]
    upstream.answers(ANSWER.replace(b'"id":1', b'"id":' + json.dumps(identifier).encode()))
    answer = _send(gate, body)
    assert upstream.received[-1].body == body
    assert answer.message()["id"] == identifier


ANSWERS = [
    pytest.param([ANSWER], "application/json", id="plain"),
    pytest.param([b"\r\n " + ANSWER.replace(b":", b" : ") + b"\n\n"], "application/json; charset=utf-8", id="blanks"),
    pytest.param(
        [ANSWER.replace(b"[]", b'[],"n":[1.50,18446744073709551617,1e400],"s":"\\u00e9"')],
        "application/json",
        id="numbers-and-escapes",
    ),
    pytest.param([b"event: message\ndata: " + ANSWER + b"\n\n"], STREAM, id="one-event"),
    pytest.param(
        [b": hello\n\n", b"id: 7\r\ndata:", ANSWER[:20], ANSWER[20:], b"\r\n\r\n"], STREAM, id="pieces-and-crlf"
    ),
    pytest.param(
        [
            b"retry: 100\nid: 1\ndata: \n\n",
            b'data: {"jsonrpc":"2.0",\ndata: "method":"notifications/message",\n',
            b'data: "params":{"level":"info","data":1}}\n\n',
            b"data:" + ANSWER + b"\n\n",
        ],
        STREAM,
        id="priming-and-joined-lines",
    ),
]


@pytest.mark.parametrize(("chunks", "content_type"), ANSWERS)
def test_an_answer_arrives_as_it_was_given(
    chunks: list[bytes], content_type: str, gate: Sidecar, upstream: Recorder
) -> None:
    upstream.answers(*chunks, content_type=content_type)
    answer = _send(gate, _call(b"{}"))
    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    assert answer.body == b"".join(chunks)


PASS = ["Accept", "Content-Type", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Param-Region", "traceparent"]
STOP = ["Authorization", "Cookie", "X-Forwarded-For", "X-Api-Key", "Proxy-Authorization"]


@pytest.mark.parametrize("name", PASS)
def test_a_header_on_the_list_passes(name: str, gate: Sidecar, upstream: Recorder) -> None:
    upstream.answers(ANSWER)
    sent = {
        **raw.modern_headers("tools/call", "echo"),
        "Mcp-Param-Region": "eu",
        "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
    }
    raw.send(gate.url("up"), "POST", _call(b"{}"), sent)
    assert upstream.received[-1].values(name) == [sent[name]]


@pytest.mark.parametrize("name", STOP)
def test_no_other_header_passes(name: str, gate: Sidecar, upstream: Recorder) -> None:
    upstream.answers(ANSWER)
    raw.send(gate.url("up"), "POST", _call(b"{}"), {**raw.modern_headers("tools/call", "echo"), name: "canary"})
    assert "canary" not in str(upstream.received[-1].headers)


def test_identity_is_the_only_encoding_asked_for(gate: Sidecar, upstream: Recorder) -> None:
    upstream.answers(ANSWER)
    raw.send(
        gate.url("up"), "POST", _call(b"{}"), {**raw.modern_headers("tools/call", "echo"), "Accept-Encoding": "gzip"}
    )
    assert upstream.received[-1].values("Accept-Encoding") in ([], ["identity"])
