"""Requests that the client has been given and has not answered yet: those of servers, and the sidecar's own."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from proxy.vocabulary import Key
from proxy.wire.message import Message

MAX_QUESTIONS: Final = 10_000
"""Open questions remembered for each sidecar; the oldest goes first, and its answer is then refused."""


class Questions:
    """Tells which method a client's answer answers; an answer to nothing that was asked is not forwarded."""

    def __init__(self) -> None:
        self._open: OrderedDict[Key, tuple[str, str | None]] = OrderedDict()

    def asked(self, key: Key, method: str, task_tool: str | None = None) -> None:
        """The client is given a request of the server, which may be for a task: by the mark of its tool."""
        self._open[key] = (method, task_tool)
        if len(self._open) > MAX_QUESTIONS:
            self._open.popitem(last=False)

    def differs(self, key: Key, method: str) -> bool:
        """Whether another method was asked under `key`, and is not answered yet."""
        return key in self._open and self._open[key][0] != method

    def answered(self, key: Key) -> tuple[str, str | None] | None:
        """The method that was asked under `key`, and the mark of its task's tool, once; None if nothing was."""
        return self._open.pop(key, None)


class OwnQuestions:
    """Requests of the sidecar's own, each with somebody who waits for its answer: these go no further."""

    def __init__(self) -> None:
        self._open: dict[Key, asyncio.Future[Message]] = {}

    @contextmanager
    def expecting(self, key: Key) -> Iterator["asyncio.Future[Message]"]:
        """The answer to the request of `key`, which may come for the length of the block."""
        self._open[key] = answer = asyncio.get_running_loop().create_future()
        try:
            yield answer
        finally:
            del self._open[key]

    def answered(self, key: Key, message: Message) -> bool:
        """Hand an answer over; False if it answers nothing of ours, or for the second time."""
        answer = self._open.get(key)
        if answer is None or answer.done():
            return False
        answer.set_result(message)
        return True
