"""HTTP headers around MCP bodies: which contradict the body, and which may pass.

The body decides, always; a header that mirrors it (revision 2026-07-28) is only compared, so that
nobody on the way is led to route, log or decide by a value that is not what is executed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from policy.methods import SUBJECT_OF
from proxy.wire.header_values import check_form, decoded, grouped
from proxy.wire.message import VERSION_KEY, Envelope, Message, MessageKind, meta, modern_version
from proxy.wire.parameters import check_parameters
from proxy.wire.rules import Malformed, Rule

Values = Mapping[str, Sequence[str]]

_MUST_BE_NAMED: Final = frozenset(("tools/call", "prompts/get", "resources/read"))
"""Methods that need an Mcp-Name; at others it may be left out, and is compared where it is there."""

_NAMES = ("name", "uri", "taskId")

_UTF8: Final = frozenset(("charset=utf-8", 'charset="utf-8"'))

_HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade", "host", "content-length", "content-encoding", "accept-encoding", "expect")
)  # fmt: skip
_FORWARDED: Final = frozenset(
    ("accept", "content-type", "mcp-protocol-version", "mcp-session-id", "mcp-method", "mcp-name", "last-event-id",
     "origin", "user-agent", "traceparent", "tracestate", "baggage")
)  # fmt: skip
_RETURNED: Final = frozenset(
    ("content-type", "mcp-session-id", "cache-control", "x-accel-buffering", "www-authenticate", "retry-after", "allow")
)


def check_headers(
    headers: Sequence[tuple[str, str]],
    message: Envelope,
    *,
    schema: Mapping[str, Any] | None = None,
    mirrored: bool = True,
) -> None:
    """Refuse headers that contradict the body of a POST. Raises Malformed.

    A body that claims a modern revision needs its mirrors (MCP-Protocol-Version, Mcp-Method, and
    Mcp-Name where the method names something); on a legacy body they may be absent, but not
    differ. `schema` is the input schema of the tool that is called, where it is known. On a transport that mirrors
    nothing (HTTP+SSE of 2024-11-05; `mirrored` is false there) a modern body needs none either: clients ask for their
    newest revision on it too, and servers answer what they can.
    """
    values = grouped(headers)
    check_body_form(values)
    first = message.messages[0]
    modern = any(VERSION_KEY in meta(each) for each in message.messages if each.method is not None)
    try:
        check_form(values)
        if modern:
            _check_modern(values, message, schema, mirrored=mirrored)
        for each in message.messages:
            _check_method(values, each)
            _check_name(values, each)
    except Malformed as problem:
        id = first.id if first.kind is MessageKind.REQUEST and not message.batch else None
        raise Malformed(problem.rule, problem.what, id=id) from None


def forwarded(
    headers: Sequence[tuple[str, str]], *, extra: frozenset[str], passthrough_auth: bool
) -> list[tuple[str, str]]:
    """The caller's headers that pass to the upstream, in their order and spelling.

    `extra` holds further names in lower case. Authorization passes only by `passthrough_auth`, what
    belongs to one connection never. Accept-Encoding is not among them: the sender sets `identity`.
    """
    allowed = (_FORWARDED | extra) - {"authorization"} | ({"authorization"} if passthrough_auth else frozenset())
    return _passing(headers, lambda name: name in allowed or name.startswith("mcp-param-"))


def returned(headers: Sequence[tuple[str, str]], *, extra: frozenset[str]) -> list[tuple[str, str]]:
    """The upstream's headers that pass to the caller, in their order and spelling; `extra` as in `forwarded`.

    A Content-Type that names another charset than UTF-8 passes without it: the body was read as UTF-8, and the Python
    SDK would read a stream as the header says.
    """
    allowed = _RETURNED | extra
    passing = _passing(headers, lambda name: name in allowed or name.startswith("access-control-"))
    return [(name, _in_utf8(value) if name.lower() == "content-type" else value) for name, value in passing]


def _in_utf8(content_type: str) -> str:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = {part for part in parameters if part.startswith("charset")}
    return content_type if charsets <= _UTF8 else kind


def _passing(headers: Sequence[tuple[str, str]], passes: Callable[[str], bool]) -> list[tuple[str, str]]:
    named = {
        part.strip().lower() for name, value in headers if name.lower() == "connection" for part in value.split(",")
    }
    held = _HOP_BY_HOP | named
    return [(name, value) for name, value in headers if (low := name.lower()) not in held and passes(low)]


def check_body_form(values: Values) -> None:
    """Refuse a body that is not JSON in UTF-8, or is compressed, by what its headers say. Raises Malformed."""
    kinds = values.get("content-type", ())
    if len(kinds) != 1 or not _is_json(kinds[0]):
        raise Malformed(Rule.CONTENT_TYPE)
    if any(coding.strip().lower() != "identity" for coding in values.get("content-encoding", ())):
        raise Malformed(Rule.CONTENT_ENCODING)


def _is_json(content_type: str) -> bool:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    return kind == "application/json" and _UTF8.issuperset(parameters)


def _check_modern(values: Values, envelope: Envelope, schema: Mapping[str, Any] | None, *, mirrored: bool) -> None:
    if envelope.batch:
        raise Malformed(Rule.BATCH_MODERN)
    message = envelope.messages[0]
    version = modern_version(message)
    missing = not mirrored and "mcp-protocol-version" not in values
    if version is None or (values.get("mcp-protocol-version") != [version] and not missing):
        raise Malformed(Rule.HEADER_VERSION)
    if mirrored and message.kind is MessageKind.REQUEST:
        _check_mirrors(values, message, schema)


def _check_mirrors(values: Values, message: Message, schema: Mapping[str, Any] | None) -> None:
    if "mcp-method" not in values:
        raise Malformed(Rule.HEADER_METHOD)
    key = SUBJECT_OF.get(message.method or "")
    needed = message.method in _MUST_BE_NAMED and key is not None and _member(message, key) is not None
    if needed and "mcp-name" not in values:
        raise Malformed(Rule.HEADER_NAME)
    if message.method == "tools/call":
        check_parameters(values, _member(message, "arguments"), schema)


def _check_method(values: Values, message: Message) -> None:
    if "mcp-method" in values and values["mcp-method"][0] != message.method:
        raise Malformed(Rule.HEADER_METHOD)


def _check_name(values: Values, message: Message) -> None:
    """Mcp-Name must be what the body names; where the body names nothing it says nothing, and servers ignore it."""
    if "mcp-name" not in values:
        return
    given = decoded("mcp-name", values["mcp-name"][0])
    key = SUBJECT_OF.get(message.method or "")
    names = [_member(message, each) for each in ((key,) if key else _NAMES)]
    if given not in names and (key or any(name is not None for name in names)):
        raise Malformed(Rule.HEADER_NAME)


def _member(message: Message, key: str) -> Any:
    return message.params.get(key) if isinstance(message.params, dict) else None
