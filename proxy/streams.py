"""The two legs without a message: GET opens a stream of the upstream to the client, DELETE ends a session.

Both pass identify and contain like every message, and what comes on a stream is judged frame by frame.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final
from urllib.parse import urljoin, urlsplit

from msgspec import structs

from evidence.journal import NotRecorded
from policy.containment import Contained
from proxy.flights import Flight, resume
from proxy.forward import HttpLeg, HttpUpstream
from proxy.gate import Gate
from proxy.legacy import ERA, LegacyStream, StreamWriter
from proxy.path.contain import contain_caller
from proxy.path.judge import Judge
from proxy.path.record import Recording
from proxy.path.unasked import judge_unasked
from proxy.refusals import BadAnswer, explain, leg_reply
from proxy.vocabulary import Arrival, ClientGone, ClientLeg, Exchange, Reply
from proxy.wire.sse import event_bytes

LEGACY_PATH: Final = "/-/"
"""Between the name of an upstream and the token of a legacy stream."""


async def relay(exchange: Exchange, client: ClientLeg, gate: Gate, upstream: HttpUpstream) -> None:
    """GET: pass the upstream's stream on, judged frame by frame, until one side ends it."""
    record = Recording(gate, exchange)
    flight: Flight | None = None
    try:
        async with HttpLeg(upstream) as leg:
            with gate.open_streams.enter(exchange.caller, exchange.upstream, exchange.session) as flight:
                await _enter(exchange, gate, record, "stream")
                arrival = await leg.request("GET", (*exchange.headers, *upstream.added_headers))
                await _pass_on(arrival, exchange, client, gate, upstream, record)
    except asyncio.CancelledError:
        if flight is None or flight.order is None:
            raise
        resume()
        await _end(client)
    except ClientGone:
        return
    except Exception as error:  # noqa: BLE001  (every reason is mapped by `explain`: fail closed)
        await _refuse(error, client, record)


async def end_session(exchange: Exchange, client: ClientLeg, gate: Gate, upstream: HttpUpstream) -> None:
    """DELETE: the upstream ends the session, and so do we if it agrees.

    There is no JSON-RPC answer to a DELETE: what is said besides its status is read as beside a POST that asks nothing.
    """

    async def ended() -> Reply:
        async with HttpLeg(upstream) as leg:
            arrival = await leg.request("DELETE", (*exchange.headers, *upstream.added_headers))
        if 200 <= arrival.status < 300 and exchange.session is not None:
            gate.sessions.end(exchange.upstream, exchange.session)
            gate.detached.end_session(exchange.upstream, exchange.session)
        verdict = await Judge(gate, exchange, Recording(gate, exchange), ()).whole(arrival)
        return Reply(arrival.status, arrival.headers, verdict.raw or b"")

    await answer_once(exchange, client, gate, "delete", ended)


async def answer_once(
    exchange: Exchange, client: ClientLeg, gate: Gate, event: str, reply: Callable[[], Awaitable[Reply]]
) -> None:
    """A leg with one whole answer: noted as `event`, unless its caller is contained; a kill ends it."""
    record = Recording(gate, exchange)
    flight: Flight | None = None
    try:
        with gate.flights.enter(exchange.caller, exchange.upstream, exchange.session) as flight:
            await _enter(exchange, gate, record, event)
            await client.answer(await reply())
    except asyncio.CancelledError:
        if flight is None or flight.order is None:
            raise
        resume()
        await _refuse(Contained(flight.order), client, record)
    except ClientGone:
        return
    except Exception as error:  # noqa: BLE001  (every reason is mapped by `explain`: fail closed)
        await _refuse(error, client, record)


async def _enter(exchange: Exchange, gate: Gate, record: Recording, event: str) -> None:
    gate.sessions.check(exchange.upstream, exchange.session, exchange.caller)
    contain_caller(gate.orders.current, exchange.caller, exchange.upstream)
    await record.notice(event)


async def _refuse(error: Exception, client: ClientLeg, record: Recording) -> None:
    refusal = explain(error)
    try:
        reference = await record.refused(refusal)
    except NotRecorded as unrecorded:
        refusal, reference = explain(unrecorded), record.reference()
    if client.begun:
        await _end(client)
    else:
        await client.answer(leg_reply(refusal, reference))


async def _end(client: ClientLeg) -> None:
    with suppress(ClientGone):
        await client.end()


async def _pass_on(
    arrival: Arrival, exchange: Exchange, client: ClientLeg, gate: Gate, upstream: HttpUpstream, record: Recording
) -> None:
    if arrival.frames is None:
        if arrival.body and 200 <= arrival.status < 300:
            raise BadAnswer("no_stream", f"a GET is answered with {arrival.content_type or 'nothing known'}")
        verdict = await Judge(gate, exchange, record, ()).whole(arrival)
        await client.answer(Reply(arrival.status, arrival.headers, verdict.raw or b""))
        return
    await client.begin(arrival.status, arrival.headers)
    writer = StreamWriter(client)
    stream: LegacyStream | None = None
    try:
        async for frame in arrival.frames:
            if frame.endpoint is not None:
                if stream is not None:
                    raise BadAnswer("second_endpoint", "the stream names its endpoint twice")
                stream = _legacy(frame.endpoint, exchange, gate, upstream, writer)
                exchange = structs.replace(exchange, transport="sse", session=stream.token, era=ERA)
                await writer.event(event_bytes(_own_endpoint(stream, upstream), event="endpoint"))
            elif stream is None or not stream.demux.offer(frame):
                await _pass(await judge_unasked(gate, exchange, frame, record), writer)
    finally:
        record.note_heard()
        if stream is not None:
            upstream.streams.remove(stream)
            gate.sessions.end(upstream.name, stream.token)
    await client.end()


async def _pass(raw: bytes | None, writer: StreamWriter) -> None:
    if raw is not None:
        await writer.event(raw)


def _legacy(named: str, exchange: Exchange, gate: Gate, upstream: HttpUpstream, writer: StreamWriter) -> LegacyStream:
    """Open a legacy stream. Raises BadAnswer for an endpoint of another origin: requests go nowhere else (SSRF)."""
    endpoint = _in_the_same_place(upstream.target.url, named)
    if endpoint is None:
        raise BadAnswer("foreign_endpoint", "the endpoint event names another origin than the configured URL")
    stream = LegacyStream(gate.new_id(), exchange.caller, endpoint, writer)
    upstream.streams.add(stream)
    gate.sessions.bind(upstream.name, stream.token, exchange.caller)
    return stream


def _in_the_same_place(configured: str, named: str) -> str | None:
    """The URL that an endpoint event names, if scheme and authority are the configured ones."""
    try:
        endpoint = urljoin(configured, named)
        return endpoint if urlsplit(endpoint)[:2] == urlsplit(configured)[:2] else None
    except ValueError:
        return None


def _own_endpoint(stream: LegacyStream, upstream: HttpUpstream) -> bytes:
    return f"/{upstream.name}{LEGACY_PATH}{stream.token}".encode()
