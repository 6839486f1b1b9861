"""One client at one server: every step directly, through AgentGate with `observe`, and what `starter` holds."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.matrix.compared import Answer, cell, denied_cell, failure, hidden_cell, shortened
from tests.matrix.rows import Row
from tests.matrix.subjects import Stage, Subject
from tests.matrix.vocabulary import (
    CALL,
    CANCELLED,
    DENIED,
    HIDDEN,
    LIST,
    PROGRESS,
    STARTER_STEPS,
    STEPS,
    Cell,
    Pairing,
    Verdict,
)
from tests.peers.clients import ClientFailed, McpClient
from tests.peers.servers import HttpServer, StdioServer, read_journal
from tests.peers.sidecar import Folders, agentgate, sidecar, wrapped
from tests.peers.steps import Step, list_tools

SETTLE_SECONDS: Final = 2.0
MARK_SECONDS: Final = 30
"""How long the cancelled call would take, and a little more each time: longer than anybody waits for its end."""
Target = HttpServer | StdioServer | str


@dataclass(frozen=True, slots=True)
class _Asked:
    """The answers by step, and the revision that was agreed on; empty if the client did not get that far."""

    revision: str
    answers: dict[str, Answer]


def measure(row: Row, subject: Subject, stage: Stage, folder: Path, *, steps: Sequence[str] = STEPS) -> Pairing:
    """Runs the pair in a new folder. A step that either side lacks is absent; whatever goes wrong is in its cell.

    `steps` are some of STEPS, in their order: `list` and `call` among them, and both of STARTER_STEPS or neither.
    """
    absent = {step: Cell(Verdict.ABSENT, why) for step in steps if (why := _lacking(row, subject, step))}
    asks = {step: _ask(stage, step) for step in steps if step not in absent and step not in STARTER_STEPS}
    if not asks:
        return Pairing(row.name, subject.name, subject.transport, "", absent)
    folder.mkdir()
    direct = _asked(row.client, stage, stage.server, asks)
    with _gate(folder / "observe", stage, "observe") as (target, folders):
        through = _asked(row.client, stage, target, asks)
    cells = {step: cell(step, direct.answers[step], through.answers[step]) for step in asks}
    if DENIED in steps:
        cells |= _starter(row.client, stage, folder / "starter", direct.answers)
    cells[LIST] = _agreed(cells[LIST], direct.revision, through.revision)
    cells[CALL] = _recorded(cells[CALL], folders.verify(), detached=1 if CANCELLED in asks else 0)
    ordered = {step: absent.get(step) or cells[step] for step in steps}
    return Pairing(row.name, subject.name, subject.transport, direct.revision, ordered)


def _lacking(row: Row, subject: Subject, step: str) -> str | None:
    return row.lacks.get(subject.transport) or subject.lacks.get(step) or row.lacks.get(step)


def _ask(stage: Stage, step: str) -> Step:
    return list_tools() if step == LIST else stage.asks[step]


def _asked(client: McpClient, stage: Stage, target: Target, asks: Mapping[str, Step]) -> _Asked:
    """All steps on one connection; where that breaks, each on one of its own, so that one failure is no other's."""
    asks = {step: _marked(ask, step, stage) for step, ask in asks.items()}
    try:
        journey = client.run(target, list(asks.values()))
        asked = _Asked(journey.version, dict(zip(asks, journey.outcomes, strict=True)))
    except ClientFailed as broken:
        if len(asks) == 1:
            return _Asked("", {step: {"broke": broken.reason} for step in asks})
        asked = _one_by_one(client, stage, target, asks)
    return _Asked(
        asked.revision, {step: _settled(stage, asks[step], step, said) for step, said in asked.answers.items()}
    )


def _marked(ask: Step, step: str, stage: Stage) -> Step:
    """A cancelled call with a time of its own, so that the journal's lines about it are no other's."""
    if step != CANCELLED or stage.server.journal is None:
        return ask
    seconds = MARK_SECONDS + len(read_journal(stage.server.journal)) / 1000
    return {**ask, "arguments": {**ask["arguments"], "seconds": seconds}}


def _one_by_one(client: McpClient, stage: Stage, target: Target, asks: Mapping[str, Step]) -> _Asked:
    first = _asked(client, stage, target, {LIST: asks[LIST]})
    if "broke" in first.answers[LIST]:
        return _Asked("", dict.fromkeys(asks, first.answers[LIST]))
    answers = {step: _asked(client, stage, target, {step: ask}).answers[step] for step, ask in asks.items()}
    return _Asked(first.revision, answers)


