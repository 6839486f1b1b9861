"""JSON text, read so strictly that every other reader must see the same values, or refuse.

RFC 8259 leaves duplicate keys, number precision and lone surrogates to the reader, and real readers
differ in them; case-insensitive ones even take `Method` for `method`. What two readers could read
differently is refused; a number that a double does not hold is kept by its spelling.
"""

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from itertools import accumulate
from json import JSONDecodeError
from json.scanner import make_scanner
from typing import Any, Final, Never, cast

from msgspec import Struct

from evidence.canonical import Spelled
from proxy.wire.rules import Malformed, Rule

MAX_DEPTH: Final = 64
"""Nesting that no MCP message of a client needs to exceed."""

MEMBERS: Final = frozenset(
    ("jsonrpc", "id", "method", "params", "result", "error", "code", "message", "data", "name", "uri", "arguments",
     "_meta", "taskId", "task", "ref", "argument", "cursor", "nextCursor", "uriTemplate", "inputResponses",
     "inputRequests", "requestState", "resultType", "requestId", "progressToken", "tools", "resources",
     "resourceTemplates", "prompts", "tasks", "content", "contents", "structuredContent", "isError", "messages",
     "inputSchema", "outputSchema", "annotations", "description", "title", "type", "text", "blob", "mimeType",
     "notifications", "resourceSubscriptions")
)  # fmt: skip
"""Names that give a message its meaning; a second key of the same object must not be a look-alike of one."""

HARMLESS = MEMBERS | frozenset(
    ("properties", "required", "items", "enum", "default", "format", "$schema", "additionalProperties", "anyOf",
     "minimum", "maximum", "protocolVersion", "capabilities", "clientInfo", "version", "readOnlyHint",
     "destructiveHint", "idempotentHint", "openWorldHint", "maxLength", "minLength", "pattern", "limit", "offset",
     "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities",
     "io.modelcontextprotocol/clientInfo", "path", "query", "value")
)  # fmt: skip
"""Keys that are frequent and no look-alikes: they need no folding."""

_BLANKS = " \t\n\r"
_BLANK = re.compile(r"[ \t\n\r]*")
_EXACT_DIGITS = 15
_DOUBLE_INTEGERS = 2**53
_STRINGS = re.compile(rb'"[^"]*+"?+')
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F])|\\.", re.DOTALL
)
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class Reading(Struct, frozen=True):
    """A document: its value, and the spellings of the numbers that a double does not hold, in order.

    Those numbers stand in `value` as `Spelled`; everything else is dict, list, str, int, float, bool, None.
    """

    value: Any
    inexact: tuple[str, ...]


def read_json(raw: bytes, *, max_depth: int = MAX_DEPTH) -> Reading:
    """Read exactly one JSON document from UTF-8 bytes. Raises Malformed, nothing else."""
    text = _decoded(raw)
    _check_depth(raw, max_depth)
    # Most messages have no backslash at all, which one byte tells faster than two.
    document = _Document(plain=raw.isascii() and (b"\\" not in raw or b"\\u" not in raw))
    try:
        value, end = _scanner(document)(text, _first(text))
    except (StopIteration, JSONDecodeError) as problem:
        raise Malformed(Rule.NOT_JSON, _place(problem)) from None
    if end != len(text) and text[end:].strip(_BLANKS):
        raise Malformed(Rule.TRAILING_DATA, f"after character {end}")
    if not document.plain and b"\\u" in raw:
        _check_surrogates(text)
    return Reading(value, tuple(document.inexact))


def elements(raw: bytes) -> tuple[bytes, ...]:
    """The exact bytes of each element of a JSON array that `read_json` has accepted."""
    text = raw.decode()
    scan = _scanner(_Document(plain=True))
    found = []
    at = _skip(text, _first(text) + 1)
    while text[at] != "]":
        _, end = scan(text, at)
        found.append(text[at:end].encode())
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return tuple(found)


def fold(key: str) -> str:
    """The key as a reader sees it that ignores case and Unicode form (U+017F is `s`, U+212A is `k`).

    A key longer than every member comes back as it is: folding to ASCII never shortens.
    """
    if len(key) > _LONGEST:
        return key
    if key.isascii():
        return key.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", key).casefold()).casefold()


