"""Lists edited in place: the items that stay, and every byte around them, are the very same."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.wire.json_text import read_json
from proxy.wire.splice import drop_members, edit_list, replace_at

_blank = st.text(" \t\r\n", max_size=3)
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text(st.characters(codec="utf-8"), max_size=6)
)
_keys = st.text('ab"\\{}[],:é', max_size=4)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_SPELLINGS = ["1.10", "1e400", "-0", "18446744073709551617", '"\\u0041\\/"', '"}]"', '"\\\\\\""', "[ ]", "{ }"]
_texts = st.one_of(
    st.tuples(_values, st.booleans()).map(lambda given: json.dumps(given[0], ensure_ascii=given[1])),
    st.sampled_from(_SPELLINGS),
)
_NAMES = ["before", "x", '"\\u0074ools2"', "tools ", "result", "cacheScope", "ttlMs", "é"]


@st.composite
def _lists(draw: st.DrawFn) -> tuple[str, list[str], list[bool], str, str]:
    """An answer, its items, which of them stay, and what stands before and after the list."""
    items = draw(st.lists(_texts, max_size=6))
    keep = draw(st.lists(st.booleans(), min_size=len(items), max_size=len(items)))
    names = draw(st.lists(st.sampled_from(_NAMES), unique=True, max_size=4))
    cut = draw(st.integers(0, len(names)))
    members = [f"{_name(name)}{draw(_blank)}:{draw(_blank)}{draw(_texts)}" for name in names]
    space = [draw(_blank) for _ in range(6)]
    begin = f'{space[0]}{{"jsonrpc":"2.0",{space[1]}"result":{space[2]}{{'
    begin += "".join(member + "," for member in members[:cut]) + f'{space[3]}"tools":{space[4]}'
    end = "".join("," + member for member in members[cut:]) + f'}},"id":1}}{space[5]}'
    blanks = [draw(_blank) for _ in range(2 * len(items))]
    pieces = [blanks[2 * at] + item + blanks[2 * at + 1] for at, item in enumerate(items)]
    return "[" + ",".join(pieces) + "]", items, keep, begin, end


def _name(name: str) -> str:
    return name if name.startswith('"') else json.dumps(name, ensure_ascii=False)


@settings(max_examples=200, deadline=None)
@given(_lists())
def test_only_the_list_changes(made: tuple[str, list[str], list[bool], str, str]) -> None:
    written, items, keep, begin, end = made
    kept = [item for item, stays in zip(items, keep, strict=True) if stays]
    edited = edit_list((begin + written + end).encode(), "tools", keep, {}).decode()
    assert edited == begin + "[" + ",".join(kept) + "]" + end
    _same(json.loads(edited)["result"]["tools"], [json.loads(item) for item in kept])


@settings(max_examples=200, deadline=None)
@given(_lists())
def test_members_are_set_and_the_rest_stays(made: tuple[str, list[str], list[bool], str, str]) -> None:
    written, items, _, begin, end = made
    raw = (begin + written + end).encode()
    edited = edit_list(raw, "tools", [True] * len(items), {"cacheScope": '"private"', "ttlMs": "5000"})
    before, after = json.loads(raw), json.loads(edited)
    _same(after, {**before, "result": {**before["result"], "cacheScope": "private", "ttlMs": 5000}})
    assert read_json(edited, max_depth=64).value is not None, "no key may stand there twice"


def _same(one: Any, other: Any) -> None:
    """Equal, and spelled apart where Python calls two values equal (1, 1.0, True)."""
    assert json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["agentgate/decision", "agentgate/", "agentgate", "é", "theirs"]), _values))
def test_only_our_names_are_dropped(meta: dict[str, Any]) -> None:
    raw = json.dumps({"id": 1, "result": {"_meta": meta, "content": [1.0]}}).encode()
    left = {name: value for name, value in meta.items() if not name.startswith("agentgate/")}
    _same(json.loads(drop_members(raw, ("result", "_meta"), "agentgate/"))["result"], {"_meta": left, "content": [1.0]})


WRONG = [
    pytest.param(b'{"result":{"tools":[1,2]}}', [True], id="another-length"),
    pytest.param(b'{"result":{"tools":{}}}', [], id="no-list"),
    pytest.param(b'{"result":[]}', [], id="no-object"),
    pytest.param(b'{"error":{}}', [], id="no-result"),
    pytest.param(b'{"result":{}}', [], id="no-such-member"),
]


@pytest.mark.parametrize(("raw", "keep"), WRONG)
def test_wrong(raw: bytes, keep: list[bool]) -> None:
    with pytest.raises(ValueError):
        edit_list(raw, "tools", keep, {})


@pytest.mark.parametrize(
    ("raw", "paths", "expected"),
    [
        pytest.param('{"a":1 ,"b":2}', [("a",)], '{"a":X ,"b":2}', id="a-member"),
        pytest.param(
            ' {"a" : {"b":[1, {"c":2}]}}\n', [("a", "b", "1", "c")], ' {"a" : {"b":[1, {"c":X}]}}\n', id="deep"
        ),
        pytest.param('{"a":[1,2,3]}', [("a", "0"), ("a", "2")], '{"a":[X,2,X]}', id="two-elements"),
        pytest.param('{"a":{"b":1,"c":2}}', [("a",), ("a", "b")], '{"a":X}', id="the-outer-one-first"),
        pytest.param('{"a":{"b":1,"c":2}}', [("a", "b"), ("a",)], '{"a":X}', id="the-outer-one-last"),
        pytest.param('{"\\u0061":1}', [("a",)], '{"\\u0061":X}', id="an-escaped-name"),
        pytest.param('{"a/b":1,"":2}', [("a/b",), ("",)], '{"a/b":X,"":X}', id="odd-names"),
        pytest.param('{"a":[1]}', [("a", "00"), ("a", "-"), ("a", "1"), ("b",)], '{"a":[1]}', id="nowhere"),
        pytest.param('{"a":"{}"}', [("a", "b")], '{"a":"{}"}', id="into-a-text"),
        pytest.param("[1,[2]]", [("1", "0")], "[1,[X]]", id="an-array-outermost"),
    ],
)
def test_what_a_path_leads_to_is_replaced(raw: str, paths: list[tuple[str, ...]], expected: str) -> None:
    assert replace_at(raw.encode(), paths, "X") == expected.encode()


def test_where_nothing_is_replaced_the_bytes_are_the_very_same() -> None:
    raw = b'{"a": 1}'
    assert replace_at(raw, [("b",)], "X") is raw