def _settled(stage: Stage, ask: Step, step: str, answer: Answer) -> Answer:
    """The answer; with what really reached the server of a cancelled call, without progress that may be dropped."""
    if step == CANCELLED and stage.server.journal and answer == {"cancelled": True}:
        return {**answer, "upstream": _phases(stage, ask["arguments"])}
    if step == PROGRESS and stage.last_progress_is_late and answer.get("progress"):
        return {**answer, "progress": answer["progress"][:1]}
    return answer


def _phases(stage: Stage, arguments: Mapping[str, Any]) -> list[str]:
    """What the journal says of the cancelled call, once it has ended or SETTLE_SECONDS have passed."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        lines = [line for line in read_journal(stage.server.journal) if line["method"] == "tools/call"]
        phases = [line["phase"] for line in lines if line["params"].get("arguments") == arguments]
        if phases[-1:] != ["received"] or time.monotonic() > deadline:
            return phases
        time.sleep(0.05)


@contextmanager
def _gate(folder: Path, stage: Stage, policy: str) -> Iterator[tuple[Target, Folders]]:
    """The same server behind AgentGate, in a new folder; with `starter`, two tools are granted."""
    folder.mkdir()
    folders, name = Folders.under(folder), _name(stage)
    if policy == "starter":
        _grant(stage, name, folders)
    if isinstance(stage.server, StdioServer):
        yield wrapped(folder, stage.server, name=name, policy=policy)
        return
    with sidecar(folder, {name: stage.server}, policy=policy) as gate:
        yield gate.url(name), gate.folders


def _grant(stage: Stage, name: str, folders: Folders) -> None:
    """One tool for any arguments, and the denied one for a value that it is not called with: it stays in the list."""
    rule = f"{stage.ruled}=one_of:another"
    denied = str(stage.asks[DENIED]["name"])
    agentgate("policy", "allow", name, stage.granted, "--state", folders.state, check=True)
    agentgate("policy", "allow", name, denied, "--argument", rule, "--state", folders.state, check=True)


def _name(stage: Stage) -> str:
    """What the upstream is called: as its path is, since clients take a URL that ends with `/sse` for legacy SSE."""
    return "wrapped" if isinstance(stage.server, StdioServer) else stage.server.url.rsplit("/", 1)[1]


def _starter(client: McpClient, stage: Stage, folder: Path, direct: Mapping[str, Answer]) -> dict[str, Cell]:
    """The cells `denied` and `hidden`: a granted call, the denied one, and the granted one again, on one connection."""
    granted = stage.asks[CALL]
    steps = [list_tools(), granted, stage.asks[DENIED], granted]
    try:
        with _gate(folder, stage, "starter") as (target, folders):
            listed, first, refused, again = client.run(target, steps).outcomes
    except ClientFailed as broken:
        return dict.fromkeys(STARTER_STEPS, _broken(direct, {"broke": broken.reason}))
    if failure(LIST, listed) is not None or failure(CALL, first) is not None or first != again:
        return dict.fromkeys(STARTER_STEPS, _beside(direct, listed, first, again))
    denied = denied_cell(refused, touched=stage.touched(), report=folders.verify(), calls=2)
    return {DENIED: denied, HIDDEN: hidden_cell(listed["names"], stage.listed)}


def _broken(direct: Mapping[str, Answer], broken: Answer) -> Cell:
    """A client that breaks on the whole list breaks on the shorter one too, if perhaps in other words."""
    failed = failure(LIST, direct[LIST])
    return Cell(Verdict.SAME_FAILURE, shortened(failed)) if failed else cell(LIST, direct[LIST], broken)


def _beside(direct: Mapping[str, Answer], listed: Answer, first: Answer, again: Answer) -> Cell:
    """What is said of `denied` and `hidden` where the list or a granted call beside them went wrong."""
    cells = (cell(LIST, direct[LIST], listed), cell(CALL, direct[CALL], first), cell(CALL, direct[CALL], again))
    return next((each for each in cells if each.verdict is Verdict.DIFFERENT), cells[1])


def _agreed(listed: Cell, direct: str, through: str) -> Cell:
    """Another revision than directly is a difference, whatever else is the same; a broken client agreed on none."""
    return listed if through in (direct, "") else Cell(Verdict.DIFFERENT, f"revision {direct}, through {through}")


def _recorded(called: Cell, report: Mapping[str, Any], *, detached: int) -> Cell:
    """Calls that came to the same are different all the same if evidence does not hold.

    A cancel that the client never sent upwards leaves its call open: it runs on, and the next start would end it.
    """
    missing = report["intents"] - report["outcomes"]
    holds = report["ok"] and missing == report["open"] <= detached
    return called if holds or called.verdict is Verdict.SAME_FAILURE else Cell(Verdict.DIFFERENT, f"evidence: {report}")
