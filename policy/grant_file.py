"""The file of grants in the state folder, `grants.json`: read whole or not at all, and replaced in one step."""

from collections.abc import Iterable
from pathlib import Path

from policy.engine import PolicyRefused
from policy.grants import Grant, as_mapping, read_grant
from policy.json_file import MISSING, read_json, write_json


def read_grants(path: Path) -> tuple[Grant, ...]:
    """The grants in the file at `path`; none if there is no file. Raises PolicyRefused with all problems."""
    document = read_json(path)
    if document is MISSING:
        return ()
    if not isinstance(document, dict) or document.get("version") != 1 or not isinstance(document.get("grants"), list):
        raise PolicyRefused((f'{path}: not of the form {{"version": 1, "grants": [...]}}',))
    problems: list[str] = []
    grants: list[Grant] = []
    for position, entry in enumerate(document["grants"]):
        try:
            grants.append(read_grant(entry, f"{path}: grants[{position}]"))
        except PolicyRefused as error:
            problems += error.problems
    if problems:
        raise PolicyRefused(tuple(problems))
    return tuple(grants)


def write_grants(path: Path, grants: Iterable[Grant]) -> None:
    """Replace the file in one step (0600)."""
    write_json(path, {"version": 1, "grants": [as_mapping(grant) for grant in grants]})
