"""Policies to be asked: the starter with grants, and the starter beside three templates."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from policy.bundle import load
from policy.engine import Policy
from policy.grants import Grant, index
from policy.templating import chosen, composed

TEMPLATES: Final = ("filesystem-jail", "pii-strict", "egress")
AGENT: Final = "agent-0"
UPSTREAM: Final = "files"

_BESIDE: Final = """# The templates decide what they are about, the starter everything else.
package agentgate

decision := data.agentgate.composed.decision if {
	data.agentgate.composed.opinion
} else := data.agentgate.rules.decision

listing := {"hide": [name |
	name := input.items[_].name
	name in data.agentgate.rules.hide
	name in data.agentgate.composed.listing.hide
]}
"""
_GIVEN: Final = ("grants", "trusted_upstreams", "exceptions")
"""What the sidecar itself puts beside a policy's data."""

SETTINGS: Final[Mapping[str, Any]] = {
    "filesystem-jail": {"roots": ["/srv/share"], "tools": {"read_file": {"paths": ["path"]}}},
    "pii-strict": {"tools": {"lookup": {"result": ["/structuredContent/ssn"]}}},
    "egress": {"sending": {"send_mail": {"recipients": ["to"], "others": ["body"]}}, "domains": {"example.com": {}}},
}


def starter(agents: int, tools: int) -> Policy:
    """The starter policy, with a grant for each of so many tools to each of so many agents."""
    return load("starter", grants=index(_grants(agents, tools)))


def starter_and_templates(folder: Path) -> Policy:
    """The starter beside TEMPLATES, as somebody would put them together, with ten grants for each of ten agents."""
    files = {**_rules(), **composed(chosen(TEMPLATES))}
    files["composed.rego"] = files.pop("main.rego").replace(b"package agentgate\n", b"package agentgate.composed\n", 1)
    files["main.rego"] = _BESIDE.encode()
    files["settings/data.json"] = json.dumps({"default": {AGENT: {UPSTREAM: SETTINGS}}}).encode()
    for name, text in files.items():
        if not name.endswith("_test.rego"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text)
    return load(str(folder), grants=index(_grants(10, 10)))


def _rules() -> dict[str, bytes]:
    """The starter's rules and their data, as files of a folder."""
    rules = Path(__file__).parents[1] / "policy" / "rego" / "rules"
    data = json.loads((rules / "data.json").read_bytes())["agentgate"]
    kept = {name: value for name, value in data.items() if name not in _GIVEN}
    return {f"rules/{path.name}": path.read_bytes() for path in rules.glob("*.rego")} | {
        "data.json": json.dumps({"agentgate": kept}).encode()
    }


def _grants(agents: int, tools: int) -> Iterator[Grant]:
    for agent in range(agents):
        for tool in range(tools):
            yield Grant(UPSTREAM, "tools/call", f"tool-{tool}", agent=f"agent-{agent}")
