"""Requests of a server that the client has been given and has not answered yet."""

from collections import OrderedDict
from typing import Final

from policy.vocabulary import Caller

MAX_QUESTIONS: Final = 10_000
"""Open questions remembered for each sidecar; the oldest goes first, and its answer is then refused."""

Key = tuple[Caller, str, str | None, str]
"""Who was asked, upstream, session id, key of the message id."""


class Questions:
    """Tells which method a client's answer answers; an answer to nothing that was asked is not forwarded."""

    def __init__(self) -> None:
        self._open: OrderedDict[Key, str] = OrderedDict()

    def asked(self, key: Key, method: str) -> None:
        """The client is given a request of the server."""
        self._open[key] = method
        if len(self._open) > MAX_QUESTIONS:
            self._open.popitem(last=False)

    def answered(self, key: Key) -> str | None:
        """The method that was asked under `key`, once; None if nothing was."""
        return self._open.pop(key, None)
