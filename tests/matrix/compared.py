"""Two answers of one client to one step, directly and through AgentGate, and what the cell says. Nothing runs here."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from tests.matrix.vocabulary import PROGRESS, Cell, Verdict

Answer = Mapping[str, Any]
"""An outcome (tests/peers/steps.py), or `{"broke": text}` where the client did not come to an end."""
_SHOWN: Final = 160
_ADDRESS: Final = re.compile(r"(https?://)?(127\.0\.0\.1|localhost):\d+(/[\w/.-]*)?")


def plain(text: str) -> str:
    """A text without what two runs cannot share: the address of the server, and the blanks around lines."""
    return " ".join(_ADDRESS.sub("SERVER", text).split())


def failure(step: str, answer: Answer) -> str | None:
    """What failed, as the client says it; None for a step that worked."""
    match answer:
        case {"broke": str(text)}:
            return plain(text)
        case {"failed": {"code": code, "message": message}}:
            return plain(f"{message} ({code})")
        case {"error": True, "text": str(text)}:
            return plain(text) or "an error result without a text"
        case {"progress": []} if step == PROGRESS:
            return "no progress arrives"
    return None


def cell(step: str, direct: Answer, through: Answer) -> Cell:
    """Same, the same failure, or different: answers are compared whole, failures by what the client says of them."""
    failed, gated = failure(step, direct), failure(step, through)
    if failed is not None and failed == gated:
        return Cell(Verdict.SAME_FAILURE, shortened(failed))
    if failed is None and gated is None and direct == through:
        return Cell(Verdict.SAME)
    if failed is None and gated is None:
        return Cell(
            Verdict.DIFFERENT, f"directly {shortened(str(dict(direct)))}, through {shortened(str(dict(through)))}"
        )
    return Cell(Verdict.DIFFERENT, f"directly it {_went(failed)}, through it {_went(gated)}")


def _went(failed: str | None) -> str:
    return "works" if failed is None else f"fails: {shortened(failed)}"


def shortened(text: str) -> str:
    """As much of a text as a note has."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def denied_cell(answer: Answer, *, touched: bool, report: Mapping[str, Any], calls: int) -> Cell:
    """Held if the model is told, nothing arrived, and evidence has the refusal and no call beside the granted ones."""
    told = answer.get("error") is True and bool(answer.get("text"))
    recorded = report["ok"] and report["refusals"] >= 1 and report["intents"] == calls and report["open"] == 0
    if told and recorded and not touched:
        return Cell(Verdict.HELD)
    return Cell(
        Verdict.DIFFERENT,
        f"answer {shortened(str(dict(answer)))}, arrived: {touched}, evidence {shortened(str(report))}",
    )


def hidden_cell(names: Sequence[str], expected: Collection[str]) -> Cell:
    """Held if the list has the granted tools and nothing else."""
    return Cell(Verdict.HELD) if sorted(names) == sorted(expected) else Cell(Verdict.DIFFERENT, f"listed {names}")
