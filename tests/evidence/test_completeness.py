"""Nothing is missing: one row for each way in which that is so, or is not."""

import pytest

from evidence.completeness import Code, Doubt, Life, Line, at_text, stated


def life(first: int, last: int, *, closed: bool = False, keyed: bool = True, name: str = "a") -> Life:
    return Life(name, first, last, first, last, 0, closed, keyed)


def doubt(first: int, last: int) -> Doubt:
    return Doubt(Code.GAP, "records are missing", first, last, "one")


WHOLE = Line("one", (life(10, 90),))
RESTARTED = Line("one", (life(10, 40, closed=True), life(60, 90)))
KILLED = Line("one", (life(10, 40), life(60, 90)))
ROWS = [
    pytest.param([WHOLE], 10, 90, [], id="one-life"),
    pytest.param([WHOLE], 50, 50, [], id="one-moment"),
    pytest.param([WHOLE], 9, 50, [Code.NO_EVIDENCE], id="begins-before-the-first"),
    pytest.param([WHOLE], 50, 91, [Code.NO_EVIDENCE], id="ends-after-the-last"),
    pytest.param([WHOLE], 95, 99, [Code.NO_EVIDENCE], id="all-after-the-last"),
    pytest.param([WHOLE], 1, 9, [Code.NO_EVIDENCE], id="all-before-the-first"),
    pytest.param([], 1, 9, [Code.NO_EVIDENCE], id="no-chain"),
    pytest.param([Line("one", ())], 1, 9, [Code.NO_EVIDENCE], id="a-chain-without-records"),
    pytest.param([WHOLE], 1, 99, [Code.NO_EVIDENCE, Code.NO_EVIDENCE], id="both-ends"),
    pytest.param([RESTARTED], 20, 80, [], id="stopped-and-started"),
    pytest.param([RESTARTED], 45, 55, [], id="while-it-was-stopped"),
    pytest.param([KILLED], 20, 80, [Code.KILLED], id="killed-and-started"),
    pytest.param([KILLED], 20, 40, [], id="up-to-the-kill"),
    pytest.param([KILLED], 61, 80, [], id="after-the-kill"),
    pytest.param([Line("one", (life(10, 40),)), Line("two", (life(60, 90),))], 20, 80,
                 [Code.KILLED, Code.NO_EVIDENCE], id="killed-and-another-chain"),
    pytest.param([Line("one", (life(10, 40, closed=True),)), Line("two", (life(60, 90),))], 20, 80,
                 [Code.NO_EVIDENCE], id="closed-and-another-chain"),
    pytest.param([Line("one", (life(10, 60, closed=True),)), Line("two", (life(50, 90),))], 20, 80, [],
                 id="chains-that-overlap"),
    pytest.param([Line("one", (life(10, 90),)), Line("two", (life(20, 30),)), Line("three", (life(50, 55),))], 40, 60,
                 [Code.KILLED], id="killed-beside-one-that-lives"),
    pytest.param([Line("one", (life(10, 90),), (doubt(20, 30),))], 30, 80, [Code.GAP], id="a-doubt-at-the-edge"),
    pytest.param([Line("one", (life(10, 90),), (doubt(20, 30),))], 31, 80, [], id="a-doubt-before"),
    pytest.param([Line("one", (life(10, 90),), (doubt(81, 85),))], 31, 80, [], id="a-doubt-after"),
    pytest.param([Line("one", (life(10, 90, keyed=False),))], 31, 80, [Code.NO_KEY], id="its-key-is-lost"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "since", "until", "codes"), ROWS)
def test_stated(lines: list[Line], since: int, until: int, codes: list[Code]) -> None:
    statement = stated("gate-1", lines, since, until)
    assert [reason.code for reason in statement.reasons] == codes
    assert statement.complete is (codes == [])
    assert statement.as_json()["complete"] is (codes == [])


def test_a_time_that_ends_before_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before"):
        stated("gate-1", [WHOLE], 2, 1)


def test_a_time_that_no_calendar_has() -> None:
    assert at_text(1 << 62) is None
    assert at_text(0) == "1970-01-01T00:00:00.000000+00:00"


def test_a_clock_that_went_back_is_no_other_life() -> None:
    assert stated("gate-1", [Line("one", (Life("a", 1, 9, 50, 40, 0, closed=False),))], 41, 60).reasons[0].code is (
        Code.NO_EVIDENCE
    )
