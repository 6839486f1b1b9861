"""Write the vectors of the wire: bytes that were used against systems of this kind, and the verdict that they get.

    python tests/vectors/wire/generate.py            writes the files beside this one
    python tests/vectors/wire/generate.py --check    exits 1 if a file differs from what would be written

Every verdict is stated here by hand: `ok`, `noise`, `blank`, or the rule that refuses.
"""

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Vector = Mapping[str, Any]
_EURO = "\u20ac"

CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}'
READ = '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"%s"}}'
LISTEN = (
    '{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen",'
    '"params":{"notifications":{"resourceSubscriptions":["note://a","%s"]}}}'
)
RESULT = '{"jsonrpc":"2.0","id":1,"result":{}}'
PING = '{"jsonrpc":"2.0","id":%s,"method":"ping"}'
CANCEL = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s}}'
MODERN = (
    '{"jsonrpc":"2.0","id":1,"method":"%s","params":{%s"_meta":{'
    '"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}'
)


def _row(name: str, content: str | bytes, verdict: str, **more: object) -> Vector:
    """A vector; content that is not UTF-8 text, or that an editor would change, is base64."""
    raw = content if isinstance(content, bytes) else content.encode()
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = None
    held = {"text": text} if text is not None and text.isprintable() else {"base64": base64.b64encode(raw).decode()}
    return {"name": name, **held, "verdict": verdict, **more}


def json_texts() -> list[Vector]:
    """JSON documents for `read_json`; `inexact` is what it reports of numbers."""
    return [
        _row("object", '{"a":[1,2.5,"x",true,null]}', "ok"),
        _row("blanks_around", b" \r\n\t{} \n", "ok"),
        _row("scalar", "12", "ok"),
        _row("empty", "", "not_json"),
        _row("only_blanks", "   ", "not_json"),
        _row("truncated", '{"a":', "not_json"),
        _row("single_quotes", "{'a':1}", "not_json"),
        _row("comment", '{"a":1}//x', "trailing_data"),
        _row("comment_inside", '{/*x*/"a":1}', "not_json"),
        _row("trailing_comma", '{"a":1,}', "not_json"),
        _row("control_in_string", b'{"a":"x\ny"}', "not_json"),
        _row("bad_escape", '{"a":"\\x41"}', "not_json"),
        _row("short_unicode_escape", '{"a":"\\u12"}', "not_json"),
        _row("unicode_blank", '\u00a0{"a":1}', "not_json"),
        _row("line_separator_as_blank", '{\u2028"a":1}', "not_json"),
        _row("two_documents", '{"a":1}{"a":2}', "trailing_data"),
        _row("two_documents_blank", '{"a":1} {"a":2}', "trailing_data"),
        _row("trailing_nul", b'{"a":1}\0', "nul_byte"),
        _row("utf8_bom", b"\xef\xbb\xbf{}", "byte_order_mark"),
        _row("utf16_le_bom", "{}".encode("utf-16"), "byte_order_mark"),
        _row("utf16_be_bom", b"\xfe\xff\0{\0}", "byte_order_mark"),
        _row("utf16_le_bare", "{}".encode("utf-16-le"), "nul_byte"),
        _row("utf32_bare", "{}".encode("utf-32-be"), "nul_byte"),
        _row("latin1", b'{"a":"\xe9"}', "not_utf8"),
        _row("overlong_utf8", b'{"a":"\xc0\xaf"}', "not_utf8"),
        _row("surrogate_in_utf8", b'{"a":"\xed\xa0\x80"}', "not_utf8"),
        _row("duplicate_key", '{"a":1,"a":2}', "duplicate_key"),
        _row("duplicate_key_escaped", '{"method":1,"\\u006dethod":2}', "duplicate_key"),
        _row("duplicate_key_deep", '{"a":[{"b":{"c":1,"c":1}}]}', "duplicate_key"),
        _row("twin_case", '{"method":"ping","Method":"tools/call"}', "key_twin"),
        _row("twin_case_deep", '{"a":[{"name":"x","NAME":"y"}]}', "key_twin"),
        _row("twin_long_s", '{"params":1,"param\u017f":2}', "key_twin"),
        _row("twin_long_s_escaped", '{"params":1,"param\\u017f":2}', "key_twin"),
        _row("twin_kelvin", '{"taskId":1,"tas\u212aId":2}', "key_twin"),
        _row("twin_fullwidth", '{"name":1,"\uff4e\uff41\uff4d\uff45":2}', "key_twin"),
        _row("long_s_in_another_key", '{"title":1,"tit\u017fe":2}', "ok"),
        _row("twins_without_member", '{"NAME":1,"Name":2}', "key_twin"),
        _row("own_keys_differ_in_case", '{"Colour":1,"colour":2}', "ok"),
        _row("capital_alone", '{"Name":1}', "ok"),
        _row("key_nul", '{"method\\u0000":1}', "key_nul"),
        _row("value_nul", '{"a":"x\\u0000y"}', "ok"),
        _row("lone_high", '{"a":"\\ud800"}', "lone_surrogate"),
        _row("lone_low", '{"a":"\\udc00"}', "lone_surrogate"),
        _row("high_then_text", '{"a":"\\ud83dx"}', "lone_surrogate"),
        _row("two_highs", '{"a":"\\ud83d\\ud83d\\ude00"}', "lone_surrogate"),
        _row("lone_in_key", '{"\\uD800":1}', "lone_surrogate"),
        _row("pair", '{"a":"\\ud83d\\ude00"}', "ok"),
        _row("escaped_backslash_before_u", '{"a":"\\\\ud800"}', "ok"),
        _row("nan", '{"a":NaN}', "not_a_number"),
        _row("infinity", '{"a":[Infinity]}', "not_a_number"),
        _row("minus_infinity", '{"a":-Infinity}', "not_a_number"),
        _row("leading_zero", '{"a":01}', "not_json"),
        _row("plus", '{"a":+1}', "not_json"),
        _row("hexadecimal", '{"a":0x10}', "not_json"),
        _row("bare_point", '{"a":1.}', "not_json"),
        _row("arabic_digits", '{"a":\u0661}', "not_json"),
        _row("depth_64", "[" * 64 + "]" * 64, "ok"),
        _row("depth_65", "[" * 65 + "]" * 65, "too_deep"),
        _row("depth_mixed", '{"a":[' * 33 + "]}" * 33, "too_deep"),
        _row("depth_10000", "[" * 10_000 + "]" * 10_000, "too_deep"),
        _row("depth_unclosed", "[" * 10_000, "too_deep"),
        _row("brackets_in_strings", '["' + "[{" * 100 + '","\\"' + "[" * 100 + '"]', "ok"),
        _row("wide_not_deep", "[" + ",".join(["[]"] * 100) + "]", "ok"),
        *_numbers(),
    ]


