"""Unicode and numbers: what looks alike is not alike, and what is decided is what is executed."""

import json
from collections.abc import Iterator
from typing import Final

from tests.attacks.documents import in_arguments
from tests.attacks.exchanges import HttpRow
from tests.path.messages import call, request

_NAMES: Final = {
    "zero-width-space": "ec\u200bho",
    "zero-width-joiner": "echo\u200d",
    "word-joiner": "\u2060echo",
    "tag-characters": "echo\U000e0041\U000e007f",
    "right-to-left-override": "\u202eohce",
    "isolate": "\u2066echo\u2069",
    "cyrillic": "\u0435cho",
    "greek": "ech\u03bf",
    "fullwidth": "\uff45\uff43\uff48\uff4f",
    "mathematical": "\U0001d41e\U0001d41c\U0001d421\U0001d428",
    "combining": "e\u0301cho",
    "soft-hyphen": "ec\u00adho",
    "variation-selector": "echo\ufe0f",
    "byte-order-mark-inside": "echo\ufeff",
    "ansi-escape": "echo\x1b[31m",
    "ansi-erases-the-line": "drop\x1b[2K\recho",
    "backspaces": "drop\b\b\b\becho",
    "nul": "echo\0",
    "line-feed": "echo\n",
    "blank-behind": "echo ",
    "no-break-space-behind": "echo\u00a0",
    "capital": "Echo",
    "star": "*",
    "empty": "",
}
_PATHS: Final = {
    "steps-upwards": "/srv/../etc/passwd",
    "steps-at-the-end": "/srv/a/../..",
    "steps-behind-a-dot": "/srv/./../etc",
    "steps-with-backslash": "/srv/..\\etc",
    "steps-encoded": "/srv/%2e%2e/etc",
    "double-slash": "//srv/../etc",
    "nul": "/srv/a\0/../../etc",
    "neighbour": "/srv2/a",
    "capitals": "/SRV/a",
    "relative": "srv/a",
    "home": "~/a",
    "empty": "",
    "cyrillic": "/\u0455rv/a",
    "fullwidth-slash": "\uff0fsrv/a",
    "file-uri": "file:///srv/a",
}
_URIS: Final = {
    "slashes-encoded": "file:///srv/..%2fetc%2fpasswd",
    "neighbour": "file:///srv2/a",
    "cyrillic": "file:///\u0455rv/a",
    "without-a-scheme": "/srv/a",
}
_REWRITTEN_URIS: Final = {
    "steps-upwards": "file:///srv/../etc/passwd",
    "steps-encoded": "file:///srv/%2e%2e/etc/passwd",
    "backslashes": "file:///srv/..\\etc\\passwd",
    "another-host": "file://evil/srv/a",
    "capital-scheme": "FILE:///srv/a",
    "blank-before": " file:///srv/a",
    "line-feed-inside": "file:///s\nrv/a",
    "one-slash": "file:/srv/a",
}
"""What the Python SDK 1.x reads as another URI."""
_INEXACT: Final = {
    "digits-beyond-a-double": b"100.00000000000000000001",
    "beyond-64-bits": b"18446744073709551617",
    "beyond-53-bits": b"9007199254740993",
    "negative-beyond-53-bits": b"-9007199254740993",
    "infinite": b"1e400",
    "negative-infinite": b"-1e400",
    "vanishing": b"1e-400",
    "minus-nought": b"-0",
    "minus-nought-fraction": b"-0.0",
    "more-digits-than-a-double": b"0.1000000000000000055511151231257827",
    "a-thousand-digits": b"1" * 1000,
}
_NO_NUMBERS: Final = {
    "nan": (b"NaN", "not_a_number"),
    "infinity": (b"Infinity", "not_a_number"),
    "minus-infinity": (b"-Infinity", "not_a_number"),
    "plus": (b"+1", "not_json"),
    "leading-nought": (b"01", "not_json"),
    "hexadecimal": (b"0x10", "not_json"),
    "bare-point": (b"1.", "not_json"),
    "no-digit-before-the-point": (b".5", "not_json"),
    "underscore": (b"1_000", "not_json"),
    "arabic-digits": ("\u0661".encode(), "not_json"),
    "fullwidth-digits": ("\uff11".encode(), "not_json"),
}
_AMOUNTS: Final = {
    "negative": b"-1",
    "one-too-many": b"101",
    "a-fraction-too-many": b"100.5",
    "exponent": b"1e3",
    "text": b'"50"',
    "array": b"[50]",
    "true": b"true",
    "null": b"null",
    "object": b'{"amount":50}',
}
_IDS: Final = {
    "beyond-a-double": b"9007199254740993",
    "beyond-64-bits": b"18446744073709551617",
    "infinite": b"1e400",
    "negative": b"-1",
    "text-of-a-number": b'"1"',
}
_BAD_IDS: Final = {"fraction": b"1.5", "whole-fraction": b"1.0", "negative-exponent": b"10e-1", "array": b"[1]"}


