"""The exceptions of one state folder: read whole, each verified, and none that was revoked.

    exceptions.json            {"version": 1, "exceptions": [signed ...], "revoked": [{"id", "until"} ...]}
    exceptions-revoked.json    {"version": 1, "revoked": {id: until}}: every revocation that was ever seen here

Whatever does not verify does not count, and is told: the rule that it would have excepted stands. A file that cannot be
read has no exceptions in it. Which of them are over is not looked at here: policy compares each with the time of the
call, so that what is loaded is the same for everybody who reads the files.

An older file that is put back brings no revoked exception back, as long as `exceptions-revoked.json` or the process
that has read it is there; where both are of an older time, its end is what ends it.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from evidence.keys import KeyProblem, existing_key
from policy.engine import PolicyRefused
from policy.exception_signing import ExceptionKeys, verified
from policy.exceptions import MAX_EXCEPTIONS, Exempt
from policy.json_file import MISSING, read_json, write_json
from policy.trust import ExceptionTrust

FILE: Final = "exceptions.json"
REVOKED: Final = "exceptions-revoked.json"
KEY: Final = "exceptions"
MAX_BYTES: Final = 32 << 20
MAX_REVOKED: Final = 10_000
MAX_TOLD: Final = 20
"""Problems that are told one by one."""

_LOCK: Final = ".exceptions.lock"


@dataclass(frozen=True, slots=True)
class Found:
    """What the files say: the exceptions that verify, and what is wrong with the others."""

    exceptions: tuple[Exempt, ...] = ()
    problems: tuple[str, ...] = ()


class ExceptionFile:
    """Reads the exceptions of `state`, again and again: a signature that was verified is not looked at twice."""

    def __init__(self, state: Path, trust: ExceptionTrust) -> None:
        """Nothing is read yet."""
        self._state = state
        self._trust = trust
        self._verified: dict[bytes, Exempt] = {}
        self._revoked: dict[str, int] = {}

    @property
    def paths(self) -> tuple[Path, Path]:
        """The files to be watched."""
        return self._state / FILE, self._state / REVOKED

    def read(self) -> Found:
        """What the files say now; nothing is raised. New revocations are remembered in the folder."""
        try:
            document = read_document(self._state / FILE)
            kept = read_revoked(self._state / REVOKED)
            keys = self._keys()
        except PolicyRefused as error:
            return Found((), tuple(f"{problem}; no exception counts" for problem in error.problems))
        told = dict(document["revoked"])
        self._revoked |= kept | told
        problems = self._remember(told, kept)
        found, wrong = self._counted(document["exceptions"], keys)
        return Found(found, _shortened([*problems, *wrong]))

    def _keys(self) -> ExceptionKeys:
        if not self._trust.local:
            return ExceptionKeys(self._trust.keys)
        try:
            key = existing_key(self._state, KEY)
        except KeyProblem as error:
            raise PolicyRefused((str(error),)) from error
        return ExceptionKeys(self._trust.keys, None if key is None else key.public_key())

    def _counted(self, values: list[Any], keys: ExceptionKeys) -> tuple[tuple[Exempt, ...], list[str]]:
        problems: list[str] = []
        seen: dict[bytes, Exempt] = {}
        by_id: dict[str, Exempt] = {}
        twice: set[str] = set()
        local = b"" if keys.local is None else keys.local.public_bytes_raw()
        for value in values:
            try:
                mark = hashlib.sha256(local + _text(value)).digest()
                one = self._verified.get(mark) or verified(value, keys)
            except PolicyRefused as error:
                problems += error.problems
                continue
            seen[mark] = one
            if by_id.setdefault(one.id, one) != one:
                twice.add(one.id)
        self._verified = seen
        problems += [f"exception {id}: another one has the same id; neither counts" for id in sorted(twice)]
        problems += [f"exception {id}: it was revoked" for id in sorted(by_id.keys() & self._revoked.keys())]
        gone = twice | self._revoked.keys()
        return tuple(one for id, one in by_id.items() if id not in gone), problems

    def _remember(self, told: dict[str, int], kept: dict[str, int]) -> list[str]:
        if told.keys() <= kept.keys():
            return []
        try:
            with locked(self._state):
                remember_revoked(self._state, told)
        except (OSError, PolicyRefused) as error:
            return [f"{self._state / REVOKED}: revocations cannot be kept there: {error}"]
        return []


def read_document(path: Path) -> dict[str, Any]:
    """`{"exceptions": [...], "revoked": {id: until}}` of the file; nothing in either where there is none.

    Raises PolicyRefused. No signature has been looked at then.
    """
    try:
        if path.exists() and path.stat().st_size > MAX_BYTES:
            raise PolicyRefused((f"{path}: more than {MAX_BYTES} bytes",))
    except OSError as error:
        raise PolicyRefused((f"{path}: {error.strerror}",)) from error
    value = read_json(path)
    if value is MISSING:
        return {"exceptions": [], "revoked": {}}
    known = {"version", "exceptions", "revoked"}
    if not isinstance(value, dict) or value.get("version") != 1 or not value.keys() <= known:
        raise PolicyRefused((f'{path}: not of the form {{"version": 1, "exceptions": [...], "revoked": [...]}}',))
    exceptions, revoked = value.get("exceptions"), value.get("revoked", [])
    if not isinstance(exceptions, list) or len(exceptions) > MAX_EXCEPTIONS:
        raise PolicyRefused((f"{path}: exceptions is not a list of at most {MAX_EXCEPTIONS:,}",))
    if not isinstance(revoked, list) or len(revoked) > MAX_REVOKED or not all(map(_is_revocation, revoked)):
        raise PolicyRefused((f'{path}: revoked is not a list of at most {MAX_REVOKED:,} {{"id", "until"}}',))
    return {"exceptions": exceptions, "revoked": {one["id"]: one["until"] for one in revoked}}


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Replace the file in one step. Raises OSError."""
    revoked = [{"id": id, "until": until} for id, until in document["revoked"].items()]
    write_json(path, {"version": 1, "exceptions": document["exceptions"], "revoked": revoked})


def read_revoked(path: Path) -> dict[str, int]:
    """What was revoked, with the end that each would have had. Raises PolicyRefused."""
    value = read_json(path)
    if value is MISSING:
        return {}
    revoked = value.get("revoked") if isinstance(value, dict) and value.get("version") == 1 else None
    if not isinstance(revoked, dict) or not all(type(until) is int for until in revoked.values()):
        raise PolicyRefused((f"{path}: not of the form {{...}} that agentgate writes; restore it from a copy",))
    return revoked


def remember_revoked(state: Path, revoked: dict[str, int]) -> None:
    """Keep these as well, on disk. The caller holds the lock. Raises OSError, PolicyRefused."""
    path = state / REVOKED
    write_json(path, {"version": 1, "revoked": {**read_revoked(path), **revoked}})


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """While this holds, nobody else changes the files."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(state / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_revocation(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"id", "until"}
        and isinstance(value["id"], str)
        and type(value["until"]) is int
    )


def _text(value: Any) -> bytes:
    """What stands there, whatever its spelling. Raises PolicyRefused for what no engine could be handed."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise PolicyRefused((f"an exception holds what has no plain JSON text: {error}",)) from error


def _shortened(problems: list[str]) -> tuple[str, ...]:
    more = len(problems) - MAX_TOLD
    return (*problems[:MAX_TOLD], *([f"and {more:,} more problems with exceptions"] if more > 0 else []))
