"""The sidecar as a subject: the embedded engine, an OPA, or an engine that does not look; profiled or not."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.exchange import TOOL
from benchmarks.load import Target
from benchmarks.process import free_port, running
from benchmarks.subjects import Durability, NotInstalled, Stage, Subject, listening, opa_program
from policy.bundle import load, pack
from policy.grants import index, read_grants

AGENTGATE: Final = Path(sys.executable).parent / "agentgate"
UPSTREAM: Final = "bench"

Starter = Callable[[Stage], AbstractContextManager[Subject]]

_SIDECAR: Final = (AGENTGATE, "sidecar")
_CONSTANT: Final = (sys.executable, "-m", "benchmarks.constant")


@dataclass(frozen=True, slots=True)
class Kind:
    """How a sidecar is started: its program, policy and durability, and whether an OPA decides."""

    policy: str
    durability: Durability
    opa: bool = False
    program: Sequence[str | Path] = _SIDECAR


def embedded(policy: str, durability: Durability) -> Starter:
    """`agentgate sidecar` with a built-in policy in the embedded engine."""
    return _starter(Kind(policy, durability))


def constant(durability: Durability) -> Starter:
    """The sidecar with an engine that allows everything at once."""
    return _starter(Kind("observe", durability, program=_CONSTANT))


def opa(durability: Durability) -> Starter:
    """`agentgate sidecar` that asks an OPA, which runs on the core under test as well."""
    return _starter(Kind("starter", durability, opa=True))


def profiled(kind: str, file: Path, engine: str, durability: Durability) -> Starter:
    """The embedded or the constant one with the starter policy, looking at itself (see `profiled`)."""
    program = (sys.executable, "-m", "benchmarks.profiled", kind, file, engine)
    return _starter(Kind("starter", durability, program=program))


def _starter(kind: Kind) -> Starter:
    @contextmanager
    def start(stage: Stage) -> Iterator[Subject]:
        folder = stage.new_folder()
        state = folder / "state"
        state.mkdir(mode=0o700)
        _grant(state)
        if kind.opa:
            with _opa(stage, folder, state) as (process, address), _sidecar(kind, stage, folder, address) as subject:
                yield Subject(subject.target, (*subject.own, process), subject.own, subject.ready_seconds)
        else:
            with _sidecar(kind, stage, folder, None) as subject:
                yield subject
        shutil.rmtree(folder)

    return start


@contextmanager
def _sidecar(kind: Kind, stage: Stage, folder: Path, opa_address: str | None) -> Iterator[Subject]:
    port = free_port()
    command = [
        *kind.program,
        *("--listen", f"127.0.0.1:{port}", "--upstream", f"{UPSTREAM}=http://127.0.0.1:{stage.upstream}/mcp"),
        *("--state", folder / "state", "--evidence", folder / "evidence"),
        *("--policy", kind.policy, "--durability", kind.durability),
        *(("--opa", opa_address) if opa_address else ()),
    ]
    with listening(command, stage, folder, port) as (process, seconds):
        yield Subject(Target(port, f"/{UPSTREAM}"), (process,), (process,), seconds)


@contextmanager
def _opa(stage: Stage, folder: Path, state: Path) -> Iterator[tuple[int, str]]:
    """An OPA with the starter policy and its grants as a bundle; gives its process id and its address."""
    program = opa_program()
    if program is None:
        raise NotInstalled("OPA is not built: scripts/setup_opa.sh builds it")
    bundle, socket = folder / "bundle.tar.gz", folder / "opa.sock"
    bundle.write_bytes(pack(load("starter", grants=index(read_grants(state / "grants.json")))))
    flags: list[str | Path] = ["--log-level=error", "--skip-version-check", f"--addr=unix://{socket}", "--bundle"]
    command = [program, "run", "--server", *flags, bundle]
    with running(command, core=stage.core, log=folder / "opa.log", ready=socket.exists) as process:
        yield process, f"unix:{socket}"


def _grant(state: Path) -> None:
    """The file that `agentgate policy allow` writes, for the one tool."""
    grants = {"version": 1, "grants": [{"upstream": UPSTREAM, "tool": TOOL}]}
    (state / "grants.json").write_text(json.dumps(grants))
    (state / "grants.json").chmod(0o600)
