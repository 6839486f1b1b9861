"""What the compiler is given of the data is enough for the plan, however much there is."""

from typing import Any

import orjson

from policy.bundle import load
from policy.grants import Grant, index
from policy.planning import outline, plan_document


def _grants(count: int) -> list[Grant]:
    tools = [Grant("u", "tools/call", f"tool{number}", agent=f"agent{number % 50}") for number in range(count)]
    return [*tools, Grant("*", "resources/read", "file:///srv/*"), Grant("u", "tools/call", "x", effect="deny")]


def test_more_grants_make_no_other_plan() -> None:
    few, many = (load("starter", grants=index(_grants(count))) for count in (3, 3000))
    assert plan_document(few) == plan_document(many)


def test_little_of_much_data_is_handed_on() -> None:
    many = load("starter", grants=index(_grants(3000)))
    text = "".join(many.modules.values())
    assert len(orjson.dumps(outline(many.data, text))) < len(orjson.dumps(dict(many.data))) / 5


def test_what_rules_name_is_handed_on() -> None:
    data: dict[str, Any] = {
        "teams": {f"team{number}": {"on": number} for number in range(1000)},
        "list": list(range(1000)),
    }
    kept = outline(data, "x if data.teams.team999.on == 1")
    assert kept["teams"]["team999"] == {"on": 999}
    assert kept["teams"].keys() < data["teams"].keys()
    assert kept["list"] == data["list"][: len(kept["list"])]
    assert outline({"a": {"b": 1.5}, "c": None}, "") == {"a": {"b": 1.5}, "c": None}
