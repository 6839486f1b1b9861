"""Reason codes stand in one place: Python, the data of the rules, and the rules themselves agree."""

import json
import re
from pathlib import Path

from policy import reasons
from policy.decision import BadDecision, NotPermitted, ObligationUnmet, Unaskable, Undecided
from policy.embedded import Inexact
from policy.engine import CannotDecide, EngineFailed, EngineTimeout, EngineUnavailable

REGO = Path(reasons.__file__).parent / "rego"


def test_the_data_of_the_rules_is_the_table() -> None:
    data = json.loads((REGO / "rules" / "data.json").read_text())
    assert data["agentgate"]["reasons"] == dict(reasons.POLICY_REASONS)


def test_the_rules_give_exactly_these_reasons() -> None:
    rules = [path for path in REGO.rglob("*.rego") if not path.name.endswith("_test.rego")]
    stated = re.compile(r'(?:answer\("\w+", |"reason": )"([^"]+)"')
    given = {code for path in rules for code in stated.findall(path.read_text())}
    assert given == reasons.POLICY_REASONS.keys()


def test_every_refusal_of_the_contract_has_a_meaning() -> None:
    refusals: list[type[CannotDecide]] = [
        *(CannotDecide, EngineFailed, EngineTimeout, EngineUnavailable, Inexact, Undecided, BadDecision, Unaskable)
    ]
    assert {refusal.code for refusal in refusals} <= reasons.GATE_REASONS.keys()
    assert issubclass(ObligationUnmet, NotPermitted)
