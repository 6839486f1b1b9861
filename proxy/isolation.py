"""How well this process is separated from the agent that it watches, judged from what can be seen.

    none        the agent may be the same user: it can read our keys, stop us, or speak past us
    uid         the agent runs under a user id of its own on this machine
    container   this process is alone in a container of its own
    host        the agent is on another machine; nothing that can be seen from here proves that, so it is never measured

When it cannot be told, the lower one holds. A configured user id is taken at its word.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from policy.vocabulary import Isolation
from proxy.config import Config

_ROOT_UID: Final = 0
_TINY_INITS: Final = frozenset(("tini", "docker-init", "dumb-init", "catatonit"))
_ENGINE_CGROUP: Final = re.compile(r"docker|containerd|crio|libpod|lxc|kubepods")

ContainerKind = Literal["kubernetes", "engine"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What can be seen from here. `init` is the name of process 1 in our process namespace."""

    own_uid: int
    agent_uid: int | None
    agent_is_parent: bool
    pid: int
    parent_pid: int
    init: str
    container: ContainerKind | None


@dataclass(frozen=True, slots=True)
class Measured:
    """The judgement, and why, in one sentence for a person."""

    isolation: Isolation
    reason: str


def measure(config: Config, *, root: Path = Path("/")) -> Measured:
    """The isolation of this process under `config`."""
    started_by_agent = any(upstream.command for upstream in config.upstreams)
    return judge(observe(root, agent_uid=config.identity.agent_uid, agent_is_parent=started_by_agent))


def judge(facts: Facts) -> Measured:
    """The isolation that the facts prove."""
    if facts.agent_is_parent:
        return Measured("none", "the agent's client starts this process and owns it")
    if (alone := _alone_in_container(facts)) is not None:
        return alone
    if facts.agent_uid is None:
        return Measured("none", "the agent's user id is not known; identity.agent_uid says it")
    if facts.agent_uid == _ROOT_UID:
        return Measured("none", "the agent is root on this machine")
    if facts.agent_uid == facts.own_uid:
        return Measured("none", f"the agent runs under the same user id, {facts.own_uid}")
    return Measured("uid", f"the agent runs under user id {facts.agent_uid}, this process under {facts.own_uid}")


def _alone_in_container(facts: Facts) -> Measured | None:
    """Process 1 of a container is the sidecar, or a tiny init that starts nothing else: no agent is in there."""
    alone = facts.pid == 1 or (facts.parent_pid == 1 and facts.init in _TINY_INITS)
    match facts.container:
        case "kubernetes" if alone:
            return Measured("container", "this process is alone in a container of its pod")
        case "engine" if alone and facts.agent_uid not in (_ROOT_UID, facts.own_uid):
            return Measured("container", "this process is alone in its container")
        case _:
            return None


def observe(root: Path, *, agent_uid: int | None, agent_is_parent: bool) -> Facts:
    """Read the facts from the file system under `root`; what cannot be read counts as not there."""
    return Facts(
        own_uid=os.geteuid(),
        agent_uid=agent_uid,
        agent_is_parent=agent_is_parent,
        pid=os.getpid(),
        parent_pid=os.getppid(),
        init=_text(root / "proc/1/comm").strip(),
        container=_container(root),
    )


def _container(root: Path) -> ContainerKind | None:
    if "Kubernetes-managed" in _text(root / "etc/hosts") or (root / "run/secrets/kubernetes.io").is_dir():
        return "kubernetes"
    if (root / ".dockerenv").exists() or (root / "run/.containerenv").exists():
        return "engine"
    return "engine" if _ENGINE_CGROUP.search(_text(root / "proc/1/cgroup")) else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
