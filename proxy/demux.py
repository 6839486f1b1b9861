"""Demultiplex: one stream carries the answers of many exchanges (legacy HTTP+SSE, stdio); each finds its own by id."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

from proxy.refusals import BadAnswer, Busy
from proxy.vocabulary import Exchange, Frame
from proxy.wire.ids import message_id
from proxy.wire.message import Message, MessageKind

STOPPED: Final = "stopped by an operator"
"""The reason that an upstream is told when a kill ends a call."""

CANCELLED: Final = "notifications/cancelled"

CANCEL_GRACE_SECONDS: Final = 1.0
"""How long the answer to a cancelled request may still come: servers should not send one, and some do."""


class Answers:
    """The frames that answer one exchange; ends after the last awaited answer, or when the stream ends."""

    def __init__(self, keys: frozenset[str]) -> None:
        self.awaited = bool(keys)
        self._left = set(keys)
        # At most one frame for each key and one end: `offer` puts no other.
        self._frames: asyncio.Queue[Frame | BadAnswer | None] = asyncio.Queue(len(keys) + 1)

    def offer(self, frame: Frame, keys: set[str]) -> None:
        """A frame with answers to `keys`."""
        self._left -= keys
        self._frames.put_nowait(frame)
        if not self._left:
            self._frames.put_nowait(None)

    def give_up(self, key: str) -> None:
        """The answer to `key` will not come; the others may."""
        if self._left == {key}:
            self.end()
        self._left.discard(key)

    def end(self) -> None:
        """The stream has ended."""
        if self._left:
            self._left.clear()
            self._frames.put_nowait(None)

    def fail(self, error: BadAnswer) -> None:
        """What answers one of them cannot be read: the exchange fails."""
        if self._left:
            self._left.clear()
            self._frames.put_nowait(error)

    async def frames(self) -> AsyncIterator[Frame]:
        """The frames in the order of their arrival. Raises BadAnswer where one cannot be read."""
        while (frame := await self._frames.get()) is not None:
            if isinstance(frame, BadAnswer):
                raise frame
            yield frame


class Demux:
    """Who waits for which id on one stream."""

    def __init__(self) -> None:
        self._waiting: dict[str, Answers] = {}

    def expect(self, exchange: Exchange) -> Answers:
        """Wait for the answers to every request of `exchange`. Raises Busy if an id is in use: nothing is sent."""
        keys = frozenset(
            message.id.key
            for message in exchange.envelope.messages
            if message.kind is MessageKind.REQUEST and message.id is not None
        )
        if not keys.isdisjoint(self._waiting):
            raise Busy("id_in_use", "another request with this id is under way on the stream")
        answers = Answers(keys)
        self._waiting.update(dict.fromkeys(keys, answers))
        for message in exchange.envelope.messages:
            key = cancelled_key(message)
            if key is not None and (cancelled := self._waiting.get(key)) is not None:
                asyncio.get_running_loop().call_later(CANCEL_GRACE_SECONDS, self._give_up, key, cancelled)
        return answers

    def _give_up(self, key: str, answers: Answers) -> None:
        if self._waiting.get(key) is answers:
            del self._waiting[key]
            answers.give_up(key)

    def forget(self, answers: Answers) -> None:
        """Nobody waits for these any more."""
        for key in [key for key, found in self._waiting.items() if found is answers]:
            del self._waiting[key]

    def offer(self, frame: Frame) -> bool:
        """Give a frame to the exchange that waits for an answer in it; False if none does."""
        if frame.envelope is None:
            return False
        found: dict[Answers, set[str]] = {}
        for message in frame.envelope.messages:
            if message.kind in (MessageKind.RESULT, MessageKind.ERROR) and message.id is not None:
                answers = self._waiting.pop(message.id.key, None)
                if answers is not None:
                    found.setdefault(answers, set()).add(message.id.key)
        for answers, keys in found.items():
            answers.offer(frame, keys)
        return bool(found)

    def unreadable(self, key: str | None, error: BadAnswer) -> None:
        """An answer to `key` came and cannot be read; without a key it is the answer to whatever alone waits."""
        if key is None and len(self._waiting) == 1:
            (key,) = self._waiting
        answers = None if key is None else self._waiting.get(key)
        if answers is not None:
            self.forget(answers)
            answers.fail(error)

    def end(self) -> None:
        """The stream has ended: nobody is answered any more."""
        for answers in set(self._waiting.values()):
            answers.end()
        self._waiting.clear()

    @contextmanager
    def until_sent(self, exchange: Exchange) -> Iterator[Answers]:
        """Expect answers while the request is sent; if sending fails nobody waits."""
        answers = self.expect(exchange)
        try:
            yield answers
        except BaseException:
            self.forget(answers)
            raise


def cancelled_key(message: Message) -> str | None:
    """The key of the request that a `notifications/cancelled` is about; None for every other message."""
    if message.method != CANCELLED or not isinstance(message.params, dict):
        return None
    found = message_id(message.params.get("requestId"))
    return None if found is None else found.key


def cancelled_notification(message: Message, reason: str) -> bytes:
    """`notifications/cancelled` for a request, its id spelled as it came. `reason` is plain ASCII of ours."""
    text = "null" if message.id is None else message.id.text
    params = f'{{"requestId":{text},"reason":"{reason}"}}'
    return f'{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}'.encode()
