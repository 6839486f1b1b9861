"""The second act: what was recorded convinces somebody who trusts neither the sidecar nor who runs it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from evidence.checkpoint import Opened, Quorum, open_checkpoint
from evidence.clock import SystemClock
from evidence.note import read_verifier_key
from proxy.story.keeping import LOG, TENANT, TENANT_KEY, WITNESS, Keeper
from proxy.story.steps import Agent, Step

_POLL_SECONDS: Final = 0.1
_FIRST: Final = "call.agentgate"
_AGAIN: Final = "again.agentgate"
_CHANGED: Final = "changed.agentgate"
_WITH_KEYS: Final = "--key … --receipt-key … --log-key … --witness-key …"


async def shipped(keeper: Keeper, agent: Agent) -> None:
    """What the sidecar has recorded is in a ledger elsewhere, that from before there was one as well."""
    scene, telling = keeper.scene, keeper.scene.telling
    telling.sees(f"a witness and a central are up, and the client has started again, with --central {keeper.url}")
    answer = await agent.call("git_log", max_count=1)
    telling.holds("the agent works as before", not answer.error)
    records = await scene.records()
    telling.does("auditor", f"$ agentgate completeness --central {keeper.url} --from … --to …")
    held = await _held(keeper, len(records), since=records[0]["header"]["at"])
    telling.holds(f"central holds {held} records, of before it was started too", held >= len(records))
    telling.holds("and says that nothing is missing between the first one and now", truth=True)


async def _held(keeper: Keeper, wanted: int, *, since: str) -> int:
    """Wait until central says that nothing is missing, of at least so many records; how many they are."""
    while True:
        code, said = await keeper.completeness(since, SystemClock().now().rfc3339())
        held: int = sum(chain["last"] - chain["first"] + 1 for chain in said.get("chains", ()))
        if code == 0 and said["complete"] and held >= wanted:
            return held
        await asyncio.sleep(_POLL_SECONDS)


async def cosigned(keeper: Keeper, agent: Agent) -> None:
    """The log over the ledger can only grow, and somebody else has seen that."""
    telling, wanted = keeper.scene.telling, len(await keeper.scene.records())
    telling.does("auditor", f"$ curl {keeper.url}/log/checkpoint")
    note = await _grown(keeper, wanted)
    telling.sees(note)
    opened = _opened(keeper, note)
    size = opened.checkpoint.size
    telling.holds(f"the log has signed a tree of {size} records", size >= wanted)
    telling.holds(
        "a witness, which has no ledger and no key of ours, has cosigned that it only grew",
        len(opened.cosignatures) == 1,
    )


async def _grown(keeper: Keeper, wanted: int) -> str:
    """Wait until the published checkpoint, which another process writes, has so many leaves; its text."""
    while not (note := keeper.checkpoint()) or _opened(keeper, note).checkpoint.size < wanted:  # noqa: ASYNC110
        await asyncio.sleep(_POLL_SECONDS)
    return note


def _opened(keeper: Keeper, note: str) -> Opened:
    log, witness = (read_verifier_key((keeper.scene.folder / name).read_text().strip()) for name in (LOG, WITNESS))
    return open_checkpoint(note, log, Quorum(0, (witness,)))


async def packed(keeper: Keeper, agent: Agent) -> None:
    """One call as one file, for somebody who has four public keys and no network."""
    scene, telling = keeper.scene, keeper.scene.telling
    made = await _export(keeper, _FIRST, (await scene.last_call("git_log"))[0]["header"]["call"])
    report = await _verified(keeper, _FIRST)
    telling.sees(", ".join(f"{step['proves'].partition(':')[0]} {step['verdict']}" for step in report["steps"]))
    telling.holds("each step is true", {step["verdict"] for step in report["steps"]} == {"ok"})
    telling.holds(f"nothing of {made['records']} records rests on the sidecar's word", _proved(report))
    shown = await scene.quietly("pack", "show", _FIRST)
    telling.holds(
        "what the agent read in this call is in it, and of no other call",
        report["texts"] == made["selected"] and await scene.git("rev-parse", "HEAD") in shown.text,
    )
    _change(scene.folder / _FIRST, scene.folder / _CHANGED)
    report = await _verified(keeper, _CHANGED)
    telling.sees(str((report["error"] or {}).get("what")))
    telling.holds("the same pack with one bit turned over is refused", not report["ok"])


async def _forgotten(keeper: Keeper, call: str) -> None:
    """Wait until the tenant's own key opens nothing of a call in the sidecar's spool."""
    asked = ["records", str(keeper.scene.evidence), "--json", "--call", call, "--key", TENANT_KEY]
    while any(  # noqa: ASYNC110  (another process takes the keys out)
        json.loads(line).get("opened") for line in (await keeper.scene.quietly(*asked)).text.splitlines()
    ):
        await asyncio.sleep(_POLL_SECONDS)


async def _notices(keeper: Keeper) -> list[dict[str, Any]]:
    """What the sidecar has recorded of keys that it destroys."""
    bodies = [record["body"] for record in await keeper.scene.records("notice")]
    return [body for body in bodies if body.get("event") == "keys_erased"]


async def _export(keeper: Keeper, name: str, call: str) -> dict[str, Any]:
    """A pack of one call, with its text as far as it can be opened; what the command says of it."""
    asked = ["--call", call[:12], "--tenant-key", TENANT_KEY, "--out", name]
    said = await keeper.central("export", *asked, unsaid=["--tenant", TENANT, "--json"])
    made: dict[str, Any] = {**json.loads(said), "call": call}
    (keeper.scene.folder / f"{name}.json").write_text(json.dumps(made))
    return made


async def _verified(keeper: Keeper, name: str) -> dict[str, Any]:
    keeper.scene.telling.does("auditor", f"$ agentgate verify {name} {_WITH_KEYS}")
    return await keeper.verify(name)


def _proved(report: dict[str, Any]) -> bool:
    return (
        bool(report["ok"])
        and report["checkpoint_checked"]
        and report["receipts_checked"]
        and not report["self_asserted"]
    )


def _change(pack: Path, changed: Path) -> None:
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)


async def erased(keeper: Keeper, agent: Agent) -> None:
    """What law wants forgotten is unreadable for good, and every proof stays true."""
    telling = keeper.scene.telling
    leaves = _opened(keeper, keeper.checkpoint()).checkpoint.size
    made = json.loads((keeper.scene.folder / f"{_FIRST}.json").read_text())
    (unit,) = made["units"]
    said = await keeper.central("erase", "--unit", unit, "--reason", "ticket 4711", unsaid=["--tenant", TENANT])
    telling.sees(said)
    telling.holds("the pack that has its text, and that nothing reaches, is named", made["digest"] in said)
    await _grown(keeper, leaves + 1)
    telling.holds("the erasure is itself a record, in the log with all others", truth=True)
    await agent.call("git_log", max_count=1)
    await _forgotten(keeper, made["call"])
    telling.holds("the sidecar hears of it, and records it", bool(await _notices(keeper)))
    telling.holds("and in its own spool, too, nobody can open that call any more", truth=True)
    await _export(keeper, _AGAIN, made["call"])
    report = await _verified(keeper, _AGAIN)
    telling.holds("the same call, exported again: nothing of its text can be opened", report["texts"] == 0)
    telling.holds("and it verifies as before: each hash, signature and proof stays true", _proved(report))


_STEPS: Final = (
    ("A ledger that is not the sidecar's", shipped),
    ("A log that can only grow", cosigned),
    ("A file for somebody who trusts none of us", packed),
    ("Erased, and still true", erased),
)


TITLES: Final = tuple(title for title, _ in _STEPS)


def steps_before(keeper: Keeper) -> tuple[Step, ...]:
    """The steps of the act, each played before this central."""
    return tuple(Step(title, _before(keeper, play)) for title, play in _STEPS)


def _before(keeper: Keeper, play: Callable[[Keeper, Agent], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    return lambda _scene, agent: play(keeper, agent)
