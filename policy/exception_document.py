"""The files of exceptions, as they stand in a state folder: read whole, replaced in one step, no signature looked at.

exceptions.json            {"version": 1, "exceptions": [signed ...], "revoked": [{"id", "until"} ...]}
exceptions-revoked.json    {"version": 1, "revoked": {id: until}}: every revocation that was ever seen here
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from policy.engine import PolicyRefused
from policy.exception_problems import UnreadFile
from policy.exceptions import MAX_EXCEPTIONS
from policy.json_file import MISSING, read_json, write_json
from policy.locking import locked

FILE: Final = "exceptions.json"
REVOKED: Final = "exceptions-revoked.json"
MAX_BYTES: Final = 32 << 20
MAX_REVOKED: Final = 10_000

_LOCK: Final = ".exceptions.lock"


def read_document(path: Path) -> dict[str, Any]:
    """`{"exceptions": [...], "revoked": {id: until}}` of the file; nothing in either where there is none.

    Raises UnreadFile. No signature has been looked at then.
    """
    try:
        if path.exists() and path.stat().st_size > MAX_BYTES:
            raise UnreadFile((f"{path}: more than {MAX_BYTES} bytes",))
    except OSError as error:
        raise UnreadFile((f"{path}: {error.strerror}",)) from error
    value = _json(path)
    if value is MISSING:
        return {"exceptions": [], "revoked": {}}
    known = {"version", "exceptions", "revoked"}
    if not isinstance(value, dict) or value.get("version") != 1 or not value.keys() <= known:
        raise UnreadFile((f'{path}: not of the form {{"version": 1, "exceptions": [...], "revoked": [...]}}',))
    exceptions, revoked = value.get("exceptions"), value.get("revoked", [])
    if not isinstance(exceptions, list) or len(exceptions) > MAX_EXCEPTIONS:
        raise UnreadFile((f"{path}: exceptions is not a list of at most {MAX_EXCEPTIONS:,}",))
    if not isinstance(revoked, list) or len(revoked) > MAX_REVOKED or not all(map(_is_revocation, revoked)):
        raise UnreadFile((f'{path}: revoked is not a list of at most {MAX_REVOKED:,} {{"id", "until"}}',))
    return {"exceptions": exceptions, "revoked": {one["id"]: one["until"] for one in revoked}}


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Replace the file in one step. Raises OSError."""
    revoked = [{"id": id, "until": until} for id, until in document["revoked"].items()]
    write_json(path, {"version": 1, "exceptions": document["exceptions"], "revoked": revoked})


def read_revoked(path: Path) -> dict[str, int]:
    """What was revoked, with the end that each would have had. Raises UnreadFile."""
    value = _json(path)
    if value is MISSING:
        return {}
    revoked = value.get("revoked") if isinstance(value, dict) and value.get("version") == 1 else None
    if not isinstance(revoked, dict) or not all(type(until) is int for until in revoked.values()):
        raise UnreadFile((f"{path}: not of the form {{...}} that agentgate writes; restore it from a copy",))
    return revoked


def remember_revoked(state: Path, revoked: dict[str, int]) -> None:
    """Keep these as well, on disk. The caller holds the lock. Raises OSError, UnreadFile."""
    path = state / REVOKED
    write_json(path, {"version": 1, "revoked": {**read_revoked(path), **revoked}})


def files_held(state: Path) -> AbstractContextManager[None]:
    """While this holds, nobody else changes the files."""
    return locked(state, _LOCK)


def _json(path: Path) -> Any:
    try:
        return read_json(path)
    except PolicyRefused as error:
        raise UnreadFile(error.problems) from error


def _is_revocation(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"id", "until"}
        and isinstance(value["id"], str)
        and type(value["until"]) is int
    )
