"""The examples of docs/policy.md do what the page says."""

import io
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from policy.bundle import load
from policy.commands import GRANTS, run_check
from policy.decision import Denied, permit, read_decision
from policy.embedded import EmbeddedEngine
from policy.engine import EntryPoint, Policy
from policy.grant_file import read_grants
from policy.grants import index
from policy.opa_process import find_opa
from policy.pem import read_keys
from policy.trust import Trust
from policy.vocabulary import Clearance, Listed
from tests.peers.places import AGENTGATE, ROOT
from tests.policy.asking import document, listing, tool_call

PAGE = (ROOT / "docs" / "policy.md").read_text()


def _heredoc(name: str) -> str:
    found = re.search(rf"policy/{re.escape(name)} <<'(\w+)'\n(.*?)\n\1\n", PAGE, re.DOTALL)
    assert found is not None
    return found.group(2) + "\n"


@pytest.fixture
def example(tmp_path: Path) -> Policy:
    """The policy of one's own on the page."""
    (tmp_path / "main.rego").write_text(_heredoc("main.rego"))
    (tmp_path / "data.json").write_text(_heredoc("data.json"))
    return load(str(tmp_path), grants=None)


async def test_the_policy_of_ones_own(example: Policy) -> None:
    engine = EmbeddedEngine(budget_seconds=5.0)
    await engine.activate(example)
    for name, passes in (("read_file", True), ("delete_file", False)):
        asked = tool_call(name)
        answer = await engine.ask(EntryPoint.DECISION, document(asked))
        decision = read_decision(answer, engine=engine.name, decision_id="d")
        if passes:
            permit(asked, Clearance(asked.id, 0), decision)
        else:
            with pytest.raises(Denied):
                permit(asked, Clearance(asked.id, 0), decision)
    shown = await engine.ask(EntryPoint.LISTING, listing("tools/list", Listed("read_file"), Listed("delete_file")))
    assert shown.value == {"hide": ["delete_file"]}
    await engine.close()


def test_the_bundle_on_the_page(tmp_path: Path) -> None:
    """Every command up to the sidecar's, as it stands there, on the policy of one's own."""
    (tmp_path / "policy").mkdir()
    for name in ("main.rego", "data.json"):
        (tmp_path / "policy" / name).write_text(_heredoc(name))
    section = PAGE.partition("## Bundles\n")[2].partition("\n## ")[0]
    commands = [line.removeprefix("$ ") for line in section.splitlines() if line.startswith("$ ")]
    *given, sidecar = commands
    assert sidecar.startswith("agentgate sidecar")
    assert len(given) == 6
    path = f"{AGENTGATE.parent}:/usr/bin:/bin"
    for command in given:
        subprocess.run(["sh", "-c", command], cwd=tmp_path, env={"PATH": path}, check=True, timeout=60)
    keys = read_keys([f"release-2026={tmp_path / 'release-2026.pem'}"])
    policy = load(str(tmp_path / "policy.tar.gz"), grants=None, trust=Trust(keys))
    assert (policy.signed, policy.version) == (True, 7)


def test_the_quality_on_the_page(tmp_path: Path) -> None:
    """The policy of one's own, its tests, and the report that stands there, to the letter."""
    (tmp_path / "policy").mkdir()
    for name in ("main.rego", "data.json", "main_test.rego"):
        (tmp_path / "policy" / name).write_text(_heredoc(name))
    shown = PAGE.partition("$ agentgate policy test policy\n")[2].partition("```")[0]
    binary = str(find_opa(os.environ))  # noqa: TID251  (where OPA is, is the machine's setting)
    environ = {"AGENTGATE_OPA": binary, "PATH": str(tmp_path)}
    command = [str(AGENTGATE), "policy", "test", "policy"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.returncode) == (shown, 1)


async def test_the_grants_on_the_page(tmp_path: Path) -> None:
    found = re.search(r'```json\n(\{"version": 1, "grants".*?)```', PAGE, re.DOTALL)
    assert found is not None
    (tmp_path / GRANTS).write_text(found.group(1))
    assert len(index(read_grants(tmp_path / GRANTS))["*"]) == 2
    assert await run_check("starter", tmp_path, (), io.StringIO()) == 0


def test_the_input_on_the_page_has_the_members_of_the_real_one() -> None:
    found = re.search(r'```json\n(\{"version": 1,\n "caller".*?)```', PAGE, re.DOTALL)
    assert found is not None
    shown, real = json.loads(found.group(1)), json.loads(document(tool_call()))
    assert list(shown) == list(real)
    assert {name: list(value) for name, value in shown.items() if isinstance(value, dict)} == {
        name: list(value) for name, value in real.items() if isinstance(value, dict)
    }
