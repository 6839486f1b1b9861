"""The parameters of a question that comes over HTTP."""

import re
from typing import Final

from aiohttp import web

from central.answers import BadRequest
from central.ledger.reading import MOST
from evidence.clock import micros
from evidence.record import is_digest

_PLACE: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


class Query:
    """The parameters of a request. Each way of reading one raises BadRequest."""

    def __init__(self, request: web.Request, known: frozenset[str]) -> None:
        self._query = request.query
        for name in self._query:
            if name not in known:
                raise BadRequest(f"there is no parameter {name!r} here: {', '.join(sorted(known)) or 'there is none'}")
            if len(self._query.getall(name)) > 1:
                raise BadRequest(f"`{name}` is given twice")

    def text(self, name: str) -> str | None:
        return self._query.get(name)

    def number(self, name: str) -> int | None:
        text = self._query.get(name)
        if text is not None and not _NUMBER.fullmatch(text):
            raise BadRequest(f"`{name}` is a whole number")
        return None if text is None else int(text)

    def digest(self, name: str) -> str | None:
        text = self._query.get(name)
        if text is not None and not is_digest(text):
            raise BadRequest(f"`{name}` has 64 hex digits: a chain is named by the link of its first record")
        return text

    def time(self, name: str) -> int | None:
        text = self._query.get(name)
        if text is None:
            return None
        if (at := micros(text)) is None:
            raise BadRequest(f"`{name}` is a time with its zone, as in 2026-01-31T12:00:00Z")
        return at

    def place(self, name: str) -> tuple[int, int]:
        text = self._query.get(name)
        if text is None:
            return 0, 0
        found = _PLACE.fullmatch(text)
        if found is None:
            raise BadRequest(f"`{name}` is what the part before gave")
        return int(found[1]), int(found[2])

    def limit(self) -> int:
        given = self.number("limit")
        if given is not None and not 1 <= given <= MOST:
            raise BadRequest(f"`limit` is between 1 and {MOST}")
        return MOST if given is None else given


def place_text(place: int | tuple[int, int] | None) -> str | None:
    """How an answer tells where its next part begins, as `number` and `place` read it; None where there is none."""
    return ".".join(map(str, place)) if isinstance(place, tuple) else None if place is None else str(place)