_LONGEST: Final = max(map(len, MEMBERS))
_MEMBER_OF: Final = {fold(name): name for name in MEMBERS}


class _Document:
    """The hooks of one reading, in the form that the scanner of the standard library asks for."""

    strict = True
    object_hook = None

    def __init__(self, *, plain: bool) -> None:
        self.plain = plain
        self.inexact: list[str] = []
        self.object_pairs_hook = _object if plain else _careful_object
        self.parse_constant = _constant

    def parse_int(self, spelling: str) -> int | Spelled:
        if len(spelling) <= _EXACT_DIGITS and spelling != "-0":
            return int(spelling)
        if _EXACT_DIGITS < len(spelling) <= _EXACT_DIGITS + 2 and abs(value := int(spelling)) <= _DOUBLE_INTEGERS:
            return value
        return self._spelled(spelling)

    def parse_float(self, spelling: str) -> float | Spelled:
        value = float(spelling)
        return value if _exact(spelling, value) else self._spelled(spelling)

    def _spelled(self, spelling: str) -> Spelled:
        self.inexact.append(spelling)
        return Spelled(spelling)


def _scanner(document: _Document) -> Callable[[str, int], tuple[Any, int]]:
    # The stubs know no other context than the scanner itself; it reads just these six attributes.
    return make_scanner(cast("make_scanner", document))


def _exact(spelling: str, value: float) -> bool:
    if value == 0:
        return spelling[0] != "-" and not re.search("[1-9]", re.split("[eE]", spelling)[0])
    if abs(value) == float("inf"):
        return False
    if len(spelling) <= _EXACT_DIGITS and "e" not in spelling and "E" not in spelling:
        return True
    return Decimal(repr(value)) == Decimal(spelling)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed(Rule.DUPLICATE_KEY)
    if not found.keys() <= HARMLESS:
        _check_twins(found)
    return found


def _careful_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if any("\0" in key for key, _ in pairs):
        raise Malformed(Rule.KEY_NUL)
    return _object(pairs)


def _check_twins(found: dict[str, Any]) -> None:
    seen = set()
    for key in found:
        member = None if key in MEMBERS else _MEMBER_OF.get(fold(key))
        if member is not None:
            if member in found or member in seen:
                raise Malformed(Rule.KEY_TWIN)
            seen.add(member)


def _constant(_spelling: str) -> Never:
    raise Malformed(Rule.NOT_A_NUMBER)


def _decoded(raw: bytes) -> str:
    if raw.startswith(_MARKS):
        raise Malformed(Rule.BYTE_ORDER_MARK)
    if b"\0" in raw:
        raise Malformed(Rule.NUL_BYTE)
    try:
        return raw.decode()
    except UnicodeDecodeError as problem:
        raise Malformed(Rule.NOT_UTF8, f"at byte {problem.start}") from None


def _check_depth(raw: bytes, limit: int) -> None:
    """Refuse deep nesting before anything recurses: outside of strings, a bracket is a step of +1 or -1.

    Two quotes side by side change nothing for what follows, and most strings come down to that. An escaped quote is
    no quote; outside of a string a backslash ends the reading, so that it does not matter what is made of it here.
    """
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = raw.translate(None, _NO_STRUCTURE).replace(b'""', b"")
    steps = memoryview(_STRINGS.sub(b"", structure).translate(_STEPS, _NOT_BRACKETS)).cast("b")
    if max(accumulate(steps), default=0) > limit:
        raise Malformed(Rule.TOO_DEEP, f"the limit is {limit}")


def _check_surrogates(text: str) -> None:
    if any(escape["lone"] for escape in _ESCAPES.finditer(text)):
        raise Malformed(Rule.LONE_SURROGATE)


def _first(text: str) -> int:
    return 0 if text.startswith(("{", "[")) else _skip(text, 0)


def _skip(text: str, at: int) -> int:
    return _BLANK.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty string everywhere


def _place(problem: Exception) -> str:
    return f"at character {problem.pos}" if isinstance(problem, JSONDecodeError) else "no value"
