"""Legacy answers that went out on a stream with event ids: a client that lost its stream may be given them again.

A server that replays (Last-Event-ID) sends the very same bytes; anything else under the id is a second answer.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from policy.obligations import Pointer
from proxy.detached import slim
from proxy.vocabulary import Key
from proxy.wire.message import Message

Pointers = tuple[Pointer, ...]

MAX_ANSWERED: Final = 10_000
"""Answers remembered by their digest; the oldest goes first, and its replay is then dropped."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer by its SHA-256, the request without its bytes, what is redacted, and the mark of the tool."""

    digest: bytes
    request: Message
    redact: Pointers
    tool: str


class Answered:
    """Tells a replay from a second answer."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Key, Given] = OrderedDict()

    def remember(self, key: Key, request: Message, raw: bytes, redact: Pointers, tool: str) -> None:
        """`raw` answered `request` on a stream that can be resumed.

        `redact` names what of it stays back, `tool` is the mark of the tool that it came from.
        """
        self._seen[key] = Given(hashlib.sha256(raw).digest(), slim(request), redact, tool)
        self._seen.move_to_end(key)
        if len(self._seen) > MAX_ANSWERED:
            self._seen.popitem(last=False)

    def again(self, key: Key, raw: bytes) -> Given | None:
        """What `raw` has been given as before; None if it is no replay."""
        found = self._seen.get(key)
        return found if found is not None and found.digest == hashlib.sha256(raw).digest() else None
