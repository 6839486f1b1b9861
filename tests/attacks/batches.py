"""Batch smuggling: a message that is refused alone must not pass in company."""

from collections.abc import Iterator

from tests.attacks.exchanges import HttpRow
from tests.path.messages import batch, call, notification, request, result

ECHO, DROP = call(1, "echo"), call(2, "drop")
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
MODERN = request(1, "tools/call", name="echo", arguments={}, _meta=META)

_SHAPES = [
    ("empty", b"[]", "batch_empty"),
    ("empty-with-blanks", b"[ \n ]", "batch_empty"),
    ("nested", batch(batch(ECHO)), "batch_nested"),
    ("nested-empty", b"[[]]", "batch_nested"),
    ("nested-second", batch(ECHO, batch(DROP)), "batch_nested"),
    ("a-number-in-it", batch(ECHO, b"1"), "batch_nested"),
    ("a-null-in-it", batch(ECHO, b"null"), "batch_nested"),
    ("too-long", batch(*(call(n, "echo") for n in range(101))), "batch_too_long"),
    ("same-id-twice", batch(ECHO, call(1, "drop")), "batch_id_twice"),
    (
        "same-id-spelled-otherwise",
        batch(call("a", "echo"), call("a", "x").replace(b'"a"', b'"\\u0061"')),
        "batch_id_twice",
    ),
    ("duplicate-key-in-the-second", batch(ECHO, DROP[:-1] + b',"id":3}'), "duplicate_key"),
    ("twin-in-the-second", batch(ECHO, DROP[:-1] + b',"Method":"x"}'), "key_twin"),
    ("null-id-in-the-second", batch(ECHO, DROP.replace(b'"id":2', b'"id":null')), "id_null"),
    ("no-message-in-the-second", batch(ECHO, b"{}"), "jsonrpc_version"),
    ("modern-alone", batch(MODERN), "batch_modern"),
    ("modern-second", batch(ECHO, MODERN.replace(b'"id":1', b'"id":2')), "batch_modern"),
    ("two-arrays", batch(ECHO) + batch(DROP), "trailing_data"),
    ("lines-of-documents", ECHO + b"\n" + DROP, "trailing_data"),
    ("comma-behind", b"[" + ECHO + b",]", "not_json"),
    ("unclosed", b"[" + ECHO, "not_json"),
]
_DENIED = [
    ("denied-alone", batch(DROP)),
    ("denied-second", batch(ECHO, DROP)),
    ("denied-first", batch(DROP, ECHO)),
    ("denied-between-lists", batch(request(3, "tools/list"), DROP, request(4, "ping"))),
    ("denied-last-of-a-hundred", batch(*(call(n, "echo") for n in range(99)), call("x", "drop"))),
    ("denied-beside-a-notification", batch(DROP, notification("notifications/progress", progress=1))),
]


def rows() -> Iterator[HttpRow]:
    """Every row of the class."""
    for name, body, code in _SHAPES:
        yield HttpRow(f"batch/{name}", 400, code, body=body)
    for name, body in _DENIED:
        yield HttpRow(f"batch/{name}", 200, "not_granted", body=body, gate="strict")
    silent = notification("tools/call", name="drop", arguments={})
    yield HttpRow("batch/denied-without-an-id", 202, body=batch(silent), gate="strict")
    yield HttpRow(
        "batch/denied-without-an-id-beside-a-granted-call", 200, "not_granted", body=batch(ECHO, silent), gate="strict"
    )
    yield HttpRow(
        "batch/an-answer-to-nothing-in-it", 200, "answer_to_nothing", body=batch(ECHO, result(7)), gate="open"
    )
    granted = batch(ECHO, call("1", "echo"))
    yield HttpRow("batch/passes-granted", 200, body=granted, gate="strict", arrives=[granted], passes=True)
