"""The sidecar as a subject: the embedded engine, an OPA, or an engine that does not look; profiled or not."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.exchange import TOOL
from benchmarks.load import Target
from benchmarks.process import NotReady, children, free_port, running
from benchmarks.subjects import Durability, NotInstalled, Stage, Subject, listening, opa_program

AGENTGATE: Final = Path(sys.executable).parent / "agentgate"
UPSTREAM: Final = "bench"

Starter = Callable[[Stage], AbstractContextManager[Subject]]

_SIDECAR: Final = (AGENTGATE, "sidecar")
_CONSTANT: Final = (sys.executable, "-m", "benchmarks.constant")


PATIENT: Final = "[policy]\nbudget_seconds = 10\n"
"""No call is refused because the machine is busy: how long each one takes is what the benchmark tells."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How a sidecar is started: its program, policy and durability, and whether an OPA decides.

    A `fed` OPA answers for what the sidecar brings it; its CPU and memory do not count.
    `upstreams` (name and URL) are there beside the usual one; `grants` are names of tools at any upstream.
    """

    policy: str
    durability: Durability
    opa: bool = False
    program: Sequence[str | Path] = _SIDECAR
    upstreams: Sequence[tuple[str, str]] = ()
    grants: Sequence[str] = (TOOL,)
    config: str = PATIENT
    fed: bool = False


def embedded(policy: str, durability: Durability) -> Starter:
    """`agentgate sidecar` with a built-in policy in the embedded engine."""
    return starter(Kind(policy, durability))


def constant(durability: Durability) -> Starter:
    """The sidecar with an engine that allows everything at once."""
    return starter(Kind("observe", durability, program=_CONSTANT))


def opa(durability: Durability) -> Starter:
    """`agentgate sidecar` that asks an OPA, which runs on the core under test as well."""
    return starter(Kind("starter", durability, opa=True))


def profiled(kind: Kind, look: str, file: Path, engine: str) -> Starter:
    """One that looks at itself (see `profiled`); `engine` is embedded, opa or constant."""
    program = (sys.executable, "-m", "benchmarks.profiled", look, file, engine)
    return starter(replace(kind, opa=engine == "opa", program=program))


def starter(kind: Kind) -> Starter:
    """A sidecar of this kind, with its OPA if it has one."""

    @contextmanager
    def start(stage: Stage) -> Iterator[Subject]:
        folder = stage.new_folder()
        granted_state(folder, kind.grants)
        if kind.fed:
            with _fed_opa(stage, folder) as flags, _sidecar(kind, stage, folder, flags) as subject:
                yield subject
        elif kind.opa:
            with (
                _opa(kind, stage, folder) as (process, address),
                _sidecar(kind, stage, folder, ("--opa", address)) as subject,
            ):
                yield Subject(subject.target, (*subject.own, process), subject.own, subject.ready_seconds)
        else:
            with _sidecar(kind, stage, folder, ()) as subject:
                yield subject
        shutil.rmtree(folder)

    return start


@contextmanager
def _sidecar(kind: Kind, stage: Stage, folder: Path, flags: Sequence[str]) -> Iterator[Subject]:
    port = free_port()
    command = [
        *kind.program,
        *("--listen", f"127.0.0.1:{port}", "--upstream", f"{UPSTREAM}=http://127.0.0.1:{stage.upstream}/mcp"),
        *(word for name, url in kind.upstreams for word in ("--upstream", f"{name}={url}")),
        *("--state", folder / "state", "--evidence", folder / "evidence"),
        *("--policy", kind.policy, "--durability", kind.durability),
        *flags,
        *("--config", _config(folder, kind.config)),
    ]
    with listening(command, stage, folder, port) as (process, seconds):
        yield Subject(Target(port, f"/{UPSTREAM}"), (process,), (process,), seconds)


def _config(folder: Path, text: str) -> Path:
    config = folder / "agentgate.toml"
    config.write_text(text)
    return config


@contextmanager
def _fed_opa(stage: Stage, folder: Path) -> Iterator[tuple[str, ...]]:
    """`agentgate opa` on what the sidecar will write; gives the flags of a sidecar that does."""
    if opa_program() is None:
        raise NotInstalled("OPA is not built: scripts/setup_opa.sh builds it")
    bundle, place = folder / "bundle.tar.gz", folder / "opa"
    command: list[str | Path] = [AGENTGATE, "opa", "--bundle", bundle, "--folder", place]
    with running(command, core=stage.core, log=folder / "opa.log", ready=lambda: True):
        yield "--opa", f"unix:{place / 'opa.sock'}", "--opa-bundle", str(bundle)


@contextmanager
def _opa(kind: Kind, stage: Stage, folder: Path) -> Iterator[tuple[int, str]]:
    """`agentgate opa` with the policy and the grants of the state folder; gives OPA's process and address."""
    if opa_program() is None:
        raise NotInstalled("OPA is not built: scripts/setup_opa.sh builds it")
    socket = folder / "opa/opa.sock"
    flags: list[str | Path] = ["--policy", kind.policy, "--state", folder / "state", "--folder", socket.parent]
    command = [AGENTGATE, "opa", *flags, "--config", _config(folder, kind.config)]
    with running(command, core=stage.core, log=folder / "opa.log", ready=socket.exists) as process:
        yield children(process)[0], f"unix:{socket}"


def granted_state(folder: Path, tools: Sequence[str]) -> Path:
    """A new state folder with a grant for each of these tools, at any upstream."""
    state = folder / "state"
    state.mkdir(mode=0o700)
    for tool in tools:
        _grant(state, tool)
    return state


def _grant(state: Path, tool: str) -> None:
    command = [AGENTGATE, "policy", "allow", "*", tool, "--state", state]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"agentgate policy allow: {done.stdout}{done.stderr}")
