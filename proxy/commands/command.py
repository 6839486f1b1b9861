"""What a command is, and the flags that several of them share."""

import argparse
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from policy.bundle_server import BundleServer
    from policy.obtaining import Place
    from policy.trust import ExceptionTrust, Trust
    from proxy.config import Places
    from proxy.settings.flags import Flags


class Command(NamedTuple):
    """`arguments` declares the flags on a parser, `run` does what they say and gives the exit code."""

    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def place_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the configuration and the state folder are."""
    parser.add_argument("-c", "--config", metavar="FILE", help="configuration (TOML, or JSON if it ends with .json)")
    parser.add_argument("--state", metavar="DIR", help="keys, grants, orders, admin socket")


def bundle_arguments(parser: argparse.ArgumentParser) -> None:
    """Which bundle, and what its server wants to see."""
    add = parser.add_argument
    add("bundle", metavar="BUNDLE", help="a bundle (.tar.gz): a file, or its URL at a bundle server")
    add("-c", "--config", metavar="FILE", help="for a URL: the configuration whose policy.server says how it is asked")
    add("--policy-token", metavar="@FILE|$VAR", help="for a URL: the bearer token for the server")


def policy_arguments(parser: argparse.ArgumentParser) -> None:
    """Which policy."""
    parser.add_argument(
        "--policy", metavar="starter|observe|PATH|URL", help="a built-in policy, a folder of Rego and data, or a bundle"
    )
    add = parser.add_argument
    add("--policy-key", metavar="ID=FILE", action="append", dest="policy_keys", help="a key whose bundles count (PEM)")
    add("--policy-token", metavar="@FILE|$VAR", help="the bearer token for a bundle server")
    add("--unsigned-bundles", action="store_true", help="take bundles that nobody signed")


def process_arguments(parser: argparse.ArgumentParser) -> None:
    """What every process of the data plane can be told."""
    place_arguments(parser)
    policy_arguments(parser)
    add = parser.add_argument
    add("--opa-bundle", metavar="FILE", help="write the policy there for OPA, which watches it")
    add("--opa", metavar="ADDRESS", help="ask a local OPA (unix:PATH or http://127.0.0.1:PORT), no embedded engine")
    add("--evidence", metavar="DIR", help="where records go; nothing else may lie there")
    levels = "process|host|acknowledged"
    add("--durability", metavar=levels, help="what a call's intent survives before the call goes on")
    add("--central", metavar="URL", help="ship evidence to this central")
    add("--central-key", metavar="KEY|FILE", help="the verifier key of central's receipts")
    add("--admin", metavar="H:P", help="serve /livez, /readyz, /metrics on TCP, not on admin.sock in the state folder")
    add("--tenant", metavar="NAME", help="tenant of the agent (default: default)")
    add("--agent", metavar="NAME", help="name of the agent (default: default)")


def upstream_arguments(parser: argparse.ArgumentParser) -> None:
    """MCP servers over HTTP."""
    add = parser.add_argument
    add("--upstream", metavar="NAME=URL", action="append", dest="upstreams", help="an MCP server, reached at /NAME")
    add(
        "--upstream-header",
        metavar="NAME:Header=@FILE|$VAR",
        action="append",
        dest="upstream_headers",
        help="a secret header that the sidecar adds for an upstream",
    )


def sidecar_arguments(parser: argparse.ArgumentParser) -> None:
    """What a sidecar on HTTP can be told besides."""
    process_arguments(parser)
    add = parser.add_argument
    add("--listen", metavar="H:P|unix:PATH", help="where MCP clients connect (default: 127.0.0.1:8900)")
    upstream_arguments(parser)
    add("--tokens", metavar="FILE", help="bearer tokens' hashes: tells callers apart")


def flags_of(given: argparse.Namespace) -> "Flags":
    """The flags of the configuration among those that were given."""
    from proxy.settings.flags import Flags

    values = {name: value for name, value in vars(given).items() if name in Flags.__dataclass_fields__}
    lists = {name: tuple(values.get(name) or ()) for name in ("upstreams", "upstream_headers", "policy_keys")}
    return Flags(**{**values, **lists})


def places_of(given: argparse.Namespace, evidence: str | None = None) -> "Places":
    """State and evidence folder of the installation that the flags name. Raises ConfigProblems."""
    from proxy.config import environment, read_places
    from proxy.settings.flags import Flags

    return read_places(Flags(config=given.config, state=given.state, evidence=evidence), environment())


def trust_of(given: argparse.Namespace) -> "Trust":
    """Whose bundles count by the flags and the configuration that they name. Raises ConfigProblems."""
    from proxy.config import environment, read_bundle_trust
    from proxy.settings.flags import Flags

    keys = tuple(given.policy_keys or ())
    return read_bundle_trust(
        Flags(config=given.config, unsigned_bundles=given.unsigned_bundles, policy_keys=keys), environment()
    )


def policy_of(given: argparse.Namespace) -> "tuple[str, BundleServer | None]":
    """Which policy the flags name, `starter` if none, and the server that hands it out. Raises ConfigProblems."""
    from proxy.config import environment, read_bundle_place
    from proxy.settings.flags import Flags

    flags = Flags(config=given.config, policy=given.policy or "starter", policy_token=given.policy_token)
    return read_bundle_place(flags, environment())


def bundle_of(given: argparse.Namespace) -> "Place":
    """Where the bundle is that `bundle_arguments` declares. Raises ConfigProblems."""
    from policy.bundle_server import is_url
    from proxy.config import environment, read_bundle_place
    from proxy.settings.flags import Flags

    if not is_url(given.bundle) and given.policy_token is None:
        return Path(given.bundle)
    flags = Flags(config=given.config, bundle_url=given.bundle, policy_token=given.policy_token)
    _, server = read_bundle_place(flags, environment())
    return server or Path(given.bundle)


def exception_trust_of(given: argparse.Namespace) -> "ExceptionTrust":
    """Whose exceptions count by the configuration that the flags name. Raises ConfigProblems."""
    from proxy.config import environment, read_trust_in_exceptions
    from proxy.settings.flags import Flags

    return read_trust_in_exceptions(Flags(config=given.config), environment())


def ends_with_its_reader() -> None:
    """End quietly when whoever reads our output has enough (`records | head`). Not for processes that hold sockets."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