def _numbers() -> list[Vector]:
    exact = ["0", "1", "-1", "9007199254740992", "-9007199254740992", "0.0", "1.0", "0.1", "1e2", "1E+2", "100.00"]
    exact += ["0.10000000000000000", "1.7976931348623157e308", "5e-324", "123456789012345.5", "0e5", "3.14159265358979"]
    inexact = ["-0", "-0.0", "-0e3", "9007199254740993", "-9007199254740993", "18446744073709551617", "1e400", "-1e400"]
    inexact += ["100.00000000000000000001", "0.1000000000000000055511151231257827", "1e-400", "12345678901234567890.5"]
    inexact += ["1e99999999999999999999", "1" + "0" * 5000]
    return [_row(f"exact {text}", f"[{text}]", "ok", inexact=[]) for text in exact] + [
        _row(f"inexact {text[:40]}", f"[{text}]", "ok", inexact=[text]) for text in inexact
    ]


def messages() -> list[Vector]:
    """Bodies for `read_client` and `read_server` (`side`); `id` is the id that a refusal may repeat."""
    sides: list[tuple[str, ...]] = [
        ("call", CALL, "ok", "ok"),
        ("unknown_members", '{"jsonrpc":"2.0","id":"a","method":"ping","x":1,"extra":{}}', "ok", "ok"),
        ("notification", '{"jsonrpc":"2.0","method":"notifications/initialized"}', "ok", "ok"),
        ("result", '{"jsonrpc":"2.0","id":1,"result":{}}', "ok", "ok"),
        ("error", '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x"}}', "ok", "ok"),
        ("error_id_null", '{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"x"}}', "id_missing", "ok"),
        ("error_no_id", '{"jsonrpc":"2.0","error":{"code":-1,"message":"x"}}', "id_missing", "ok"),
        ("scalar", "1", "not_a_message", "not_a_message"),
        ("no_kind", '{"jsonrpc":"2.0","id":1}', "not_a_message", "not_a_message"),
        ("no_version", '{"id":1,"method":"ping"}', "jsonrpc_version", "jsonrpc_version"),
        ("version_number", '{"jsonrpc":2.0,"id":1,"method":"ping"}', "jsonrpc_version", "jsonrpc_version"),
        ("version_1", '{"jsonrpc":"1.0","id":1,"method":"ping"}', "jsonrpc_version", "jsonrpc_version"),
        ("request_posing_as_result", '{"jsonrpc":"2.0","id":1,"method":"x","result":{}}', *["message_mixed"] * 2),
        ("request_posing_as_error", '{"jsonrpc":"2.0","id":1,"method":"x","error":{}}', *["message_mixed"] * 2),
        ("result_and_error", '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', *["message_mixed"] * 2),
        ("result_and_null_error", '{"jsonrpc":"2.0","id":1,"result":{},"error":null}', *["message_mixed"] * 2),
        ("result_no_id", '{"jsonrpc":"2.0","result":{}}', "id_missing", "id_missing"),
        ("result_id_null", '{"jsonrpc":"2.0","id":null,"result":{}}', "id_null", "id_null"),
        ("request_id_null", '{"jsonrpc":"2.0","id":null,"method":"ping"}', "id_null", "id_null"),
        ("id_fraction", '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', "id_type", "id_type"),
        ("id_float", '{"jsonrpc":"2.0","id":1.0,"method":"ping"}', "id_type", "id_type"),
        ("id_bool", '{"jsonrpc":"2.0","id":true,"method":"ping"}', "id_type", "id_type"),
        ("id_object", '{"jsonrpc":"2.0","id":{},"method":"ping"}', "id_type", "id_type"),
        ("id_big", '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}', "ok", "ok"),
        ("id_exponent", '{"jsonrpc":"2.0","id":1e400,"method":"ping"}', "ok", "ok"),
        ("id_empty_text", '{"jsonrpc":"2.0","id":"","method":"ping"}', "ok", "ok"),
        ("id_as_long_as_may_be", PING % f'"{"x" * 1022}"', "ok", "ok"),
        ("id_too_long", PING % f'"{"x" * 1023}"', "id_too_long", "id_too_long"),
        ("id_too_long_in_utf8", PING % f'"{_EURO * 341}"', "id_too_long", "id_too_long"),
        ("id_of_too_many_digits", PING % ("9" * 1025), "id_too_long", "id_too_long"),
        ("id_of_a_result_too_long", RESULT.replace("1", "9" * 1025), "id_too_long", "id_too_long"),
        ("id_of_an_error_too_long", RESULT.replace("1", "9" * 1025).replace("result", "error"), *["id_too_long"] * 2),
        ("id_of_a_cancel", CANCEL % f'"{"x" * 1022}"', "ok", "ok"),
        ("id_of_a_cancel_too_long", CANCEL % f'"{"x" * 1023}"', "id_too_long", "id_too_long"),
        ("id_in_a_batch_too_long", f"[{PING % ('9' * 1025)}]", "id_too_long", "id_too_long"),
        ("method_number", '{"jsonrpc":"2.0","id":1,"method":5}', "method_type", "method_type"),
        ("method_empty", '{"jsonrpc":"2.0","id":1,"method":""}', "method_type", "method_type"),
        ("method_null", '{"jsonrpc":"2.0","id":1,"method":null}', "method_type", "method_type"),
        ("method_as_long_as_may_be", CALL.replace("tools/call", "x" * 1024), "ok", "ok"),
        ("method_too_long", CALL.replace("tools/call", "x" * 1025), "method_type", "method_type"),
        ("method_too_long_in_utf8", CALL.replace("tools/call", _EURO * 342), "method_type", "method_type"),
        ("params_array", '{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}', "ok", "ok"),
        ("params_null", '{"jsonrpc":"2.0","id":1,"method":"x","params":null}', "params_type", "params_type"),
        ("params_text", '{"jsonrpc":"2.0","id":1,"method":"x","params":"y"}', "params_type", "params_type"),
        ("uri", READ % "file:///srv/a.b/..c", "ok", "ok"),
        ("uri_with_a_blank_inside", READ % "file:///srv/a b", "ok", "ok"),
        ("uri_beyond_ascii", READ % "file:///srv/\u00e9", "ok", "ok"),
        ("uri_of_its_own_scheme", READ % "note://Team/Plan%20B?x=../y", "ok", "ok"),
        ("uri_opaque", READ % "urn:isbn:1", "ok", "ok"),
        ("uri_of_the_web", READ % "https://u@example.com:8443/A?b#../c", "ok", "ok"),
        ("uri_of_a_bare_host", READ % "https://example.com", "ok", "ok"),
        ("uri_of_an_address", READ % "http://127.0.0.1:3000/", "ok", "ok"),
        ("uri_of_a_long_address", READ % "http://[::1]/", "ok", "ok"),
        ("uri_no_uri", READ % "a/../b", "ok", "ok"),
        ("uri_to_listen_to", LISTEN % "file:///srv/a", "ok", "ok"),
        ("uri_to_listen_to_with_steps", LISTEN % "file:///srv/../etc", "uri_form", "uri_form"),
        ("uri_of_another_method", READ.replace("resources/read", "x") % "file:///a/../b", "ok", "ok"),
        *(
            (f"uri_{name}", READ % uri, "uri_form", "uri_form")
            for name, uri in {
                "steps": "file:///srv/../etc",
                "step": "file:///srv/./a",
                "steps_encoded": "file:///srv/%2E./etc",
                "steps_at_the_end": "note://a/b/..",
                "capital_scheme": "FILE:///etc",
                "capital_scheme_opaque": "URN:isbn:1",
                "blank_before": " file:///etc",
                "blank_behind": "file:///etc ",
                "tab_inside": "file:///e\\ttc",
                "nul_inside": "file:///etc\\u0000",
                "backslashes": "file:///srv\\\\..",
                "one_slash": "file:/etc",
                "four_slashes": "file:////etc",
                "file_on_a_host": "file://localhost/etc",
                "capital_host": "http://EXAMPLE.com/",
                "fullwidth_host": "http://\uff45xample.com/",
                "default_port": "http://example.com:80/",
                "decimal_address": "http://2130706433/",
                "hexadecimal_address": "http://0x7f.0.0.1/",
                "short_address": "http://127.1/",
                "mapped_address": "http://[::ffff:127.0.0.1]/",
                "long_spelling_of_an_address": "http://[0:0:0:0:0:0:0:1]/",
            }.items()
        ),
        ("error_text", '{"jsonrpc":"2.0","id":1,"error":"y"}', "error_type", "error_type"),
        ("capital_method_beside", '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"x"}', *["key_twin"] * 2),
        ("capital_params_alone", '{"jsonrpc":"2.0","id":1,"method":"x","Params":{}}', *["key_twin"] * 2),
        ("capital_name_alone", '{"jsonrpc":"2.0","id":1,"method":"x","params":{"Name":"y"}}', *["key_twin"] * 2),
        ("capital_tools_alone", '{"jsonrpc":"2.0","id":1,"result":{"Tools":[]}}', *["key_twin"] * 2),
        ("long_s_params_alone", '{"jsonrpc":"2.0","id":1,"method":"x","param\u017f":{}}', *["key_twin"] * 2),
        *((f"capital_{name}", text, "key_twin", "key_twin") for name, text in _capitals().items()),
        *((f"no_look_alike_{name}", text, "ok", "ok") for name, text in _strangers().items()),
        ("capital_in_arguments", CALL.replace("{}", '{"Name":"y","ID":1}'), "ok", "ok"),
        ("batch", f"[{CALL}]", "ok", "ok"),
        ("batch_of_100", f"[{','.join(CALL.replace(':1,', f':{i},') for i in range(100))}]", "ok", "ok"),
        ("batch_of_101", f"[{','.join([CALL] * 101)}]", "batch_too_long", "batch_too_long"),
        ("batch_empty", "[]", "batch_empty", "batch_empty"),
        ("batch_nested", f"[[{CALL}]]", "batch_nested", "batch_nested"),
        ("batch_scalar", f"[{CALL},1]", "batch_nested", "batch_nested"),
        ("batch_id_twice", f"[{CALL},{CALL}]", "batch_id_twice", "batch_id_twice"),
        ("batch_answer_twice", f"[{RESULT},{RESULT}]", "batch_id_twice", "batch_id_twice"),
        ("batch_request_and_answer", f"[{RESULT},{CALL}]", "ok", "ok"),
        ("batch_bad_element", f'[{CALL},{{"jsonrpc":"2.0","id":2}}]', "not_a_message", "not_a_message"),
    ]
    rows = [
        _row(f"{name} ({side})", text, verdict, side=side)
        for name, text, *verdicts in sides
        for side, verdict in zip(("client", "server"), verdicts, strict=True)
    ]
    return [*rows, _row("too_large", CALL + " " * 2000, "too_large", side="client")]


