"""Random bytes of the operating system, in blocks."""

import os
from collections.abc import Callable


class RandomPool:
    """Random bytes of the operating system, drawn in blocks: a system call for each salt costs more than the salt."""

    def __init__(self, block_bytes: int = 4096, source: Callable[[int], bytes] = os.urandom) -> None:
        self._block_bytes = block_bytes
        self._source = source
        self._block = b""
        self._used = 0

    def __call__(self, count: int) -> bytes:
        """`count` bytes, each given out once."""
        if self._used + count > len(self._block):
            self._block, self._used = self._source(max(self._block_bytes, count)), 0
        self._used += count
        return self._block[self._used - count : self._used]
