"""The page of the comparison: what it counts, and that nothing unexplained can be overlooked."""

import json
from collections import Counter

from tests.conformance.comparing import Compared
from tests.conformance.page import BEGIN, END, PAGE, Run, as_json, text
from tests.conformance.suite import Check, Difference

KNOWN = Difference("s", "known", ("FAILURE",), ("SUCCESS",))
SAME = Check("s", "same", "SUCCESS")
DIRECT = Counter([SAME, Check("s", "known", "FAILURE"), Check("s", "new", "SUCCESS")])
THROUGH = Counter([SAME, Check("s", "known", "SUCCESS")])
FOUND = Compared(DIRECT, THROUGH, {KNOWN: "a | reason"})
RUN = Run("2026-01-31", "agentgate", {("own", "2025-11-25"): FOUND}, {("s", "2026-07-28"): FOUND})


def test_what_is_counted() -> None:
    assert (FOUND.checks, FOUND.succeeded, len(FOUND.otherwise), len(FOUND.unexplained)) == (3, 2, 2, 1)
    assert RUN.unexplained() == 2


def test_what_nothing_explains_stands_out() -> None:
    said = text(RUN)
    assert "\n2 unexplained.\n" in said
    assert "| 2025-11-25 | 3 | 2 | 2 | 1 |\n" in said
    assert "| 2026-07-28 | 1 | 3 | 2 | 2 | 1 |\n" in said
    where = "own everything-server, streams at 2025-11-25; client, `s` at 2026-07-28"
    assert f"| `known` | FAILURE | SUCCESS | {where} | a \\| reason |\n" in said
    assert f"| `new` | SUCCESS | not asked | {where} | **unexplained** |\n" in said


def test_programs_get_the_same() -> None:
    (server,) = json.loads(as_json(RUN))["servers"]
    assert [each["reason"] for each in server["otherwise"]] == ["a | reason", None]


def test_the_page_has_one_place_for_it() -> None:
    page = PAGE.read_text("utf-8")
    assert (page.count(BEGIN), page.count(END)) == (1, 1)
    assert "\n0 unexplained.\n" in page
