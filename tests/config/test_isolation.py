"""How the facts are judged: in doubt, the lower level."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from policy.vocabulary import Isolation
from proxy.isolation import Facts, judge, observe

LAPTOP = Facts(
    own_uid=1000, agent_uid=None, agent_is_parent=False, pid=4000, parent_pid=3000, init="systemd", container=None
)
POD = replace(LAPTOP, pid=1, parent_pid=0, init="agentgate", container="kubernetes")
BOX = replace(POD, container="engine")

ROWS = [
    pytest.param(LAPTOP, "none", id="nothing-is-known"),
    pytest.param(replace(LAPTOP, agent_uid=1000), "none", id="same-user"),
    pytest.param(replace(LAPTOP, agent_uid=0), "none", id="agent-is-root"),
    pytest.param(replace(LAPTOP, agent_uid=1001), "uid", id="other-user"),
    pytest.param(replace(LAPTOP, own_uid=0, agent_uid=1001), "uid", id="sidecar-is-root"),
    pytest.param(replace(LAPTOP, agent_uid=1001, agent_is_parent=True), "none", id="wrap"),
    pytest.param(replace(POD, agent_is_parent=True), "none", id="wrap-in-a-container"),
    pytest.param(POD, "container", id="pod"),
    pytest.param(replace(POD, agent_uid=1000), "container", id="pod-where-both-have-one-uid"),
    pytest.param(replace(POD, pid=7, parent_pid=1, init="tini"), "container", id="pod-with-tiny-init"),
    pytest.param(replace(POD, pid=7, parent_pid=0, init="pause"), "none", id="pod-with-shared-processes"),
    pytest.param(replace(POD, pid=7, parent_pid=1, init="pause"), "none", id="pause-is-no-init-of-ours"),
    pytest.param(
        replace(POD, pid=7, parent_pid=1, init="supervisord"), "none", id="agent-may-be-in-the-same-container"
    ),
    pytest.param(replace(POD, pid=7, init="bash", agent_uid=1001), "uid", id="same-container-other-user"),
    pytest.param(BOX, "container", id="container"),
    pytest.param(replace(BOX, agent_uid=1001), "container", id="container-other-user"),
    pytest.param(replace(BOX, agent_uid=1000), "none", id="container-but-the-agent-may-be-the-same-user-outside"),
    pytest.param(replace(BOX, agent_uid=0), "none", id="container-and-root-outside"),
    pytest.param(replace(BOX, container=None), "none", id="own-process-namespace-alone"),
]


@pytest.mark.parametrize(("facts", "isolation"), ROWS)
def test_the_judgement(facts: Facts, isolation: Isolation) -> None:
    measured = judge(facts)
    assert measured.isolation == isolation
    assert measured.reason


MARKERS = [
    pytest.param({}, None, id="none"),
    pytest.param({".dockerenv": ""}, "engine", id="docker"),
    pytest.param({"run/.containerenv": ""}, "engine", id="podman"),
    pytest.param({"proc/1/cgroup": "1:name=systemd:/docker/0123\n"}, "engine", id="cgroup"),
    pytest.param({"proc/1/cgroup": "0::/init.scope\n"}, None, id="cgroup-of-a-host"),
    pytest.param({"etc/hosts": "# Kubernetes-managed hosts file.\n"}, "kubernetes", id="hosts-file"),
    pytest.param({".dockerenv": "", "run/secrets/kubernetes.io/token": ""}, "kubernetes", id="service-account"),
]


@pytest.mark.parametrize(("files", "kind"), MARKERS)
def test_containers_are_recognised(tmp_path: Path, files: dict[str, str], kind: str | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    facts = observe(tmp_path, agent_uid=7, agent_is_parent=False)
    assert (facts.container, facts.own_uid, facts.agent_uid, facts.pid) == (kind, os.geteuid(), 7, os.getpid())
