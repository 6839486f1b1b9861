"""What readers ask of central over HTTP: chains, records, incidents, completeness, proofs, of their tenant alone.

A reader sends `Authorization: Bearer <token>` (see `readers`). Times are RFC 3339 with a zone. Every answer is bounded:
`after` is where the next part begins, null where there is none.
"""

import asyncio
import base64
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Final, TypeVar

from aiohttp import hdrs, web

from central.answers import BadRequest, error_answer, json_answer
from central.authentication import reader_of
from central.ledger.completeness import completeness
from central.ledger.reading import HeldRecord, Reading, Wanted
from central.log.proving import BrokenFiles, Inclusion, NotPublished, Prover
from central.query import Query
from central.readers import Reader, Readers
from central.store.engine import Store
from evidence.clock import Clock

AT_ONCE: Final = 4
"""Questions that are looked up at the same time; the others wait."""

SECONDS: Final = 20.0
"""How long the database may look for one answer."""

_Found = TypeVar("_Found")


class ReaderFace:
    """The handlers of readers. They raise NotAuthenticated, BadRequest, LedgerUnavailable."""

    def __init__(self, readers: Readers, store: Store, prover: Prover, clock: Clock) -> None:
        self._readers, self._store, self._prover, self._clock = readers, store, prover, clock
        self._room = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        """Where they are."""
        return [
            web.get("/v1/chains", self.chains),
            web.get("/v1/records", self.records),
            web.get("/v1/incidents", self.incidents),
            web.get("/v1/completeness", self.completeness),
            web.get("/v1/log/proof", self.proof),
        ]

    async def chains(self, request: web.Request) -> web.Response:
        """GET `after`, `limit`: where each chain of the tenant stands."""
        reader, given = self._asked(request, ("after", "limit"))
        after, limit, reading = given.number("after") or 0, given.limit(), self._reading(reader)
        found, place = await self._looked_up(lambda: reading.chains(after=after, limit=limit))
        return json_answer({"tenant": reader.tenant, "chains": [asdict(one) for one in found], "after": _place(place)})

    async def records(self, request: web.Request) -> web.Response:
        """GET `chain`, `sidecar`, `first`, `last`, `since`, `until`, `after`, `limit`: records as they came."""
        names = ("chain", "sidecar", "first", "last", "since", "until", "after", "limit")
        reader, given = self._asked(request, names)
        wanted = Wanted(
            chain=given.digest("chain"),
            sidecar=given.text("sidecar"),
            first=given.number("first"),
            last=given.number("last"),
            since=given.time("since"),
            until=given.time("until"),
        )
        after, limit = given.place("after"), given.limit()
        reading = self._reading(reader)
        page = await self._looked_up(lambda: reading.records(wanted, after=after, limit=limit))
        place = None if page.after is None else f"{page.after[0]}.{page.after[1]}"
        return json_answer({"records": [_record(one) for one in page.records], "after": place})

    async def incidents(self, request: web.Request) -> web.Response:
        """GET `after`, `limit`: what was met that should not be."""
        reader, given = self._asked(request, ("after", "limit"))
        after, limit, reading = given.number("after") or 0, given.limit(), self._reading(reader)
        found = await self._looked_up(lambda: reading.incidents(after=after, limit=limit))
        place = found[-1].no if len(found) == limit else None
        return json_answer({"incidents": [asdict(one) for one in found], "after": _place(place)})

    async def completeness(self, request: web.Request) -> web.Response:
        """GET `since`, `until`, `sidecar`, `after`, `limit`: whether anything is missing of what was written then.

        Of a part of the answer nobody can say so: `complete` is null in it, and true or false in a whole one.
        """
        reader, given = self._asked(request, ("since", "until", "sidecar", "after", "limit"))
        after, limit = given.number("after") or 0, given.limit()
        since, until, sidecar = given.time("since"), given.time("until"), given.text("sidecar")
        ends = self._clock.now().unix_ns // 1000 if until is None else until
        found = await self._looked_up(
            lambda: completeness(
                self._store, reader.tenant, since=since, until=ends, sidecar=sidecar, after=after, limit=limit,
                seconds=SECONDS,
            )
        )  # fmt: skip
        whole = bool(found.chains) and not any(one.lacks for one in found.chains)
        told = {
            "complete": whole if after == 0 and found.after is None else None,
            "since": since,
            "until": ends,
            "chains": [asdict(one) for one in found.chains],
            "after": _place(found.after),
        }
        return json_answer(told)

    async def proof(self, request: web.Request) -> web.Response:
        """GET `chain`, `seq`, `size`: that the log has the record, for the tree of so many leaves or the last one."""
        reader, given = self._asked(request, ("chain", "seq", "size"))
        chain, seq, size = given.digest("chain"), given.number("seq"), given.number("size")
        if chain is None or seq is None:
            raise BadRequest("a proof is of a record: name its `chain` and `seq`")
        reading = self._reading(reader)
        index = await self._looked_up(lambda: reading.leaf(chain, seq))
        if index is None:
            return error_answer(404, "not_found", "the log does not have this record (yet)")
        try:
            found = await self._looked_up(lambda: self._prover.inclusion(index, size))
        except NotPublished as error:
            return error_answer(404, "not_found", str(error))
        except BrokenFiles as error:
            return error_answer(500, "log_broken", str(error))
        return json_answer(_proof(found))

    def _asked(self, request: web.Request, names: Iterable[str]) -> tuple[Reader, Query]:
        """Who asks, and for what."""
        reader = reader_of(request.headers.get(hdrs.AUTHORIZATION, ""), self._readers)
        return reader, Query(request, frozenset(names))

    def _reading(self, reader: Reader) -> Reading:
        return Reading(self._store, reader.tenant, SECONDS)

    async def _looked_up(self, look: Callable[[], _Found]) -> _Found:
        async with self._room:
            return await asyncio.to_thread(look)


def _place(after: int | None) -> str | None:
    return None if after is None else str(after)


def _record(one: HeldRecord) -> dict[str, Any]:
    box = None if one.box is None else base64.b64encode(one.box).decode()
    return {**asdict(one), "header": one.header.decode(), "body": one.body.decode(), "box": box}


def _proof(found: Inclusion) -> dict[str, Any]:
    return {
        "index": found.index,
        "leaf": found.leaf.hex(),
        "size": found.size,
        "root": base64.b64encode(found.root).decode(),
        "hashes": [base64.b64encode(one).decode() for one in found.hashes],
        "checkpoint": found.checkpoint,
    }
