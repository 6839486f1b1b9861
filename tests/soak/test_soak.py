"""The endurance run in its short form: every trial runs, keeps its promises, and would say so if it did not."""

from pathlib import Path
from typing import Final

import pytest

from tests.peers.places import ROOT
from tests.soak import page
from tests.soak.__main__ import raise_descriptor_limit, run
from tests.soak.drawing import drawn
from tests.soak.trial import (
    QUICK_MINUTES,
    Bound,
    Panel,
    Plan,
    Promise,
    Result,
    Trial,
    at_least,
    at_most,
    equals,
    nothing,
)
from tests.soak.trials import TRIALS
from tests.soak.watching import Sample, grown

QUICK: Final = Plan(QUICK_MINUTES)


@pytest.mark.parametrize("trial", [pytest.param(trial, id=trial.name) for trial in TRIALS])
def test_a_trial_keeps_its_promises(trial: Trial) -> None:
    raise_descriptor_limit()
    result = run(trial, QUICK)
    assert [promise for promise in result.promises if not promise.kept] == []
    assert result.promises


VERDICTS = [
    pytest.param(at_most("x", 5.0, 5), True, id="at-most"),
    pytest.param(at_most("x", 5.01, 5), False, id="too-much"),
    pytest.param(at_least("x", 5, 5), True, id="at-least"),
    pytest.param(at_least("x", 4, 5), False, id="too-little"),
    pytest.param(equals("x", "ok", "ok"), True, id="equal"),
    pytest.param(equals("x", 1, 0), False, id="not-equal"),
    pytest.param(nothing("x", set()), True, id="nothing"),
    pytest.param(nothing("x", {"a"}), False, id="something"),
]


@pytest.mark.parametrize(("promise", "kept"), VERDICTS)
def test_a_promise_that_is_broken_breaks_the_run(promise: Promise, *, kept: bool) -> None:
    assert promise.kept is kept
    assert Result("", (promise, equals("y", 1, 1))).kept is kept


def test_growth_is_seen_after_the_warm_up_and_only_then() -> None:
    def samples(*memory: float) -> list[Sample]:
        return [Sample(at, 0, mb, 10, 0) for at, mb in enumerate(memory)]

    assert grown(samples(10, 40, 60, *[70] * 17)) == 0
    assert grown(samples(*[60 + at for at in range(20)])) == pytest.approx(10)


def test_a_bound_ends_with_its_goal_or_its_time() -> None:
    assert list(Bound(3, 60).rounds()) == [0, 1, 2]
    assert list(Bound(1000, 0).rounds()) == [0]
    assert (Bound(3, 60).of(3), Bound(3, 60).of(2)) == ("3", "2 of 3, for 60 s")


def test_a_curve_lies_between_its_axes() -> None:
    svg = drawn("a < b", [Panel("MB", ((0.0, 10.0), (5.0, 20.0))), Panel("none", ())])
    assert "a &lt; b" in svg
    assert 'points="64.0,104.0 704.0,44.0"' in svg
    assert svg.count("<polyline") == 2


def test_the_page_is_written_between_its_markers_and_names_every_trial(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "endurance.md").read_text()
    assert [trial.name for trial in TRIALS if f"| `{trial.name}` |" not in text] == []
    (tmp_path / "endurance.md").write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    results = {TRIALS[0].name: Result("all of it", (at_most("MB grown", 6, 5),), (Panel("MB", ((0, 1), (1, 2))),))}
    page.keep("2026-01-01T00:00:00", QUICK, results, tmp_path)
    written = (tmp_path / "endurance.md").read_text()
    assert "old" not in written
    assert written.startswith("before\n")
    assert written.endswith("\nafter\n")
    assert "| mixed | MB grown | <= 5 | 6 | BROKEN |" in written
    assert (tmp_path / "endurance-mixed.svg").read_text().startswith("<svg")
