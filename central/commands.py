"""`agentgate central`: the command line of the control plane."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from central.check.arguments import VERB, check_arguments
from central.erasure.arguments import HOLD_ACTIONS, VERBS, erasure_arguments
from central.pack.arguments import VERB as EXPORT
from central.pack.arguments import export_arguments

_FLAGS: Final = ("listen", "state", "database", "sidecars", "readers")


class Command(NamedTuple):
    """`arguments` declares the flags on a parser, `run` does what they say and gives the exit code."""

    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "what",
        nargs="?",
        choices=("run", "migrate", "keys", VERB, EXPORT, *VERBS),
        default="run",
        help="run (default); migrate: bring the database to this version; keys: print, and exchange, the signing keys; "
        "check: hold the ledger to its log; export: put evidence of a tenant into a pack; "
        "erase, purge: destroy data keys of a session or a subject, or all whose time is over; hold: legal holds",
    )
    add("-c", "--config", metavar="FILE", help="configuration (TOML)")
    add("--listen", metavar="H:P", help="where sidecars and readers connect (default: 127.0.0.1:8910)")
    add("--state", metavar="DIR", help="keys, embedded ledger, log")
    add("--database", metavar="URL", help="postgresql://… or sqlite:///PATH (default: ledger.db in the state folder)")
    add("--sidecars", metavar="FILE", help="registered sidecars (default: sidecars.toml in the state folder)")
    add("--readers", metavar="FILE", help="who may read (default: readers.toml in the state folder)")
    keys = parser.add_argument_group("of keys").add_argument
    actions = ("list", "announce", "rotate", "retire", "revoke", *(each for each in HOLD_ACTIONS if each != "list"))
    keys(
        "action",
        nargs="?",
        choices=actions,
        help="list (default), or the next step of an exchange; of holds: add, list, release",
    )
    keys("purpose", nargs="?", choices=("receipts", "log"), help="of which keys")
    keys("--id", metavar="ID", help="which of them, by its id (of keys: 8 hex digits)")
    keys("--since", metavar="TIME", help="revoke: since when it is not believed (RFC 3339, or `always`)")
    keys("--json", action="store_true", dest="as_json", help="print them as JSON")
    erasure_arguments(parser)
    check_arguments(parser)
    export_arguments(parser)


def _run(given: argparse.Namespace) -> int:
    from central.config import CentralProblems, environment, read_central_config

    flags = {name: getattr(given, name) for name in _FLAGS}
    config = read_central_config(given.config, flags, environment(), serves=given.what == "run")
    if given.what == "migrate":
        from central.store.engine import open_store
        from central.store.schema import migrate

        store = open_store(config.database)
        sys.stdout.write(f"the ledger has schema {migrate(store)}\n")
        store.close()
        return 0
    if given.what == "keys":
        from central.keys.commands import run_keys
        from evidence.clock import SystemClock

        return run_keys(given, config, SystemClock(), sys.stdout)
    if given.what == VERB:
        from central.check.command import run_check

        return run_check(given, config, sys.stdout)
    if given.what == EXPORT:
        from central.pack.exporting import run_ledger_export
        from evidence.clock import SystemClock

        return run_ledger_export(given, config, SystemClock(), sys.stdout)
    if given.what in VERBS:
        from central.erasure.commands import run_erasure
        from evidence.clock import SystemClock

        return run_erasure(given, config, SystemClock(), sys.stdout)
    if given.action is not None:
        raise CentralProblems(
            [f"{given.what} takes no `{given.action}`: `agentgate central --help` shows what it takes"]
        )
    from central.app import run_central

    return run_central(config)


def _witness_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("what", nargs="?", choices=("run", "key"), default="run", help="run (default); key: print the public key")
    add("--state", metavar="DIR", type=Path, required=True, help="key, and what was cosigned")
    add("--name", metavar="NAME", default="agentgate.local/witness", help="the name that it signs under")
    add("--log", metavar="KEY", action="append", default=[], dest="logs", help="a log that it cosigns: verifier key")
    add("--listen", metavar="H:P", default="127.0.0.1:8911", help="where logs ask it (default: 127.0.0.1:8911)")
    add("--passphrase-file", metavar="FILE", help="what its key is encrypted under: the passphrase in this file,")
    add("--passphrase-variable", metavar="NAME", help="or in this variable of the environment,")
    add("--wrapping-key-file", metavar="FILE", help="or this key (default: wrapping.key in the state folder)")


def _witness(given: argparse.Namespace) -> int:
    from central.config import environment
    from central.keys.protecting import KeySettings, named_protection
    from central.witness import WitnessProblem, opened, run_witness

    settings = KeySettings(**{name: getattr(given, name) for name in KeySettings.__struct_fields__})
    protection = named_protection(settings, Path, environment())
    witness = opened(given.state, given.name, given.logs, protection)
    if given.what == "key":
        sys.stdout.write(witness.verifier.text() + "\n")
        return 0
    host, _, port = given.listen.rpartition(":")
    if not host or not port.isdecimal():
        raise WitnessProblem(f"--listen {given.listen}: write HOST:PORT, such as 127.0.0.1:8911")
    if not given.logs:
        raise WitnessProblem("no --log: a witness is told whose checkpoints it cosigns")
    return run_witness(witness, host.strip("[]"), int(port))


COMMANDS: Final = {"central": Command(_arguments, _run), "witness": Command(_witness_arguments, _witness)}
