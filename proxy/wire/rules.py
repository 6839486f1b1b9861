"""The strict refusals: one name for each way in which two readers could read the same bytes differently.

    Malformed      the bytes are refused before anybody decides on them; `rule` says why

`RULES` maps each rule to its answer on the wire, its meaning and what the sender can do about it.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from proxy.wire.ids import MAX_ID_BYTES, MessageId

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
HEADER_MISMATCH: Final = -32020

MAX_METHOD_BYTES: Final = 1024
"""Methods are remembered with the ids of what is open, by the ten thousand."""


class Rule(StrEnum):
    """Every strict refusal; the value is what `data.rule` carries."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    BYTE_ORDER_MARK = "byte_order_mark"
    NUL_BYTE = "nul_byte"
    NOT_JSON = "not_json"
    TRAILING_DATA = "trailing_data"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    KEY_TWIN = "key_twin"
    KEY_NUL = "key_nul"
    LONE_SURROGATE = "lone_surrogate"
    NOT_A_NUMBER = "not_a_number"
    NUMBER_NOT_EXACT = "number_not_exact"

    NOT_A_MESSAGE = "not_a_message"
    JSONRPC_VERSION = "jsonrpc_version"
    MESSAGE_MIXED = "message_mixed"
    METHOD_TYPE = "method_type"
    PARAMS_TYPE = "params_type"
    URI_FORM = "uri_form"
    ERROR_TYPE = "error_type"
    ID_MISSING = "id_missing"
    ID_NULL = "id_null"
    ID_TYPE = "id_type"
    ID_TOO_LONG = "id_too_long"
    BATCH_EMPTY = "batch_empty"
    BATCH_NESTED = "batch_nested"
    BATCH_TOO_LONG = "batch_too_long"
    BATCH_ID_TWICE = "batch_id_twice"
    BATCH_MODERN = "batch_modern"

    RAW_CR = "raw_cr"
    NOISE_HIDES_JSON = "noise_hides_json"
    SSE_EVENT_TOO_LARGE = "sse_event_too_large"
    SSE_HIDDEN_LINE = "sse_hidden_line"

    CONTENT_TYPE = "content_type"
    CONTENT_ENCODING = "content_encoding"
    HEADER_DOUBLED = "header_doubled"
    HEADER_EDGE_SPACE = "header_edge_space"
    HEADER_MALFORMED = "header_malformed"
    HEADER_BASE64 = "header_base64"
    HEADER_VERSION = "header_version"
    HEADER_METHOD = "header_method"
    HEADER_NAME = "header_name"
    HEADER_PARAM = "header_param"

    HOST_MISSING = "host_missing"
    HOST_NOT_ALLOWED = "host_not_allowed"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"


class Row(NamedTuple):
    """How a rule is answered: JSON-RPC error code, HTTP status, what it means, what the sender can do."""

    code: int
    status: int
    meaning: str
    remedy: str


def _text(meaning: str, remedy: str) -> Row:
    return Row(PARSE_ERROR, 400, meaning, remedy)


def _request(meaning: str, remedy: str, status: int = 400) -> Row:
    return Row(INVALID_REQUEST, status, meaning, remedy)


def _header(meaning: str, remedy: str) -> Row:
    return Row(HEADER_MISMATCH, 400, meaning, remedy)


_SEND_ONE = "Send one JSON-RPC 2.0 request, notification or answer."

