"""SSE: an event is what its lines say together, however they end, wherever they are cut."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.attacks.documents import CALL
from tests.attacks.exchanges import HttpRow
from tests.attacks.gates import Gates
from tests.attacks.responses import LIST, OK, OTHER, TOOLS
from tests.attacks.row import Row, Story
from tests.attacks.upstream import Reply, events
from tests.path.messages import notification, request, result

HIDDEN: Final = b"hidden"
_CUT: Final = TOOLS.index(b'"inputSchema"')
_ENDS: Final = {
    "lf": (b"\n", b"\n\n"),
    "cr": (b"\r", b"\r\r"),
    "crlf": (b"\r\n", b"\r\n\r\n"),
    "cr-then-lf": (b"\r", b"\r\n\n"),
    "crlf-then-cr": (b"\r\n", b"\r\n\r"),
    "lf-then-crlf": (b"\n", b"\n\r\n"),
}
_SHAPES: Final = {
    "one-line": b"data: " + TOOLS,
    "no-blank-after-the-colon": b"data:" + TOOLS,
    "two-lines": b"data: " + TOOLS[:_CUT] + b"%END%data: " + TOOLS[_CUT:],
    "named-and-numbered": b"event: message%END%id: 7%END%data: " + TOOLS,
    "comment-in-between": b"data: " + TOOLS[:_CUT] + b"%END%: x%END%data: " + TOOLS[_CUT:],
    "unknown-field": b"x: y%END%data: " + TOOLS,
    "retry-first": b"retry: 1%END%data: " + TOOLS,
}
_MARKED: Final = b"\xef\xbb\xbfdata: " + TOOLS + b"\n\n"

_REFUSED: Final = [
    ("hidden-line-in-a-comment", ": x\u2028data: {}\n\n".encode(), "malformed_answer"),
    ("hidden-line-in-an-id", "id: 1\u0085data: {}\n\n".encode(), "malformed_answer"),
    ("hidden-line-in-a-name", b"event: x\x0bdata: {}\n\n", "malformed_answer"),
    ("hidden-line-in-an-unknown-field", "x: \u2029data: {}\n\n".encode(), "malformed_answer"),
    ("giant-event", b"data: " + b"x" * (1 << 17) + b"\n\n", "too_large"),
    ("giant-event-unended", b"data: " + b"x" * (1 << 17), "too_large"),
    ("giant-event-of-many-lines", b"data: x\n" * (1 << 14), "too_large"),
    ("no-json", b"data: smuggled\n\n", "malformed_answer"),
    ("two-documents-in-an-event", b"data: " + OK + b"\ndata: " + OTHER + b"\n\n", "malformed_answer"),
    (
        "duplicate-key-over-two-lines",
        b'data: {"jsonrpc":"2.0","id":1,\ndata: "id":2,"result":{}}\n\n',
        "malformed_answer",
    ),
    ("not-utf-8", b'data: {"jsonrpc":"2.0","id":1,"result":{"a":"\xff"}}\n\n', "malformed_answer"),
    ("nul", b'data: {"jsonrpc":"2.0","id":1,"result":{"a":"\0"}}\n\n', "malformed_answer"),
    ("nul-in-a-name", b"event: a\0b\ndata: " + OK + b"\n\n", "malformed_answer"),
]
_NOTE: Final = b"data: " + notification("notifications/message", level="info", data="x") + b"\n\n"
_HEARTBEAT: Final = b": heartbeat\n\n"
_BEATS: Final = {
    "ping": b"event: ping\r\ndata: ping\r\n\r\n",
    "keepalive": b"event: keepalive\ndata: {}\n\n",
}
_LENIENT: Final = b'event: ping\ndata: {"jsonrpc":"2.0","id":2,"id":1,"result":{"content":["smuggled"]}}\n\n'


def rows() -> Iterator[Row]:
    """Every row of the class."""
    for end, (line, last) in _ENDS.items():
        for shape, text in _SHAPES.items():
            block = text.replace(b"%END%", line) + last
            yield _list(f"{shape}-{end}", [block])
            if shape in ("one-line", "two-lines"):
                yield _list(
                    f"{shape}-{end}-byte-by-byte",
                    [piece for at in range(len(block)) for piece in (block[at : at + 1], 0.0002)],
                )
    yield _list("unended", [b"data: " + TOOLS + b"\n"], "an event whose blank line never comes")
    yield _list("after-a-comment", [b": " + b"x" * 500 + b"\n\n", b"data: " + TOOLS + b"\n\n"])
    for name, block, code in _REFUSED:
        yield HttpRow(
            f"sse/{name}", 200, code, body=CALL, answer=events(block), arrives=[CALL], lacks=[b"smuggled"],
            said=f"the tool server streams {name.replace('-', ' ')}",
        )  # fmt: skip
    yield HttpRow(
        "sse/byte-order-mark", 200, "malformed_answer", body=LIST, gate="strict", answer=events(_MARKED),
        arrives=[LIST], lacks=[HIDDEN], said="a list with a hidden tool as an event behind a byte order mark",
    )  # fmt: skip
    question = b"data: " + request("q", "sampling/createMessage", messages=[]) + b"\n\n"
    yield HttpRow(
        "sse/denied-question", 200, body=CALL, gate="strict", answer=events(question, 0.3, b"data: " + OK + b"\n\n"),
        arrives=[CALL, b'{"jsonrpc":"2.0","id":"q","error":{"code":-1,"message":"User rejected sampling request"}}'],
        lacks=[b"sampling"], said="the tool server asks for sampling on the stream",
    )  # fmt: skip
    mixed = b": hello\n\nid: 7\r\ndata:" + OK + b"\r\n\r\n"
    yield HttpRow(
        "sse/passes-as-it-came", 200, body=CALL, answer=events(mixed), arrives=[CALL], returns=mixed, passes=True,
        said="comments, ids and mixed line ends",
    )  # fmt: skip
    yield from _beside_other_events()


def _beside_other_events() -> Iterator[Row]:
    """Events that are no messages by their name: clients skip them, and servers keep connections open by them."""
    message = b"data: " + OK + b"\n\n"
    for name, beat in _BEATS.items():
        said = f"an event named `{name}` that is no message, beside"
        yield HttpRow(
            f"sse/passes-beside-a-{name}-event", 200, body=CALL, answer=events(beat, message), arrives=[CALL],
            returns=_HEARTBEAT + message, passes=True, said=f"{said} an answer",
        )  # fmt: skip
        yield HttpRow(
            f"sse/passes-beside-a-{name}-event-on-get", 200, method="GET", answer=events(beat, _NOTE), arrives=[b""],
            returns=_HEARTBEAT + _NOTE, passes=True, said=f"{said} a notification, on GET",
        )  # fmt: skip
        told = partial(_legacy, beat=beat)
        expected = "the stream goes on, with a comment in the event's place"
        yield Story(
            f"sse/passes-beside-a-{name}-event-on-a-legacy-get", f"{said} a notification, on a legacy GET", expected,
            told, passes=True,
        )  # fmt: skip
    yield HttpRow(
        "sse/passes-beside-an-empty-object", 200, body=CALL, answer=events(b"id: 3\ndata: {}\n\n", message),
        arrives=[CALL], returns=b"event: heartbeat\nid: 3\ndata:\n\n" + message, passes=True,
        said="an event of an empty object with a number, as some servers replay their first event, beside an answer",
    )  # fmt: skip
    ours = b"id: 7\nretry: 1500\ndata: " + result(1, content=[], _meta={"agentgate/x": 1}) + b"\n\n"
    yield HttpRow(
        "sse/passes-the-retry-of-an-event", 200, body=CALL, answer=events(ours), arrives=[CALL], passes=True,
        returns=b"event: message\nid: 7\nretry: 1500\ndata: " + result(1, content=[], _meta={}) + b"\n\n",
        said="a result that speaks for the sidecar in an event with an id and a retry",
    )  # fmt: skip
    numbered = b"event: ping\nid: 7\nretry: 1500\n: x\ndata: smuggled\n\n"
    yield HttpRow(
        "sse/passes-the-number-of-a-ping-event", 200, method="GET", answer=events(numbered, _NOTE), arrives=[b""],
        returns=b"event: heartbeat\nid: 7\nretry: 1500\ndata:\n\n" + _NOTE, passes=True,
        said="an event named `ping` with an id and a retry, on GET",
    )  # fmt: skip
    yield HttpRow(
        "sse/ping-that-a-lenient-reader-takes", 200, body=CALL, answer=events(_LENIENT, message), arrives=[CALL],
        lacks=[b"smuggled"], said="an event named `ping` with a second answer in it, which has two ids",
    )  # fmt: skip
    question = b"event: ping\ndata: " + request("q", "sampling/createMessage", messages=[]) + b"\n\n"
    yield HttpRow(
        "sse/denied-question-by-another-name", 200, body=CALL, gate="strict", answer=events(question, 0.3, message),
        arrives=[CALL, b'{"jsonrpc":"2.0","id":"q","error":{"code":-1,"message":"User rejected sampling request"}}'],
        lacks=[b"sampling"], said="the tool server asks for sampling in an event named `ping`",
    )  # fmt: skip


def _legacy(gates: Gates, beat: bytes) -> None:
    gate = gates.open
    gate.fresh()
    gate.upstream.answers(events(b"event: endpoint\ndata: /messages\n\n", beat, _NOTE))
    found = gate.ask(method="GET")
    assert found.status == 200, found
    named, *rest = found.body.partition(b"\n\n")
    assert named.startswith(b"event: endpoint\ndata: /files/-/")
    assert b"".join(rest) == b"\n\n" + _HEARTBEAT + _NOTE


def _list(name: str, pieces: list[bytes | float], said: str = "") -> HttpRow:
    answer: Reply = events(*pieces)
    return HttpRow(
        f"sse/list-{name}", 200, body=LIST, gate="strict", answer=answer, arrives=[LIST], lacks=[HIDDEN],
        said=said or f"a list with a hidden tool as an event: {name.replace('-', ' ')}",
    )  # fmt: skip
