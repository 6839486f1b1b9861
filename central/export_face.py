"""What readers ask of central to make a pack on their own machine, beside records: of their tenant alone, in parts.

What was sealed is not opened here: the tenant's private key is with the reader. Wrapped keys are for those readers of
whom `readers.toml` says so. See `central.reader_face` for what all answers have in common.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import orjson
from aiohttp import web

from central.answers import BadRequest, error_answer, json_answer
from central.ledger.narrowing import Sought, chains_with
from central.ledger.packs import ErasedMeanwhile, note_new_pack
from central.ledger.parts import Parts
from central.ledger.reading import MOST, Reading
from central.looking import SECONDS, Looking
from central.pack.around import NoSuchIncident, around
from central.query import Query, place_text
from central.readers import Reader, Readers
from central.receipts import Receipts
from central.store.engine import Store
from evidence.clock import Clock, micros
from evidence.record import is_digest

AT_ONCE: Final = 2
"""Questions for packs that are looked up at the same time, beside those of other readers; the others wait."""

_BODY_BYTES: Final = 1 << 20
_SOUGHT: Final = ("session", "agent", "call", "since", "until", "incident", "after")


class ExportFace:
    """The handlers. They raise NotAuthenticated, BadRequest, LedgerUnavailable, SigningFailed, TimeoutError."""

    def __init__(
        self, readers: Readers, store: Store, receipts: Receipts, ledger_keys: Callable[[], bytes | None], clock: Clock
    ) -> None:
        self._looking = Looking(readers, AT_ONCE)
        self._store, self._receipts = store, receipts
        self._ledger_keys, self._clock = ledger_keys, clock

    def routes(self) -> list[web.RouteDef]:
        """Where they are."""
        return [
            web.get("/v1/exports", self.exports),
            web.get("/v1/receipt", self.receipt),
            web.get("/v1/heads", self.heads),
            web.get("/v1/keys", self.keys),
            web.get("/v1/leaves", self.leaves),
            web.post("/v1/packs", self.packs),
        ]

    async def exports(self, request: web.Request) -> web.Response:
        """GET `session`, `agent`, `call`, `since`, `until`, `incident`, `after`: the chains that can have it."""
        reader, query = self._looking.asked(request, _SOUGHT)
        since, until, number = query.text("since"), query.text("until"), query.number("incident")
        query.time("since"), query.time("until")
        if number is not None:
            if since is not None or until is not None:
                raise BadRequest("an incident has its own time: no `since` and `until` beside it")
            reading = Reading(self._store, reader.tenant, SECONDS)
            try:
                since, until = await self._looking.up(lambda: around(reading, number))
            except NoSuchIncident as error:
                return error_answer(404, "not_found", str(error))
        names = (query.text("session"), query.text("agent"), query.text("call"))
        sought = Sought(*names, *(None if time is None else micros(time) for time in (since, until)))
        after = query.number("after") or 0
        found = await self._looking.up(
            lambda: chains_with(self._store, reader.tenant, sought, after=after, limit=MOST, seconds=SECONDS)
        )
        place = place_text(found[-1][0] if len(found) == MOST else None)
        chains = [chain for _, chain in found]
        return json_answer({"tenant": reader.tenant, "chains": chains, "since": since, "until": until, "after": place})

    async def receipt(self, request: web.Request) -> web.Response:
        """GET `chain`: a receipt for all that is held of it, dated now, and the history of the keys that sign them."""
        reader, _, chain, parts = self._asked(request)
        held = await self._looking.up(parts.held)
        if held is None:
            return error_answer(404, "not_found", "there is no such chain")
        note = await self._receipts.note(
            sidecar=held.sidecar, tenant=reader.tenant, chain=chain, incarnation=held.incarnation,
            position=held.position,
        )  # fmt: skip
        # Read after the note: a key may have become the leading one in between.
        history = await asyncio.to_thread(self._ledger_keys)
        return json_answer({"receipt": note, "ledger_keys": None if history is None else history.decode()})

    async def heads(self, request: web.Request) -> web.Response:
        """GET `chain`, `after`: the signed heads, each with the number of the record that it stands behind."""
        _, query, _, parts = self._asked(request)
        after = query.place("after")
        found, place = await self._looking.up(lambda: parts.heads(after=after))
        told = [{"seq": seq, "note": note} for seq, note in found]
        return json_answer({"heads": told, "after": place_text(place)})

    async def keys(self, request: web.Request) -> web.Response:
        """GET `chain`, `after`: the wrapped keys, for readers who are given them."""
        reader, query, _, parts = self._asked(request)
        if not reader.wrapped_keys:
            what = "this reader is given no wrapped keys: `wrapped_keys = true` in readers.toml says otherwise"
            return error_answer(403, "no_keys", what)
        after = query.number("after") or 0
        found, place = await self._looking.up(lambda: parts.keys(after=after))
        return json_answer({"keys": found, "after": place_text(place)})

    async def leaves(self, request: web.Request) -> web.Response:
        """GET `chain`, `after`: which leaves of the log its records are."""
        _, query, _, parts = self._asked(request)
        after = query.number("after") or 0
        found, place = await self._looking.up(lambda: parts.leaves(after=after))
        return json_answer({"leaves": [asdict(one) for one in found], "after": place_text(place)})

    async def packs(self, request: web.Request) -> web.Response:
        """POST `{"digest", "units"}`: note a pack that the reader has made, before it is handed out."""
        reader = self._looking.reader(request)
        async with self._looking.room, asyncio.timeout(SECONDS):
            digest, units = _pack(await _body(request))
            at = self._clock.now().rfc3339()
            mine = {"tenant": reader.tenant, "by": reader.name}
            try:
                await asyncio.to_thread(lambda: note_new_pack(self._store, digest=digest, units=units, at=at, **mine))
            except ErasedMeanwhile as error:
                return error_answer(409, "erased", str(error))
        return json_answer({"noted": digest})

    def _asked(self, request: web.Request) -> tuple[Reader, Query, str, Parts]:
        """Who asks, and of which chain."""
        reader, query = self._looking.asked(request, ("chain", "after"))
        chain = query.digest("chain")
        if chain is None:
            raise BadRequest("name the `chain`")
        return reader, query, chain, Parts(self._store, reader.tenant, chain, SECONDS)


async def _body(request: web.Request) -> Any:
    try:
        content = await request.content.readexactly(_BODY_BYTES + 1)
    except asyncio.IncompleteReadError as whole:
        content = whole.partial
    if len(content) > _BODY_BYTES:
        raise BadRequest("that is more than a pack has units")
    try:
        return orjson.loads(content)
    except ValueError as error:
        raise BadRequest("the body is no JSON") from error


def _pack(given: Any) -> tuple[str, list[str]]:
    match given:
        case {"digest": str(digest), "units": list(units)} if (
            len(given) == 2
            and is_digest(digest)
            and all(isinstance(unit, str) and unit and unit.isprintable() for unit in units)
        ):
            return digest, units
    raise BadRequest('the body is {"digest": <SHA-256 in hex>, "units": [<erasure units>]}')
