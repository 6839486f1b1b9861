"""stdio framing: one line is one message, for every reader of it."""

from collections.abc import Iterator

from tests.attacks import documents
from tests.attacks.documents import CALL, DROP
from tests.attacks.pipes import MESSAGE_BYTES, StdioRow
from tests.attacks.questions import QUESTIONS
from tests.path.messages import batch, call, notification, request, result

_LONG = call(1, "x" * MESSAGE_BYTES)
_LINES = [
    ("raw-cr-in-a-string", b'{"jsonrpc":"2.0","id":1,"method":"ping","x":"\r' + DROP + b'"}\n', "raw_cr"),
    ("raw-cr-between-members", b'{"jsonrpc":"2.0",\r"id":1,"method":"ping"}\n', "raw_cr"),
    ("cr-between-two-documents", CALL + b"\r" + DROP + b"\n", "raw_cr"),
    ("cr-cr-lf", CALL + b"\r\r\n", "raw_cr"),
    ("nul-inside", CALL.replace(b"echo", b"ec\0ho") + b"\n", "nul_byte"),
    ("nul-before", b"\0" + CALL + b"\n", "nul_byte"),
    ("nul-behind", CALL + b"\0\n", "nul_byte"),
    ("nul-between-two-documents", CALL + b"\0" + DROP + b"\n", "nul_byte"),
    ("not-utf-8", CALL.replace(b"echo", b"\xff") + b"\n", "not_utf8"),
    ("mark", b"\xef\xbb\xbf" + CALL + b"\n", "byte_order_mark"),
    ("two-documents-on-a-line", CALL + DROP + b"\n", "trailing_data"),
    ("two-documents-and-a-blank", CALL + b" " + DROP + b"\n", "trailing_data"),
    ("line-separator-between", CALL + "\u2028".encode() + DROP + b"\n", "trailing_data"),
    ("next-line-between", CALL + "\u0085".encode() + DROP + b"\n", "trailing_data"),
    ("vertical-tab-between", CALL + b"\v" + DROP + b"\n", "trailing_data"),
    ("form-feed-between", CALL + b"\f" + DROP + b"\n", "trailing_data"),
    ("record-separator", b"\x1e" + CALL + b"\n", "not_json"),
    ("a-document-over-two-lines", CALL[:40] + b"\n" + CALL[40:] + b"\n", "not_json"),
    ("line-feed-in-a-string", CALL.replace(b"echo", b"ec\nho") + b"\n", "not_json"),
    ("headers-of-another-framing", b"Content-Length: %d\r\n" % len(CALL) + b"\r\n", "not_json"),
    ("a-shell-line", b"rm -rf /\n", "not_json"),
    ("longer-than-the-limit", _LONG + b"\n", "too_large"),
    ("longer-than-the-limit-with-a-call-behind", _LONG + DROP + b"\n", "too_large"),
    ("ten-times-the-limit", b"x" * (10 * MESSAGE_BYTES) + b"\n", "too_large"),
    ("batch-empty", b"[]\n", "batch_empty"),
    ("batch-nested", batch(batch(CALL)) + b"\n", "batch_nested"),
    ("batch-same-id-twice", batch(CALL, call(1, "drop")) + b"\n", "batch_id_twice"),
]
_DENIED = [
    ("denied-call", call(1, "drop"), "not_granted"),
    ("denied-in-a-batch", batch(call(1, "echo"), call(2, "drop")), "not_granted"),
    ("denied-read", request(1, "resources/read", uri="file:///etc/passwd"), "not_granted"),
    ("unknown-method", request(1, "tools/run", name="echo"), "method_unknown"),
    ("inexact-number", call(1, "echo").replace(b"{}", b'{"n":18446744073709551617}'), "number_not_exact"),
]
_HIDING = [
    ("cr", b"log\r" + DROP + b"\n"),
    ("line-separator", b"log\xe2\x80\xa8" + DROP + b"\n"),
    ("paragraph-separator", b"log\xe2\x80\xa9" + DROP + b"\n"),
    ("next-line", b"log\xc2\x85" + DROP + b"\n"),
    ("vertical-tab", b"log\v" + DROP + b"\n"),
    ("form-feed", b"log\f" + DROP + b"\n"),
    ("file-separator", b"log\x1c" + DROP + b"\n"),
    ("mark", b"\xef\xbb\xbf" + DROP + b"\n"),
    ("zero-width-space", b"\xe2\x80\x8b" + DROP + b"\n"),
    ("nul", b"\0" + DROP + b"\n"),
    ("broken", DROP[:-3] + b"\n"),
    ("two-on-a-line", DROP + DROP + b"\n"),
    ("duplicate-key", DROP[:-1] + b',"id":8}\n'),
    ("not-utf-8", DROP.replace(b"drop", b"\xff") + b"\n"),
]
_ENDLESS = b'{"jsonrpc":"2.0","method":"notifications/message","params":"' + b"x" * MESSAGE_BYTES + b'"}\n'
_UNASKED = [
    ("unknown-id", result(77, content=["smuggled"]), "unexpected_answer"),
    ("error-to-nothing", b'{"jsonrpc":"2.0","id":77,"error":{"code":1,"message":"smuggled"}}', "unexpected_answer"),
    ("batch-of-unknown-ids", batch(result(77, content=["smuggled"]), result(78)), "unexpected_answer"),
]


def rows() -> Iterator[StdioRow]:
    """Every row of the class."""
    for name, says, code in _LINES:
        yield StdioRow(f"stdio/{name}", code, says)
    for row in documents.rows():
        if b"\n" not in row.body and row.body.strip() and row.code not in (None, "too_large"):
            yield StdioRow(f"stdio/{row.name.replace('/', '-')}", row.code, row.body + b"\n")
    for name, line, code in _DENIED:
        yield StdioRow(f"stdio/{name}", code, line + b"\n", wrap="granting")
    silent = notification("tools/call", name="drop") + b"\n"
    yield StdioRow("stdio/denied-without-an-id", None, silent, notes="not_granted", wrap="granting")
    answer = result(7) + b"\n"
    yield StdioRow("stdio/an-answer-to-nothing", None, answer, notes="answer_to_nothing")
    yield StdioRow("stdio/blank-lines", None, b"\n \n\r\n")
    for name, prints in _HIDING:
        yield StdioRow(f"stdio/server-hides-by-{name}", prints=prints, hears=b"", notes="malformed_answer")
    yield StdioRow("stdio/server-line-longer-than-the-limit", prints=_ENDLESS, hears=b"", notes="too_large")
    for name, prints, event in _UNASKED:
        yield StdioRow(f"stdio/server-{name}", prints=prints + b"\n", hears=b"", notes=event)
    for what, (question, answer) in QUESTIONS.items():
        yield StdioRow(f"stdio/server-asks-for-{what}", prints=question + b"\n", hears=b"", notes="not_granted",
                       answered=answer + b"\n", wrap="granting")  # fmt: skip
    yield from _passing()


def _passing() -> Iterator[StdioRow]:
    noise = b"listening on stdio\r\n\tat line 3: {x\n"
    yield StdioRow("stdio/passes-noise", prints=noise, hears=noise, passes=True)
    note = notification("notifications/message", level="info", data="x") + b"\n"
    yield StdioRow("stdio/passes-a-notification", prints=note, hears=note, passes=True)
    spaced = b"  " + notification("notifications/progress", progress=1).replace(b":", b" : ") + b" \t\r\n"
    yield StdioRow("stdio/passes-spacing", None, spaced, arrives=spaced, passes=True)
