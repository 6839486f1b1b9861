"""The command line: find the command, import the one thing that it needs, run it, and turn what went wrong into a code.

Exit codes: 0; 1 checked and not true; 64 usage or configuration; 69 a needed service is unavailable; 70 internal.
Nothing of the project is imported before a command is known: `--help` costs nothing, `verify` loads no network code.
"""

import argparse
import errno
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

if TYPE_CHECKING:
    from proxy.commands.command import Command

OK: Final = 0
USAGE: Final = 64
UNAVAILABLE: Final = 69
INTERNAL: Final = 70
INTERRUPTED: Final = 130

CODES: Final = {
    "builtins.PermissionError": USAGE,
    "central.config.CentralProblems": USAGE,
    "central.erasure.vocabulary.ErasureProblem": USAGE,
    "central.store.engine.LedgerUnavailable": UNAVAILABLE,
    "central.store.engine.StoreProblem": USAGE,
    "central.store.schema.SchemaProblem": USAGE,
    "central.witness.WitnessProblem": USAGE,
    "evidence.keys.KeyProblem": USAGE,
    "evidence.room.NotRecorded": UNAVAILABLE,
    "evidence.signers.SigningFailed": UNAVAILABLE,
    "policy.engine.CannotDecide": UNAVAILABLE,
    "policy.engine.PolicyAway": UNAVAILABLE,
    "policy.engine.PolicyRefused": USAGE,
    "policy.opa_process.OpaMissing": UNAVAILABLE,
    "policy.orders.OrdersProblem": USAGE,
    "proxy.child.CannotStart": USAGE,
    "proxy.demo.PartMissing": UNAVAILABLE,
    "proxy.settings.problems.ConfigProblems": USAGE,
    "proxy.wrap_config.CannotRewrite": USAGE,
}
"""The code of each exception that a command may end with, by its full name, so that no module is loaded for it."""


EXTRAS: Final = {"central": "central", "witness": "central"}
"""What has to be installed beside the sidecar's own packages for a command: `agentgate[<extra>]`."""


class Listed(NamedTuple):
    """A command as `--help` lists it; `module` holds its flags and its call."""

    module: str
    summary: str
    example: str


COMMANDS: Final = {
    "sidecar": Listed(
        "proxy.commands.processes",
        "stand between an agent and MCP servers over HTTP",
        "agentgate sidecar --upstream files=https://tools.example/mcp",
    ),
    "wrap": Listed(
        "proxy.commands.processes",
        "stand between an agent and one MCP server on stdio",
        "agentgate wrap -- npx -y @modelcontextprotocol/server-filesystem ~/work",
    ),
    "wrap-config": Listed(
        "proxy.commands.configuration",
        "put AgentGate before each stdio server of an MCP client's configuration",
        "agentgate wrap-config ~/.cursor/mcp.json",
    ),
    "policy": Listed(
        "proxy.commands.operator",
        "grant and deny, and see what was refused",
        "agentgate policy allow files read_file --argument path=under:/srv",
    ),
    "approvals": Listed(
        "proxy.commands.approvals",
        "what waits for a human's approval, and the answer to it",
        "agentgate approvals approve 3f2a",
    ),
    "exceptions": Listed(
        "proxy.commands.exceptions",
        "what is allowed to somebody for a while, against a rule that can be excepted",
        "agentgate exceptions issue files delete_file --agent billing --for 4h --reason 'clean-up of May'",
    ),
    "kill": Listed(
        "proxy.commands.operator",
        "stop an agent, an upstream or a tool, running calls too",
        "agentgate kill --agent billing-bot --reason 'refunds without a ticket'",
    ),
    "quarantine": Listed(
        "proxy.commands.operator",
        "refuse new calls of an agent, to an upstream or of a tool",
        "agentgate quarantine --upstream files",
    ),
    "release": Listed(
        "proxy.commands.operator",
        "lift what kill or quarantine ordered for the same scope",
        "agentgate release --agent billing-bot",
    ),
    "records": Listed(
        "proxy.commands.evidence",
        "show what happened: the records of evidence",
        "agentgate records --open",
    ),
    "verify": Listed(
        "proxy.commands.evidence",
        "check evidence or a pack offline, with files and public keys alone",
        "agentgate verify ~/.local/state/agentgate/evidence",
    ),
    "completeness": Listed(
        "proxy.commands.completeness",
        "whether anything is missing between two times, asked of central or of an evidence folder",
        "agentgate completeness ./evidence --from 2026-05-01T00:00:00Z --to 2026-05-02T00:00:00Z",
    ),
    "pack": Listed(
        "proxy.commands.packs",
        "put evidence into one file that convinces a stranger, and show what such a file says",
        "agentgate pack export --call 3f2a --key tenant-default.key call.agentgate",
    ),
    "evidence": Listed(
        "proxy.commands.evidence",
        "take data keys of what was erased elsewhere out of a sidecar's spool",
        "agentgate evidence erase --unit 5f0c91ab5f0c91ab5f0c91ab5f0c91ab",
    ),
    "redact": Listed(
        "proxy.commands.redaction",
        "what evidence keeps of a sample, where policy wants calls recorded redacted",
        "agentgate redact -c agentgate.toml --tool files/read_file sample.json",
    ),
    "config": Listed(
        "proxy.commands.configuration",
        "check a configuration, or print every key there is",
        "agentgate config check -c agentgate.toml",
    ),
    "explain": Listed(
        "proxy.commands.meaning",
        "what a code of a refusal, a record or a failed start means, and what to do",
        "agentgate explain not_granted",
    ),
    "central": Listed(
        "central.commands",
        "take the evidence of all sidecars into a ledger, and publish a transparency log over it",
        "agentgate central --state /var/lib/agentgate-central",
    ),
    "witness": Listed(
        "central.commands",
        "cosign the checkpoints of logs that only grow (C2SP), for somebody else than who runs the log",
        "agentgate witness --state /var/lib/agentgate-witness --log central.example/log+1a2b3c4d+AS8c...",
    ),
    "opa": Listed(
        "proxy.commands.processes",
        "run a hardened OPA on a policy, for development and tests",
        "agentgate opa --policy ./policy",
    ),
    "demo": Listed(
        "proxy.commands.processes",
        "the whole story in a minute: a client, a tool server, and AgentGate between them",
        "agentgate demo",
    ),
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in two lines and exits with 64."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}\n{self.prog} --help shows how it is used\n")


