"""Which exceptions of one state folder count: each verified, and none that was revoked.

Whatever does not verify does not count, and is told: the rule that it would have excepted stands. A file that cannot be
read has no exceptions in it. Which of them are over is not looked at here: policy compares each with the time of the
call, so that what is loaded is the same for everybody who reads the files.

An older file that is put back brings no revoked exception back, as long as `exceptions-revoked.json` or the process
that has read it is there; where both are of an older time, its end is what ends it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from evidence.keys import KeyProblem, existing_key
from policy.exception_document import FILE, REVOKED, files_held, read_document, read_revoked, remember_revoked
from policy.exception_problems import Doubled, ExceptionRefused, Malformed, Revoked, UnreadKey
from policy.exception_signing import ExceptionKeys, verified
from policy.exceptions import Exempt
from policy.trust import ExceptionTrust

KEY: Final = "exceptions"
"""The name of the key in the state folder."""

MAX_TOLD: Final = 20
"""Problems that are told one by one."""


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
            document, kept, keys = self._read()
        except ExceptionRefused as error:
            return Found((), tuple(f"{problem}; no exception counts" for problem in error.problems))
        problems = self._remember(document["revoked"], kept)
        found, refused = self._counted(document["exceptions"], keys)
        return Found(found, _shortened([*problems, *(problem for one in refused for problem in one.problems)]))

    def look(self) -> tuple[tuple[Exempt, ...], tuple[ExceptionRefused, ...]]:
        """What `read` would find, and why the others do not count; nothing is raised, and nothing written."""
        try:
            document, _, keys = self._read()
        except ExceptionRefused as error:
            return (), (error,)
        found, refused = self._counted(document["exceptions"], keys)
        return found, tuple(refused)

    def _read(self) -> tuple[dict[str, Any], dict[str, int], ExceptionKeys]:
        """The document, what was revoked before, and whose word counts. Raises UnreadFile, UnreadKey."""
        document = read_document(self._state / FILE)
        kept = read_revoked(self._state / REVOKED)
        self._revoked |= kept | document["revoked"]
        return document, kept, self._keys()

    def _keys(self) -> ExceptionKeys:
        if not self._trust.local:
            return ExceptionKeys(self._trust.keys)
        try:
            key = existing_key(self._state, KEY)
        except KeyProblem as error:
            raise UnreadKey((str(error),)) from error
        return ExceptionKeys(self._trust.keys, None if key is None else key.public_key(), gone=key is None)

    def _counted(self, values: list[Any], keys: ExceptionKeys) -> tuple[tuple[Exempt, ...], list[ExceptionRefused]]:
        refused: list[ExceptionRefused] = []
        seen: dict[bytes, Exempt] = {}
        by_id: dict[str, Exempt] = {}
        twice: set[str] = set()
        local = b"" if keys.local is None else keys.local.public_bytes_raw()
        for value in values:
            try:
                mark = hashlib.sha256(local + _text(value)).digest()
                one = self._verified.get(mark) or verified(value, keys)
            except ExceptionRefused as error:
                refused.append(error)
                continue
            seen[mark] = one
            if by_id.setdefault(one.id, one) != one:
                twice.add(one.id)
        self._verified = seen
        refused += [Doubled((f"exception {id}: another one has the same id; neither counts",)) for id in sorted(twice)]
        again = sorted(by_id.keys() & self._revoked.keys())
        refused += [Revoked((f"exception {id}: it was revoked",)) for id in again]
        gone = twice | self._revoked.keys()
        return tuple(one for id, one in by_id.items() if id not in gone), refused

    def _remember(self, told: dict[str, int], kept: dict[str, int]) -> list[str]:
        if told.keys() <= kept.keys():
            return []
        try:
            with files_held(self._state):
                remember_revoked(self._state, told)
        except (OSError, ExceptionRefused) as error:
            return [f"{self._state / REVOKED}: revocations cannot be kept there: {error}"]
        return []


def _text(value: Any) -> bytes:
    """What stands there, whatever its spelling. Raises Malformed for what no engine could be handed."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise Malformed((f"an exception holds what has no plain JSON text: {error}",)) from error


def _shortened(problems: list[str]) -> tuple[str, ...]:
    more = len(problems) - MAX_TOLD
    return (*problems[:MAX_TOLD], *([f"and {more:,} more problems with exceptions"] if more > 0 else []))
