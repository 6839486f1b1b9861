"""`kill`, `quarantine`, `release`, `policy`: what an operator decides, written where running sidecars see it."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from typing import Final, Literal

from evidence.clock import SystemClock
from policy.containment import OrderKind, Scope
from proxy.commands import bundles, explaining, pinning, quality, templates
from proxy.commands.command import (
    Command,
    ends_with_its_reader,
    place_arguments,
    places_of,
    policy_arguments,
    policy_of,
    trust_of,
)
from proxy.commands.scoping import rule_arguments, rules_of, scope_arguments
from proxy.login import operator_name


def _order_arguments(parser: argparse.ArgumentParser) -> None:
    place_arguments(parser)
    add = parser.add_argument
    add("--agent", metavar="NAME", help="only this agent")
    add("--upstream", metavar="NAME", help="only this upstream")
    add("--tool", metavar="NAME", help="only calls of this tool")
    add("--reason", metavar="TEXT", default="", help="why; it is kept with the order")


def _order(kind: OrderKind) -> Callable[[argparse.Namespace], int]:
    def issue(given: argparse.Namespace) -> int:
        from policy.orders import run_order

        return run_order(
            places_of(given).state,
            kind,
            Scope(given.agent, given.upstream, given.tool),
            reason=given.reason,
            issuer=operator_name(),
            clock=SystemClock(),
            out=sys.stdout,
        )

    return issue


def _policy_arguments(parser: argparse.ArgumentParser) -> None:
    below = parser.add_subparsers(metavar="|".join(_POLICY), dest="what", required=True)
    _grant_arguments(below.add_parser("allow", help="grant a tool, a resource, a prompt or another method"), "allow")
    _grant_arguments(below.add_parser("deny", help="deny it, whatever else is granted"), "deny")
    listing = below.add_parser("list", help="what is granted and denied")
    place_arguments(listing)
    listing.add_argument("--json", action="store_true", dest="as_json", help="one JSON object a line")
    denied = below.add_parser("denied", help="what policy refused, the most frequent first")
    place_arguments(denied)
    denied.add_argument("--evidence", metavar="DIR", help="evidence folder (default: that of the configuration)")
    check = below.add_parser("check", help="whether a policy could become active")
    place_arguments(check)
    policy_arguments(check)
    check.add_argument("--trusted", metavar="NAME", action="append", default=[], help="a trusted upstream")
    pinning.arguments(below.add_parser("pin", help="write down what a server says its tools are, or compare it"))
    explaining.arguments(below.add_parser("explain", help="why a call is decided as it is, and what came closest"))
    quality.arguments(below.add_parser("test", help="quality gates for a folder of Rego: one score, every finding"))
    bundles.arguments(below)
    templates.arguments(below)


def _grant_arguments(parser: argparse.ArgumentParser, effect: Literal["allow", "deny"]) -> None:
    place_arguments(parser)
    scope_arguments(parser)
    add = parser.add_argument
    add("--agent", metavar="NAME", default="*", help="only this agent")
    add("--tenant", metavar="NAME", default="*", help="only agents of this tenant")
    if effect == "allow":
        rule_arguments(parser)
        add("--approval", action="store_true", help="only with a human's approval")


def _policy(given: argparse.Namespace) -> int:
    ends_with_its_reader()
    return _POLICY[given.what](given)


def _grant(given: argparse.Namespace) -> int:
    from policy.commands import run_grant
    from policy.grants import Grant, GrantEffect

    allows = given.what == "allow"
    effect: GrantEffect = "deny" if not allows else "require_approval" if given.approval else "allow"
    grant = Grant(
        upstream=given.upstream,
        method=given.method,
        name=given.item,
        tenant=given.tenant,
        agent=given.agent,
        effect=effect,
        arguments=rules_of(given) if allows else {},
        closed=allows and given.closed,
    )
    return run_grant(places_of(given).state, grant, sys.stdout)


def _list(given: argparse.Namespace) -> int:
    from policy.commands import run_list

    return run_list(places_of(given).state, as_json=given.as_json, out=sys.stdout)


def _denied(given: argparse.Namespace) -> int:
    from policy.commands import run_denied

    return run_denied(places_of(given, given.evidence).evidence, out=sys.stdout)


def _check(given: argparse.Namespace) -> int:
    from policy.commands import run_check

    spec, server = policy_of(given)
    state, trust = places_of(given).state, trust_of(given)
    return asyncio.run(run_check(spec, state, given.trusted, sys.stdout, trust=trust, server=server))


_POLICY: Final = {
    "allow": _grant,
    "deny": _grant,
    "list": _list,
    "denied": _denied,
    "check": _check,
    "pin": pinning.run,
    "explain": explaining.run,
    "test": quality.run,
    **bundles.RUN,
    **templates.RUN,
}

COMMANDS: Final = {
    "kill": Command(_order_arguments, _order("kill")),
    "quarantine": Command(_order_arguments, _order("quarantine")),
    "release": Command(_order_arguments, _order("release")),
    "policy": Command(_policy_arguments, _policy),
}
