"""Grants: who may do what, as operators write it and as the index that Rego looks things up in. Pure.

`grants.json` in the state folder (`grant_file`):

    {"version": 1, "grants": [
      {"agent": "billing", "upstream": "files", "tool": "read_file", "arguments": {"path": {"under": ["/srv/bills"]}}},
      {"upstream": "files", "method": "resources/read", "name": "file:///srv/*"}]}

`tenant` and `agent` default to "*" (any). `tool` is short for method "tools/call" and that name. A name that
ends in "*" is a prefix. `effect` is allow (default), deny or require_approval; a deny has no arguments and wins.
`closed` refuses arguments that the grant does not name; `exceptable` lets an exception (`policy.exceptions`) lift a
deny or a need of approval. Rules for an argument: one of `one_of`, `under`, `prefix`, `sql` (a list each), or `max`
and/or `min`; and `optional`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from evidence.canonical import canonical
from policy.argument_rules import indexed_rule, rule_problems
from policy.engine import PolicyRefused

GrantEffect = Literal["allow", "deny", "require_approval"]

ANY: Final = "*"
MAX_ENTRIES: Final = 500_000
"""An entry takes about 1 KB of memory in the embedded engine."""

_MEMBERS: Final = frozenset({"tenant", "agent", "upstream", "tool", "method", "name", "effect", "arguments", "closed",
                              "exceptable"})  # fmt: skip
_LEVELS: Final = ("tenant", "agent", "upstream", "method", "name")


@dataclass(frozen=True, slots=True)
class Grant:
    """One entry. `name` may be exact, "*", or a prefix that ends in "*"."""

    upstream: str
    method: str
    name: str
    tenant: str = ANY
    agent: str = ANY
    effect: GrantEffect = "allow"
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    closed: bool = False
    exceptable: bool = False

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """Whom and what it is about."""
        return (self.tenant, self.agent, self.upstream, self.method, self.name)

    @property
    def id(self) -> str:
        """A short digest of all of it: what `rules` in a decision names."""
        return "grant:" + hashlib.sha256(canonical(as_mapping(self))).hexdigest()[:12]


def read_grant(entry: Any, where: str) -> Grant:
    """One entry of the file. Raises PolicyRefused with all its problems, each beginning with `where`."""
    problems = tuple(f"{where}: {problem}" for problem in tuple(_problems(entry)) or _unwritable(entry))
    if problems:
        raise PolicyRefused(problems)
    return _grant(entry)


def index(grants: Iterable[Grant], most: int = MAX_ENTRIES) -> dict[str, Any]:
    """What stands at `data.agentgate.grants`: tenant, agent, upstream, method, name, effect, each an object's key.

    What is about any tenant, agent, upstream or name stands under "*" and under each key beside it, so that all
    that is about a call is found under one key at each level: its own if there is one, else "*".
    Raises PolicyRefused if that makes more than `most`.
    """
    distinct = {grant.id: grant for grant in grants}
    leaves = {name: (grant.effect, _entry(name, grant)) for name, grant in distinct.items()}
    try:
        return tree_of(distinct, leaves, most)
    except TooManyEntries as error:
        raise PolicyRefused((f"{error} of {len(distinct)} grants: name fewer beside those for any (*)",)) from error


class TooManyEntries(ValueError):
    """An index would have more entries than may be; the text says how many those are."""


def tree_of(scopes: Mapping[str, Grant], leaves: Mapping[str, tuple[str, Any]], most: int) -> dict[str, Any]:
    """An index in the form of `index`: of each scope, by its name, the leaf's key and entry stand where it reaches.

    Raises TooManyEntries.
    """
    tree: dict[str, Any] = {}
    for count, (path, name) in enumerate(_placed(list(scopes.items()))):
        if count >= most:
            raise TooManyEntries(f"more than {most:,} entries")
        node = tree
        for key in path:
            node = node.setdefault(key, {})
        leaf, entry = leaves[name]
        node.setdefault(leaf, []).append(entry)
    return tree


def with_grant(grants: Iterable[Grant], grant: Grant) -> tuple[Grant, ...]:
    """The grants and `grant`; a deny takes the place of all about the same, an allowance of a deny about the same."""
    kept = [
        one for one in grants if one != grant and not (one.key == grant.key and "deny" in (one.effect, grant.effect))
    ]
    return (*kept, grant)


def as_mapping(grant: Grant) -> dict[str, Any]:
    """The entry as the file has it, defaults left out."""
    entry: dict[str, Any] = {}
    if grant.tenant != ANY:
        entry["tenant"] = grant.tenant
    if grant.agent != ANY:
        entry["agent"] = grant.agent
    entry["upstream"] = grant.upstream
    if grant.method == "tools/call":
        entry["tool"] = grant.name
    else:
        entry |= {"method": grant.method, "name": grant.name}
    if grant.effect != "allow":
        entry["effect"] = grant.effect
    if grant.arguments:
        entry["arguments"] = {name: dict(rule) for name, rule in grant.arguments.items()}
    if grant.closed:
        entry["closed"] = True
    return entry | ({"exceptable": True} if grant.exceptable else {})


def _grant(entry: Mapping[str, Any]) -> Grant:
    tool = entry.get("tool")
    return Grant(
        upstream=entry["upstream"],
        method="tools/call" if tool is not None else entry["method"],
        name=tool if tool is not None else entry.get("name", ANY),
        tenant=entry.get("tenant", ANY),
        agent=entry.get("agent", ANY),
        effect=entry.get("effect", "allow"),
        arguments=entry.get("arguments", {}),
        closed=entry.get("closed", False),
        exceptable=entry.get("exceptable", False),
    )


def _problems(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "not an object"
        return
    yield from (f"no member {name!r} is known" for name in sorted(entry.keys() - _MEMBERS))
    yield from _type_problems(entry)
    if "upstream" not in entry:
        yield 'upstream is missing ("*" means any)'
    if ("tool" in entry) == ("method" in entry) or ("tool" in entry and "name" in entry):
        yield "either tool, or method and name"
    if entry.get("effect", "allow") not in ("allow", "deny", "require_approval"):
        yield "effect is not allow, deny or require_approval"
    if entry.get("exceptable") is True and entry.get("effect", "allow") == "allow":
        yield "exceptable is for a deny and for require_approval"
    yield from rule_problems(entry.get("arguments", {}))
    if entry.get("effect") == "deny" and (entry.get("arguments") or entry.get("closed")):
        yield "a deny is about every call: it has neither arguments nor closed"


def _type_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    for name in ("tenant", "agent", "upstream", "tool", "method", "name"):
        if name in entry and (not isinstance(entry[name], str) or not entry[name]):
            yield f"{name} is not a text"
    for name in ("closed", "exceptable"):
        if not isinstance(entry.get(name, False), bool):
            yield f"{name} is not true or false"


def _unwritable(entry: Any) -> Iterator[str]:
    """What has no canonical form, and so no digest: half of a surrogate pair, for one."""
    try:
        canonical(entry)
    except ValueError as error:
        yield str(error)


def _placed(grants: list[tuple[str, Grant]], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each path of the index with the id of a grant that stands there; a grant for any comes after those for one."""
    if len(above) == len(_LEVELS):
        yield from ((above, name) for name, _ in grants)
        return
    level = _LEVELS[len(above)]
    groups: dict[str, list[tuple[str, Grant]]] = {}
    for one in grants:
        groups.setdefault(_key(one[1], level), []).append(one)
    anyone = [] if level == "method" else groups.get(ANY, [])
    for key, group in groups.items():
        too = [] if key == ANY else [one for one in anyone if level != "name" or key.startswith(_prefix(one[1]))]
        yield from _placed([*group, *too], (*above, key))


def _key(grant: Grant, level: str) -> str:
    key: str = getattr(grant, level)
    return ANY if level == "name" and key.endswith(ANY) else key


def _prefix(grant: Grant) -> str:
    """What a name under "*" must begin with; empty for an exact name and for any."""
    return grant.name[:-1] if grant.name.endswith(ANY) else ""


def _entry(name: str, grant: Grant) -> dict[str, Any]:
    return {"id": name, **conditions_of(grant), **({"exceptable": True} if grant.exceptable else {})}


def conditions_of(grant: Grant) -> dict[str, Any]:
    """What of a grant stands in an entry of an index, besides its id: its prefix, its rules for arguments."""
    entry: dict[str, Any] = {}
    if prefix := _prefix(grant):
        entry["prefix"] = prefix
    if grant.arguments or grant.closed:
        entry["arguments"] = {argument: indexed_rule(rule) for argument, rule in grant.arguments.items()}
        entry["closed"] = grant.closed
    return entry
