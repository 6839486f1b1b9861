"""Exceptions: what is allowed to somebody for a while against a rule that lets itself be excepted. Pure.

An exception is a scope as that of a grant (tenant, agent, upstream, method, name, rules for arguments), two moments, a
reason and an issuer. It travels signed (`exception_signing`). Policy finds those that count at
`data.agentgate.exceptions`, and names the one that it goes by; the sidecar holds each such decision against the
exception itself (`unfit`), so that no policy can invent one.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from evidence.canonical import canonical
from policy.engine import PolicyRefused
from policy.grants import ANY, Grant, conditions_of, read_grant, tree_of
from policy.vocabulary import Call

DEFAULT_SECONDS: Final = 24 * 3600
"""How long an exception may last where a policy says nothing else (`data.agentgate.exception_limits.max_seconds`)."""

MAX_EXCEPTIONS: Final = 10_000
"""In one file: a signature takes some 50 us, and each is looked at once."""

MAX_ENTRIES: Final = 100_000
"""Of the index, where each exception for any (*) stands under each key beside it, too."""

MAX_ID: Final = 64
MAX_TEXT: Final = 500
"""Characters of a reason and of an issuer's name."""

_SCOPE: Final = ("tenant", "agent", "upstream", "method", "name")
_TEXTS: Final = ("id", *_SCOPE, "reason", "issuer")
_TIMES: Final = ("from", "until")
_OPTIONAL: Final = frozenset({"arguments", "closed"})
_LAST_SECOND: Final = 9_223_372_035
"""Of the year 2262: policy compares nanoseconds, of which 64 bits hold no more."""

_STEPS: Final = ("\\", "%2e", "%2f", "%5c", "%00")
"""Spellings of a step upwards besides a part that is `..`, as `climbs` of the built-in rules has them."""

_LEAF: Final = "excepted"


class Exempt(Struct, frozen=True):
    """One exception. It holds from `begins` (included) to `ends` (not included), in seconds since 1970."""

    id: str
    scope: Grant
    begins: int
    ends: int
    reason: str
    issuer: str

    @property
    def seconds(self) -> int:
        """How long it lasts, all in all."""
        return self.ends - self.begins

    def covers(self, call: Call) -> bool:
        """Whether it is about this call, its arguments apart: those only policy looks at."""
        scope, caller = self.scope, call.caller
        return (
            scope.tenant in (ANY, caller.tenant)
            and scope.agent in (ANY, caller.agent)
            and scope.upstream in (ANY, call.upstream)
            and scope.method == call.method
            and _reaches(scope.name, call.name)
        )


Exceptions = Mapping[str, Exempt]
"""By their ids."""


def read_exception(value: Any) -> Exempt:
    """The exception in a JSON object. Raises PolicyRefused with all its problems."""
    problems = tuple(_problems(value))
    if problems:
        raise PolicyRefused(problems)
    return Exempt(
        id=value["id"],
        scope=read_grant(_grant(value), "scope"),
        begins=value["from"],
        ends=value["until"],
        reason=value["reason"],
        issuer=value["issuer"],
    )


def as_mapping(one: Exempt) -> dict[str, Any]:
    """The object that `read_exception` reads."""
    scope = one.scope
    entry: dict[str, Any] = {"id": one.id, **{name: getattr(scope, name) for name in _SCOPE}}
    if scope.arguments:
        entry["arguments"] = {name: dict(rule) for name, rule in scope.arguments.items()}
    if scope.closed:
        entry["closed"] = True
    return {**entry, "from": one.begins, "until": one.ends, "reason": one.reason, "issuer": one.issuer}


def within(found: Iterable[Exempt], most_seconds: int) -> tuple[dict[str, Exempt], list[str]]:
    """Those that last no longer than policy lets them, by their ids, and what is wrong with the others."""
    kept: dict[str, Exempt] = {}
    problems: list[str] = []
    for one in found:
        if one.seconds > most_seconds:
            problems.append(f"exception {one.id}: lasts {one.seconds} s, and policy lets one last {most_seconds} s")
        else:
            kept[one.id] = one
    return kept, problems


