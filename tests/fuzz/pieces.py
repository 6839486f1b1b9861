"""Bytes read as a series of choices, so that a change of one byte changes one choice."""


class Pieces:
    """Hands out an input from its front; after its end every number is 0 and every piece is empty."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._raw)

    def number(self, below: int) -> int:
        """A number from 0 to `below` - 1, which is at most 65535; 0 where `below` is 0."""
        return int.from_bytes(self.take(1 if below <= 256 else 2)) % below if below else 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes, or as many as are left."""
        piece = self._raw[self._at : self._at + count]
        self._at += len(piece)
        return piece

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._raw))
