"""`agentgate config check`: everything that a start would refuse, found without starting, making or writing anything.

configuration   every key, tokens, secrets, certificates (read_config)
keys            who can read them, whether they are keys and pairs
orders          whether they verify
exceptions      whether their file can be read, and a key that counts has signed each, for no longer than policy lets it
grants, policy  whether they could become active: with the embedded engine vetted in it, for OPA checked by the
                program where there is one
folders         whether this user can write where state and evidence go
"""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from evidence.keys import KeyProblem, key_problems
from evidence.problem import Problem
from policy.bundle import load
from policy.commands import GRANTS, kept, loaded
from policy.containment import Orders
from policy.embedded import EmbeddedEngine
from policy.engine import Policy, PolicyAway, PolicyRefused
from policy.grant_file import read_grants
from policy.grants import Grant, index
from policy.keeping import Keeping
from policy.opa_process import OpaMissing, check, find_opa
from policy.opening import open_bundle
from policy.orders import OrdersProblem, read_orders
from policy.trust import ExceptionTrust
from proxy.config import Config, read_config, read_places, read_trust_in_exceptions
from proxy.isolation import measure
from proxy.settings.excepted import look_at_exceptions
from proxy.settings.flags import Flags
from proxy.settings.problems import ConfigProblems

_REMEDY: Final = "Mend what the line names; agentgate explain {kind} has more."
_AWAY_REMEDY: Final = "See to the server; agentgate explain PolicyAway has more."


@dataclass(frozen=True, slots=True)
class _State:
    """What was found in the state folder; None where it could not be read."""

    orders: Orders | None
    grants: tuple[Grant, ...] | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Vetted:
    """The policy that a start would activate, or the problems for which it would not.

    `away` is why the server of the policy gave nothing; what was kept from before is the policy then, if there is any.
    """

    policy: Policy | None
    problems: tuple[Problem, ...] = ()
    away: PolicyAway | None = None


def run_check(flags: Flags, environ: Mapping[str, str], out: TextIO) -> int:
    """Print `ok` and what the configuration comes to, and give 0. Raises ConfigProblems with all that is wrong.

    Raises PolicyAway where nothing is, and a start would find no policy for want of its server alone.
    """
    try:
        config = read_config(flags, environ)
    except ConfigProblems as found:
        raise ConfigProblems((*found.problems, *_elsewhere(flags, environ))) from found
    state = _read_state(config.state)
    vetted = _vetted(config, state.grants or (), environ)
    excepted = look_at_exceptions(config.state, config.policy.exceptions, vetted.policy)
    problems = (*_once(state.problems, excepted.problems), *vetted.problems, *_folder_problems(config))
    if vetted.policy is None and vetted.away is not None:
        if not problems:
            raise vetted.away
        problems += tuple(Problem("policy", text, _AWAY_REMEDY) for text in vetted.away.problems)
    if problems or vetted.policy is None:
        raise ConfigProblems(problems)
    lines = _summary(config, state, vetted.policy, vetted.away, excepted.counting)
    out.writelines(f"{line}\n" for line in ("ok", *lines))
    return 0


def _elsewhere(flags: Flags, environ: Mapping[str, str]) -> tuple[Problem, ...]:
    """What else is wrong in the state folder of a configuration that has problems already."""
    with suppress(ConfigProblems, OSError):
        state = read_places(flags, environ).state
        return _once(_read_state(state).problems, look_at_exceptions(state, _trust(flags, environ), None).problems)
    return ()


def _trust(flags: Flags, environ: Mapping[str, str]) -> ExceptionTrust | None:
    """Whose exceptions count; None where that cannot be read, which the other problems say."""
    try:
        return read_trust_in_exceptions(flags, environ)
    except ConfigProblems:
        return None