def index(found: Exceptions, most: int = MAX_ENTRIES) -> dict[str, Any]:
    """What stands at `data.agentgate.exceptions`: tenant, agent, upstream, method, name, each an object's key.

    Under `excepted` comes a list of entries `{id, from, until}`, with `prefix`, `arguments` and `closed` as those of
    grants. Raises `grants.TooManyEntries`.
    """
    scopes = {id: one.scope for id, one in found.items()}
    return tree_of(scopes, {id: (_LEAF, _entry(one)) for id, one in found.items()}, most)


def revision_of(found: Exceptions) -> str | None:
    """The digest of all of them; None where there is none."""
    if not found:
        return None
    return "sha256:" + hashlib.sha256(canonical([as_mapping(found[id]) for id in sorted(found)])).hexdigest()


def unfit(one: Exempt | None, call: Call, seconds: int) -> str | None:
    """Why a decision on `call` cannot go by this exception at that time; None where it can.

    What no exception is for is held here as well as in policy: a tool that nobody lists, or that is not as pinned.
    """
    if one is None:
        return "it names an exception that is not in force here"
    if not one.begins <= seconds < one.ends:
        return f"exception {one.id} holds from {one.begins} to {one.ends}, and it is {seconds}"
    if not one.covers(call):
        return f"exception {one.id} is not about this call"
    if call.method == "tools/call" and call.definition is None:
        return f"exception {one.id}: the tool is not known"
    if call.definition is not None and call.definition.pinned in ("changed", "renamed", "duplicate"):
        return f"exception {one.id}: the tool's definition is {call.definition.pinned}"
    return None


def _entry(one: Exempt) -> dict[str, Any]:
    return {"id": one.id, "from": one.begins, "until": one.ends, **conditions_of(one.scope)}


def _reaches(pattern: str, name: str | None) -> bool:
    if pattern in (ANY, name):
        return True
    if not pattern.endswith(ANY) or name is None or not name.startswith(pattern[:-1]):
        return False
    small = name.lower()
    return ".." not in name.split("/") and not any(step in small for step in _STEPS)


def _grant(value: Mapping[str, Any]) -> dict[str, Any]:
    """The scope as an entry of the file of grants."""
    return {name: value[name] for name in (*_SCOPE, *_OPTIONAL) if name in value}


def _problems(value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield "not an object"
        return
    needed = {*_TEXTS, *_TIMES}
    yield from (f"{name} is missing" for name in sorted(needed - value.keys()))
    yield from (f"no member {name!r} is known" for name in sorted(value.keys() - needed - _OPTIONAL))
    for name in (name for name in _TEXTS if name in value):
        if not isinstance(value[name], str) or not 0 < len(value[name]) <= MAX_TEXT:
            yield f"{name} is not a text of 1 to {MAX_TEXT} characters"
    if isinstance(value.get("id"), str) and not _is_id(value["id"]):
        yield f"id is not of at most {MAX_ID} letters, digits, - and _"
    times = [value[name] for name in _TIMES if name in value]
    if not all(type(one) is int and 0 <= one <= _LAST_SECOND for one in times):
        yield "from and until are not whole seconds since 1970"
    elif len(times) == 2 and times[0] >= times[1]:
        yield "until is not after from"
    if not (needed - value.keys()) and all(isinstance(value[name], str) for name in _SCOPE):
        yield from _scope_problems(value)


def _scope_problems(value: Mapping[str, Any]) -> Iterator[str]:
    try:
        read_grant(_grant(value), "scope")
    except PolicyRefused as error:
        yield from error.problems


def _is_id(text: str) -> bool:
    return len(text) <= MAX_ID and text.isascii() and all(one.isalnum() or one in "-_" for one in text)
