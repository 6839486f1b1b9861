"""JSON differentials: bodies that two readers read differently. Numbers and Unicode have tables of their own."""

from collections.abc import Iterator
from typing import Final

from tests.attacks.exchanges import HttpRow
from tests.path.messages import call

CALL: Final = call(1, "echo", x=1)
DROP: Final = b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"drop"}}'


def in_arguments(text: bytes) -> bytes:
    """A call with this text as its arguments."""
    return b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":%b}}' % text


def _with(member: bytes) -> bytes:
    """A call with one more member."""
    return CALL[:-1] + b"," + member + b"}"


def _about(member: bytes) -> bytes:
    """A request for completions, about this member."""
    return (
        b'{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{%b,"argument":{"name":"a","value":"b"}}}'
        % member
    )


def _listening(member: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{%b}}' % member


def _in_params(member: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{},%b}}' % member


_DUPLICATES: Final = {
    "method": _with(b'"method":"ping"'),
    "method-first": b'{"method":"ping",' + CALL[1:],
    "method-escaped": _with(b'"\\u006dethod":"ping"'),
    "method-same-value": _with(b'"method":"tools/call"'),
    "id": _with(b'"id":2'),
    "jsonrpc": _with(b'"jsonrpc":"1.0"'),
    "params": _with(b'"params":{"name":"drop"}'),
    "name": _in_params(b'"name":"drop"'),
    "name-escaped": _in_params(b'"n\\u0061me":"drop"'),
    "arguments": _in_params(b'"arguments":{"path":"/etc"}'),
    "meta": _in_params(b'"_meta":{},"_meta":{"a":1}'),
    "in-meta": _in_params(b'"_meta":{"progressToken":1,"progressToken":2}'),
    "argument": in_arguments(b'{"path":"/srv","path":"/etc"}'),
    "argument-escaped": in_arguments(b'{"path":"/srv","p\\u0061th":"/etc"}'),
    "argument-slash-escaped": in_arguments(b'{"a/b":1,"a\\/b":2}'),
    "in-an-array": in_arguments(b'{"a":[[{"b":1,"b":2}]]}'),
    "empty-key": in_arguments(b'{"":1,"":2}'),
    "sixty-deep": in_arguments(b'{"a":' * 58 + b'{"b":1,"b":2}' + b"}" * 58),
    "prototype": in_arguments(b'{"__proto__":{"a":1},"__proto__":{"a":2}}'),
    "unknown-member": _with(b'"x":1,"x":2'),
    "surrogate-pair-and-raw": in_arguments('{"\U0001f600":1,"\\ud83d\\ude00":2}'.encode()),
}
_TWINS: Final = {
    "method-capital": _with(b'"Method":"ping"'),
    "method-upper": _with(b'"METHOD":"ping"'),
    "id-capital": _with(b'"ID":2'),
    "params-capital": _with(b'"Params":{"name":"drop"}'),
    "params-long-s": _with('"param\u017f":{"name":"drop"}'.encode()),
    "params-long-s-escaped": _with(b'"param\\u017f":{"name":"drop"}'),
    "params-alone": b'{"jsonrpc":"2.0","id":1,"method":"tools/call","Params":{"name":"drop"}}',
    "name-capital": _in_params(b'"Name":"drop"'),
    "name-fullwidth": _in_params('"\uff4eame":"drop"'.encode()),
    "arguments-capital": _in_params(b'"Arguments":{"path":"/etc"}'),
    "arguments-long-s": _in_params('"argument\u017f":{}'.encode()),
    "meta-capital": _in_params(b'"_Meta":{}'),
    "task-kelvin": _in_params('"tas\u212a":{}'.encode()),
    "jsonrpc-capital": _with(b'"JSONRPC":"2.0"'),
    "result-capital": _with(b'"Result":{}'),
    "error-capital": _with(b'"Error":{}'),
    "uri-capital": b'{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a","URI":"file:///b"}}',
    "two-twins": _with(b'"Method":"a","mEthod":"b"'),
    "input-requests-alone": _in_params(b'"InputRequests":{}'),
    "ref-alone": _about(b'"Ref":{"type":"ref/prompt","name":"secret"}'),
    "name-alone-in-ref": _about(b'"ref":{"type":"ref/prompt","Name":"secret"}'),
    "type-alone-in-ref": _about(b'"ref":{"Type":"ref/resource","uri":"file:///etc/passwd"}'),
    "notifications-alone": _listening(b'"Notifications":{"resourceSubscriptions":["file:///etc/passwd"]}'),
    "subscriptions-alone": _listening(b'"notifications":{"ResourceSubscriptions":["file:///etc/passwd"]}'),
}
_TEXTS: Final = [
    ("key-nul", _with(b'"method\\u0000":"ping"'), "key_nul"),
    ("key-nul-in-argument", in_arguments(b'{"path\\u0000.txt":1}'), "key_nul"),
    ("raw-nul", CALL.replace(b"echo", b"ec\0ho"), "nul_byte"),
    ("raw-nul-behind", CALL + b"\0", "nul_byte"),
    ("mark", b"\xef\xbb\xbf" + CALL, "byte_order_mark"),
    ("utf-16-with-mark", CALL.decode().encode("utf-16"), "byte_order_mark"),
    ("utf-16-le", CALL.decode().encode("utf-16-le"), "nul_byte"),
    ("utf-16-be", CALL.decode().encode("utf-16-be"), "nul_byte"),
    ("utf-32", CALL.decode().encode("utf-32-le"), "nul_byte"),
    ("latin-1", CALL.replace(b"echo", b"\xe9cho"), "not_utf8"),
    ("overlong", CALL.replace(b"echo", b"\xc1\xa5cho"), "not_utf8"),
    ("overlong-nul", CALL.replace(b"echo", b"\xc0\x80echo"), "not_utf8"),
    ("cesu-8", CALL.replace(b"echo", b"\xed\xa0\xbd\xed\xb8\x80"), "not_utf8"),
    ("cut-in-a-character", CALL.replace(b"echo", b"\xe2\x80"), "not_utf8"),
    ("lone-surrogate", in_arguments(b'{"a":"\\ud800"}'), "lone_surrogate"),
    ("lone-low-surrogate", in_arguments(b'{"a":"x\\udc00x"}'), "lone_surrogate"),
    ("lone-surrogate-key", in_arguments(b'{"\\ud83d":1}'), "lone_surrogate"),
    ("lone-surrogate-in-name", CALL.replace(b"echo", b"echo\\udfff"), "lone_surrogate"),
    ("surrogates-in-the-wrong-order", in_arguments(b'{"a":"\\ude00\\ud83d"}'), "lone_surrogate"),
    ("nesting-arrays", in_arguments(b"[" * 10_000 + b"]" * 10_000), "too_deep"),
    ("nesting-objects", in_arguments(b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "too_deep"),
    ("nesting-unclosed", b"[" * 10_000, "too_deep"),
    ("nesting-of-65", in_arguments(b"[" * 63 + b"]" * 63), "too_deep"),
    ("trailing-document", CALL + DROP, "trailing_data"),
    ("trailing-word", CALL + b" x", "trailing_data"),
    ("trailing-brace", CALL + b"}", "trailing_data"),
    ("two-lines", CALL + b"\n" + DROP, "trailing_data"),
    ("empty", b"", "not_json"),
    ("blank", b" \t\r\n", "not_json"),
    ("cut", CALL[:-1], "not_json"),
    ("comment", CALL[:-1] + b"/* x */}", "not_json"),
    ("line-comment", b"// x\n" + CALL, "not_json"),
    ("trailing-comma", CALL[:-1] + b",}", "not_json"),
    ("single-quotes", CALL.replace(b'"', b"'"), "not_json"),
    ("unquoted-key", b"{jsonrpc:2}", "not_json"),
    ("raw-tab-in-a-string", CALL.replace(b"echo", b"ec\tho"), "not_json"),
    ("raw-line-feed-in-a-string", CALL.replace(b"echo", b"ec\nho"), "not_json"),
    ("unknown-escape", CALL.replace(b"echo", b"ec\\xho"), "not_json"),
    ("short-escape", CALL.replace(b"echo", b"ec\\u00e"), "not_json"),
    ("form-feed-between", b"\f" + CALL, "not_json"),
    ("no-break-space-between", "\u00a0".encode() + CALL, "not_json"),
    ("javascript-prefix", b")]}'\n" + CALL, "not_json"),
    ("form-encoded", b"jsonrpc=2.0&method=tools/call", "not_json"),
    ("a-number", b"1", "not_a_message"),
    ("a-string", b'"tools/call"', "not_a_message"),
    ("null", b"null", "not_a_message"),
    ("empty-object", b"{}", "jsonrpc_version"),
    ("version-1", CALL.replace(b'"2.0"', b'"1.0"'), "jsonrpc_version"),
    ("version-a-number", CALL.replace(b'"2.0"', b"2.0"), "jsonrpc_version"),
    ("version-missing", CALL.replace(b'"jsonrpc":"2.0",', b""), "jsonrpc_version"),
    ("request-and-result", _with(b'"result":{}'), "message_mixed"),
    ("request-and-error", _with(b'"error":{}'), "message_mixed"),
    ("method-null", CALL.replace(b'"tools/call"', b"null"), "method_type"),
    ("method-array", CALL.replace(b'"tools/call"', b'["tools/call"]'), "method_type"),
    ("method-empty", CALL.replace(b"tools/call", b""), "method_type"),
    ("params-text", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}', "params_type"),
    ("params-null", b'{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', "params_type"),
    ("id-null", CALL.replace(b'"id":1', b'"id":null'), "id_null"),
    ("id-object", CALL.replace(b'"id":1', b'"id":{}'), "id_type"),
    ("id-true", CALL.replace(b'"id":1', b'"id":true'), "id_type"),
    ("id-too-long", CALL.replace(b'"id":1', b'"id":"%b"' % (b"x" * 1023)), "id_too_long"),
    ("method-too-long", CALL.replace(b"tools/call", b"x" * 1025), "method_type"),
    ("too-large", in_arguments(b'{"a":"%b"}' % (b"x" * (1 << 16))), "too_large"),
]


def rows() -> Iterator[HttpRow]:
    """Every row of the class."""
    for name, body in _DUPLICATES.items():
        yield _row(f"duplicate-{name}", body, "duplicate_key")
    for name, body in _TWINS.items():
        yield _row(f"twin-{name}", body, "key_twin")
    for name, body, code in _TEXTS:
        yield _row(name, body, code)
    spaced = (
        b' { "jsonrpc" : "2.0" ,\r\n"id":1,"method":"tools/call","params":{"name":"\\u0065cho"} , "odd":[ 1.50 ] }\n'
    )
    for name, body in {"plain": CALL, "spacing-escapes-unknown-members": spaced}.items():
        yield HttpRow(f"json/passes-{name}", 200, body=body, arrives=[body], passes=True)


def _row(name: str, body: bytes, code: str) -> HttpRow:
    return HttpRow(f"json/{name}", 413 if code == "too_large" else 400, code, body=body)
