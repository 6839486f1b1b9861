"""How we read an input, and how a reading is written down so that others can be compared with it."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from evidence.canonical import canonical
from policy.methods import Treatment, subject, treatment
from proxy.wire.header_values import decoded
from proxy.wire.headers import check_headers
from proxy.wire.lines import LineReader, client_line
from proxy.wire.message import Envelope, Message, MessageKind, read_client, read_server
from proxy.wire.rules import Malformed, Rule
from proxy.wire.sse import EventReader
from tests.differential.inputs import Input

LIMIT: Final = 1 << 16

_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))
"""The Python SDK 1.x spells everything else in a URI with `%`, which names the same resource."""

Executed = dict[str, Any]
"""What a reader takes for one message: `method`, `id`, `name`, `params` (their digest); of an answer `answer`."""

Reading = dict[str, Any]
"""`{"refused": rule}` or `{"messages": [Executed, ...]}`."""


def executed(method: str, id: object, params: Any) -> Executed:
    """One message in the form that all readings share: what of a URI only may be spelled with `%`, is."""
    if isinstance(params, dict) and isinstance(params.get("uri"), str):
        params = {**params, "uri": quote(params["uri"], safe=_PRINTABLE)}
    return {"method": method, "id": id, "name": subject(method, params), "params": digest(params)}


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical form; of its plain text where it has none (a lone surrogate, NaN)."""
    try:
        text = canonical(value if value is not None else {})
    except (ValueError, OverflowError):
        text = json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()


def ours(corpus: str, given: Input) -> Reading:
    """Our reading of one input."""
    try:
        match corpus:
            case "stdio":
                return {"messages": _lines(given.data)}
            case "sse":
                return {"messages": _events(given.data)}
            case _:
                envelope = read_client(given.data, limit=LIMIT)
                check_headers(_pairs(given.headers), envelope)
                return {"messages": _messages(envelope)}
    except Malformed as malformed:
        return {"refused": str(malformed.rule)}


def _pairs(headers: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in headers)]


def _messages(envelope: Envelope) -> list[Executed]:
    for message in envelope.messages:
        _refuse_inexact(message)
    return [_message(message) for message in envelope.messages]


def _refuse_inexact(message: Message) -> None:
    """As the path does it: only what is decided must be exact."""
    if message.inexact and treatment(message.method or "", "client") is Treatment.DECIDE:
        raise Malformed(Rule.NUMBER_NOT_EXACT)


def _message(message: Message) -> Executed:
    id = None if message.id is None else json.loads(message.id.text)
    return executed(message.method or "", id, message.params)


def _lines(data: bytes) -> list[Executed]:
    """A refused line keeps no other line from being read; here the first refusal speaks for the whole input."""
    found = []
    for line in LineReader(LIMIT).feed(data):
        envelope = client_line(line, limit=LIMIT)
        found += [] if envelope is None else _messages(envelope)
    return found


def _events(data: bytes) -> list[Executed]:
    reader = EventReader(LIMIT)
    found = []
    for event in (*reader.feed(data.replace(b"%ID%", b"1")), *reader.close()):
        if not event.comment_only and event.data:
            found += [_answer(message) for message in read_server(event.data, limit=LIMIT).messages]
    return found


def _answer(message: Message) -> Executed:
    """An answer by what it says, a notification by what it is about; both are what a client hands on."""
    if message.kind is MessageKind.NOTIFICATION:
        return {"note": message.params.get("data") if isinstance(message.params, dict) else None}
    return {"answer": said(message.result), "id": None if message.id is None else message.id.key}


def said(result: Any) -> str | None:
    """The text of a tool's result."""
    content = result.get("content") if isinstance(result, dict) else None
    return "".join(str(part.get("text")) for part in content) if isinstance(content, list) else None


def by_headers(given: Input, *, last: bool) -> list[Executed]:
    """What somebody on the way takes the message for who believes its headers, the first or the last of each name."""
    values: dict[str, str] = {}
    for name, value in _pairs(given.headers):
        key = name.lower()
        values = {**values, key: value} if last else {key: value, **values}
    if "mcp-method" not in values:
        return []
    try:
        named = decoded("mcp-name", values["mcp-name"]) if "mcp-name" in values else None
    except Malformed:
        named = values["mcp-name"]
    return [{"method": values["mcp-method"], "id": None, "name": named, "params": None}]


def as_row(given: Input, reading: Reading, readers: Mapping[str, list[Executed]]) -> dict[str, Any]:
    """One row of a file; readers that executed the same stand together, those that executed nothing nowhere."""
    try:
        data = {"text": given.data.decode()}
    except UnicodeDecodeError:
        data = {"base64": base64.b64encode(given.data).decode()}
    headers = {"headers": list(given.headers)} if given.headers else {}
    return {"name": given.name, **data, **headers, "ours": reading, "executed": _grouped(readers)}


def _grouped(readers: Mapping[str, list[Executed]]) -> list[dict[str, Any]]:
    groups: dict[str, list[str]] = {}
    for reader, messages in sorted(readers.items()):
        if messages:
            groups.setdefault(json.dumps(sorted(messages, key=json.dumps)), []).append(reader)
    return [{"by": by, "messages": json.loads(messages)} for messages, by in groups.items()]


def unlike(executed: Sequence[Executed], read: Sequence[Executed]) -> list[Executed]:
    """What of `executed` is not among `read`; ids aside, each message counts once."""
    left = [_essence(message) for message in read]
    strange = []
    for message in executed:
        if (found := _essence(message)) in left:
            left.remove(found)
        else:
            strange.append(message)
    return strange


def _essence(message: Executed) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != "id"}
