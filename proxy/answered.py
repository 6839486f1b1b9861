"""Legacy answers that went out on a stream with event ids: a client that lost its stream may be given them again.

A server that replays (Last-Event-ID) sends the very same bytes; anything else under the id is a second answer.
"""

import hashlib
from collections import OrderedDict
from typing import Final

from policy.obligations import Pointer
from proxy.detached import slim
from proxy.vocabulary import Key
from proxy.wire.message import Message

Pointers = tuple[Pointer, ...]

MAX_ANSWERED: Final = 10_000
"""Answers remembered by their digest; the oldest goes first, and its replay is then dropped."""


class Answered:
    """Tells a replay from a second answer."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Key, tuple[bytes, Message, Pointers]] = OrderedDict()

    def remember(self, key: Key, request: Message, raw: bytes, redact: Pointers) -> None:
        """`raw` answered `request` on a stream that can be resumed; `redact` names what of it stays back."""
        self._seen[key] = (hashlib.sha256(raw).digest(), slim(request), redact)
        self._seen.move_to_end(key)
        if len(self._seen) > MAX_ANSWERED:
            self._seen.popitem(last=False)

    def again(self, key: Key, raw: bytes) -> tuple[Message, Pointers] | None:
        """The request (without its bytes) that `raw` has answered before, and what is redacted; None if no replay."""
        found = self._seen.get(key)
        return found[1:] if found is not None and found[0] == hashlib.sha256(raw).digest() else None
