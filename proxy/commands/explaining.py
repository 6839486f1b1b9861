"""`policy explain`: the flags of an explanation, and the one call that it comes to."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evidence.problem import Problem
from proxy.commands.command import (
    exception_trust_of,
    place_arguments,
    places_of,
    policy_arguments,
    policy_of,
    trust_of,
)
from proxy.settings.problems import ConfigProblems

if TYPE_CHECKING:
    from policy.engine import Policy

MOST_BYTES: Final = 16 << 20
"""Of an input: more than any message that a sidecar takes."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    parser.usage = "agentgate policy explain (ID [--key FILE] [--present] | --input FILE|-) [--policy P] [--json] ..."
    place_arguments(parser)
    policy_arguments(parser)
    add = parser.add_argument
    add("id", nargs="?", metavar="ID", help="a record: the reference that the agent was told, or a decision's id")
    add("--input", metavar="FILE|-", help="an input document, or a call alone, as JSON")
    add("--evidence", metavar="DIR", help="evidence folder (default: that of the configuration)")
    add("--key", type=Path, metavar="FILE", help="a tenant's private key: opens the input of a record")
    add("--present", action="store_true", help="explain a record also where the policy is not that of then")
    add("--trusted", metavar="NAME", action="append", default=[], help="a trusted upstream")
    add("--json", action="store_true", dest="as_json", help="print one JSON object")


def run(given: argparse.Namespace) -> int:
    """Print it. Raises ConfigProblems, PolicyRefused."""
    from evidence.clock import SystemClock
    from policy.explaining.command import Question, run_input, run_record

    if (given.id is None) is (given.input is None):
        remedy = "Write for example: agentgate policy explain 3f2a, or agentgate policy explain --input call.json"
        raise ConfigProblems((Problem("policy explain", "needs the id of a record, or --input", remedy),))
    if given.input is not None:
        now = SystemClock().now()
        return run_input(_read(given.input), lambda: _policy(given), now, as_json=given.as_json, out=sys.stdout)
    folder = places_of(given, given.evidence).evidence
    asked = Question(given.id, folder, given.key, given.present)
    return run_record(asked, lambda: _policy(given), as_json=given.as_json, out=sys.stdout)


def _policy(given: argparse.Namespace) -> "Policy":
    """The policy with all that this installation gives it; of a server, what it gave last."""
    from policy.activation import PolicySource
    from policy.commands import GRANTS
    from policy.exception_file import ExceptionFile
    from policy.following import Following
    from policy.keeping import Keeping, given_at
    from policy.pins import FILE

    state = places_of(given).state
    spec, server = policy_of(given)
    source = PolicySource(
        spec,
        state / GRANTS,
        given.trusted,
        trust=trust_of(given),
        keeping=Keeping(state, spec),
        pins_path=state / FILE,
        served=None if server is None else Following(server, given_at(state, spec)),
        exceptions=ExceptionFile(state, exception_trust_of(given)),
    )
    return source.load()


def _read(name: str) -> bytes:
    try:
        if name == "-":
            text = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigProblems(
            (Problem("--input", f"{name}: {error.strerror}", "Name a file that can be read."),)
        ) from error
    if len(text) > MOST_BYTES:
        problem = f"{name}: longer than {MOST_BYTES} bytes, which no message is"
        raise ConfigProblems((Problem("--input", problem, "Give the call that policy is to be asked about."),))
    return text
