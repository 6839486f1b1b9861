"""What of a call's params an approver is shown: nothing is hidden by its length, and what is missing is said."""

import json
from typing import Any

import pytest

from evidence.canonical import Spelled
from proxy.approval_params import SHOWN_CHARACTERS, beginning, shown_params

LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        pytest.param({"name": "pay", "arguments": {"b": 1, "a": "é"}}, '{"name":"pay","arguments":{"b":1,"a":"é"}}',
                     id="as-it-was-made"),
        pytest.param({"name": "pay", "_meta": {"progressToken": LONG}}, '{"name":"pay"}', id="no-meta"),
        pytest.param({"n": Spelled("12345678901234567890")}, '{"n":12345678901234567890}', id="a-number-as-spelled"),
        pytest.param(None, "{}", id="none"),
        pytest.param([1], "{}", id="no-object"),
    ],
)  # fmt: skip
def test_shown(params: Any, shown: str) -> None:
    assert shown_params(params) == shown


@pytest.mark.parametrize(
    "padding",
    [
        pytest.param({"note": LONG}, id="a-long-text"),
        pytest.param({f"note{number}": "x" * 900 for number in range(20)}, id="many-longish-texts"),
        pytest.param({"notes": ["x"] * 100_000}, id="a-long-list"),
        pytest.param({"notes": {"deep": [{"note": LONG}]}}, id="deep-inside"),
        pytest.param({LONG: 1}, id="a-long-name"),
        pytest.param({"_meta": LONG}, id="under-the-name-of-meta"),
        pytest.param({f"{LONG}{end}{LONG}": end for end in "abc"}, id="long-names-alike"),
    ],
)
def test_no_value_hides_the_next(padding: dict[str, Any]) -> None:
    shown = shown_params({"name": "pay", "arguments": {**padding, "amount": 7_000_000}})
    assert len(shown) <= SHOWN_CHARACTERS
    assert json.loads(shown)["arguments"]["amount"] == 7_000_000


def test_long_names_alike_hide_no_value() -> None:
    names = [f"{LONG}{end}{LONG}" for end in "abc"]
    fields = json.loads(shown_params({"fields": dict(zip(names, ("one", "two", "three"), strict=True))}))["fields"]
    assert list(fields.values()) == ["one", "two", "three"]


def test_what_the_server_does_not_get_is_not_shown_under_a_long_name_either() -> None:
    shown = shown_params({"fields": {LONG: "078-05"}}, [("fields", LONG)])
    assert list(json.loads(shown)["fields"].values()) == ["[redacted]"]


def test_both_ends_of_a_long_text_are_there() -> None:
    text = json.loads(shown_params({"path": f"/srv{LONG}/../etc"}))["path"]
    assert text.startswith("/srv")
    assert text.endswith("/../etc")
    assert "characters) ..." in text


def test_too_many_members_are_counted() -> None:
    shown = shown_params({"arguments": {f"n{number}": 1 for number in range(10_000)}})
    whole = len('{"arguments":{') + sum(len(f'"n{number}":1,') for number in range(10_000)) + len("}}") - 1
    assert shown.endswith(f" ... ({whole - SHOWN_CHARACTERS:,} more characters are not shown)")


def test_what_the_server_does_not_get_is_not_shown() -> None:
    params = {"name": "p", "arguments": {"ssn": "078", "people": [{"ssn": "1"}, {"ssn": LONG}]}}
    shown = shown_params(params, [("arguments", "ssn"), ("arguments", "people", "1", "ssn"), ("arguments", "none")])
    people = [{"ssn": "1"}, {"ssn": "[redacted]"}]
    assert json.loads(shown)["arguments"] == {"ssn": "[redacted]", "people": people}


def test_a_beginning_says_that_it_is_one() -> None:
    assert beginning("abc", 3) == "abc"
    assert beginning("abcd", 3) == "abc ... (1 more characters are not shown)"
