"""Canonical form against the standard's reference implementation, and our two escapes against everything."""

import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from evidence.canonical import EXACT, Spelled, canonical, read

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_KEYS = _TEXT | st.sampled_from(["$n", "$", "$$n", "\ue000", "\U0001f600", "\u20ac", "a", "Z"])
_NUMBERS = st.integers(-EXACT + 1, EXACT - 1) | st.floats(allow_nan=False, allow_infinity=False)
_SCALARS = st.none() | st.booleans() | _NUMBERS | _TEXT


def _nested(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=12
    )


def _without_dollar(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.replace("$", "S"): _without_dollar(item) for key, item in value.items()}
    return [_without_dollar(item) for item in value] if isinstance(value, list) else value


@given(_nested(_SCALARS).map(_without_dollar))
def test_it_is_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(_nested(_SCALARS | st.builds(Spelled, _TEXT)))
def test_reading_gives_the_value_back(value: Any) -> None:
    assert read(canonical(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_its_value(value: float) -> None:
    assert float(canonical(value)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}', id="sorted"),
        pytest.param({"\ufb33": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufb33":1}'.encode(), id="utf-16-order"),
        pytest.param('\x1f\x7f\u2028"\\\b', b'"\\u001f\x7f\xe2\x80\xa8\\"\\\\\\b"', id="escapes"),
        pytest.param(1e21, b"1e+21", id="exponent"),
        pytest.param(1e20, b"100000000000000000000", id="large-and-plain"),
        pytest.param(1e-7, b"1e-7", id="small-exponent"),
        pytest.param(0.000001, b"0.000001", id="small-and-plain"),
        pytest.param(-0.0, b"0", id="negative-zero"),
        pytest.param(5e-324, b"5e-324", id="least"),
        pytest.param(1.7976931348623157e308, b"1.7976931348623157e+308", id="greatest"),
        pytest.param(EXACT, b"9007199254740992", id="the-largest-exact-integer"),
        pytest.param(Spelled("1e400"), b'{"$n":"1e400"}', id="spelled"),
        pytest.param({"$n": "1e400"}, b'{"$$n":"1e400"}', id="a-caller-writes-our-escape"),
        pytest.param({"$$n": 1}, b'{"$$$n":1}', id="a-caller-writes-our-escape-of-it"),
        pytest.param((1, [2]), b"[1,[2]]", id="tuple"),
        pytest.param({}, b"{}", id="empty-object"),
        pytest.param([{}, 1.5], b"[{},1.5]", id="empty-object-beside-a-float"),
    ],
)
def test_form(value: Any, expected: bytes) -> None:
    assert canonical(value) == expected


def _deep(levels: int) -> Any:
    value: Any = 1.5
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(EXACT + 1, id="integer-a-double-rounds"),
        pytest.param(-EXACT - 1, id="negative-integer-a-double-rounds"),
        pytest.param(2**70, id="integer-beyond-64-bits"),
        pytest.param(math.nan, id="nan"),
        pytest.param(math.inf, id="infinity"),
        pytest.param([math.inf], id="infinity-inside"),
        pytest.param("\ud800", id="lone-surrogate"),
        pytest.param({"\ud800": 1}, id="lone-surrogate-in-a-key"),
        pytest.param({1: 2}, id="key-that-is-no-text"),
        pytest.param(b"bytes", id="bytes"),
        pytest.param({"a": {1, 2}}, id="set"),
        pytest.param(_deep(200), id="too-deep"),
        pytest.param(_deep(100_000), id="far-too-deep"),
    ],
)
def test_no_form(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical(value)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"b":1,"a":2}', id="unsorted"),
        pytest.param(b'{"a":1,"a":1}', id="doubled-key"),
        pytest.param(b'{"a": 1}', id="blank"),
        pytest.param(b"1.0", id="float-spelling"),
        pytest.param(b"-0", id="negative-zero"),
        pytest.param(b"9007199254740993", id="inexact"),
        pytest.param(b'"\\u0041"', id="needless-escape"),
        pytest.param(b'{"$x":1}', id="unknown-escape"),
        pytest.param(b'{"$n":1}', id="spelling-that-is-no-text"),
        pytest.param(b'{"$n":"1","a":1}', id="spelling-with-company"),
        pytest.param(b"\xef\xbb\xbf1", id="byte-order-mark"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"[" * 900 + b"]" * 900, id="deep-and-closed"),
    ],
)
def test_bytes_that_are_no_canonical_form(data: bytes) -> None:
    with pytest.raises(ValueError):
        read(data)
