"""HTTP headers around a body: what passes the check says what the body says, in whatever way it is repeated."""

import base64
import json
from collections.abc import Sequence
from typing import Any, Final

from evidence.canonical import Spelled
from proxy.wire.headers import check_headers, forwarded, returned
from proxy.wire.message import VERSION_KEY, Envelope, Message, MessageKind, meta, read_client
from proxy.wire.rules import Malformed
from tests.fuzz.messages import JSON_WORDS, LIMIT
from tests.fuzz.target import Target
from tests.fuzz.vectors import rows

Headers = list[tuple[str, str]]

_NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ROUTING: Final = ("mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "last-event-id")
_NEVER: Final = frozenset(("authorization", "cookie", "connection", "transfer-encoding", "host", "content-length"))


def _check(raw: bytes) -> None:
    """The input is header lines, a blank line, the body; and after a blank line the input schema of the tool."""
    head, _, rest = raw.partition(b"\n\n")
    body, _, schema_text = rest.partition(b"\n\n")
    headers = _headers(head)
    _check_passing(headers)
    schema = _schema(schema_text)
    try:
        envelope = read_client(body, limit=LIMIT)
        check_headers(headers, envelope, schema=schema)
    except Malformed:
        return
    _check_accepted(headers, envelope)
    _check_doubled(headers, envelope, schema)
    if schema is not None and envelope.messages[0].method == "tools/call":
        _check_parameters(headers, envelope.messages[0], schema)


def _headers(head: bytes) -> Headers:
    """Decoded as the HTTP server does."""
    found = []
    for line in head.split(b"\n"):
        name, _, value = line.decode("utf-8", "surrogateescape").partition(":")
        found.append((name, value.removeprefix(" ")))
    return found


def _schema(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _check_passing(headers: Headers) -> None:
    there = forwarded(headers, extra=frozenset(), passthrough_auth=False)
    back = returned(headers, extra=frozenset())
    for passed in (there, back):
        assert _NEVER.isdisjoint(name.lower() for name, _ in passed)
        left = iter(headers)
        assert all(any(_same(header, one) for one in left) for header in passed), "headers keep order and spelling"


def _same(passed: tuple[str, str], given: tuple[str, str]) -> bool:
    """A Content-Type of another charset passes without it."""
    name, value = given
    kind = value.partition(";")[0].strip().lower()
    return passed == given or (name.lower() == "content-type" and passed == (name, kind) and "charset" in value.lower())


def _check_accepted(headers: Headers, envelope: Envelope) -> None:
    kinds = _values(headers, "content-type")
    assert len(kinds) == 1
    assert kinds[0].split(";")[0].strip().lower() == "application/json"
    for name in _ROUTING:
        assert len(_values(headers, name)) <= 1
        assert all(
            value.isascii() and value.isprintable() and value.strip() == value for value in _values(headers, name)
        )
    for message in envelope.messages:
        assert set(_values(headers, "mcp-method")) <= {message.method}
    message = envelope.messages[0]
    if message.method is None or VERSION_KEY not in meta(message):
        return
    assert not envelope.batch
    assert _values(headers, "mcp-protocol-version") == [meta(message)[VERSION_KEY]]
    if message.kind is MessageKind.REQUEST:
        assert _values(headers, "mcp-method") == [message.method]
        _check_name(headers, message)


def _check_name(headers: Headers, message: Message) -> None:
    key = _NAMED.get(message.method or "")
    if key is None or not isinstance(message.params, dict) or message.params.get(key) is None:
        return
    (given,) = _values(headers, "mcp-name")
    assert _is_spelling(given, message.params[key])


def _check_doubled(headers: Headers, envelope: Envelope, schema: dict[str, Any] | None) -> None:
    """What routes cannot be repeated, and another method cannot be put beside it."""
    for name in (*_ROUTING, "content-type"):
        if _values(headers, name):
            assert _refuses([*headers, (name.title(), "x")], envelope, schema)
    if not _values(headers, "mcp-method"):
        assert _refuses([*headers, ("Mcp-Method", "not/the-method")], envelope, schema)


def _check_parameters(headers: Headers, message: Message, schema: dict[str, Any]) -> None:
    """A mirrored text of the first level is repeated exactly (on modern messages with a valid schema)."""
    properties, arguments = schema.get("properties"), (message.params or {}).get("arguments")
    if VERSION_KEY not in meta(message) or not isinstance(properties, dict) or len(properties) != 1:
        return
    ((name, part),) = properties.items()
    token = part.get("x-mcp-header") if isinstance(part, dict) and "properties" not in part else None
    if not isinstance(token, str) or not token.isalnum() or not token.isascii() or part.get("type") != "string":
        return
    found = _values(headers, f"mcp-param-{token.lower()}")
    value = arguments.get(name) if isinstance(arguments, dict) else None
    if isinstance(value, str):
        assert len(found) == 1
        assert _is_spelling(found[0], value)
    elif not isinstance(value, bool | int | float | Spelled):
        assert found == []


def _is_spelling(given: str, text: object) -> bool:
    """Whether a header stands for the text: as it is, or in the base64 form."""
    if given.startswith("=?base64?") and given.endswith("?=") and len(given) > 10:
        return isinstance(text, str) and given == f"=?base64?{base64.b64encode(text.encode()).decode()}?="
    return given == text


def _refuses(headers: Headers, envelope: Envelope, schema: dict[str, Any] | None) -> bool:
    try:
        check_headers(headers, envelope, schema=schema)
    except Malformed:
        return True
    return False


def _values(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    return [value for key, value in headers if key.lower() == name]


def _seeds() -> list[bytes]:
    found = []
    for row in rows("headers.json"):
        head = "\n".join(f"{name}: {value}" for name, value in row["headers"])
        found.append(f"{head}\n\n{row['body']}\n\n{json.dumps(row['schema'])}".encode(errors="surrogateescape"))
    return found


HEADERS: Final = Target(
    "headers",
    "headers that are accepted say what the body says, once; those of one connection never pass",
    _check,
    _seeds,
    (
        *JSON_WORDS,
        b"\nContent-Type: application/json",
        b"\nMcp-Method: ",
        b"\nMcp-Name: ",
        b"\nMCP-Protocol-Version: ",
        b"\nMcp-Param-",
        b"\nConnection: ",
        b"=?base64?",
        b"?=",
        b'"x-mcp-header":"',
        b'"properties":{',
        b"io.modelcontextprotocol/protocolVersion",
    ),
)