def _capitals() -> dict[str, str]:
    """Look-alikes that stand alone where something is decided by the member that they look like."""
    params = {
        "input_requests_in_params": '"InputRequests":{}',
        "input_requests_in_small_letters": '"inputrequests":{}',
        "request_id_in_params": '"RequestId":1',
        "protocol_version_in_params": '"ProtocolVersion":"2025-11-25"',
        "capabilities_in_params": '"Capabilities":{}',
        "cursor_in_params": '"Cursor":"2"',
        "status_in_params": '"Status":"completed"',
        "result_in_params": '"Result":{}',
        "notifications_in_params": '"Notifications":{"resourceSubscriptions":[]}',
        "name_in_ref": '"ref":{"type":"ref/prompt","Name":"y"}',
        "type_in_ref": '"ref":{"Type":"ref/prompt","name":"y"}',
        "uri_in_ref": '"ref":{"type":"ref/resource","URI":"file:///a"}',
        "subscriptions_in_notifications": '"notifications":{"ResourceSubscriptions":[]}',
        "method_in_an_input_request": '"inputRequests":{"a":{"Method":"roots/list"}}',
        "params_in_an_input_request": '"inputRequests":{"a":{"method":"roots/list","Params":{}}}',
        "name_in_the_params_of_an_input_request": '"inputRequests":{"a":{"method":"x","params":{"Name":"y"}}}',
    }
    result = {
        "next_cursor_in_a_result": '"NextCursor":"2"',
        "request_state_in_a_result": '"RequestState":"y"',
        "task_id_in_a_result": '"TaskId":"y"',
        "status_in_a_result": '"Status":"completed"',
        "result_in_a_result": '"Result":{}',
        "cache_scope_in_a_result": '"CacheScope":"public"',
        "ttl_ms_in_a_result": '"TtlMs":1',
        "task_id_in_a_task": '"task":{"TaskId":"y"}',
        "ttl_in_a_task": '"task":{"taskId":"y","TTL":1}',
        "params_in_an_input_request_of_a_result": '"inputRequests":{"a":{"method":"roots/list","Params":{}}}',
    }
    return {name: CALL.replace('"name":"echo","arguments":{}', text) for name, text in params.items()} | {
        name: RESULT.replace("{}", f"{{{text}}}") for name, text in result.items()
    }


