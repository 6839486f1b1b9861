"""`agentgate redact`: an operator sees what a configuration does with a sample, before it does it with evidence."""

import json
import subprocess
from pathlib import Path

import pytest

from proxy.redacting import LONGEST
from tests.peers.places import AGENTGATE

SAMPLE = '{"arguments":{"to":"ann@mail.example","pan":4111111111111111},"id":7}'
MESSAGE = (
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send","arguments":{"to":"ann@mail.example"}}}'
)
RULE = '[evidence.redaction.rules.to]\nmode = "drop"\nat = "/arguments/to"\ntool = "crm/send"\n'
OWN = '[evidence.redaction]\ndetectors_file = "own.toml"\n'
DETECTOR = """[[detectors]]
id = "ticket"
kind = "other"
title = "tickets"
examples = ["T-123"]
[[detectors.forms]]
pattern = '''\\bT-[0-9]{3}\\b'''
"""


def _redact(folder: Path, sample: str, *arguments: str, config: str = "") -> "subprocess.CompletedProcess[str]":
    (folder / "agentgate.toml").write_text(config)
    (folder / "own.toml").write_text(DETECTOR)
    asked = [str(AGENTGATE), "redact", "-", "-c", str(folder / "agentgate.toml"), *arguments]
    return subprocess.run(asked, input=sample, capture_output=True, text=True, timeout=60, check=False)


ROWS = [
    pytest.param(
        SAMPLE, "", [], '{"arguments":{"to":"[email]","pan":"[card]"},"id":7}',
        "/arguments/to: email (contact) mask\n/arguments/pan: card (financial) mask\n", id="by-default",
    ),
    pytest.param(SAMPLE, RULE, ["--tool", "crm/send"], '{"arguments":{"pan":"[card]"},"id":7}',
                 "/arguments/to: email (contact) drop\n/arguments/pan: card (financial) mask\n", id="a-rule"),
    pytest.param(SAMPLE, RULE, ["--tool", "crm/read"], '{"arguments":{"to":"[email]","pan":"[card]"},"id":7}',
                 "/arguments/to: email (contact) mask\n/arguments/pan: card (financial) mask\n", id="another-tool"),
    pytest.param(MESSAGE, RULE, ["--tool", "crm/send"], MESSAGE.replace('"to":"ann@mail.example"', ""),
                 "/arguments/to: email (contact) drop\n", id="a-whole-message"),
    pytest.param("T-123 and T-124\n", OWN, [], "[ticket] and [ticket]",
                 "the whole text: ticket (other) mask, 2 times\n", id="detectors-of-ones-own"),
    pytest.param("nothing here", "", [], "nothing here", "nothing was found\n", id="nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("sample", "config", "arguments", "left", "told"), ROWS)
def test_in_words(sample: str, config: str, arguments: list[str], left: str, told: str, tmp_path: Path) -> None:
    done = _redact(tmp_path, sample, *arguments, config=config)
    assert (done.returncode, done.stdout, done.stderr) == (0, left + "\n", told)


def test_as_json(tmp_path: Path) -> None:
    done = _redact(tmp_path, SAMPLE, "--json", config='[evidence.redaction]\nmode = "tokenise"\n')
    told = json.loads(done.stdout)
    assert json.loads(told["redacted"])["arguments"]["to"].startswith("tok_email_")
    assert told["findings"][0] == {"at": "/arguments/to", "detector": "email", "kind": "contact", "mode": "tokenise"}
    assert [each["detector"] for each in told["findings"]] == ["email", "card"]
    assert done.stderr == ""


def test_of_what_is_too_long_nothing_is_left(tmp_path: Path) -> None:
    done = _redact(tmp_path, "x" * (LONGEST + 1), "--json")
    assert (done.returncode, json.loads(done.stdout)) == (1, {"redacted": None, "findings": []})
    assert f"more than {LONGEST}" in done.stderr


WRONG = [
    pytest.param('[evidence.redaction]\nmode = "hide"\n', "evidence.redaction.mode", id="a-mode"),
    pytest.param('[evidence.redaction]\noff = ["cards"]\n', "there is no detector 'cards'", id="a-detector"),
    pytest.param('[evidence.redaction.rules.x]\nmode = "drop"\n', "is about nothing", id="a-rule-about-nothing"),
    pytest.param('[evidence.redaction.rules.x]\nmode = "drop"\nat = "to"\n', "rules.x.at", id="no-pointer"),
    pytest.param('[evidence.redaction.rules.x]\nmode = "drop"\ndetector = "cards"\n', "'cards'", id="a-rule-for-none"),
    pytest.param('[evidence.redaction]\ndetectors_file = "no.toml"\n', "no.toml: cannot be read", id="no-file"),
    pytest.param('[evidence.redaction]\ndetectors_file = "agentgate.toml"\n', "is no list of detectors", id="a-file"),
]


@pytest.mark.parametrize(("config", "told"), WRONG)
def test_what_is_wrong_with_a_configuration_is_told(config: str, told: str, tmp_path: Path) -> None:
    done = _redact(tmp_path, SAMPLE, config=config)
    assert (done.returncode, done.stdout) == (64, "")
    assert told in done.stderr


def test_no_such_sample(tmp_path: Path) -> None:
    done = subprocess.run([AGENTGATE, "redact", tmp_path / "none"], capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert "cannot be read: No such file" in done.stderr
