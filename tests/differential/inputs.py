"""What is fed to every reader: the historic attacks of the table, and what is generated beside them.

A name is `corpus/...` and never changes its bytes. `%ID%` in a stream stands for the id of the request that it answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.attacks import batches, bypass, documents, encoding, framing, mirrors, spelling
from tests.attacks.exchanges import HttpRow

LONGEST: Final = 4096
"""Longer inputs are about size alone, and readers differ in their bounds."""

JSON_HEADERS: Final = ("Content-Type: application/json",)


@dataclass(frozen=True, slots=True)
class Input:
    """One input. `headers` go with it over HTTP."""

    name: str
    data: bytes
    headers: tuple[str, ...] = JSON_HEADERS


def json_inputs() -> Iterator[Input]:
    """Bodies, each under the headers that a client of an older revision sends."""
    rows = (*documents.rows(), *batches.rows(), *spelling.rows(), *bypass.rows())
    for row in rows:
        if row.method == "POST" and row.path == "/files" and not row.headers and len(row.body) <= LONGEST:
            yield Input(f"json/{row.name}", row.body)
    yield from _keys()


_ARGUMENTS: Final = b'{"path":"/srv"}'
_PARAMS: Final = b'{"name":"echo","arguments":%b}'
_WHOLE: Final = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%b}'
_LEVELS: Final = {
    "method": (_WHOLE % (_PARAMS % _ARGUMENTS), b'"ping"'),
    "id": (_WHOLE % (_PARAMS % _ARGUMENTS), b"2"),
    "jsonrpc": (_WHOLE % (_PARAMS % _ARGUMENTS), b'"2.0"'),
    "params": (_WHOLE % (_PARAMS % _ARGUMENTS), b'{"name":"drop","arguments":{}}'),
    "name": (_PARAMS % _ARGUMENTS, b'"drop"'),
    "arguments": (_PARAMS % _ARGUMENTS, b'{"path":"/etc"}'),
    "_meta": (b'{"name":"echo","arguments":{},"_meta":{"a":1}}', b'{"a":2}'),
    "path": (_ARGUMENTS, b'"/etc"'),
}


def _spellings(key: str) -> Iterator[tuple[str, str]]:
    """The same key for some readers, and another one for others."""
    yield "same", key
    yield "escaped", f"\\u{ord(key[0]):04x}{key[1:]}"
    yield "capital", key.title()
    yield "upper", key.upper()
    yield "nul", f"{key}\\u0000"
    yield "blank", f"{key} "
    yield "zero-width", f"{key}\u200b"
    yield "mark", f"\ufeff{key}"
    yield "fullwidth", "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in key)
    for letter, twin, word in (("s", "\u017f", "long-s"), ("k", "\u212a", "kelvin")):
        if letter in key:
            yield word, key.replace(letter, twin)


def _keys() -> Iterator[Input]:
    for key, (holder, value) in _LEVELS.items():
        for word, spelled in _spellings(key):
            member = f'"{spelled}":'.encode() + value
            for place, found in (
                ("first", b"{" + member + b"," + holder[1:]),
                ("last", holder[:-1] + b"," + member + b"}"),
            ):
                yield Input(f"json/key-{key}-{word}-{place}", _around(key, found))


def _around(key: str, holder: bytes) -> bytes:
    """The object that holds the key, inside a whole call."""
    if key == "path":
        return _WHOLE % (_PARAMS % holder)
    return _WHOLE % holder if key in ("name", "arguments", "_meta") else holder


_REVISION: Final = b'"io.modelcontextprotocol/protocolVersion":"2026-07-28"'
_ALL_ABOUT_THE_CLIENT: Final = (
    _REVISION
    + b',"io.modelcontextprotocol/clientCapabilities":{}'
    + b',"io.modelcontextprotocol/clientInfo":{"name":"x","version":"1"}'
)


def header_inputs() -> Iterator[Input]:
    """Headers beside a body that they agree with, or not; at 2026-07-28 also beside all that a body has to tell there.

    Without that the SDKs read nothing of it, whatever its headers say.
    """
    for row in (*mirrors.rows(), *encoding.rows()):
        if row.answer is None and len(row.body) <= LONGEST and not any(_breaks(line) for line in row.headers):
            yield Input(f"headers/{row.name}", row.body, _given(row))
            if _REVISION in row.body:
                yield Input(
                    f"headers/{row.name}-whole", row.body.replace(_REVISION, _ALL_ABOUT_THE_CLIENT), _given(row)
                )


def _breaks(line: str) -> bool:
    """Whether HTTP itself refuses it, so that no reader of MCP ever sees it."""
    name = line.partition(":")[0]
    return ":" not in line or not name.replace("-", "").isalnum() or any(each in line for each in "\r\n\0")


def _given(row: HttpRow) -> tuple[str, ...]:
    named = {line.partition(":")[0].lower() for line in row.headers}
    added = () if named & {"content-type", "-content-type"} else JSON_HEADERS
    return (*added, *(line for line in row.headers if not line.startswith("-")))


_BREAKS: Final = {
    "cr": "\r",
    "crlf": "\r\n",
    "lf": "\n",
    "vertical-tab": "\v",
    "form-feed": "\f",
    "file-separator": "\x1c",
    "group-separator": "\x1d",
    "record-separator": "\x1e",
    "next-line": "\x85",
    "line-separator": "\u2028",
    "paragraph-separator": "\u2029",
    "nul": "\0",
    "no-break-space": "\u00a0",
    "byte-order-mark": "\ufeff",
    "zero-width-space": "\u200b",
}
_CALL: Final = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"x":"%s"}}}'
_DROP: Final = '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"drop","arguments":{}}}'


def stdio_inputs() -> Iterator[Input]:
    """What an agent writes to a pipe; every input ends with a line feed."""
    for row in framing.rows():
        if row.says and len(row.says) <= LONGEST and not row.name.startswith("stdio/json-"):
            yield Input(f"stdio/{row.name}", row.says)
    for word, mark in _BREAKS.items():
        for place, text in (
            ("between-documents", _CALL % "" + mark + _DROP),
            ("in-a-string", _CALL % f"a{mark}b"),
            ("hides-a-document", _CALL % (mark + _DROP.replace('"', '\\"'))),
            ("ends-a-string-early", '{"jsonrpc":"2.0","id":1,"method":"ping","x":"' + mark + _DROP + mark + '"}'),
            ("before", mark + _CALL % ""),
            ("behind", _CALL % "" + mark),
            ("between-members", (_CALL % "").replace(',"params"', f",{mark}" + '"params"')),
        ):
            yield Input(f"stdio/{word}-{place}", text.encode() + b"\n")


_NOTE: Final = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"%s"}}'
_RESULT: Final = '{"jsonrpc":"2.0","id":%%ID%%,"result":{"content":[{"type":"text","text":"%s"}]}}'
_ENDS: Final = {"lf": "\n", "cr": "\r", "crlf": "\r\n"}


def sse_inputs() -> Iterator[Input]:
    """What a tool server streams; what counts is which messages a client takes out of it."""
    good, bad = _RESULT % "good", _NOTE % "bad"
    for word, end in _ENDS.items():
        yield _stream(f"plain-{word}", f"data: {good}{end}{end}")
        yield _stream(f"two-events-{word}", f"data: {bad}{end}{end}data: {good}{end}{end}")
        yield _stream(f"two-lines-{word}", f"data: {good[:16]}{end}data: {good[16:]}{end}{end}")
        yield _stream(f"fields-{word}", f"id: 1{end}event: message{end}retry: 10{end}data: {good}{end}{end}")
        yield _stream(f"one-end-only-{word}", f"data: {bad}{end}data: {good}{end}{end}")
    for word, mark in _BREAKS.items():
        if mark not in _ENDS.values():
            yield from _marked(word, mark, good, bad)
    for name, text in _ODD.items():
        yield _stream(name, text)


def _marked(word: str, mark: str, good: str, bad: str) -> Iterator[Input]:
    tail = f"data: {good}\n\n"
    yield _stream(f"{word}-in-a-comment", f": x{mark}data: {bad}\n\n{tail}")
    yield _stream(f"{word}-in-a-name", f"event: x{mark}data: {bad}\n\n{tail}")
    yield _stream(f"{word}-in-an-id", f"id: 1{mark}data: {bad}\n\n{tail}")
    yield _stream(f"{word}-in-data", f"data: {_RESULT % f'a{mark}b'}\n\n")
    yield _stream(f"{word}-as-the-blank-line", f"data: {bad}\n{mark}\n{tail}")
    yield _stream(f"{word}-before-a-field", f"{mark}data: {good}\n\n")


_GOOD, _BAD = _RESULT % "good", _NOTE % "bad"
_AS_TEXT: Final = _GOOD.replace("%ID%", '"%ID%"')
_ODD: Final = {
    "mark-at-the-begin": f"\ufeffdata: {_GOOD}\n\n",
    "mark-twice": f"\ufeff\ufeffdata: {_BAD}\n\ndata: {_GOOD}\n\n",
    "field-in-capitals": f"DATA: {_BAD}\n\ndata: {_GOOD}\n\n",
    "field-with-a-blank": f"data : {_BAD}\n\ndata: {_GOOD}\n\n",
    "field-indented": f" data: {_BAD}\n\ndata: {_GOOD}\n\n",
    "no-blank": f"data:{_GOOD}\n\n",
    "two-blanks": f"data:  {_GOOD}\n\n",
    "tab": f"data:\t{_GOOD}\n\n",
    "named-event": f"event: other\ndata: {_BAD}\n\ndata: {_GOOD}\n\n",
    "named-error": f"event: error\ndata: {_BAD}\n\ndata: {_GOOD}\n\n",
    "named-endpoint": f"event: endpoint\ndata: {_BAD}\n\ndata: {_GOOD}\n\n",
    "name-empty": f"event:\ndata: {_GOOD}\n\n",
    "name-twice": f"event: other\nevent: message\ndata: {_GOOD}\n\n",
    "unended": f"data: {_GOOD}\n\ndata: {_BAD}\n",
    "second-answer": f"data: {_GOOD}\n\ndata: {_RESULT % 'second'}\n\n",
    "answer-to-another-id": f"data: {_GOOD.replace('%ID%', '987654')}\n\ndata: {_GOOD}\n\n",
    "answer-to-the-id-as-text": f"data: {_AS_TEXT}\n\ndata: {_RESULT % 'second'}\n\n",
    "duplicate-result": f'data: {_GOOD[:-1]},"result":{{"content":[{{"type":"text","text":"twice"}}]}}}}\n\n',
    "duplicate-text": f"data: {_RESULT % 'good'}\n\n".replace('"text":"good"', '"text":"good","text":"twice"'),
    "duplicate-id": f'data: {_GOOD[:-1]},"id":987654}}\n\n',
    "twin-result": f'data: {_GOOD[:-1]},"Result":{{"content":[]}}}}\n\n',
    "two-documents": f"data: {_GOOD}\ndata: {_BAD}\n\ndata: {_GOOD}\n\n",
    "batch": f"data: [{_BAD},{_GOOD}]\n\n",
    "not-a-number": f'data: {_GOOD[:-2]},"n":NaN}}}}\n\n',
    "no-json": f"data: x\n\ndata: {_GOOD}\n\n",
    "empty-data": f"data:\n\ndata: {_GOOD}\n\n",
    "comments": f": a\n:\n\n: b\ndata: {_GOOD}\n: c\n\n",
}


_END: Final = f"\n\ndata: {_RESULT % 'end'}\n\n"
"""Behind each stream, so that no client waits for an answer that it has not found; the first answer counts."""


def _stream(name: str, text: str) -> Input:
    return Input(f"sse/{name}", (text if name == "unended" else text + _END).encode(), ())


CORPORA: Final = {"json": json_inputs, "headers": header_inputs, "stdio": stdio_inputs, "sse": sse_inputs}
