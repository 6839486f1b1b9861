"""The grants for what was observed, and how each came about: for a person, or as a `grants.json`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from evidence.keys import KeyProblem, tenant_private
from evidence.printable import printable
from evidence.tailing import Unreadable
from evidence.unsealing import Unsealer
from policy.grants import Grant, as_mapping
from policy.suggesting.observed import NAMELESS, Observed, Seen, Wanted, observe, ordered
from policy.suggesting.rules import rules_for

_TRUE: Final = 0
_NOT_TRUE: Final = 1
_USAGE: Final = 64
_SEALED: Final = "arguments are sealed, and the tenant's private key opens them (--key): grants are by name alone"


def run_suggest(evidence: Path, *, key: Path | None, as_json: bool, out: TextIO) -> int:
    """`policy suggest`: print grants for the records of a folder. 0, 1 for an unreadable one, 64 for none at all."""
    try:
        unsealer = Unsealer(tenant_private(key)) if key else None
    except KeyProblem as error:
        return _say(out, error, _USAGE)
    if not evidence.is_dir():
        return _say(out, f"{evidence}: no such folder", _USAGE)
    try:
        observed = observe(evidence, unsealer)
    except (Unreadable, OSError) as error:
        return _say(out, f"{error}; agentgate verify says more", _NOT_TRUE)
    if as_json:
        out.write(json.dumps(document(observed), indent=2) + "\n")
    else:
        out.writelines(f"{line}\n" for line in lines(observed, sealed=unsealer is None))
    return _TRUE


def _say(out: TextIO, what: object, code: int) -> int:
    out.write(f"agentgate policy suggest: {printable(what)}\n")
    return code


def grant_for(wanted: Wanted, seen: Seen) -> Grant:
    """The grant, with rules for arguments where those of every call are known: then none but those may be there."""
    known = wanted.method == "tools/call" and seen.opened == seen.calls
    return Grant(
        upstream=wanted.upstream,
        method=wanted.method,
        name=wanted.name,
        tenant=wanted.tenant,
        agent=wanted.agent,
        effect=wanted.effect,
        arguments=rules_for(list(seen.arguments.values())) if known else {},
        closed=known,
    )


def document(observed: Observed) -> dict[str, Any]:
    """What can stand as `grants.json`, with what was seen of each grant beside, in the same order."""
    found = [(wanted, seen, grant_for(wanted, seen)) for wanted, seen in ordered(observed)]
    return {
        "version": 1,
        "grants": [as_mapping(grant) for _, _, grant in found],
        "seen": [_seen(wanted, seen) for wanted, seen, _ in found],
        "left_out": dict(observed.left_out.most_common()),
    }


def _seen(wanted: Wanted, seen: Seen) -> dict[str, Any]:
    return {
        "calls": seen.calls,
        "refused": wanted.refused,
        "reasons": dict(seen.reasons.most_common()),
        "opened": seen.opened,
        "first": seen.first,
        "last": seen.last,
    }


def lines(observed: Observed, *, sealed: bool) -> Iterator[str]:
    """One entry of `grants.json` a line, and above each how it came about, after `#`."""
    for wanted, seen in ordered(observed):
        grant = grant_for(wanted, seen)
        yield from (f"# {printable(line)}" for line in _explained(wanted, seen, grant))
        yield json.dumps(as_mapping(grant))
        yield ""
    if not observed.seen:
        yield "# nothing to suggest"
    elif sealed and any(wanted.method == "tools/call" for wanted in observed.seen):
        yield f"# {_SEALED}"
    for why, count in observed.left_out.most_common():
        yield f"# left out: {count} {_calls(count)}, {printable(why)}"


def _explained(wanted: Wanted, seen: Seen, grant: Grant) -> Iterator[str]:
    whom = f"{wanted.tenant}/{wanted.agent}"
    what = wanted.method if wanted.method in NAMELESS else f"{wanted.method} {wanted.name}"
    reasons = ", ".join(f"{count} {reason}" for reason, count in seen.reasons.most_common())
    through = "REFUSED" if wanted.refused else "let through"
    yield f"{whom} at {wanted.upstream}: {what}"
    yield f"  {seen.calls} {_calls(seen.calls)} {through} ({reasons}), {seen.first[:19]} to {seen.last[:19]}"
    if wanted.method != "tools/call":
        return
    if seen.opened < seen.calls:
        yield f"  any arguments: those of {seen.calls - seen.opened} {_calls(seen.calls - seen.opened)} are not known"
    free = [name for name, rule in grant.arguments.items() if not _bounds(rule)]
    if free:
        yield f"  any value of {', '.join(free)}"


def _bounds(rule: Mapping[str, Any]) -> bool:
    """Whether a rule says more than that the argument may be there."""
    return bool(rule.keys() - {"optional"})


def _calls(count: int) -> str:
    return "call" if count == 1 else "calls"
