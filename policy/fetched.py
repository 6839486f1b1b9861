"""What comes of a question to a bundle server: an answer, or why there is none."""

from dataclasses import dataclass


class NotFetched(Exception):
    """The server gave nothing that could be a bundle; `what` goes on from its URL and tells no secret."""

    def __init__(self, what: str, retry_after: float = 0.0) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after = retry_after


class NoBundle(NotFetched):
    """The server gave something, and it can be no bundle, whatever is in it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: a bundle, or None where it is the one that was asked with; whether the server waits, if it said so."""

    packed: bytes | None
    etag: str | None
    can_wait: bool | None = None
