"""What is left of a document: types, order and spelling stay, and each mode does what it says."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.redaction.choosing import Mode, Rule
from evidence.redaction.json_text import read, written
from evidence.redaction.loading import built_in
from evidence.redaction.redactor import Redactor

KEY = b"k" * 32
MASK = Redactor(KEY, "acme")
DEEP = "[" * 200 + '"ann@mail.example"' + "]" * 200


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ROWS = [
    pytest.param("mask", '{"to":"ann@mail.example"}', '{"to":"[email]"}', id="a-text-stays-a-text"),
    pytest.param("mask", '{"pan":4111111111111111}', '{"pan":"[card]"}', id="a-number-becomes-a-text"),
    pytest.param("mask", '{"ssn":219099999}', '{"ssn":"[us_ssn]"}', id="a-number-by-its-name"),
    pytest.param("mask", '{"n":219099999}', '{"n":219099999}', id="the-same-number-elsewhere"),
    pytest.param("mask", '{"ann@mail.example":1}', '{"[email]":1}', id="a-name"),
    pytest.param("mask", '{"a@m.example":1,"b@m.example":2}', '{"[email]":1,"[email]#2":2}', id="two-names"),
    pytest.param("mask", '{"password":"hunter"}', '{"password":"[password]"}', id="by-the-name-of-the-member"),
    pytest.param("mask", '{"dbPassword":"hunter"}', '{"dbPassword":"[password]"}', id="by-a-name-in-camel-case"),
    pytest.param("mask", '{"password":null,"n":1.50}', '{"password":null,"n":1.50}', id="nothing-to-hide"),
    pytest.param(
        "mask", '{"n":1.50,"b":12345678901234567890123,"e":"a@m.example"}',
        '{"n":1.50,"b":12345678901234567890123,"e":"[email]"}', id="numbers-stay-as-spelled",
    ),
    pytest.param("mask", '{"a":"a@m.example","a":"b@m.example"}', '{"a":"[email]","a":"[email]"}', id="doubled"),
    pytest.param("mask", r'{"e":"ann\u0040mail.example"}', '{"e":"[email]"}', id="an-escape"),
    pytest.param("mask", r'{"s":"\ud800 ann@mail.example"}', r'{"s":"\ud800 [email]"}', id="half-a-character"),
    pytest.param(
        "mask", r'{"j":"{\"e\":\"a@m.example\",\"n\":1.0}"}', r'{"j":"{\"e\":\"[email]\",\"n\":1.0}"}', id="json-in",
    ),
    pytest.param(
        "mask", json.dumps({"b": _b64("write to ann@mail.example")}, separators=(",", ":")),
        json.dumps({"b": _b64("write to [email]")}, separators=(",", ":")), id="base64-inside",
    ),
    pytest.param("mask", '{"u":"to=ann%40mail.example&x=1"}', '{"u":"to=[email]&x=1"}', id="url-escapes-inside"),
    pytest.param("mask", "no JSON: ann@mail.example", "no JSON: [email]", id="no-json"),
    pytest.param("mask", '"ann@mail.example"', '"[email]"', id="a-text-alone"),
    pytest.param("drop", '{"to":"write ann@mail.example","n":1}', '{"n":1}', id="dropped-with-its-member"),
    pytest.param("drop", '["x","ann@mail.example"]', '["x",null]', id="dropped-in-an-array"),
    pytest.param("drop", '{"ann@mail.example":1,"n":2}', '{"n":2}', id="dropped-by-its-name"),
    pytest.param("drop", '"ann@mail.example"', "null", id="dropped-alone"),
    pytest.param("drop", "mail ann@mail.example now", "mail  now", id="dropped-from-a-text"),
    pytest.param("keep", '{"to":"ann@mail.example"}', '{"to":"ann@mail.example"}', id="kept"),
    pytest.param("mask", DEEP, "[" * 129 + '"[too deep]"' + "]" * 129, id="too-deep-to-look"),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "given", "expected"), ROWS)
def test_modes(mode: Mode, given: str, expected: str) -> None:
    raw = Redactor(KEY, "acme", mode=mode).document(given.encode())
    assert raw.decode() == expected


def test_what_has_no_secret_is_the_same_bytes() -> None:
    raw = b'{ "a" : 1.0,\n "nextPageToken": "page_2" , "u": "a%20b" }'
    assert MASK.document(raw) == raw


def test_tokens_belong_to_a_value_and_a_tenant() -> None:
    here, there = (Redactor(KEY, tenant, mode="tokenise") for tenant in ("acme", "other"))
    other_key = Redactor(b"o" * 32, "acme", mode="tokenise")
    token = here.text("4111 1111 1111 1111")
    assert token.startswith("tok_card_")
    assert len(token) == len("tok_card_") + 20
    assert here.text("4111111111111111") == token
    assert here.text("Ann@Mail.example") == here.text("ann@mail.example")
    assert (
        len({token, there.text("4111111111111111"), other_key.text("4111111111111111"), here.text("5555555555554444")})
        == 4
    )


@pytest.mark.parametrize("mode", ["mask", "tokenise"])
def test_redacting_again_changes_nothing(mode: Mode) -> None:
    redactor = Redactor(KEY, "acme", mode=mode)
    for detector in built_in():
        for example in detector.examples:
            once = redactor.document(json.dumps({"x": example, "y": [example]}).encode())
            assert redactor.document(once) == once, example


PRECEDENCE: list[Any] = [
    pytest.param([], "mask", id="the-default"),
    pytest.param([Rule("drop", kind="contact")], "drop", id="kind-before-default"),
    pytest.param([Rule("drop", kind="contact"), Rule("keep", detector="email")], "keep", id="detector-before-kind"),
    pytest.param(
        [Rule("drop", detector="email"), Rule("tokenise", tool="crm/send")], "tokenise", id="tool-before-detector"
    ),
    pytest.param([Rule("drop", tool="crm/send"), Rule("keep", at=("arguments",))], "keep", id="pointer-before-tool"),
    pytest.param([Rule("keep", at=("arguments", "to")), Rule("drop", at=("arguments",))], "keep", id="longer-pointer"),
    pytest.param([Rule("drop", at=()), Rule("keep", tool="crm/send")], "drop", id="the-whole-document-is-a-pointer"),
    pytest.param(
        [Rule("keep", tool="crm/send"), Rule("drop", tool="crm/send", detector="email")],
        "drop",
        id="two-parts-before-one",
    ),
    pytest.param(
        [Rule("keep", detector="email"), Rule("drop", detector="email")], "drop", id="the-more-careful-of-equals"
    ),
    pytest.param([Rule("drop", tool="crm/read")], "mask", id="another-tool"),
    pytest.param([Rule("drop", at=("arguments", "t"))], "mask", id="a-pointer-is-no-prefix-of-a-name"),
    pytest.param([Rule("drop", at=("result",))], "mask", id="another-place"),
]
LEFT = {"mask": '"[email]"', "keep": '"ann@mail.example"', "drop": None, "tokenise": '"tok_email_'}


@pytest.mark.parametrize(("rules", "mode"), PRECEDENCE)
@pytest.mark.parametrize(
    ("name", "document"),
    [
        pytest.param("message", '{"params":{"arguments":{"to":"ann@mail.example"}}}', id="message"),
        pytest.param("input", '{"call":{"params":{"arguments":{"to":"ann@mail.example"}}}}', id="params-of-an-input"),
        pytest.param("input", '{"call":{"arguments":{"to":"ann@mail.example"}}}', id="arguments-of-an-input"),
    ],
)
def test_the_most_specific_rule_counts(rules: list[Rule], mode: str, name: str, document: str) -> None:
    raw = Redactor(KEY, "acme", rules=rules).document(document.encode(), tool="crm/send", name=name).decode()
    expected = LEFT[mode]
    assert (expected in raw) if expected is not None else '"to"' not in raw


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
))  # fmt: skip
def test_every_document_is_read_and_written_again(value: Any) -> None:
    assert json.loads(written(read(json.dumps(value)))) == json.loads(json.dumps(value))