def _strangers() -> dict[str, str]:
    """Members that look like none of the protocol's at their place."""
    return {
        "in_params": CALL.replace('"arguments"', '"Mode":"x","Naming":1,"Total":2,"URL":"y","arguments"'),
        "in_ref": CALL.replace('"arguments":{}', '"ref":{"type":"ref/prompt","name":"y","Title":"z"}'),
        "in_a_ref_that_is_no_object": CALL.replace('"arguments":{}', '"ref":["Name"]'),
        "in_input_requests": CALL.replace('"arguments":{}', '"inputRequests":{"Method":{"method":"x"},"Params":1}'),
        "in_a_result": RESULT.replace("{}", '{"Total":1,"Items":[],"Message":"y","Data":2}'),
        "in_structured_content": RESULT.replace("{}", '{"structuredContent":{"Status":1,"TaskId":2,"Result":3}}'),
        "in_the_data_of_an_error": RESULT.replace("result", "error").replace("{}", '{"data":{"Code":1,"Message":2}}'),
    }


def lines() -> list[Vector]:
    """Lines on stdio; `side` is who wrote them."""
    nested = CALL.replace("{}", "\r" + CALL + "\r")
    both: list[tuple[str, str | bytes, str]] = [
        ("message_lf", CALL + "\n", "ok"),
        ("message_cr_lf", CALL + "\r\n", "ok"),
        ("message_without_lf", CALL, "ok"),
        ("raw_cr_hides_call", nested + "\n", "raw_cr"),
        ("raw_cr_between", CALL + "\r" + CALL + "\n", "raw_cr"),
        ("two_cr_at_end", CALL + "\r\r\n", "raw_cr"),
        ("cr_without_lf", CALL + "\r", "raw_cr"),
        ("escaped_cr", CALL.replace("{}", '{"a":"\\r"}') + "\n", "ok"),
        ("two_documents", CALL + CALL + "\n", "trailing_data"),
        ("half_a_document", CALL[:30] + "\n", "not_json"),
        ("brace_noise", "{not json\n", "not_json"),
        ("bracket_noise", "[INFO] started\n", "not_json"),
        ("blank_then_brace", "  \t{x\n", "not_json"),
        ("bom", b"\xef\xbb\xbf" + CALL.encode() + b"\n", "byte_order_mark"),
        ("nul_inside", CALL[:-1].encode() + b"\0}\n", "nul_byte"),
        ("latin1", CALL.replace("echo", "\u00e9").encode("latin-1") + b"\n", "not_utf8"),
        ("array", f"[{CALL}]\n", "ok"),
        ("too_large", CALL + " " * 2000 + "\n", "too_large"),
    ]
    own: list[tuple[str, str | bytes, str, str]] = [
        ("blank", "\n", "blank", "noise"),
        ("blanks", " \t\r\n", "blank", "noise"),
        ("words", "server started\n", "not_json", "noise"),
        ("number", "42\n", "not_a_message", "noise"),
        ("colour", "\x1b[32mok\x1b[0m {x}\n", "not_json", "noise"),
        ("progress_with_cr", "\rloading 10%\rloading 20%\n", "raw_cr", "noise"),
        ("latin1_words", b"caf\xe9\n", "not_utf8", "noise"),
        ("cr_hides_call", "loading\r" + CALL + "\n", "raw_cr", "noise_hides_json"),
        ("cr_hides_call_after_blank", "loading\r  " + CALL + "\n", "raw_cr", "noise_hides_json"),
        ("line_separator_hides_call", "loading\u2028" + CALL + "\n", "not_json", "noise_hides_json"),
        ("form_feed_hides_call", "loading\f" + CALL + "\n", "not_json", "noise_hides_json"),
        ("next_line_hides_call", "loading\u0085" + CALL + "\n", "not_json", "noise_hides_json"),
        ("bom_after_blank", b" \xef\xbb\xbf" + CALL.encode() + b"\n", "not_json", "not_json"),
        ("utf16", (CALL + "\n").encode("utf-16"), "byte_order_mark", "byte_order_mark"),
        ("nul_then_call", b"\0" + CALL.encode() + b"\n", "nul_byte", "noise_hides_json"),
        ("no_break_space_then_call", "\u00a0" + CALL + "\n", "not_json", "noise_hides_json"),
        ("zero_width_then_call", "\u200b" + CALL + "\n", "not_json", "noise_hides_json"),
    ]
    rows = [_row(f"{name} ({side})", text, verdict, side=side) for name, text, verdict in both for side in _SIDES]
    return rows + [
        _row(f"{name} ({side})", text, verdict, side=side)
        for name, text, *verdicts in own
        for side, verdict in zip(_SIDES, verdicts, strict=True)
    ]


