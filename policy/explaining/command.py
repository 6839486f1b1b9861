"""`agentgate policy explain`: an input or a record, put to a policy again, with the way to its decision."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from evidence.clock import Instant
from evidence.keys import KeyProblem, tenant_private
from evidence.printable import printable
from evidence.tailing import Unreadable
from evidence.unsealing import Unsealer
from policy.engine import Policy, PolicyRefused
from policy.explaining.completing import UnfitInput, completed
from policy.explaining.evaluating import Disagree, compiled
from policy.explaining.explanation import Explanation, explain
from policy.explaining.recorded import NotExplainable, Recorded, differences, recorded
from policy.explaining.report import document, lines
from policy.program import json_values
from policy.program.values import Inexact

OK: Final = 0
NOT_EXPLAINED: Final = 1
USAGE: Final = 64

Load = Callable[[], Policy]
"""Reads the policy at hand. Raises PolicyRefused."""


@dataclass(frozen=True, slots=True)
class Question:
    """A record by its id, in a folder of evidence; `key` opens it. `present`: also with another policy than its own."""

    id: str
    evidence: Path
    key: Path | None
    present: bool


def run_input(text: bytes, load: Load, now: Instant, *, as_json: bool, out: TextIO) -> int:
    """Explain an input, or a call that is made one. 0, 1 where nothing can be explained, 64 for no input."""
    try:
        given = completed(text, now)
    except (UnfitInput, Inexact) as error:
        return _say(out, getattr(error, "problems", [error]), USAGE)
    return _explained(given, load(), None, as_json=as_json, out=out)


def run_record(asked: Question, load: Load, *, as_json: bool, out: TextIO) -> int:
    """Explain a record. 0, 1 where it cannot be explained, 64 for a key or a folder that is none."""
    try:
        unsealer = Unsealer(tenant_private(asked.key)) if asked.key else None
    except KeyProblem as error:
        return _say(out, [error], USAGE)
    if not asked.evidence.is_dir():
        return _say(out, [f"{asked.evidence}: no such folder"], USAGE)
    try:
        record = recorded(asked.evidence, asked.id, unsealer)
    except NotExplainable as error:
        return _say(out, [error], NOT_EXPLAINED)
    except (Unreadable, OSError) as error:
        return _say(out, [f"{error}; agentgate verify says more"], NOT_EXPLAINED)
    return _of_record(record, asked, load, as_json=as_json, out=out)


def _of_record(record: Recorded, asked: Question, load: Load, *, as_json: bool, out: TextIO) -> int:
    heading = record.heading()
    if record.document is None:
        return _unexplained(heading, _sealed(record, asked), as_json=as_json, out=out)
    try:
        policy = load()
    except PolicyRefused as error:
        return _unexplained(heading, list(error.problems), as_json=as_json, out=out)
    differing = differences(record.decision, policy)
    if differing and not asked.present:
        return _unexplained(heading, _another(differing), as_json=as_json, out=out)
    heading["differs"] = differing
    return _explained(json_values.read(record.document), policy, heading, as_json=as_json, out=out)


def _explained(given: Any, policy: Policy, heading: Mapping[str, Any] | None, *, as_json: bool, out: TextIO) -> int:
    try:
        found = explain(compiled(policy), given)
    except Disagree as error:
        return _say(out, [f"{error}: this is a fault of AgentGate; nothing is explained"], NOT_EXPLAINED)
    if as_json:
        whole = {**document(found), "policy": _policy(policy), "record": heading}
        out.write(json.dumps(whole, indent=2, default=str) + "\n")
    else:
        out.writelines(f"{line}\n" for line in [*_headed(policy, heading), *lines(found)])
    return OK if _is_told(found) else NOT_EXPLAINED


def _is_told(found: Explanation) -> bool:
    return found.failure is None or bool(found.fired or found.closest or found.decision is None)


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "revision": policy.revision,
        "data_revision": policy.data_revision,
        "version": policy.version,
        "signed": policy.signed,
    }


def _headed(policy: Policy, heading: Mapping[str, Any] | None) -> Iterable[str]:
    if heading is not None:
        yield from _record_lines(heading)
        for difference in heading["differs"]:
            yield f"NOT THE POLICY OF THE RECORD: {printable(difference)}"
    yield printable(f"policy {policy.name}: {policy.revision}, data {policy.data_revision}")


def _record_lines(heading: Mapping[str, Any]) -> Iterable[str]:
    name = heading["name"] or "(sealed)"
    yield printable(f"call {heading['call']}: {heading['caller']} at {heading['upstream']}: {heading['method']} {name}")
    yield printable(f"  recorded {heading['at']} as {heading['effect']}: {heading['reason']}")
    if (by := heading["decided_by"]) is not None:
        values = " or ".join(json.dumps(one, sort_keys=True) for one in by["values"])
        what = f"obligation {by['obligation'] or ''} {values}"
        yield printable(f"  refused as {heading['refused_as']}: no rule decided it, but the {' '.join(what.split())}")


def _unexplained(heading: Mapping[str, Any], why: list[str], *, as_json: bool, out: TextIO) -> int:
    """What stands in the clear, and what is missing for more."""
    if as_json:
        out.write(json.dumps({"version": 1, "record": dict(heading), "missing": why}, indent=2) + "\n")
        return NOT_EXPLAINED
    out.writelines(f"{line}\n" for line in _record_lines(heading))
    return _say(out, why, NOT_EXPLAINED)


def _sealed(record: Recorded, asked: Question) -> list[str]:
    tenant = record.tenant
    if record.found.box is None or "input" not in record.found.record.body.get("commitments", {}):
        return ["the record has no input: policy was not asked, or the writer had no room for it"]
    if asked.key is None:
        return [f"the input is sealed: the private key of tenant {tenant} opens it (--key tenant-{tenant}.key)"]
    if record.is_redacted:
        return [
            "policy had the record redacted: what is left of the input (agentgate records --key) was not decided on"
        ]
    return [
        f"the input does not open with {asked.key}: it is not the key that tenant {tenant} had then, "
        "or its data key was erased, or policy had the record kept without its text (obligation record)"
    ]


def _another(differing: list[str]) -> list[str]:
    return [
        *(f"the policy at hand is not that of the record: {one}" for one in differing),
        "give the one of then (--policy, --state, --trusted), or --present to explain with the one of now",
    ]


def _say(out: TextIO, what: Iterable[object], code: int) -> int:
    out.writelines(f"agentgate policy explain: {printable(each)}\n" for each in what)
    return code