RULES: Final[Mapping[Rule, Row]] = MappingProxyType(
    {
        Rule.TOO_LARGE: _request("The message is longer than the limit.", "Send less.", 413),
        Rule.NOT_UTF8: _text("The bytes are not valid UTF-8.", "Encode JSON as UTF-8."),
        Rule.BYTE_ORDER_MARK: _text("The text begins with a byte order mark.", "Send UTF-8 without a mark."),
        Rule.NUL_BYTE: _text("The text holds a raw NUL byte (or is UTF-16).", "Send UTF-8; escape NUL as \\u0000."),
        Rule.NOT_JSON: _text("The text is not one JSON document (RFC 8259).", "Send valid JSON."),
        Rule.TRAILING_DATA: _text("Something follows the JSON document.", "Send exactly one document."),
        Rule.TOO_DEEP: _text("Arrays and objects are nested deeper than the limit.", "Flatten the document."),
        Rule.DUPLICATE_KEY: _text("An object has the same key twice.", "Send each key once."),
        Rule.KEY_TWIN: _text(
            "A key differs from a protocol member only in case or Unicode form; some readers take it for that member.",
            "Spell protocol members exactly, and do not send look-alikes of them.",
        ),
        Rule.KEY_NUL: _text("A key holds a NUL character; some readers cut it there.", "Remove the NUL."),
        Rule.LONE_SURROGATE: _text("A string holds half of a surrogate pair.", "Escape whole characters."),
        Rule.NOT_A_NUMBER: _text("NaN or Infinity stands where JSON allows none.", "Send a finite number or null."),
        Rule.NUMBER_NOT_EXACT: _request(
            "A number changes in an IEEE double, so that what is decided may not be what is executed.",
            "Send it with fewer digits, or as a string.",
        ),
        Rule.NOT_A_MESSAGE: _request("The document is no JSON-RPC message.", _SEND_ONE),
        Rule.JSONRPC_VERSION: _request('The member jsonrpc is not "2.0".', 'Send "jsonrpc": "2.0".'),
        Rule.MESSAGE_MIXED: _request("The message is a request and an answer at once, or two answers.", _SEND_ONE),
        Rule.METHOD_TYPE: _request(f"The method is not a string of 1 to {MAX_METHOD_BYTES} bytes.", "Name the method."),
        Rule.PARAMS_TYPE: _request("The params are neither an object nor an array.", "Send an object, or none."),
        Rule.URI_FORM: _request(
            "Some readers rewrite this URI before they read the resource.",
            "Send it in its normal form: scheme and host in small letters, without . and .. as steps.",
        ),
        Rule.ERROR_TYPE: _request("The error is not an object.", "Send an object with code and message."),
        Rule.ID_MISSING: _request("The answer has no id.", "Repeat the id of the request."),
        Rule.ID_NULL: _request("The id is null.", "Send a string or an integer."),
        Rule.ID_TYPE: _request("The id is neither a string nor an integer.", "Send a string or an integer."),
        Rule.ID_TOO_LONG: _request(
            f"The id, or the one that a cancel names, has more than {MAX_ID_BYTES} bytes.", "Send a shorter one."
        ),
        Rule.BATCH_EMPTY: _request("The batch is empty.", "Send at least one message."),
        Rule.BATCH_NESTED: _request("An element of the batch is not an object.", "Send messages only, not nested."),
        Rule.BATCH_TOO_LONG: _request("The batch has too many messages.", "Send at most 100 at once."),
        Rule.BATCH_ID_TWICE: _request(
            "Two requests, or two answers, of the batch have one id.", "Give each request its own id."
        ),
        Rule.BATCH_MODERN: _request("A message of revision 2026-07-28 travels in a batch.", "Send it alone."),
        Rule.RAW_CR: _text(
            "A raw carriage return stands inside the line; some readers end the line there.",
            "Escape it as \\r, or end the line with CR LF only.",
        ),
        Rule.NOISE_HIDES_JSON: _text(
            "A line that is no message holds a line break of some readers, and JSON after it.",
            "Write log lines to stderr.",
        ),
        Rule.SSE_EVENT_TOO_LARGE: _request("An event of the stream is longer than the limit.", "Send less.", 413),
        Rule.SSE_HIDDEN_LINE: _text(
            "A field of an event holds a line break of some readers.", "Use LF, CR or CR LF only to end lines."
        ),
        Rule.CONTENT_TYPE: _request(
            "The Content-Type is not application/json in UTF-8, or is sent twice.", "Send application/json."
        ),
        Rule.CONTENT_ENCODING: _request("The body is compressed.", "Send it without Content-Encoding."),
        Rule.HEADER_DOUBLED: _header(
            "A header that routes, or says who calls, is sent more than once.", "Send it once."
        ),
        Rule.HEADER_EDGE_SPACE: _header(
            "A header value begins or ends with a Unicode blank; plain blanks and tabs around it are no part of it.",
            "Use the base64 form.",
        ),
        Rule.HEADER_MALFORMED: _header(
            "A header value is not printable ASCII, or a length has too many digits.",
            "Use the base64 form; write a length without zeros in front.",
        ),
        Rule.HEADER_BASE64: _header("A =?base64?...?= value does not decode.", "Use canonical base64 of UTF-8."),
        Rule.HEADER_VERSION: _header(
            "MCP-Protocol-Version is missing or differs from the version in the body.", "Send the body's version."
        ),
        Rule.HEADER_METHOD: _header("Mcp-Method is missing or differs from the body.", "Send the body's method."),
        Rule.HEADER_NAME: _header("Mcp-Name is missing or differs from the body.", "Send the body's name."),
        Rule.HEADER_PARAM: _header("An Mcp-Param header differs from its argument.", "Send the argument's value."),
        Rule.HOST_MISSING: _request("There is no Host header, or it is malformed.", "Send one Host header."),
        Rule.HOST_NOT_ALLOWED: _request(
            "The Host is none of the names that are served here.", "Use a served name.", 403
        ),
        Rule.ORIGIN_NOT_ALLOWED: _request(
            "The Origin may not talk to this address.", "Use a page of an allowed origin.", 403
        ),
    }
)


class Malformed(Exception):
    """Bytes that are refused unread, or a message whose parts contradict each other.

    `id` is set only where the message's id is beyond doubt; `what` says where and which, and quotes
    names of members and headers only, never values.
    """

    def __init__(self, rule: Rule, what: str = "", *, id: MessageId | None = None) -> None:
        super().__init__(f"{rule}: {what}" if what else str(rule))
        self.rule = rule
        self.what = what or RULES[rule].meaning
        self.id = id

    @property
    def code(self) -> int:
        """The JSON-RPC error code of the answer."""
        return RULES[self.rule].code

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return RULES[self.rule].status


def rules_table() -> str:
    """The rules as a Markdown table, one row for each, in the order of `Rule`."""
    head = "| rule | code | HTTP | meaning | what to do |\n| --- | --- | --- | --- | --- |\n"
    return head + "".join(f"| `{rule}` | {' | '.join(map(str, row))} |\n" for rule, row in RULES.items())
