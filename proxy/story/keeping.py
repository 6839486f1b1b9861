"""Where the demo's evidence goes: a central with its ledger and log, and a witness, each a program of its own."""

import hashlib
import json
import os
import secrets
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from proxy.story.running import free_port, listens, running
from proxy.story.scene import Scene
from proxy.story.telling import NotAsSaid

TENANT: Final = "default"
TENANT_KEY: Final = f"state/keys/tenant-{TENANT}.key"
RECEIPTS: Final = "receipts.vkey"
LOG: Final = "log.vkey"
WITNESS: Final = "witness.vkey"
IDENTITY: Final = "state/keys/identity.pub"
"""The four keys that a stranger has to have from elsewhere, as files of the scene's folder."""

_READS_WITH: Final = "token"
_WITNESS_STATE: Final = "witness"
_CENTRAL: Final = """\
listen = "127.0.0.1:{port}"
state = "central"
sidecars = "sidecars.toml"
readers = "readers.toml"

[log]
origin = "demo.example/log"
needed = 1

[log.witnesses.elsewhere]
key = "{key}"
url = "http://127.0.0.1:{witness}"
"""
_SIDECARS: Final = """\
[sidecars.{sidecar}]
tenant = "{tenant}"
public_key = "{key}"
"""
_READERS: Final = """\
[readers.auditor]
tenant = "{tenant}"
token_sha256 = "{digest}"
"""


@dataclass(frozen=True, slots=True)
class Keeper:
    """A central that runs, by the address of its port on this machine, and what is asked of it."""

    scene: Scene
    port: int

    @property
    def url(self) -> str:
        """Where sidecars ship to and readers ask."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def flags(self) -> list[str]:
        """What a sidecar is started with to ship to it."""
        return ["--central", self.url, "--central-key", str(self.scene.folder / RECEIPTS)]

    async def central(self, *arguments: str, unsaid: Sequence[str] = ()) -> str:
        """Run an operator's command on central's host, in front of everybody. Raises NotAsSaid if it fails."""
        shown = ["\u2026" if word == TENANT_KEY else word for word in arguments]
        self.scene.telling.does("operator", f"$ agentgate central {' '.join(map(_shown, shown))}")
        return await _said(self.scene, "central", *arguments, *unsaid, "-c", "central.toml")

    async def completeness(self, since: str, until: str) -> tuple[int, dict[str, Any]]:
        """`agentgate completeness --json` of the demo's tenant: its exit code and what it says."""
        asked = ["completeness", "--central", self.url, "--token-file", _READS_WITH, "--from", since, "--to", until]
        ended = await self.scene.quietly(*asked, "--json")
        return ended.code, json.loads(ended.text)

    async def verify(self, pack: str) -> dict[str, Any]:
        """The report of `agentgate verify --json` on a pack, with all four keys. Raises NotAsSaid if it gives none."""
        keys = ["--key", IDENTITY, "--receipt-key", RECEIPTS, "--log-key", LOG, "--witness-key", WITNESS]
        ended = await self.scene.quietly("verify", "--json", pack, *keys)
        report: dict[str, Any] = json.loads(ended.text)
        if report["ok"] is not (ended.code == 0):
            raise NotAsSaid(f"verify ends with 0 where all is true, and not with {ended.code}: {ended.text}")
        return report

    def checkpoint(self) -> str:
        """The newest checkpoint of the log, as any web server hands it out; empty before there is one."""
        published = self.scene.folder / "central" / "log" / "checkpoint"
        return published.read_text() if published.exists() else ""


def _shown(word: str) -> str:
    return word if word == "\u2026" else shlex.quote(word)


@asynccontextmanager
async def kept(scene: Scene) -> AsyncIterator[Keeper]:
    """A witness, and a central before which the scene's sidecar and one reader are registered. Raises NotAsSaid."""
    keeper, witness = Keeper(scene, free_port()), free_port()
    await _furnish(scene, keeper.port, witness)
    log_key = (scene.folder / LOG).read_text().strip()
    cosigns = ["witness", "--state", _WITNESS_STATE, "--log", log_key, "--listen", f"127.0.0.1:{witness}"]
    serves = ["central", "-c", "central.toml"]
    async with (
        running(scene, [*scene.agentgate, *cosigns], lambda: listens(witness)),
        running(scene, [*scene.agentgate, *serves], lambda: listens(keeper.port)),
    ):
        yield keeper


async def _furnish(scene: Scene, port: int, witness: int) -> None:
    """Central's three files, made from public keys and the digest of a token, and the keys that a stranger is given."""
    folder, identity = scene.folder, (scene.folder / IDENTITY).read_text().strip()
    key = await _said(scene, "witness", "key", "--state", _WITNESS_STATE)
    token = secrets.token_hex(32)
    _private(folder / _READS_WITH, token)
    digest = hashlib.sha256(token.encode()).hexdigest()
    sidecar = (await scene.records("start"))[0]["header"]["sidecar"]
    (folder / "central.toml").write_text(_CENTRAL.format(port=port, witness=witness, key=key))
    (folder / "sidecars.toml").write_text(_SIDECARS.format(sidecar=sidecar, tenant=TENANT, key=identity))
    (folder / "readers.toml").write_text(_READERS.format(tenant=TENANT, digest=digest))
    keys = json.loads(await _said(scene, "central", "keys", "list", "--json", "-c", "central.toml"))
    for name, text in ((WITNESS, key), (RECEIPTS, keys["receipts"]["root"]), (LOG, keys["log"]["root"])):
        (folder / name).write_text(f"{text}\n")


async def _said(scene: Scene, *arguments: str) -> str:
    ended = await scene.quietly(*arguments)
    if ended.code:
        raise NotAsSaid(f"agentgate {arguments[0]} ended with {ended.code}: {ended.text}")
    return ended.text.strip()


def _private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{text}\n")
