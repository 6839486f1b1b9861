"""What a pack tells: its calls in the order of time, what was odd, and the record behind each statement. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from evidence.record import OUTCOMES, Header, Kind

SILENCE_SECONDS: Final = 300
"""Between two records of one incarnation, which has heartbeats in between."""

CLOCK_SECONDS: Final = 60
"""How far the wall clock may go back, or away from the boot clock, and nobody minds."""


@dataclass(frozen=True, slots=True)
class Told:
    """One record of a pack. `body` is None where it is not disclosed; `texts` are those that were opened."""

    chain: str
    header: Header
    link: str
    body: Mapping[str, Any] | None = None
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    selected: bool = False

    def get(self, *path: str) -> Any:
        """A member of the body, by its path; None where there is none."""
        found: Any = self.body
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def text(self, *path: str) -> str:
        """The same as text, empty where there is none."""
        found = self.get(*path)
        return found if isinstance(found, str) else ""


@dataclass(slots=True)
class Call:
    """One call: its records in their order. `approvals` are those of its approval that name no call themselves."""

    id: str
    records: list[Told] = field(default_factory=list)
    approvals: list[Told] = field(default_factory=list)

    def first(self, *kinds: Kind) -> Told | None:
        """The first record of one of these kinds."""
        return next((told for told in self.records if told.header.kind in kinds), None)

    @property
    def subject(self) -> Told:
        """The record that says whom and what the call is about."""
        return self.first(Kind.INTENT, Kind.REFUSAL) or self.records[0]

    @property
    def result(self) -> str:
        """The outcome, `refused`, `open`, or `asked`."""
        if (outcome := self.first(Kind.OUTCOME)) is not None:
            return outcome.text("outcome")
        if self.first(Kind.REFUSAL) is not None:
            return "refused"
        return "open" if self.first(Kind.INTENT) is not None else "asked"

    @property
    def reason(self) -> str:
        """Why: of the refusal, or of the decision and the outcome."""
        refusal, outcome = self.first(Kind.REFUSAL), self.first(Kind.OUTCOME)
        told = [self.subject.text("decision", "reason")]
        told += [refusal.text("refusal", "code")] if refusal else []
        told += [outcome.text("reason")] if outcome else []
        return ", ".join(dict.fromkeys(filter(None, told)))


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that is true and odd; `told` is the record behind it."""

    kind: str
    what: str
    told: Told


@dataclass(slots=True)
class Story:
    """Calls and all other selected records, what was odd, and which versions decided."""

    calls: list[Call]
    others: list[Told]
    anomalies: list[Anomaly]
    policies: list[str]
    definitions: list[str]


def story_of(records: Iterable[Told]) -> Story:
    """Go once through the records, chain by chain."""
    calls: dict[tuple[str, str], Call] = {}
    loose: list[Told] = []
    anomalies: list[Anomaly] = []
    policies: dict[str, None] = {}
    definitions: dict[str, None] = {}
    before: Told | None = None
    for told in records:
        anomalies += _odd(before, told)
        before = told
        if not told.selected:
            continue
        policies.update(dict.fromkeys(_versions(told)))
        definitions.update(dict.fromkeys(_definition(told)))
        call = told.header.call
        if call is None:
            loose.append(told)
        else:
            calls.setdefault((told.chain, call), Call(call)).records.append(told)
    ordered = sorted(calls.values(), key=lambda call: call.records[0].header.at)
    asked = _asked(ordered)
    others = [told for told in loose if not _approves(asked, told)]
    return Story(ordered, others, anomalies, sorted(policies), sorted(definitions))


def _asked(calls: Iterable[Call]) -> Mapping[str, list[Call]]:
    """The calls by the approvals that their records name."""
    found: dict[str, list[Call]] = {}
    for call in calls:
        for approval in {told.text("approval") for told in call.records if told.header.kind is Kind.APPROVAL}:
            found.setdefault(approval, []).append(call)
    return found


def _approves(asked: Mapping[str, list[Call]], told: Told) -> bool:
    """Put a record of an approval to the calls that asked for it."""
    calls = asked.get(told.text("approval"), []) if told.header.kind is Kind.APPROVAL else []
    for call in calls:
        call.approvals.append(told)
    return bool(calls)


def _odd(before: Told | None, told: Told) -> Iterator[Anomaly]:
    header = told.header
    if before is not None and before.chain == told.chain:
        yield from _odd_times(before, told)
    elif header.seq > 1:
        yield Anomaly(
            "gap", f"the chain begins here with record {header.seq}: what came before is not in the pack", told
        )
    if header.kind is Kind.LOSS:
        lost = told.get("lost")
        counts = lost if isinstance(lost, dict) else {}
        what = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))
        yield Anomaly("loss", f"records were lost while the disk failed: {what}", told)
    if told.get("repaired_bytes") and header.kind is Kind.START:
        yield Anomaly("torn", f"{told.get('repaired_bytes')} bytes were torn off by a crash", told)
    if header.kind is Kind.OUTCOME and told.text("outcome") == "unknown":
        yield Anomaly("unknown outcome", f"nobody knows whether call {header.call} took effect", told)


def _odd_times(before: Told, told: Told) -> Iterator[Anomaly]:
    old, new = before.header, told.header
    if new.kind is Kind.START and old.kind is not Kind.CLOSE:
        yield Anomaly("crash", f"the life before ended without a word after record {old.seq}", told)
    wall = _seconds(new.at) - _seconds(old.at)
    if wall < -CLOCK_SECONDS:
        yield Anomaly("clock", f"the wall clock went back {-wall:.0f} seconds", told)
    if new.incarnation == old.incarnation:
        passed = (new.boot - old.boot) / 1e6
        if passed > SILENCE_SECONDS:
            yield Anomaly("silence", f"nothing was recorded for {passed:.0f} seconds", told)
        if abs(wall - passed) > CLOCK_SECONDS and wall >= -CLOCK_SECONDS:
            yield Anomaly("clock", f"the wall clock was set by {wall - passed:+.0f} seconds", told)


def _seconds(at: str) -> float:
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return 0.0


def _versions(told: Told) -> Iterator[str]:
    versions = told.get("decision", "versions")
    if isinstance(versions, dict):
        yield ", ".join(f"{name} {version}" for name, version in sorted(versions.items()) if version is not None)


def _definition(told: Told) -> Iterator[str]:
    if digest := told.text("request", "definition"):
        yield f"{told.text('request', 'upstream')}/{told.text('request', 'name')}: {digest}"


def is_bad(result: str) -> bool:
    """Whether a reader's eye should stop at a result."""
    return result not in OUTCOMES - {"failed", "unknown", "killed"}