_SIDES = ("client", "server")


def _event(
    raw: str, data: str | None, event: str = "message", id: str | None = None, retry: int | None = None
) -> Vector:
    return {"raw": raw, "data": data or "", "event": event, "id": id, "retry": retry, "comment_only": data is None}


def events() -> list[Vector]:
    """Event streams, with what they say; an event with `data` null dispatches nothing."""
    streams: list[tuple[str, str, list[Vector]]] = [
        ("lf", "data: a\n\n", [_event("data: a\n\n", "a")]),
        ("cr_lf", "event: message\r\ndata: {}\r\n\r\n", [_event("event: message\r\ndata: {}\r\n\r\n", "{}")]),
        ("cr", "data: a\r\rdata: b\r\r", [_event("data: a\r\r", "a"), _event("data: b\r\r", "b")]),
        ("mixed", "data: a\rdata: b\r\ndata: c\n\r\n", [_event("data: a\rdata: b\r\ndata: c\n\r\n", "a\nb\nc")]),
        ("cr_then_cr_lf", "data: a\r\r\ndata: b\n\n", [
            _event("data: a\r\r", "a"), _event("\n", None), _event("data: b\n\n", "b")]),
        ("lf_then_cr", "data: a\n\rdata: b\n\n", [_event("data: a\n\r", "a"), _event("data: b\n\n", "b")]),
        ("ends_in_cr", "data: a\r\n\r", [_event("data: a\r\n\r", "a")]),
        ("mark_later_is_a_name", "data: a\n\n\ufeffdata: b\n\n", [
            _event("data: a\n\n", "a"), _event("\ufeffdata: b\n\n", None)]),
        ("comment", ": ping\n\n", [_event(": ping\n\n", None)]),
        ("comment_beside_data", ": x\ndata: a\n\n", [_event(": x\ndata: a\n\n", "a")]),
        ("blank_lines", "\n\r\ndata: a\n\n", [
            _event("\n", None), _event("\r", None), _event("\n", None), _event("data: a\n\n", "a")]),
        ("all_fields", "id: 7\nevent: endpoint\nretry: 500\ndata: /m\n\n", [
            _event("id: 7\nevent: endpoint\nretry: 500\ndata: /m\n\n", "/m", "endpoint", "7", 500)]),
        ("priming", "id: 7\ndata:\n\n", [_event("id: 7\ndata:\n\n", "", id="7")]),
        ("bare_data", "data\n\n", [_event("data\n\n", "")]),
        ("one_blank_is_dropped", "data:  a\n\n", [_event("data:  a\n\n", " a")]),
        ("no_blank", "data:a:b\n\n", [_event("data:a:b\n\n", "a:b")]),
        ("empty_lines_of_data", "data: a\ndata:\ndata: b\n\n", [_event("data: a\ndata:\ndata: b\n\n", "a\n\nb")]),
        ("id_only", "id: 9\n\n", [_event("id: 9\n\n", None, id="9")]),
        ("id_with_nul", "id: 9\0\ndata: a\n\n", [_event("id: 9\0\ndata: a\n\n", "a")]),
        ("retry_words", "retry: soon\ndata: a\n\n", [_event("retry: soon\ndata: a\n\n", "a")]),
        ("field_in_capitals", "Data: a\n\n", [_event("Data: a\n\n", None)]),
        ("separator_in_data", 'data: "a\u2028data: b"\n\n', [
            _event('data: "a\u2028data: b"\n\n', '"a\u2028data: b"')]),
        ("unfinished", "data: a\n\ndata: b\n", [_event("data: a\n\n", "a")]),
    ]  # fmt: skip
    hidden = [
        ("line_separator_in_comment", ": x\u2028data: {}\n\n"),
        ("line_separator_in_event", "event: x\u2029data: {}\n\n"),
        ("vertical_tab_in_id", "id: 1\vdata: {}\n\n"),
        ("next_line_in_unknown_field", "x: \u0085data: {}\n\n"),
    ]
    return (
        [_row(name, text, "ok", events=found) for name, text, found in streams]
        + [_row("mark", "\ufeffdata: a\n\n", "byte_order_mark", events=[])]
        + [_row("mark_before_a_comment", "\ufeff: a\n\ndata: b\n\n", "byte_order_mark", events=[])]
        + [_row(name, text, "sse_hidden_line", events=[]) for name, text in hidden]
        + [_row("giant", "data: " + "x" * 2000 + "\n\n", "sse_event_too_large", events=[])]
        + [_row("giant_unfinished", "data: " + "x" * 2000, "sse_event_too_large", events=[])]
    )


