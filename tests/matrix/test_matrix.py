"""A short form of the matrix on the clients that no other test drives, how answers are compared, what the page says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.matrix.compared import cell, denied_cell, failure, hidden_cell
from tests.matrix.pair import measure
from tests.matrix.report import PAGE
from tests.matrix.rows import ROWS, Row
from tests.matrix.subjects import SUBJECTS, Stage, Subject
from tests.matrix.versions import locked
from tests.matrix.vocabulary import CALL, DENIED, HIDDEN, LIST, PROGRESS, TRANSPORTS, Cell, Verdict
from tests.peers import clients

SHORT = (LIST, CALL, DENIED, HIDDEN)
WORKS = {LIST: Cell(Verdict.SAME), CALL: Cell(Verdict.SAME), DENIED: Cell(Verdict.HELD), HIDDEN: Cell(Verdict.HELD)}

frameworks = pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.name) for row in ROWS if row.client in clients.FRAMEWORKS]
)


def _subject(name: str, transport: str) -> Subject:
    (found,) = (subject for subject in SUBJECTS if (subject.name, subject.transport) == (name, transport))
    return found


OWN_STREAMS = _subject("own everything-server, streams", "streamable HTTP")
TIME = _subject("mcp-server-time", "stdio")


@pytest.fixture(scope="module")
def own_streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The own everything-server, for this module alone: its journal says what arrived."""
    with OWN_STREAMS.start(tmp_path_factory.mktemp("streams")) as stage:
        yield stage


@frameworks
def test_a_framework_works_over_http(row: Row, own_streams: Stage, tmp_path: Path) -> None:
    assert measure(row, OWN_STREAMS, own_streams, tmp_path / "pair", steps=SHORT).cells == WORKS


@frameworks
def test_a_framework_works_over_stdio(row: Row, tmp_path: Path) -> None:
    with TIME.start(tmp_path) as stage:
        cells = measure(row, TIME, stage, tmp_path / "pair", steps=(LIST, CALL)).cells
    assert cells == {step: WORKS[step] for step in (LIST, CALL)}


SAID = {"text": "hi", "error": False, "progress": []}
REFUSED = {"text": "no", "error": True, "progress": []}
ROWS_OF_ANSWERS = [
    pytest.param(CALL, SAID, SAID, Verdict.SAME, id="the-same"),
    pytest.param(CALL, SAID, {**SAID, "text": "ho"}, Verdict.DIFFERENT, id="another-text"),
    pytest.param(CALL, SAID, {**SAID, "progress": [1]}, Verdict.DIFFERENT, id="progress-from-nowhere"),
    pytest.param(CALL, SAID, {**SAID, "error": True}, Verdict.DIFFERENT, id="an-error-result"),
    pytest.param(CALL, REFUSED, REFUSED, Verdict.SAME_FAILURE, id="the-same-error-result"),
    pytest.param(CALL, SAID, {"broke": "Error: no"}, Verdict.DIFFERENT, id="breaks-through-only"),
    pytest.param(CALL, {"broke": "Error: no"}, SAID, Verdict.DIFFERENT, id="breaks-directly-only"),
    pytest.param(
        CALL,
        {"broke": "Error: http://127.0.0.1:4000/mcp is closed"},
        {"broke": "Error: http://127.0.0.1:5000/everything is closed"},
        Verdict.SAME_FAILURE,
        id="addresses-do-not-count",
    ),
    pytest.param(
        CALL,
        {"failed": {"code": -32601, "message": "unknown"}},
        {"failed": {"code": -32602, "message": "unknown"}},
        Verdict.DIFFERENT,
        id="another-code",
    ),
    pytest.param(PROGRESS, SAID, SAID, Verdict.SAME_FAILURE, id="no-progress-is-a-failure"),
    pytest.param(LIST, {"names": ["a", "b"]}, {"names": ["b", "a"]}, Verdict.DIFFERENT, id="another-order"),
]


@pytest.mark.parametrize(("step", "direct", "through", "verdict"), ROWS_OF_ANSWERS)
def test_two_answers_are_compared(step: str, direct: dict[str, Any], through: dict[str, Any], verdict: Verdict) -> None:
    assert cell(step, direct, through).verdict is verdict


def test_a_failure_is_told_by_its_text() -> None:
    assert failure(CALL, SAID) is None
    assert failure(CALL, {"cancelled": True}) is None
    assert failure(CALL, {**REFUSED, "text": ""}) == "an error result without a text"
    assert failure(CALL, {"failed": {"code": -1, "message": "a\n  b"}}) == "a b (-1)"


REPORT = {"ok": True, "refusals": 1, "intents": 2, "open": 0}
ROWS_OF_DENIALS = [
    pytest.param(REFUSED, False, REPORT, Verdict.HELD, id="held"),
    pytest.param(SAID, False, REPORT, Verdict.DIFFERENT, id="no-error"),
    pytest.param({**REFUSED, "text": ""}, False, REPORT, Verdict.DIFFERENT, id="no-text"),
    pytest.param(REFUSED, True, REPORT, Verdict.DIFFERENT, id="it-arrived"),
    pytest.param(REFUSED, False, {**REPORT, "refusals": 0}, Verdict.DIFFERENT, id="no-refusal-recorded"),
    pytest.param(REFUSED, False, {**REPORT, "intents": 3}, Verdict.DIFFERENT, id="an-intent-recorded"),
    pytest.param(REFUSED, False, {**REPORT, "ok": False}, Verdict.DIFFERENT, id="a-broken-chain"),
]


@pytest.mark.parametrize(("answer", "touched", "report", "verdict"), ROWS_OF_DENIALS)
def test_a_denial_holds_in_every_respect(
    answer: dict[str, Any],
    touched: bool,  # noqa: FBT001 (a column of the table)
    report: dict[str, Any],
    verdict: Verdict,
) -> None:
    assert denied_cell(answer, touched=touched, report=report, calls=2).verdict is verdict


def test_a_list_has_the_granted_tools_and_no_other() -> None:
    assert hidden_cell(["b", "a"], {"a", "b"}).verdict is Verdict.HELD
    assert hidden_cell(["a"], {"a", "b"}).verdict is Verdict.DIFFERENT
    assert hidden_cell(["a", "b", "c"], {"a", "b"}).verdict is Verdict.DIFFERENT


def _generated(title: str) -> list[str]:
    """The lines of one table on the page, without its head."""
    section = PAGE.read_text("utf-8").split(f"\n### {title}\n", 1)[1].split("\n### ", 1)[0]
    return [line for line in section.splitlines() if line.startswith("| ")][2:]


@pytest.mark.parametrize("subject", [pytest.param(each, id=f"{each.name}-{each.transport}") for each in SUBJECTS])
def test_the_page_has_every_client_at_every_server(subject: Subject) -> None:
    lines = _generated(f"{subject.name}, over {subject.transport}")
    assert [line.split("`")[1] for line in lines] == [row.name for row in ROWS]
    assert [line for line in lines if f"**{Verdict.DIFFERENT}**" in line] == []


def test_the_page_has_the_versions_that_are_locked() -> None:
    lines = "\n".join(_generated("Versions"))
    for name, package, lock in {(row.name, row.package, row.lock) for row in ROWS}:
        assert f"| client `{name}` | {package} {locked(package, lock)} |" in lines
        assert locked(package, lock) in name
    for subject in SUBJECTS:
        assert f"| server `{subject.name}` | {subject.package} {locked(subject.package, subject.lock)} |" in lines


def test_every_transport_is_covered() -> None:
    assert {subject.transport for subject in SUBJECTS} == set(TRANSPORTS)
