"""What a decision may oblige to, each form by its name; all others are met by nobody, and say so."""

from typing import Any

import pytest

from policy.obligations import (
    LONGEST_WINDOW,
    MAX_LABELS,
    MAX_LIMITS,
    MAX_POINTERS,
    NONE,
    Limit,
    Obligations,
    Unmet,
    pointer,
    read_obligations,
)

_LIMIT = {"key": "k", "count": 2, "window": 60}

MET = [
    pytest.param({}, NONE, id="nothing"),
    pytest.param({"durability": "host"}, Obligations(durability="host"), id="durability"),
    pytest.param({"durability": ["process", "host"]}, Obligations(durability="host"), id="the-strictest"),
    pytest.param({"record": ["full", "redacted"]}, Obligations(recording="redacted"), id="the-most-reticent"),
    pytest.param({"label": "a"}, Obligations(labels=("a",)), id="a-label"),
    pytest.param({"label": ["a", "b", "a"]}, Obligations(labels=("a", "b")), id="labels"),
    pytest.param({"limit": _LIMIT}, Obligations(limits=(Limit("k", 2, 60),)), id="a-limit"),
    pytest.param({"limit": [_LIMIT, _LIMIT | {"key": "l"}]},
                 Obligations(limits=(Limit("k", 2, 60), Limit("l", 2, 60))), id="limits"),
    pytest.param({"limit": _LIMIT | {"count": 0}}, Obligations(limits=(Limit("k", 0, 60),)), id="a-limit-of-none"),
    pytest.param({"redact": {"result": ["", "/a~1b/~0c/0"]}},
                 Obligations(result=((), ("a/b", "~c", "0"))), id="result"),
    pytest.param({"redact": {"params": ["/arguments/x", "/inputResponses/y/z"]}},
                 Obligations(params=(("arguments", "x"), ("inputResponses", "y", "z"))), id="params"),
    pytest.param({"redact": [{"params": ["/arguments/x"]}, {"result": ["/y"]}]},
                 Obligations(params=(("arguments", "x"),), result=(("y",),)), id="two-of-redact"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), MET)
def test_what_is_met(given: dict[str, Any], expected: Obligations) -> None:
    assert read_obligations(given) == expected


UNMET = [
    pytest.param({"credential": {"broker": "b"}}, "credential", id="no-broker"),
    pytest.param({"approval": {}}, "approval", id="approval-beside-allow"),
    pytest.param({"sudo": True}, "sudo", id="unknown"),
    pytest.param({"label": "a", "sudo": True}, "sudo", id="unknown-beside-a-known-one"),
    pytest.param({"durability": "for ever"}, "durability", id="an-unknown-durability"),
    pytest.param({"durability": []}, "durability", id="an-empty-list"),
    pytest.param({"durability": ["host", 1]}, "durability", id="a-number-among-texts"),
    pytest.param({"record": None}, "record", id="null"),
    pytest.param({"label": ""}, "label", id="an-empty-label"),
    pytest.param({"label": 1}, "label", id="a-number-as-label"),
    pytest.param({"label": "x" * 257}, "label", id="a-long-label"),
    pytest.param({"label": [str(number) for number in range(MAX_LABELS + 1)]}, "label", id="too-many-labels"),
    pytest.param({"limit": {"key": "k", "count": 2}}, "limit", id="a-limit-without-window"),
    pytest.param({"limit": _LIMIT | {"more": 1}}, "limit", id="a-limit-with-more"),
    pytest.param({"limit": _LIMIT | {"count": 2.0}}, "limit", id="a-fraction-as-count"),
    pytest.param({"limit": _LIMIT | {"count": True}}, "limit", id="true-as-count"),
    pytest.param({"limit": _LIMIT | {"count": -1}}, "limit", id="a-negative-count"),
    pytest.param({"limit": _LIMIT | {"window": 0}}, "limit", id="no-window"),
    pytest.param({"limit": _LIMIT | {"window": LONGEST_WINDOW + 1}}, "limit", id="a-long-window"),
    pytest.param({"limit": "2/h"}, "limit", id="a-limit-as-text"),
    pytest.param({"limit": [_LIMIT] * (MAX_LIMITS + 1)}, "limit", id="too-many-limits"),
    pytest.param({"redact": {}}, "redact", id="redact-nothing"),
    pytest.param({"redact": ["ssn"]}, "redact", id="redact-a-word"),
    pytest.param({"redact": {"result": "/a"}}, "redact", id="a-pointer-outside-a-list"),
    pytest.param({"redact": {"result": ["a"]}}, "redact", id="no-pointer"),
    pytest.param({"redact": {"result": ["/a~2"]}}, "redact", id="a-bad-escape"),
    pytest.param({"redact": {"result": [1]}}, "redact", id="a-number-as-pointer"),
    pytest.param({"redact": {"error": ["/a"]}}, "redact", id="redact-something-else"),
    pytest.param({"redact": {"params": ["/name"]}}, "redact", id="redact-what-is-called"),
    pytest.param({"redact": {"params": ["/arguments"]}}, "redact", id="redact-all-arguments"),
    pytest.param({"redact": {"params": [""]}}, "redact", id="redact-all-params"),
    pytest.param({"redact": {"result": ["/a"] * (MAX_POINTERS + 1)}}, "redact", id="too-many-pointers"),
]


@pytest.mark.parametrize(("given", "name"), UNMET)
def test_what_nobody_meets(given: dict[str, Any], name: str) -> None:
    with pytest.raises(Unmet) as unmet:
        read_obligations(given)
    assert unmet.value.name == name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("/foo", ("foo",)),
        ("/foo/0", ("foo", "0")),
        ("/", ("",)),
        ("/a~1b", ("a/b",)),
        ("/c%d", ("c%d",)),
        ('/k"l', ('k"l',)),
        ("/ ", (" ",)),
        ("/m~0n", ("m~n",)),
        ("/~01", ("~1",)),
    ],
)
def test_a_pointer_has_its_parts(text: str, parts: tuple[str, ...]) -> None:
    """RFC 6901, section 5."""
    assert pointer(text) == parts