def _mirrors(method: str = "tools/call", name: str | None = "echo") -> list[list[str]]:
    found = [["MCP-Protocol-Version", "2026-07-28"], ["Mcp-Method", method]]
    return found + ([["Mcp-Name", name]] if name is not None else [])


def headers() -> list[Vector]:
    """Headers against a body; `schema` is the input schema of the tool, where it is known."""
    kind = [["Content-Type", "application/json"]]
    modern, legacy = MODERN % ("tools/call", '"name":"echo","arguments":{"region":"eu","n":42},'), CALL
    listing = MODERN % ("tools/list", "")
    task = MODERN % ("tasks/get", '"taskId":"t1",')
    two = MODERN % ("tasks/get", '"name":"t2","taskId":"t1",')
    odd = MODERN % ("tools/call", '"name":" \u00e9\\r\\nX: y",')
    odd64 = "=?base64?" + base64.b64encode(" \u00e9\r\nX: y".encode()).decode() + "?="
    null_version = MODERN.replace('"2026-07-28"', "null") % ("ping", "")
    schema = {
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "n": {"type": "integer", "x-mcp-header": "N"},
            "deep": {"properties": {"flag": {"type": "boolean", "x-mcp-header": "Flag"}}},
        },
    }
    full = [*kind, *_mirrors(), ["Mcp-Param-Region", "eu"], ["Mcp-Param-N", "42"]]
    table: list[tuple[str, list[list[str]], str, str]] = [
        ("legacy_plain", kind, legacy, "ok"),
        ("legacy_version", [*kind, ["MCP-Protocol-Version", "2025-06-18"]], legacy, "ok"),
        ("legacy_method_same", [*kind, ["Mcp-Method", "tools/call"], ["mcp-name", "echo"]], legacy, "ok"),
        ("legacy_method_differs", [*kind, ["Mcp-Method", "ping"]], legacy, "header_method"),
        ("legacy_name_differs", [*kind, ["Mcp-Name", "other"]], legacy, "header_name"),
        ("legacy_batch", kind, f"[{legacy}]", "ok"),
        ("legacy_batch_name_differs", [*kind, ["Mcp-Name", "other"]], f"[{legacy}]", "header_name"),
        ("charset_utf8", [["content-type", "application/json; charset=UTF-8"]], legacy, "ok"),
        ("charset_quoted", [["content-type", 'application/json;charset="utf-8"']], legacy, "ok"),
        ("charset_utf7", [["content-type", "application/json; charset=utf-7"]], legacy, "content_type"),
        ("content_type_missing", [], legacy, "content_type"),
        ("content_type_doubled", kind * 2, legacy, "content_type"),
        ("content_type_text", [["Content-Type", "text/plain"]], legacy, "content_type"),
        ("content_type_prefix", [["Content-Type", "application/json-seq"]], legacy, "content_type"),
        ("content_type_list", [["Content-Type", "application/json, text/plain"]], legacy, "content_type"),
        ("identity", [*kind, ["Content-Encoding", "identity"]], legacy, "ok"),
        ("gzip", [*kind, ["Content-Encoding", "gzip"]], legacy, "content_encoding"),
        ("gzip_after_identity", [*kind, ["Content-Encoding", "identity, gzip"]], legacy, "content_encoding"),
        ("modern", [*kind, *_mirrors()], modern, "ok"),
        ("modern_headerless", kind, modern, "header_version"),
        ("modern_old_version", [*kind, ["MCP-Protocol-Version", "2025-06-18"]], modern, "header_version"),
        ("modern_version_null", [*kind, *_mirrors("ping", None)], null_version, "header_version"),
        ("modern_no_method", [*kind, *_mirrors()[:1]], modern, "header_method"),
        ("modern_method_differs", [*kind, *_mirrors("tools/list")], modern, "header_method"),
        ("modern_method_case", [*kind, *_mirrors("Tools/Call")], modern, "header_method"),
        ("modern_no_name", [*kind, *_mirrors(name=None)], modern, "header_name"),
        ("modern_name_differs", [*kind, *_mirrors(name="other")], modern, "header_name"),
        ("modern_doubled_name", [*kind, *_mirrors(), ["mcp-name", "echo"]], modern, "header_doubled"),
        ("modern_doubled_method", [*kind, *_mirrors(), ["MCP-METHOD", "ping"]], modern, "header_doubled"),
        ("modern_edge_space", [*kind, *_mirrors(name="echo ")], modern, "header_edge_space"),
        ("modern_not_ascii", [*kind, *_mirrors(name="\u00e9cho")], modern, "header_malformed"),
        ("modern_base64", [*kind, *_mirrors(name="=?base64?ZWNobw==?=")], modern, "ok"),
        ("modern_base64_empty", [*kind, *_mirrors(name="=?base64??=")], modern, "header_name"),
        ("modern_base64_broken", [*kind, *_mirrors(name="=?base64?ZWNob?=")], modern, "header_base64"),
        ("modern_base64_not_canonical", [*kind, *_mirrors(name="=?base64?ZWNobx==?=")], modern, "header_base64"),
        ("modern_base64_not_utf8", [*kind, *_mirrors(name="=?base64?/w==?=")], modern, "header_base64"),
        ("modern_odd_name", [*kind, *_mirrors(name=odd64)], odd, "ok"),
        ("modern_list", [*kind, *_mirrors("tools/list", None)], listing, "ok"),
        ("modern_list_with_name", [*kind, *_mirrors("tools/list", "x")], listing, "ok"),
        ("modern_task", [*kind, *_mirrors("tasks/get", "t1")], task, "ok"),
        ("modern_task_by_another_member", [*kind, *_mirrors("tasks/get", "t2")], two, "header_name"),
        (
            "token_doubled",
            [*kind, ["Authorization", "Bearer a"], ["authorization", "Bearer b"]],
            legacy,
            "header_doubled",
        ),
        ("modern_task_differs", [*kind, *_mirrors("tasks/get", "t2")], task, "header_name"),
        ("modern_batch", [*kind, *_mirrors()], f"[{modern}]", "batch_modern"),
        ("param_unknown_schema", [*kind, *_mirrors(), ["Mcp-Param-X", "1"]], modern, "ok"),
        ("param_doubled", [*kind, *_mirrors(), *[["Mcp-Param-X", "1"]] * 2], modern, "header_doubled"),
        ("param_base64_broken", [*kind, *_mirrors(), ["Mcp-Param-X", "=?base64?!?="]], modern, "header_base64"),
    ]
    mirrored: list[tuple[str, list[list[str]], str]] = [
        ("param_same", full, "ok"),
        ("param_integer_as_decimal", [*full[:-1], ["Mcp-Param-N", "42.0"]], "ok"),
        ("param_integer_differs", [*full[:-1], ["Mcp-Param-N", "43"]], "header_param"),
        ("param_exponent", [*full[:-1], ["Mcp-Param-N", "4.2e1"]], "header_param"),
        ("param_missing", full[:-1], "header_param"),
        ("param_differs", [*full[:-2], ["mcp-param-region", "us"], full[-1]], "header_param"),
        ("param_without_argument", [*full, ["Mcp-Param-Flag", "true"]], "header_param"),
        ("param_not_in_schema", [*full, ["Mcp-Param-Other", "=?base64?!?="]], "ok"),
        ("param_base64", [*full[:-2], ["Mcp-Param-Region", "=?base64?ZXU=?="], full[-1]], "ok"),
    ]
    return [
        {"name": name, "headers": given, "body": body, "schema": None, "verdict": verdict}
        for name, given, body, verdict in table
    ] + [
        {"name": name, "headers": given, "body": modern, "schema": schema, "verdict": verdict}
        for name, given, verdict in mirrored
    ]


