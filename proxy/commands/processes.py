"""`sidecar`, `wrap`, `opa`, `demo`: what runs until it is stopped, or has told its story."""

import argparse
import sys
from pathlib import Path
from typing import Final

from evidence.problem import Problem
from proxy.commands.command import (
    Command,
    exception_trust_of,
    flags_of,
    place_arguments,
    places_of,
    policy_arguments,
    policy_of,
    process_arguments,
    sidecar_arguments,
    trust_of,
)
from proxy.config import environment, make_state, read_config, read_wrap_config
from proxy.settings.naming import name_of
from proxy.settings.problems import ConfigProblems


def _sidecar(given: argparse.Namespace) -> int:
    config = read_config(flags_of(given), environment())
    make_state(config)
    from proxy.app import run_sidecar

    return run_sidecar(config)


def _wrap_arguments(parser: argparse.ArgumentParser) -> None:
    process_arguments(parser)
    parser.usage = "agentgate wrap [flags] -- CMD ARG..."
    parser.add_argument("--name", metavar="NAME", help="what the server is called (default: from the command)")


def _wrap(given: argparse.Namespace) -> int:
    if not given.child:
        remedy = "Write the server's command after two dashes: agentgate wrap [flags] -- CMD ARG..."
        raise ConfigProblems((Problem("wrap", "there is no command", remedy),))
    name = given.name or name_of(given.child)
    config = read_wrap_config(flags_of(given), environment(), name, tuple(given.child))
    make_state(config)
    from proxy.stdio import run_wrap

    return run_wrap(config, given.child)


def _opa_arguments(parser: argparse.ArgumentParser) -> None:
    place_arguments(parser)
    policy_arguments(parser)
    add = parser.add_argument
    add("--trusted", metavar="NAME", action="append", default=[], help="an upstream whose annotations are believed")
    add("--folder", type=Path, metavar="DIR", help="where the socket lies (default: opa in the state folder)")
    add("--bundle", metavar="FILE", help="answer for the bundle that a sidecar writes (its --opa-bundle)")
    add("--authorization", action="store_true", help="OPA answers nothing but questions; each costs more")


def _opa(given: argparse.Namespace) -> int:
    from policy.opa_process import run_fed_opa, run_opa

    if given.bundle is not None:
        return run_fed_opa(
            _fed(given),
            state=places_of(given).state,
            environ=environment(),
            folder=given.folder,
            authorization=given.authorization,
            out=sys.stdout,
        )
    spec, server = policy_of(given)
    return run_opa(
        spec,
        state=places_of(given).state,
        environ=environment(),
        trusted=given.trusted,
        folder=given.folder,
        authorization=given.authorization,
        trust=trust_of(given),
        server=server,
        exceptions=exception_trust_of(given),
        out=sys.stdout,
    )


def _fed(given: argparse.Namespace) -> Path:
    """The file that a sidecar writes for OPA. Raises ConfigProblems."""
    from policy.bundle_server import is_url

    found = []
    if is_url(given.bundle):
        remedy = "To have OPA answer for the bundle of a server, write agentgate opa --policy URL."
        found.append(Problem("--bundle", "is a URL, and has to be the file that a sidecar writes", remedy))
    elif given.policy is not None:
        what = "is given, and so is --policy: OPA answers for one of them"
        found.append(Problem("--bundle", what, "Take one of them out."))
    if found:
        raise ConfigProblems(tuple(found))
    return Path(given.bundle).absolute()


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep", action="store_true", help="leave everything running, to be entered with a client")
    parser.add_argument("--no-color", action="store_true", help="plain text, as with NO_COLOR or without a terminal")


def _demo(given: argparse.Namespace) -> int:
    from proxy.demo import run_demo

    plain = given.no_color or bool(environment().get("NO_COLOR")) or environment().get("TERM") == "dumb"
    colour = sys.stdout.isatty() and not plain
    return run_demo(keep=given.keep, colour=colour, out=sys.stdout)


COMMANDS: Final = {
    "sidecar": Command(sidecar_arguments, _sidecar),
    "wrap": Command(_wrap_arguments, _wrap),
    "opa": Command(_opa_arguments, _opa),
    "demo": Command(_demo_arguments, _demo),
}
