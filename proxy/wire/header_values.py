"""The values of headers that mirror a body: one of each, printable ASCII, or UTF-8 as `=?base64?...?=`."""

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from proxy.wire.rules import Malformed, Rule

PARAM_PREFIX: Final = "mcp-param-"
_SINGLE: Final = frozenset(
    ("authorization", "mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "last-event-id")
)  # fmt: skip
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_BASE64 = re.compile(r"=\?base64\?(.*)\?=")


def grouped(headers: Sequence[tuple[str, str]]) -> Mapping[str, Sequence[str]]:
    """All values of each header, by lower-case name."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in headers:
        found[name.lower()].append(value)
    return found


def check_form(values: Mapping[str, Sequence[str]]) -> None:
    """Refuse a header that routes or says who calls, if it is sent twice, edged by blanks, or not printable ASCII."""
    for name in _SINGLE & values.keys():
        if len(values[name]) > 1:
            raise Malformed(Rule.HEADER_DOUBLED, name)
        check_printable(name, values[name][0])


def check_printable(name: str, value: str) -> None:
    """Refuse what HTTP libraries trim or decode in different ways."""
    if value != value.strip():
        raise Malformed(Rule.HEADER_EDGE_SPACE, name)
    if not _PRINTABLE.fullmatch(value):
        raise Malformed(Rule.HEADER_MALFORMED, name)


def decoded(name: str, value: str) -> str:
    """The text that a value stands for; only canonical base64 of UTF-8 counts. Raises Malformed."""
    wrapped = _BASE64.fullmatch(value)
    if wrapped is None:
        return value
    try:
        raw = base64.b64decode(wrapped[1], validate=True)
        text = raw.decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Malformed(Rule.HEADER_BASE64, name) from None
    if base64.b64encode(raw).decode() != wrapped[1]:
        raise Malformed(Rule.HEADER_BASE64, name)
    return text
