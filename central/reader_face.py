"""What readers ask of central over HTTP: chains, records, incidents, completeness, proofs, of their tenant alone.

A reader sends `Authorization: Bearer <token>` (see `readers`). Times are RFC 3339 with a zone. Every answer is bounded:
`after` is where the next part begins, null where there is none.
"""

import base64
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from central.answers import BadRequest, error_answer, json_answer
from central.ledger.completeness import completeness
from central.ledger.reading import HeldRecord, Reading, Wanted
from central.log.proving import BrokenFiles, Inclusion, NotPublished, Prover
from central.looking import SECONDS, Looking
from central.query import place_text
from central.readers import Reader, Readers
from central.store.engine import Store
from evidence.clock import Clock

AT_ONCE: Final = 4
"""Questions that are looked up at the same time; the others wait."""


class ReaderFace:
    """The handlers of readers. They raise NotAuthenticated, BadRequest, LedgerUnavailable."""

    def __init__(self, readers: Readers, store: Store, prover: Prover, clock: Clock) -> None:
        self._looking = Looking(readers, AT_ONCE)
        self._store, self._prover, self._clock = store, prover, clock

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
        reader, given = self._looking.asked(request, ("after", "limit"))
        after, limit, reading = given.number("after") or 0, given.limit(), self._reading(reader)
        found, place = await self._looking.up(lambda: reading.chains(after=after, limit=limit))
        chains = [asdict(one) for one in found]
        return json_answer({"tenant": reader.tenant, "chains": chains, "after": place_text(place)})

    async def records(self, request: web.Request) -> web.Response:
        """GET `chain`, `sidecar`, `first`, `last`, `since`, `until`, `after`, `limit`: records as they came."""
        names = ("chain", "sidecar", "first", "last", "since", "until", "after", "limit")
        reader, given = self._looking.asked(request, names)
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
        page = await self._looking.up(lambda: reading.records(wanted, after=after, limit=limit))
        return json_answer({"records": [_record(one) for one in page.records], "after": place_text(page.after)})

    async def incidents(self, request: web.Request) -> web.Response:
        """GET `after`, `limit`: what was met that should not be."""
        reader, given = self._looking.asked(request, ("after", "limit"))
        after, limit, reading = given.number("after") or 0, given.limit(), self._reading(reader)
        found = await self._looking.up(lambda: reading.incidents(after=after, limit=limit))
        place = found[-1].no if len(found) == limit else None
        return json_answer({"incidents": [asdict(one) for one in found], "after": place_text(place)})

    async def completeness(self, request: web.Request) -> web.Response:
        """GET `since`, `until`, `sidecar`, `after`, `limit`: whether anything is missing of what was written then.

        Of a part of the answer nobody can say so: `complete` is null in it, and true or false in a whole one.
        """
        reader, given = self._looking.asked(request, ("since", "until", "sidecar", "after", "limit"))
        after, limit = given.number("after") or 0, given.limit()
        since, until, sidecar = given.time("since"), given.time("until"), given.text("sidecar")
        ends = self._clock.now().unix_ns // 1000 if until is None else until
        found = await self._looking.up(
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
            "after": place_text(found.after),
        }
        return json_answer(told)

    async def proof(self, request: web.Request) -> web.Response:
        """GET `chain`, `seq`, `size`: that the log has the record, for the tree of so many leaves or the last one."""
        reader, given = self._looking.asked(request, ("chain", "seq", "size"))
        chain, seq, size = given.digest("chain"), given.number("seq"), given.number("size")
        if chain is None or seq is None:
            raise BadRequest("a proof is of a record: name its `chain` and `seq`")
        reading = self._reading(reader)
        index = await self._looking.up(lambda: reading.leaf(chain, seq))
        if index is None:
            return error_answer(404, "not_found", "the log does not have this record (yet)")
        try:
            found = await self._looking.up(lambda: self._prover.inclusion(index, size))
        except NotPublished as error:
            return error_answer(404, "not_found", str(error))
        except BrokenFiles as error:
            return error_answer(500, "log_broken", str(error))
        return json_answer(_proof(found))

    def _reading(self, reader: Reader) -> Reading:
        return Reading(self._store, reader.tenant, SECONDS)


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