class _Version(argparse.Action):
    """Looks the version up only when asked for it: the metadata's reader is slow to load."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from evidence.version import own_version

        parser.exit(OK, f"agentgate {own_version()}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises but SystemExit (from the parser)."""
    own, child = _split(list(sys.argv[1:] if argv is None else argv))
    name = own[0] if own and own[0] in COMMANDS else ""
    try:
        command: Command | None = import_module(COMMANDS[name].module).COMMANDS[name] if name else None
    except ModuleNotFoundError as error:
        return _explained(name, error)
    given = _parser(name, command).parse_args(own, argparse.Namespace(child=child))
    if command is None:
        return USAGE
    try:
        return command.run(given)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  (the one place where what went wrong becomes an exit code)
        return _explained(name, error)


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """The part for us, and the command of a child after the first `--`."""
    if (argv[:1] != ["wrap"] and argv[:2] != ["policy", "pin"]) or "--" not in argv:
        return argv, []
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def _parser(name: str, command: "Command | None") -> _Parser:
    """A parser that knows all commands by name, and the flags of the one that is called."""
    parser = _Parser(
        "agentgate", description="A sidecar between AI agents and their MCP tool servers.", allow_abbrev=False
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for each, listed in COMMANDS.items():
        below = commands.add_parser(
            each,
            help=listed.summary,
            description=listed.summary,
            epilog=f"example:\n  {listed.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if each == name and command is not None:
            command.arguments(below)
    return parser


def _explained(name: str, error: Exception) -> int:
    """Say on stderr what went wrong, and give its code."""
    from proxy.config import environment

    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if environment().get("AGENTGATE_DEBUG") == "1":
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    kind, code = _kind(error)
    if isinstance(error, ModuleNotFoundError) and name in EXTRAS:
        code, text = UNAVAILABLE, f"needs {error.name}, which is not installed: pip install 'agentgate[{EXTRAS[name]}]'"
    elif code == INTERNAL:
        text = f"unexpected {kind}: {error} (AGENTGATE_DEBUG=1 says more)"
    else:
        text = f"{error}\n(agentgate explain {kind} has more)"
    sys.stderr.write(f"agentgate {name}: {text}\n")
    return code


def _kind(error: Exception) -> tuple[str, int]:
    """What `agentgate explain` calls the failure, and its code."""
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return "EADDRINUSE", UNAVAILABLE
    for kind in type(error).__mro__:
        if (code := CODES.get(f"{kind.__module__}.{kind.__qualname__}")) is not None:
            return kind.__name__, code
    return type(error).__name__, INTERNAL


if __name__ == "__main__":
    sys.exit(main())
