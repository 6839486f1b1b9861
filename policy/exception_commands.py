"""`agentgate exceptions issue|add|list|revoke`: what operators do with exceptions, as functions on a state folder."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from evidence.keys import signing_key
from evidence.printable import printable
from policy.engine import PolicyRefused
from policy.exception_document import (
    FILE,
    REVOKED,
    files_held,
    read_document,
    read_revoked,
    remember_revoked,
    write_document,
)
from policy.exception_file import KEY, ExceptionFile, Found
from policy.exception_signing import LOCAL, ExceptionKeys, signed, verified
from policy.exceptions import DEFAULT_SECONDS, Exempt, as_mapping, read_exception
from policy.json_file import MISSING, read_json, write_json
from policy.trust import ExceptionTrust

_OK: Final = 0
_NOT_TRUE: Final = 1
_KEPT_SECONDS: Final = 7 * 24 * 3600
"""How long a revocation stays in the file after the end that the exception would have had."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an exception is to say; `seconds` from now, or from `begins`."""

    tenant: str
    agent: str
    upstream: str
    method: str
    name: str
    seconds: int
    reason: str
    issuer: str
    begins: int | None = None
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    closed: bool = False


def run_issue(
    state: Path, wish: Wish, trust: ExceptionTrust, out: TextIO, *, key: tuple[str, Path] | None, to: Path | None
) -> int:
    """`issue`: sign an exception, with `key` (id and PEM file) or the key of the state folder, and put it in force.

    With `to` it is written there instead, for `add` elsewhere. Raises PolicyRefused, KeyProblem, OSError.
    """
    one = _made(wish, int(time.time()))
    value = _signed(state, one, key)
    if to is not None:
        write_json(to, value)
        out.write(f"{one.id}  {to}\n")
        return _OK
    _put(state, value, int(time.time()))
    out.write(_line(one, int(time.time())))
    return _tell_count(one, state, trust, out)


def run_add(state: Path, file: Path, trust: ExceptionTrust, out: TextIO) -> int:
    """`add`: put a signed exception in force, if a key that counts has signed it. Raises PolicyRefused, OSError."""
    value = read_json(file)
    if value is MISSING:
        raise PolicyRefused((f"{file}: there is no such file",))
    one = verified(value, ExceptionKeys(trust.keys))
    _put(state, value, int(time.time()))
    out.write(_line(one, int(time.time())))
    return _tell_count(one, state, trust, out)


def run_list(state: Path, trust: ExceptionTrust, out: TextIO, *, as_json: bool) -> int:
    """`list`: those that verify, and what is wrong with the others. The policy may still find one too long."""
    found, now = ExceptionFile(state, trust).read(), int(time.time())
    for one in found.exceptions:
        out.write(json.dumps({**as_mapping(one), "state": _state(one, now)}) + "\n" if as_json else _line(one, now))
    if as_json:
        return _OK
    out.writelines(f"does not count: {printable(problem)}\n" for problem in found.problems)
    if found == Found():
        out.write("no exceptions\n")
    return _OK


def run_revoke(state: Path, id: str, out: TextIO) -> int:
    """`revoke`: no exception that begins with `id` counts here any more. Raises PolicyRefused, OSError."""
    with files_held(state):
        document = read_document(state / FILE)
        ids = sorted({_id_of(value) for value in document["exceptions"]})
        matching = [each for each in ids if each == id] or [each for each in ids if each.startswith(id)]
        if len(matching) != 1 or not id:
            problem = "there is no exception" if not matching else "more than one exception begins with"
            out.write(f"agentgate exceptions: {problem} {printable(id)}\n")
            return _NOT_TRUE
        revoked = matching[0]
        ends = [_end_of(value) for value in document["exceptions"] if _id_of(value) == revoked]
        remember_revoked(state, {revoked: max(ends)})
        document["exceptions"] = [value for value in document["exceptions"] if _id_of(value) != revoked]
        document["revoked"] = {**document["revoked"], revoked: max(ends)}
        write_document(state / FILE, document)
    out.write(f"{printable(revoked)}  revoked\n")
    return _OK


def _made(wish: Wish, now: int) -> Exempt:
    begins = now if wish.begins is None else wish.begins
    return read_exception(
        {
            "id": secrets.token_hex(8),
            **{name: getattr(wish, name) for name in ("tenant", "agent", "upstream", "method", "name")},
            **({"arguments": dict(wish.arguments)} if wish.arguments else {}),
            **({"closed": True} if wish.closed else {}),
            "from": begins,
            "until": begins + wish.seconds,
            "reason": wish.reason,
            "issuer": wish.issuer,
        }
    )


def _signed(state: Path, one: Exempt, key: tuple[str, Path] | None) -> dict[str, Any]:
    if key is None:
        return signed(one, LOCAL, signing_key(state, KEY))
    from policy.pem import read_private_key  # with a key of one's own alone

    keyid, path = key
    return signed(one, keyid, read_private_key(path))


def _put(state: Path, value: Mapping[str, Any], now: int) -> None:
    """Add it to the file; what is over goes, and so do revocations of what would be over by now."""
    with files_held(state):
        document = read_document(state / FILE)
        if _id_of(value) in document["revoked"].keys() | read_revoked(state / REVOKED).keys():
            raise PolicyRefused((f"exception {_id_of(value)}: it was revoked here; issue another one",))
        others = [each for each in document["exceptions"] if _end_of(each) > now and _id_of(each) != _id_of(value)]
        kept = {id: until for id, until in document["revoked"].items() if until + _KEPT_SECONDS > now}
        write_document(state / FILE, {"exceptions": [*others, value], "revoked": kept})


def _tell_count(one: Exempt, state: Path, trust: ExceptionTrust, out: TextIO) -> int:
    found = ExceptionFile(state, trust).read()
    if one not in found.exceptions:
        out.writelines(f"does not count: {printable(problem)}\n" for problem in found.problems if one.id in problem)
        return _NOT_TRUE
    if one.seconds > DEFAULT_SECONDS:
        out.write(
            f"counts only where policy lets an exception last {one.seconds} s; the default is {DEFAULT_SECONDS}\n"
        )
    return _OK


def _line(one: Exempt, now: int) -> str:
    scope = one.scope
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.ends))
    rules = "".join(f"  {name}={json.dumps(dict(rule))}" for name, rule in sorted(scope.arguments.items()))
    what = f"{scope.tenant}/{scope.agent}  {scope.upstream}  {scope.method}  {scope.name}{rules}"
    closed = "  closed" if scope.closed else ""
    head = f"{one.id}  {_state(one, now):9}  until {until}  {what}{closed}"
    return f"{printable(head)}\n    {printable(one.issuer)}: {printable(one.reason)}\n"


def _state(one: Exempt, now: int) -> str:
    if now < one.begins:
        return "not begun"
    return "in force" if now < one.ends else "over"


def _id_of(value: Any) -> str:
    inner = value.get("exception") if isinstance(value, dict) else None
    id = inner.get("id") if isinstance(inner, dict) else None
    return id if isinstance(id, str) else ""


def _end_of(value: Any) -> int:
    """When it says that it ends: what does not say so is kept, to be told of."""
    inner = value.get("exception") if isinstance(value, dict) else None
    until = inner.get("until") if isinstance(inner, dict) else None
    return until if type(until) is int else 1 << 62
