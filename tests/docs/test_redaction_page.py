"""What docs/redaction.md says can be copied, and what it shows happens."""

import re
import subprocess
from pathlib import Path

from proxy.config import read_redaction_alone
from proxy.settings.flags import Flags
from scripts.generate_redaction import PAGE, SAMPLE, page
from tests.peers.places import AGENTGATE

TEXT = PAGE.read_text("utf-8")
CONFIGURATION, DETECTORS = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


def test_the_tables_are_what_detectors_and_corpus_say() -> None:
    assert page() == TEXT


def test_the_configuration_can_be_copied(tmp_path: Path) -> None:
    (tmp_path / "agentgate.toml").write_text(CONFIGURATION)
    (tmp_path / "detectors.toml").write_text(DETECTORS)
    config = read_redaction_alone(Flags(config=str(tmp_path / "agentgate.toml")), {})
    assert [rule.mode for rule in config.rules] == ["tokenise", "drop", "keep"]
    assert config.detectors is not None
    assert config.detectors[0].id == "employee"
    assert not {"ipv4", "ipv6"} & {one.id for one in config.detectors}


def test_the_sample_is_what_the_command_prints() -> None:
    [shown] = re.findall(r"redact -\n(.*?)```", TEXT, re.DOTALL)
    asked = [str(AGENTGATE), "redact", "-"]
    done = subprocess.run(asked, input=SAMPLE, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout + done.stderr == shown


def test_a_secret_in_a_sentence_is_left_as_the_page_says() -> None:
    asked = [str(AGENTGATE), "redact", "-"]
    said = "the password is swordfish"
    done = subprocess.run(asked, input=said, capture_output=True, text=True, timeout=60, check=True)
    assert said in TEXT.replace("\n", " ")
    assert done.stdout == said + "\n"