def origins() -> list[Vector]:
    """Host and Origin against a listener on 127.0.0.1:8900 with one more name and one more origin."""
    home = "127.0.0.1:8900"
    table: list[tuple[str, str | None, str | None, str]] = [
        ("plain", home, None, "ok"),
        ("localhost", "localhost:8900", None, "ok"),
        ("ipv6", "[::1]:8900", None, "ok"),
        ("capitals", "LOCALHOST:8900", None, "ok"),
        ("added_name", "gate.internal", None, "ok"),
        ("added_name_with_port", "gate.internal:8900", None, "host_not_allowed"),
        ("any_port_name", "any.internal:1234", None, "ok"),
        ("missing", None, None, "host_missing"),
        ("empty", "", None, "host_missing"),
        ("two_in_one", f"{home}, evil.example", None, "host_missing"),
        ("with_user", f"x@{home}", None, "host_missing"),
        ("foreign", "evil.example:8900", None, "host_not_allowed"),
        ("rebinding_suffix", "127.0.0.1.evil.example:8900", None, "host_not_allowed"),
        ("other_port", "127.0.0.1:8901", None, "host_not_allowed"),
        ("decimal_address", "2130706433:8900", None, "host_not_allowed"),
        ("trailing_dot", "localhost.:8900", None, "host_not_allowed"),
        ("same_origin", home, f"http://{home}", "ok"),
        ("loopback_origin_any_port", home, "http://localhost:3000", "ok"),
        ("loopback_origin_https", home, "https://[::1]:5173", "ok"),
        ("loopback_origin_no_port", home, "http://localhost", "ok"),
        ("added_origin", home, "https://app.example.com", "ok"),
        ("added_origin_other_scheme", home, "http://app.example.com", "origin_not_allowed"),
        ("null_origin", home, "null", "origin_not_allowed"),
        ("empty_origin", home, "", "origin_not_allowed"),
        ("foreign_origin", home, "https://evil.example", "origin_not_allowed"),
        ("origin_prefix", home, "http://localhost.evil.example", "origin_not_allowed"),
        ("origin_user", home, "http://localhost@evil.example", "origin_not_allowed"),
        ("origin_path", home, "http://localhost/", "origin_not_allowed"),
        ("origin_scheme", home, "file://localhost", "origin_not_allowed"),
        ("two_origins", home, "http://localhost https://evil.example", "origin_not_allowed"),
    ]
    return [{"name": name, "host": host, "origin": origin, "verdict": verdict} for name, host, origin, verdict in table]


FILES = {
    "json.json": json_texts,
    "messages.json": messages,
    "lines.json": lines,
    "sse.json": events,
    "headers.json": headers,
    "origins.json": origins,
}


def main(arguments: list[str]) -> int:
    """Write or check every file; 1 if a check fails."""
    stale = []
    for name, rows in FILES.items():
        wanted = "[\n" + ",\n".join(json.dumps(row) for row in rows()) + "\n]\n"
        path = HERE / name
        if "--check" not in arguments:
            path.write_text(wanted)
        elif not path.exists() or path.read_text() != wanted:
            stale.append(name)
    if stale:
        sys.stderr.write(f"out of date, run {Path(__file__).name}: {', '.join(stale)}\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
