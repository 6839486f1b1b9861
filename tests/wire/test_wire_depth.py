"""Nesting is counted outside of strings, whatever the strings hold: exactly so deep is read, one deeper is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.json_text import read_json
from proxy.wire.rules import Malformed, Rule

_TEXTS = st.text(alphabet='[]{}"\\,: au\u00e9', max_size=8)
_VALUES = st.recursive(
    _TEXTS | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS.map(lambda key: f"k{key}"), inner, max_size=3),
    max_leaves=12,
)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


@given(_VALUES, st.booleans())
def test_a_limit_is_exact(value: Any, ascii: bool) -> None:  # noqa: FBT001  (hypothesis gives it by position)
    raw, depth = json.dumps(value, ensure_ascii=ascii).encode(), _depth(value)
    assert read_json(raw, max_depth=max(depth, 0)).value == value
    if depth:
        with pytest.raises(Malformed) as refused:
            read_json(raw, max_depth=depth - 1)
        assert refused.value.rule is Rule.TOO_DEEP


ROWS = [
    pytest.param(b'["[[[["]', True, id="brackets-in-a-string"),
    pytest.param(b'["\\"[[[["]', True, id="after-an-escaped-quote"),
    pytest.param(b'["\\\\",[[]]]', False, id="after-an-escaped-backslash"),
    pytest.param(b'["","","",[[]]]', False, id="after-empty-strings"),
    pytest.param(b'["[","",[]]', True, id="empty-beside-brackets"),
    pytest.param(b'["]]","",[[]]]', False, id="closed-in-a-string-only"),
    pytest.param(b'[[["', False, id="in-an-unfinished-string-after-brackets"),
]


@pytest.mark.parametrize(("raw", "fits"), ROWS)
def test_two_deep(raw: bytes, *, fits: bool) -> None:
    if fits:
        read_json(raw, max_depth=2)
    else:
        with pytest.raises(Malformed) as refused:
            read_json(raw, max_depth=2)
        assert refused.value.rule is Rule.TOO_DEEP
