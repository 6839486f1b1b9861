"""What an authorizer costs is asked of two OPAs, and both answer; no time is judged."""

import re
import subprocess
import sys

from tests.peers.places import OPA, ROOT


def test_both_are_asked() -> None:
    command = [sys.executable, "-m", "benchmarks.authorizer", "--questions", "10"]
    found = subprocess.run(
        command, cwd=ROOT, env={"AGENTGATE_OPA": str(OPA)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 0, found.stderr
    lines = re.findall(r"^(\S+) +(\d+) us a question, +(\d+) us of OPA's CPU$", found.stdout, re.MULTILINE)
    assert [name for name, *_ in lines] == ["without", "--authorization"]
    assert all(int(number) > 0 for _, *numbers in lines for number in numbers)