def rows() -> Iterator[HttpRow]:
    """Every row of both classes."""
    yield from _unicode()
    yield from _numbers()


def _unicode() -> Iterator[HttpRow]:
    for name, tool in _NAMES.items():
        yield _denied(f"unicode/tool-{name}", call(1, tool))
        raw = json.dumps(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool}}, ensure_ascii=False
        )
        yield _denied(f"unicode/tool-{name}-unescaped", raw.encode())
    for name, path in _PATHS.items():
        yield _denied(f"unicode/path-{name}", call(1, "read", path=path), "argument_refused")
    for name, uri in _URIS.items():
        yield _denied(f"unicode/uri-{name}", request(1, "resources/read", uri=uri))
    for name, uri in _REWRITTEN_URIS.items():
        yield HttpRow(f"unicode/uri-{name}", 400, "uri_form", body=request(1, "resources/read", uri=uri), gate="strict")
    spelled = call(1, "echo").replace(b"echo", b"\\u0065\\u0063ho")
    yield HttpRow("unicode/passes-escaped-ascii", 200, body=spelled, gate="strict", arrives=[spelled], passes=True)


def _numbers() -> Iterator[HttpRow]:
    for name, text in _INEXACT.items():
        yield HttpRow(f"number/{name}", 200, "number_not_exact", body=in_arguments(b'{"n":%b}' % text))
        nested = in_arguments(b'{"a":[{"b":[%b]}]}' % text)
        yield HttpRow(f"number/{name}-nested", 200, "number_not_exact", body=nested)
    for name, (text, code) in _NO_NUMBERS.items():
        yield HttpRow(f"number/{name}", 400, code, body=in_arguments(b'{"n":%b}' % text))
    for name, text in _AMOUNTS.items():
        yield _denied(f"number/amount-{name}", _refund(b'{"amount":%b}' % text), "argument_refused")
    for name, arguments in {"missing": b"{}", "beside-another": b'{"amount":1,"to":"me"}'}.items():
        yield _denied(f"number/amount-{name}", _refund(arguments), "argument_refused")
    for name, text in _BAD_IDS.items():
        yield HttpRow(f"number/id-{name}", 400, "id_type", body=_with_id(text))
    for name, text in _IDS.items():
        answer = b'{"jsonrpc":"2.0","id":%b,"result":{"resultType":"complete","content":[]}}' % text
        yield _passes(f"number/passes-id-{name}", _with_id(text), answer)
    granted = _refund(b'{"amount":1e2}')
    yield HttpRow("number/passes-amount-as-spelled", 200, body=granted, gate="strict", arrives=[granted], passes=True)


def _refund(arguments: bytes) -> bytes:
    return in_arguments(arguments).replace(b"echo", b"refund")


def _with_id(text: bytes) -> bytes:
    return call(1, "echo").replace(b'"id":1', b'"id":%b' % text)


def _denied(name: str, body: bytes, code: str = "not_granted") -> HttpRow:
    return HttpRow(name, 200, code, body=body, gate="strict")


def _passes(name: str, body: bytes, answer: bytes) -> HttpRow:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)
    return HttpRow(name, 200, body=body, answer=head + answer, arrives=[body], returns=answer, passes=True)
