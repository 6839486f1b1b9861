"""What the upstream saw, what the callers saw and what evidence says, laid side by side."""

import json
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from tests.crash.load import GRANTED, Calls
from tests.peers.sidecar import Folders, agentgate


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What does not agree; all of it is empty where every promise was kept. `report` is what `verify` says."""

    reached: int
    unrecorded: Set[str]
    answered_unreached: Set[str]
    denied_reached: Set[str]
    not_once: dict[str, int]
    wrong: tuple[str, ...]
    report: dict[str, Any]


def grant(folders: Folders) -> None:
    """Allow, at every upstream, what the load calls, but for what is to be denied."""
    for tool in GRANTED:
        agentgate("policy", "allow", "*", tool, "--state", folders.state, check=True)


def opened(folders: Folders) -> list[dict[str, Any]]:
    """Every record with what was sealed in it."""
    key = folders.state / "keys" / "tenant-default.key"
    done = agentgate("records", folders.evidence, "--json", "--key", key, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def reckon(folders: Folders, reached: Set[str], calls: Calls) -> Reckoning:
    """Lay side by side, after a sidecar has begun again and ended."""
    records = opened(folders)
    intents = {one["header"]["call"]: _token(one) for one in records if one["header"]["kind"] == "intent"}
    ends = Counter(one["header"]["call"] for one in records if one["header"]["kind"] == "outcome")
    return Reckoning(
        reached=len(reached),
        unrecorded=reached - set(intents.values()),
        answered_unreached=calls.answered - reached,
        denied_reached=calls.denied & reached,
        not_once={call: ends[call] for call in set(intents) | set(ends) if ends[call] != 1 or call not in intents},
        wrong=tuple(calls.wrong),
        report=folders.verify(),
    )


def _token(record: dict[str, Any]) -> str:
    given = record["opened"]["input"]
    document = json.loads(given) if isinstance(given, str) else given
    return str(document["call"]["arguments"]["token"])
