"""`agentgate central keys`: what there is, and the steps of an exchange of keys."""

import argparse
import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from central.config import CentralConfig
from central.keys import changing
from central.keys.opening import PURPOSES, begun, folder_of, protection_of
from evidence.clock import Clock, Instant
from evidence.key_history import History, Standing
from evidence.keys import KeyProblem
from evidence.signers import Purpose


def run_keys(given: argparse.Namespace, config: CentralConfig, clock: Clock, out: TextIO) -> int:
    """Do what was asked for, and print the keys as they are then. Raises KeyProblem, SigningFailed, OSError."""
    histories = dict(asyncio.run(begun(config, clock)))
    if given.action not in (None, "list"):
        if given.purpose is None:
            raise KeyProblem(f"keys {given.action}: say of which: {' or '.join(PURPOSES)}")
        purpose = Purpose(given.purpose)
        histories[purpose] = asyncio.run(_changed(given, config, purpose, clock))
    shown = {purpose: histories[purpose] for purpose in PURPOSES if given.purpose in (None, purpose)}
    if given.as_json:
        out.write(json.dumps({purpose: _as_json(history) for purpose, history in shown.items()}, indent=2) + "\n")
    else:
        out.writelines(f"{line}\n" for line in _lines(shown))
    return 0


async def _changed(given: argparse.Namespace, config: CentralConfig, purpose: Purpose, clock: Clock) -> History:
    folder, protection = folder_of(config, purpose), protection_of(config)
    match given.action:
        case "announce":
            return await changing.announce(folder, protection, clock)
        case "rotate":
            return await changing.rotate(folder, protection, clock, given.id)
        case "retire":
            return await changing.retire(folder, protection, clock, given.id)
    return await changing.revoke(folder, protection, clock, given.id, _since(given.since))


def _since(given: str | None) -> str:
    """The time since which a key is not believed, as entries have it. Raises KeyProblem."""
    if given == "always":
        return changing.ALWAYS
    try:
        found = datetime.fromisoformat(given or "")
        if found.tzinfo is None:
            raise ValueError("a time without a zone")  # noqa: TRY301 - the same remedy
    except ValueError as error:
        raise KeyProblem(
            "keys revoke: say with --since from when on it is not believed: a time such as 2026-05-01T00:00:00Z, at "
            "which nobody else had it yet, or `always`"
        ) from error
    since = found.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return Instant((since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000, 0).rfc3339()


def _lines(shown: Mapping[Purpose, History]) -> Iterator[str]:
    for purpose, history in shown.items():
        yield f"{purpose:<10} {history.root.text()}"
        for standing in history.keys:
            leads = ", leads" if standing.key == history.leader else ""
            yield f"  {standing.key.id.hex()}  {standing.state}{leads}{_times(standing)}"
        yield f"  {len(history.notes)} entries; as of now pinned as"
        yield f"  {history.pin.text()}"


def _times(standing: Standing) -> str:
    times = {
        "announced": standing.announced if standing.active != standing.announced else None,
        "active": standing.active,
        "retired": standing.retired,
        "revoked": standing.revoked,
        "not believed since": standing.since,
    }
    return "".join(f"; {what} {_short(at)}" for what, at in times.items() if at is not None)


def _short(at: str) -> str:
    return "always" if at == changing.ALWAYS else f"{at[:19]}Z"


def _as_json(history: History) -> dict[str, Any]:
    return {
        "root": history.root.text(),
        "pin": history.pin.text(),
        "name": history.root.name,
        "entries": len(history.notes),
        "keys": [
            {
                "id": each.key.id.hex(),
                "key": each.key.text(),
                "state": each.state,
                "leads": each.key == history.leader,
                "announced": each.announced,
                "active": each.active,
                "retired": each.retired,
                "revoked": each.revoked,
                "since": each.since,
            }
            for each in history.keys
        ],
    }
