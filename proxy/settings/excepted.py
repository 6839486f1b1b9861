"""Exceptions as `agentgate config check` looks at them: how many count, why others do not, and what to do."""

from pathlib import Path
from typing import Final, NamedTuple

from evidence.problem import Problem
from policy.bundle import longest_exception
from policy.engine import Policy
from policy.exception_document import FILE, REVOKED, read_document, read_revoked
from policy.exception_file import MAX_TOLD, ExceptionFile
from policy.exception_problems import ExceptionRefused, TooLong
from policy.exceptions import within
from policy.trust import ExceptionTrust

_WHERE: Final = "exceptions"


class Excepted(NamedTuple):
    """How many exceptions count, and what is wrong with the others."""

    counting: int = 0
    problems: tuple[Problem, ...] = ()


def look_at_exceptions(state: Path, trust: ExceptionTrust | None, policy: Policy | None) -> Excepted:
    """The exceptions of a state folder.

    Without `trust` only whether the files can be read is looked at; without `policy` not how long it lets one last.
    """
    if trust is None:
        return Excepted(problems=_told(_unread(state)))
    found, refused = ExceptionFile(state, trust).look()
    if policy is None:
        return Excepted(len(found), _told(list(refused)))
    kept, problems = within(found, longest_exception(policy))
    return Excepted(len(kept), _told([*refused, *(TooLong((problem,)) for problem in problems)]))


def _unread(state: Path) -> list[ExceptionRefused]:
    try:
        read_document(state / FILE)
        read_revoked(state / REVOKED)
    except ExceptionRefused as error:
        return [error]
    return []


def _told(refused: list[ExceptionRefused]) -> tuple[Problem, ...]:
    told = [Problem(_WHERE, text, error.remedy) for error in refused for text in error.problems]
    count = len(told) - MAX_TOLD
    if count <= 0:
        return tuple(told)
    more = f"and {count:,} more problems with exceptions"
    return (
        *told[:MAX_TOLD],
        Problem(_WHERE, more, "Mend those; agentgate exceptions list shows what counts."),
    )
