"""The command line: parse, import the one process that was asked for, run it, and turn what went wrong into a code.

Exit codes: 0; 1 checked and not true; 64 usage or configuration; 69 a needed service is unavailable; 70 internal.
Nothing of the project is imported before a command is known: `--help` costs nothing, `verify` loads no network code.
"""

import argparse
import errno
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

if TYPE_CHECKING:
    from policy.containment import OrderKind
    from proxy.settings.flags import Flags

OK: Final = 0
USAGE: Final = 64
UNAVAILABLE: Final = 69
INTERNAL: Final = 70
INTERRUPTED: Final = 130

CODES: Final = {
    "builtins.PermissionError": USAGE,
    "evidence.keys.KeyProblem": USAGE,
    "evidence.room.NotRecorded": UNAVAILABLE,
    "policy.engine.CannotDecide": UNAVAILABLE,
    "policy.engine.PolicyRefused": USAGE,
    "policy.orders.OrdersProblem": USAGE,
    "proxy.child.CannotStart": USAGE,
    "proxy.settings.problems.ConfigProblems": USAGE,
    "proxy.wrap_config.CannotRewrite": USAGE,
}
"""The code of each exception that a command may end with, by its full name, so that no module is loaded for it."""


class _Command(NamedTuple):
    """One command: `arguments` declares its flags, `run` does it and gives the exit code."""

    name: str
    summary: str
    example: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in two lines and exits with 64."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}\n{self.prog} --help shows how it is used\n")


class _Version(argparse.Action):
    """Looks the version up only when asked for it: the metadata's reader is slow to load."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        parser.exit(OK, f"agentgate {version()}\n")


def version() -> str:
    """The version of the installed distribution; `unknown` where there is none, such as a copied folder."""
    from importlib import metadata

    try:
        return metadata.version("agentgate")
    except metadata.PackageNotFoundError:
        return "unknown"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises but SystemExit (from the parser)."""
    before, child = _split(list(sys.argv[1:] if argv is None else argv))
    given = _parser().parse_args(before, argparse.Namespace(command=child))
    command: _Command = given.chosen
    try:
        return command.run(given)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  (the one place where what went wrong becomes an exit code)
        return _explained(command.name, error)


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """The part for us, and the command of a child after the first `--`."""
    if argv[:1] != ["wrap"] or "--" not in argv:
        return argv, []
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def _explained(name: str, error: Exception) -> int:
    from proxy.config import environment

    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    kinds = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    code = next((CODES[kind] for kind in kinds if kind in CODES), INTERNAL)
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        code = UNAVAILABLE
    if environment().get("AGENTGATE_DEBUG") == "1":
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    text = (
        str(error) if code != INTERNAL else f"unexpected {type(error).__name__}: {error} (AGENTGATE_DEBUG=1 says more)"
    )
    sys.stderr.write(f"agentgate {name}: {text}\n")
    return code


