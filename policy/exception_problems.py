"""Why an exception does not count, and what an operator does about it.

ExceptionRefused (PolicyRefused)
|-- UnreadFile       the file that it stands in cannot be read
|-- UnreadKey        the key that it was signed with cannot be read
|-- Malformed        it is not of the form of one
|-- Untrusted        it is signed with a key that does not count here
|-- Forged           the signature is not that of the key over this
|-- Doubled          another one has its id
|-- Revoked          it was revoked, and stands there again
`-- TooLong          it lasts longer than policy lets one last
"""

from typing import ClassVar

from policy.engine import PolicyRefused


class ExceptionRefused(PolicyRefused):
    """One that does not count; `remedy` is a sentence that says what to do."""

    remedy: ClassVar[str] = "Take it out, or issue it again."


class UnreadFile(ExceptionRefused):
    """The file that it stands in cannot be read."""

    remedy = "Restore the file from a copy; until then no exception counts."


class UnreadKey(ExceptionRefused):
    """The key that it was signed with cannot be read."""

    remedy = "Restore keys/exceptions.key from a copy, or remove what is left of it and issue the exceptions again."


class Malformed(ExceptionRefused):
    """It is not of the form of one."""

    remedy = "Issue it again: agentgate exceptions issue."


class Untrusted(ExceptionRefused):
    """It is signed with a key that does not count here."""

    remedy = "Name the key where the line says, if its word is to count here; else agentgate exceptions revoke ID."


class Forged(ExceptionRefused):
    """The signature is not that of the key over this."""

    remedy = "Somebody has changed it, or the key: find out who, and issue it again if it is still wanted."


class Doubled(ExceptionRefused):
    """Another one has its id."""

    remedy = "Revoke the id (agentgate exceptions revoke ID), and issue again what is still wanted."


class Revoked(ExceptionRefused):
    """It was revoked, and stands there again."""

    remedy = "Somebody has put back an older file; agentgate exceptions revoke ID takes it out again."


class TooLong(ExceptionRefused):
    """It lasts longer than policy lets one last."""

    remedy = "Issue it for a shorter time, or let policy say more (data.agentgate.exception_limits.max_seconds)."