def _once(told: tuple[Problem, ...], more: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Both, but for a file of which the first have said the same."""
    texts = {problem.what for problem in told}
    return (*told, *(problem for problem in more if problem.what not in texts))


def _read_state(state: Path) -> _State:
    wrong = dict.fromkeys(key_problems(state))
    orders: Orders | None = None
    grants: tuple[Grant, ...] | None = None
    problems: list[Problem] = []
    try:
        orders = read_orders(state)
    except KeyProblem as error:
        wrong[str(error)] = None
    except OrdersProblem as error:
        problems.append(_problem("orders", str(error), "OrdersProblem"))
    try:
        grants = read_grants(state / GRANTS)
    except PolicyRefused as error:
        problems += [_problem("grants", text, "PolicyRefused") for text in error.problems]
    keys = (_problem("keys", text, "KeyProblem") for text in wrong)
    return _State(orders, grants, (*keys, *problems))


def _vetted(config: Config, grants: tuple[Grant, ...], environ: Mapping[str, str]) -> _Vetted:
    given = config.policy
    try:
        policy, away = _read_policy(config, grants)
        if Path(given.spec).is_file():
            Keeping(config.state, given.spec).check(open_bundle(Path(given.spec), given.trust))
        if given.engine == "embedded":
            asyncio.run(_try(policy))
        else:
            with suppress(OpaMissing):
                check(find_opa(environ), policy)
    except PolicyAway as error:
        return _Vetted(None, away=error)
    except PolicyRefused as error:
        return _Vetted(None, tuple(_problem("policy", text, "PolicyRefused") for text in error.problems))
    return _Vetted(policy, away=away)


def _read_policy(config: Config, grants: tuple[Grant, ...]) -> tuple[Policy, PolicyAway | None]:
    """The policy; of one that its server does not give, what was kept, and why. Raises PolicyRefused."""
    given = config.policy
    trusted, trust = given.trusted_upstreams, given.trust
    if given.server is None:
        return load(given.spec, grants=index(grants), trusted=trusted, trust=trust), None
    try:
        return asyncio.run(loaded(given.spec, config.state, trusted, trust, given.server)), None
    except PolicyAway as away:
        try:
            return kept(given.spec, config.state, trusted, trust, given.server), away
        except PolicyAway:
            raise away from None


async def _try(policy: Policy) -> None:
    engine = EmbeddedEngine(threads=1)
    try:
        await engine.activate(policy)
    finally:
        await engine.close()


def _folder_problems(config: Config) -> Iterator[Problem]:
    """State and evidence folder as far as they exist: folders, and writable for this user."""
    for key, folder in (("state", config.state), ("evidence.folder", config.evidence.folder)):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not there.is_dir():
            yield Problem(key, f"{there} is no folder", "Choose another place, or move away what lies there.")
        elif not os.access(there, os.W_OK | os.X_OK):
            yield Problem(key, f"{there} cannot be written by this user", "Give the user the right, or choose another.")


def _problem(where: str, text: str, kind: str) -> Problem:
    return Problem(where, text, _REMEDY.format(kind=kind))


def _summary(config: Config, state: _State, policy: Policy, away: PolicyAway | None, exceptions: int) -> Iterator[str]:
    signed = "signed" if policy.signed else "unsigned"
    holders = config.identity.tokens
    measured = measure(config)
    yield f"  listen     {config.listen}"
    for upstream in config.upstreams:
        yield f"  upstream   /{upstream.name} -> {upstream.url.partition('?')[0]}"
    yield f"  callers    {config.identity.agent if holders is None else f'{len(holders)} by token'}"
    yield f"  policy     {policy.name} {policy.revision} ({_engine(config)}, {signed})"
    if away is not None:
        yield f"  away       {away}; a start goes on with the above"
    yield f"  grants     {len(state.grants or ())}"
    yield f"  exceptions {exceptions}"
    yield f"  orders     {len(state.orders.standing) if state.orders else 0} in force"
    yield f"  evidence   {config.evidence.folder} ({config.evidence.durability})"
    yield f"  state      {config.state}"
    yield f"  admin      {config.admin}"
    yield f"  isolation  {measured.isolation}: {measured.reason}"


def _engine(config: Config) -> str:
    address = config.policy.opa_address
    return "embedded" if address is None else f"opa at {address}, not asked"