def _parser() -> _Parser:
    parser = _Parser(
        "agentgate", description="A sidecar between AI agents and their MCP tool servers.", allow_abbrev=False
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        below = commands.add_parser(
            command.name,
            help=command.summary,
            description=command.summary,
            epilog=f"example:\n  {command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.arguments(below)
        below.set_defaults(chosen=command)
    return parser


def _printing() -> None:
    """End quietly when whoever reads our output has enough (`records | head`). Not for processes that hold sockets."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def _flags(given: argparse.Namespace) -> "Flags":
    from proxy.settings.flags import Flags

    values = {name: value for name, value in vars(given).items() if name in Flags.__dataclass_fields__}
    lists = {name: tuple(values.get(name) or ()) for name in ("upstreams", "upstream_headers")}
    return Flags(**{**values, **lists})


def _place_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--config", metavar="FILE", help="configuration (TOML, or JSON if it ends with .json)")
    parser.add_argument("--state", metavar="DIR", help="keys, grants, orders, admin socket")


def _process_arguments(parser: argparse.ArgumentParser) -> None:
    _place_arguments(parser)
    add = parser.add_argument
    add("--policy", metavar="starter|observe|PATH", help="a built-in policy, a folder of Rego and data, or a bundle")
    add(
        "--opa", metavar="ADDRESS", help="ask a local OPA (unix:PATH or http://127.0.0.1:PORT), not the embedded engine"
    )
    add("--evidence", metavar="DIR", help="where records go; nothing else may lie there")
    add("--durability", metavar="process|host", help="what a call's intent survives before the call goes on")
    add(
        "--admin",
        metavar="H:P",
        help="serve /livez, /readyz and /metrics on TCP, not on admin.sock in the state folder",
    )
    add("--tenant", metavar="NAME", help="tenant of the agent (default: default)")
    add("--agent", metavar="NAME", help="name of the agent (default: default)")


def _sidecar_arguments(parser: argparse.ArgumentParser) -> None:
    _process_arguments(parser)
    add = parser.add_argument
    add("--listen", metavar="H:P|unix:PATH", help="where MCP clients connect (default: 127.0.0.1:8900)")
    add("--upstream", metavar="NAME=URL", action="append", dest="upstreams", help="an MCP server, reached at /NAME")
    add(
        "--upstream-header",
        metavar="NAME:Header=@FILE|$VAR",
        action="append",
        dest="upstream_headers",
        help="a secret header that the sidecar adds for an upstream",
    )
    add("--tokens", metavar="FILE", help="bearer tokens' hashes: tells callers apart")


def _sidecar(given: argparse.Namespace) -> int:
    from proxy.config import environment, read_config

    config = read_config(_flags(given), environment())
    from proxy.app import run_sidecar

    return run_sidecar(config)


def _wrap_arguments(parser: argparse.ArgumentParser) -> None:
    _process_arguments(parser)
    parser.usage = "agentgate wrap [flags] -- CMD ARG..."
    parser.add_argument("--name", metavar="NAME", help="what the server is called (default: from the command)")


def _wrap(given: argparse.Namespace) -> int:
    from proxy.config import environment, read_wrap_config
    from proxy.settings.naming import name_of

    if not given.command:
        sys.stderr.write("agentgate wrap: there is no command: agentgate wrap [flags] -- CMD ARG...\n")
        return USAGE
    name = given.name or name_of(given.command)
    config = read_wrap_config(_flags(given), environment(), name, tuple(given.command))
    from proxy.stdio import run_wrap

    return run_wrap(config, given.command)


def _wrap_config_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the client's configuration file")
    parser.add_argument("--undo", action="store_true", help="take AgentGate out again, exactly")
    parser.add_argument("--dry-run", action="store_true", help="show the change as a diff and write nothing")


def _wrap_config(given: argparse.Namespace) -> int:
    from proxy.wrap_config import run_wrap_config

    _printing()
    return run_wrap_config(given.file, undo=given.undo, dry_run=given.dry_run, out=sys.stdout)


def _records_arguments(parser: argparse.ArgumentParser) -> None:
    _place_arguments(parser)
    add = parser.add_argument
    add("folder", nargs="?", type=Path, metavar="DIR", help="evidence folder (default: that of the configuration)")
    add("--call", metavar="ID", help="only the records of this call")
    add("--open", action="store_true", dest="only_open", help="only calls without an outcome")
    add("--follow", action="store_true", help="go on with records as they come")
    add("--json", action="store_true", dest="as_json", help="one JSON object a line")
    add("--key", type=Path, metavar="FILE", help="a tenant's private key: show what was sealed, too")


def _records(given: argparse.Namespace) -> int:
    from evidence.reading import run_records

    _printing()
    folder = given.folder
    if folder is None:
        from proxy.config import environment, read_places

        folder = read_places(_flags(given), environment()).evidence
    return run_records(
        folder,
        call=given.call,
        only_open=given.only_open,
        follow=given.follow,
        as_json=given.as_json,
        key=given.key,
        out=sys.stdout,
    )


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="an evidence folder, or a chain in it")
    parser.add_argument("--key", metavar="KEY", help="the sidecar's public key (base64, or a file), known beforehand")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print the report as JSON")


def _verify(given: argparse.Namespace) -> int:
    from evidence.verify import run_verify

    _printing()
    return run_verify(given.paths, key=given.key, as_json=given.as_json, out=sys.stdout)


def _order_arguments(parser: argparse.ArgumentParser) -> None:
    _place_arguments(parser)
    add = parser.add_argument
    add("--agent", metavar="NAME", help="only this agent")
    add("--upstream", metavar="NAME", help="only this upstream")
    add("--tool", metavar="NAME", help="only calls of this tool")
    add("--reason", metavar="TEXT", default="", help="why; it is kept with the order")


def _order(kind: "OrderKind") -> Callable[[argparse.Namespace], int]:
    def issue(given: argparse.Namespace) -> int:
        from evidence.clock import SystemClock
        from policy.containment import Scope
        from policy.orders import run_order
        from proxy.config import environment, operator_name, read_places

        _printing()
        return run_order(
            read_places(_flags(given), environment()).state,
            kind,
            Scope(given.agent, given.upstream, given.tool),
            reason=given.reason,
            issuer=operator_name(),
            clock=SystemClock(),
            out=sys.stdout,
        )

    return issue


def _config_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("check", "reference"), help="check: what is wrong; reference: all keys")
    _sidecar_arguments(parser)
    parser.add_argument("--check", type=Path, metavar="FILE", help="reference: compare with FILE, exit 1 if it differs")


def _config(given: argparse.Namespace) -> int:
    from proxy.settings.reference import run_check, run_reference

    _printing()
    if given.what == "reference":
        return run_reference(given.check, sys.stdout)
    return run_check(_flags(given), sys.stdout)


_COMMANDS: Final = (
    _Command(
        "sidecar",
        "Stand between an agent and MCP servers over HTTP.",
        "agentgate sidecar --upstream files=https://tools.example/mcp",
        _sidecar_arguments,
        _sidecar,
    ),
    _Command(
        "wrap",
        "Stand between an agent and one MCP server on stdio.",
        "agentgate wrap -- npx -y @modelcontextprotocol/server-filesystem ~/work",
        _wrap_arguments,
        _wrap,
    ),
    _Command(
        "wrap-config",
        "Put AgentGate before each stdio server of an MCP client's configuration.",
        "agentgate wrap-config ~/.cursor/mcp.json",
        _wrap_config_arguments,
        _wrap_config,
    ),
    _Command(
        "kill",
        "Stop an agent, an upstream or a tool: running calls too, and until it is released.",
        "agentgate kill --agent billing-bot --reason 'refunds without a ticket'",
        _order_arguments,
        _order("kill"),
    ),
    _Command(
        "quarantine",
        "Refuse new calls of an agent, to an upstream or of a tool; running ones may end.",
        "agentgate quarantine --upstream files",
        _order_arguments,
        _order("quarantine"),
    ),
    _Command(
        "release",
        "Lift what kill or quarantine ordered for the same scope.",
        "agentgate release --agent billing-bot",
        _order_arguments,
        _order("release"),
    ),
    _Command(
        "records",
        "Show what happened: the records of evidence.",
        "agentgate records --open",
        _records_arguments,
        _records,
    ),
    _Command(
        "verify",
        "Check evidence offline, with files and a public key alone.",
        "agentgate verify ~/.local/state/agentgate/evidence",
        _verify_arguments,
        _verify,
    ),
    _Command(
        "config",
        "Check a configuration, or print every key there is.",
        "agentgate config check -c agentgate.toml",
        _config_arguments,
        _config,
    ),
)


if __name__ == "__main__":
    sys.exit(main())
