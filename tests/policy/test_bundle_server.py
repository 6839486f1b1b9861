"""Bundles from a server: what is taken, what is not, when it is asked again, and what decides while it is away."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from policy.activation import PolicySource
from policy.bundle_server import BundleServer, shown_url
from policy.embedded import EmbeddedEngine
from policy.engine import PolicyAway, PolicyRefused
from policy.fetched import Fetched, NotFetched
from policy.fetching import fetch
from policy.following import Asked, Following, Means, SourceEvent
from policy.keeping import Keeping, given_at, kept_at
from policy.versions import FILE
from tests.path.certificates import issue
from tests.policy.bundle_servers import PATH, Handler, Shelf, serving
from tests.policy.tampering import TAMPERED, good, signed, trust
from tests.policy.tampering import files as files_of


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    """A server with version 7."""
    async with serving(Shelf(good(7))) as made:
        yield made


def _server(shelf: Shelf, **more: Any) -> BundleServer:
    return BundleServer(**{"url": shelf.url, "poll_seconds": 1.0, "answer_seconds": 5.0, **more})


class Desk:
    """One sidecar's part: a state folder, an engine, and the source that it reads."""

    def __init__(self, state: Path, server: BundleServer, trusted: Any = None) -> None:
        self.state = state
        self.spec = server.shown
        self.served = Following(server, given_at(state, self.spec))
        self.engine = EmbeddedEngine(budget_seconds=5.0)
        self.source = PolicySource(
            self.spec,
            state / "grants.json",
            trust=trusted or trust(),
            keeping=Keeping(state, self.spec),
            served=self.served,
        )

    @property
    def version(self) -> int | None:
        """That of the active policy."""
        return None if self.engine.active is None else self.engine.active.version

    async def again(self) -> tuple[str, ...]:
        """Ask the server once more, and do what a sidecar does then."""
        await self.source.fetch()
        if self.source.changed():
            return (await self.source.activate(self.engine)).problems
        return self.source.problems


@pytest.fixture
async def desk(tmp_path: Path, shelf: Shelf) -> AsyncIterator[Desk]:
    """A sidecar that started with version 7."""
    made = Desk(tmp_path / "state", _server(shelf))
    assert (await made.source.begin(made.engine))[1] == ()
    yield made
    await made.engine.close()


async def test_an_unchanged_bundle_is_not_sent_again(desk: Desk, shelf: Shelf) -> None:
    active = desk.engine.active
    assert await desk.again() == ()
    assert shelf.answered == [200, 304]
    assert desk.engine.active is active


async def test_a_new_bundle_takes_the_place(desk: Desk, shelf: Shelf) -> None:
    shelf.put(good(8))
    assert await desk.again() == ()
    assert (desk.version, shelf.answered) == (8, [200, 200])


async def test_the_question_is_as_opa_asks(desk: Desk, shelf: Shelf) -> None:
    await desk.again()
    first, second = shelf.asked
    assert first["Prefer"] == "modes=snapshot"
    assert (first["Accept-Encoding"], "If-None-Match" in first) == ("identity", False)
    assert second["If-None-Match"] == shelf.etag


async def test_a_server_that_waits_answers_as_soon_as_there_is_news(tmp_path: Path) -> None:
    async with serving(Shelf(good(7), waits=True)) as shelf:
        desk = Desk(tmp_path, _server(shelf, poll_seconds=600.0))
        await desk.source.begin(desk.engine)
        news = asyncio.Event()
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            following = tasks.create_task(desk.served.follow(lambda _: news.set()))
            await shelf.asked_again.wait()
            await asyncio.sleep(0.1)
            shelf.put(good(8))
            await news.wait()
            following.cancel()
        assert shelf.asked[1]["Prefer"] == "modes=snapshot;wait=30"
        assert (await desk.source.activate(desk.engine)).problems == ()
        assert desk.version == 8
        await desk.engine.close()


async def test_nothing_is_kept_and_the_server_is_away(tmp_path: Path, shelf: Shelf) -> None:
    shelf.port = 1
    desk = Desk(tmp_path, _server(shelf))
    with pytest.raises(PolicyAway, match="no connection: Connection refused"):
        await desk.source.begin(desk.engine)
    await desk.engine.close()


@pytest.mark.parametrize("lost", ["nothing", "given", "kept"])
async def test_a_start_without_the_server_goes_on_with_what_is_on_disk(tmp_path: Path, lost: str) -> None:
    async with serving(Shelf(good(7))) as shelf:
        desk = Desk(tmp_path, _server(shelf))
        await desk.source.begin(desk.engine)
        await desk.engine.close()
    files = {"given": given_at(desk.state, desk.spec), "kept": kept_at(desk.state, desk.spec)}
    if lost in files:
        files[lost].unlink()
    again = Desk(tmp_path, _server(shelf))
    _, problems = await again.source.begin(again.engine)
    assert again.version == 7
    assert again.served.problem == "no connection: Connection refused"
    assert bool(problems) == (lost == "given")
    await again.engine.close()


async def test_a_server_that_is_away_later_changes_nothing(desk: Desk, shelf: Shelf) -> None:
    shelf.odd = _status(503)
    assert await desk.again() == ()
    assert (desk.version, desk.served.problem) == (7, "it answers HTTP 503")
    shelf.odd = None
    assert await desk.again() == ()
    assert desk.served.problem is None


async def test_a_server_that_starts_again_is_asked_again(tmp_path: Path) -> None:
    shelf = Shelf(good(7))
    async with serving(shelf):
        desk = Desk(tmp_path, _server(shelf))
        await desk.source.begin(desk.engine)
    await desk.again()
    assert desk.served.problem == "no connection: Connection refused"
    shelf.put(good(8))
    async with serving(shelf):
        assert await desk.again() == ()
    assert desk.version == 8
    await desk.engine.close()


def _status(status: int, **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer


def _body(body: bytes, **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers={"Content-Type": "application/gzip", **headers})

    return answer


def _says(length: int) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\nContent-Length: {length}\r\n\r\n"
        assert request.transport is not None
        request.transport.write(head.encode() + b"\x1f\x8b")
        request.transport.close()
        return web.Response()

    return answer


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/gzip"})
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await answer.write(b"\0" * 65536)
    return answer


async def _trickle(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/gzip"})
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await answer.write(b"\x1f")
            await asyncio.sleep(0.05)
    return answer


async def _no_end(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\n\r\n" + good(8)[:100])
    request.transport.close()
    return web.Response()


async def _no_http(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"220 mail.example ESMTP\r\n\r\n")
    request.transport.close()
    return web.Response()


async def _around(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound(request.path + "x")


NOT_TAKEN = [
    pytest.param(_status(500), "it answers HTTP 500", id="500"),
    pytest.param(_status(404), "there is no such bundle", id="404"),
    pytest.param(_status(403), "does not let this sidecar have it", id="403"),
    pytest.param(_status(206), "it answers HTTP 206", id="a-part"),
    pytest.param(_says(1 << 30), "more than 65536 bytes", id="oversized-by-its-own-word"),
    pytest.param(_body(b"\0" * 65537), "more than 65536 bytes", id="oversized"),
    pytest.param(_endless, "more than 65536 bytes", id="endless"),
    pytest.param(_says(1000), "its answer was cut short", id="cut-short"),
    pytest.param(_no_end, "does not say where its answer ends", id="without-an-end"),
    pytest.param(_trickle, "it does not answer in time", id="slow-trickle"),
    pytest.param(_body(b"<html>", **{"Content-Type": "text/html"}), "answers with text/html", id="wrong-type"),
    pytest.param(
        _body(gzip.compress(good(8)), **{"Content-Encoding": "gzip"}), "encodes what it was asked not", id="encoded"
    ),
    pytest.param(_no_http, "its answer is no HTTP", id="no-http"),
    pytest.param(_status(302, Location="http://localhost:1/b"), "another server", id="redirect-elsewhere"),
    pytest.param(_status(302, Location="file:///etc/passwd"), "another server", id="redirect-to-a-file"),
    pytest.param(_status(307), "does not say where", id="redirect-nowhere"),
    pytest.param(_around, "from one place to the next", id="redirects-around"),
]


@pytest.mark.parametrize(("odd", "problem"), NOT_TAKEN)
async def test_what_is_not_taken(tmp_path: Path, shelf: Shelf, odd: Handler, problem: str) -> None:
    """Neither at a start, nor later, where what was active stays."""
    server = _server(shelf, max_bytes=65536, answer_seconds=1.0)
    shelf.odd = odd
    with pytest.raises(NotFetched) as raised:
        await fetch(server, None, 0)
    assert problem in raised.value.what
    shelf.odd = None
    desk = Desk(tmp_path, server)
    await desk.source.begin(desk.engine)
    shelf.odd = odd
    assert await desk.again() == ()
    assert desk.version == 7
    assert problem in str(desk.served.problem)
    await desk.engine.close()


async def test_unchanged_is_no_answer_where_nobody_has_a_bundle(shelf: Shelf) -> None:
    shelf.odd = _status(304)
    with pytest.raises(NotFetched, match="it answers HTTP 304"):
        await fetch(_server(shelf), None, 0)


async def test_a_redirect_within_the_server_is_followed(shelf: Shelf) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == PATH:
            raise web.HTTPFound("/other/policy.tar.gz")
        return web.Response(body=shelf.packed, content_type="application/gzip")

    shelf.odd = answer
    assert (await fetch(_server(shelf), None, 0)).packed == shelf.packed


BAD = [
    pytest.param(signed(files_of(8), by="other"), "signature", id="wrongly-signed"),
    pytest.param(good(6), "version 6: the active one is 7", id="older"),
    pytest.param(good(8)[:-40], "not a readable bundle", id="truncated-before-it-was-served"),
    *(
        pytest.param(row.make(), row.reason, id=row.name)
        for row in TAMPERED
        if any(word in row.name for word in ("link", "upward", "travers", "unsigned"))
    ),
]


@pytest.mark.parametrize(("packed", "reason"), BAD)
async def test_a_bundle_that_does_not_count_changes_nothing(
    desk: Desk, shelf: Shelf, packed: bytes, reason: str
) -> None:
    """It is not sent again either, and the next good one becomes active."""
    shelf.put(packed)
    assert reason in "\n".join(await desk.again())
    assert desk.version == 7
    assert await desk.again() == desk.source.problems
    assert shelf.answered == [200, 200, 304]
    shelf.put(good(9))
    assert await desk.again() == ()
    assert desk.version == 9


async def test_versions_are_remembered_for_the_url_without_its_query(desk: Desk, shelf: Shelf) -> None:
    assert f"url {shelf.url}" in (desk.state / FILE).read_text()
    shelf.put(good(6, metadata={"name": "another-line"}))
    again = Desk(desk.state, _server(shelf, url=shelf.url.replace("http:", "HTTP:") + "?sig=secret"))
    given_at(desk.state, desk.spec).unlink()
    _, problems = await again.source.begin(again.engine)
    assert "version 6" in problems[0]
    assert again.version == 7
    assert "secret" not in (desk.state / FILE).read_text() + repr(again.served.server) + "".join(problems)
    await again.engine.close()


def test_one_place_has_one_spelling() -> None:
    assert shown_url("HTTPS://Policy.Example:443/AgentGate/policy?sig=x") == ("https://policy.example/AgentGate/policy")
    assert shown_url("http://[::1]:8080/b") == "http://[::1]:8080/b"


async def test_another_process_put_something_else_in_the_file(desk: Desk, shelf: Shelf) -> None:
    """Then the answer "unchanged" would be about a bundle that is not there: it is asked for whole."""
    desk.served.file.write_bytes(good(6))
    await desk.again()
    assert shelf.answered == [200, 200]
    assert desk.version == 7


async def test_a_token_that_is_refused_and_one_that_changes(tmp_path: Path, shelf: Shelf) -> None:
    shelf.token = "new"
    tokens = iter(["old", "new"])
    server = _server(shelf, credentials=lambda: {"Authorization": f"Bearer {next(tokens)}"})
    with pytest.raises(NotFetched, match="401"):
        await fetch(server, None, 0)
    assert (await fetch(server, None, 0)).packed == shelf.packed


async def test_a_token_that_cannot_be_read(shelf: Shelf) -> None:
    def unreadable() -> dict[str, str]:
        raise PolicyRefused(("/run/token cannot be read: Permission denied",))

    with pytest.raises(NotFetched, match="Permission denied"):
        await fetch(_server(shelf, credentials=unreadable), None, 0)
    assert shelf.asked == []


async def test_a_private_authority(tmp_path: Path) -> None:
    issued = issue(tmp_path)
    async with serving(Shelf(good(7)), issued.context) as shelf:
        assert (await fetch(_server(shelf, ca_file=issued.authority), None, 0)).packed == shelf.packed
        with pytest.raises(NotFetched, match="certificate is not accepted"):
            await fetch(_server(shelf), None, 0)
        assert len(shelf.asked) == 1


async def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    issued = issue(tmp_path)
    async with serving(Shelf(good(7)), issued.context) as shelf:
        server = _server(shelf, ca_file=issued.authority, url=shelf.url.replace("127.0.0.1", "localhost"))
        with pytest.raises(NotFetched, match="certificate is not accepted"):
            await fetch(server, None, 0)


class Clock:
    """Time that passes where somebody sleeps, or waits for an answer."""

    def __init__(self, fetch: Callable[["Clock"], Awaitable[Fetched]], questions: int) -> None:
        self.now, self.pauses, self.waits, self._fetch, self._left = 0.0, list[float](), list[int](), fetch, questions

    def means(self) -> Means:
        """What `Following` needs."""
        return Means(self._ask, now=lambda: self.now, sleep=self._sleep, chance=lambda: 0.0)

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def _ask(self, server: BundleServer, etag: str | None, wait_seconds: int) -> Fetched:
        self.waits.append(wait_seconds)
        self._left -= 1
        if self._left < 0:
            raise asyncio.CancelledError
        return await self._fetch(self)


async def _followed(tmp_path: Path, clock: Clock, **more: Any) -> list[SourceEvent]:
    server = BundleServer("https://policy.example/agentgate/policy", **{"poll_seconds": 60.0, **more})
    following = Following(server, tmp_path / "given.tar.gz", clock.means())
    events: list[SourceEvent] = []
    await following.ask_first()
    with pytest.raises(asyncio.CancelledError):
        await following.follow(events.append)
    return events


async def test_a_server_that_fails_is_asked_ever_more_rarely(tmp_path: Path) -> None:
    async def fails(_: Clock) -> Fetched:
        raise NotFetched("it answers HTTP 500")

    clock = Clock(fails, questions=10)
    events = await _followed(tmp_path, clock)
    assert clock.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert [event.turned for event in events] == [True] + [False] * 9


async def test_a_server_says_when_to_ask_again(tmp_path: Path) -> None:
    async def busy(_: Clock) -> Fetched:
        raise NotFetched("it answers HTTP 503", retry_after=20.0)

    clock = Clock(busy, questions=3)
    await _followed(tmp_path, clock)
    assert clock.pauses == [0.5, 20.0, 20.0]


async def test_a_server_that_cannot_wait_is_asked_in_turns(tmp_path: Path) -> None:
    async def same(_: Clock) -> Fetched:
        return Fetched(b"bundle", '"1"', can_wait=False)

    clock = Clock(same, questions=4)
    await _followed(tmp_path, clock)
    assert (clock.pauses, set(clock.waits)) == ([60.0] * 4, {0})


async def test_a_server_that_waits_is_asked_at_once(tmp_path: Path) -> None:
    async def waits(clock: Clock) -> Fetched:
        clock.now += clock.waits[-1]
        return Fetched(None, '"1"') if clock.waits[-1] else Fetched(b"bundle", '"1"', can_wait=True)

    clock = Clock(waits, questions=4)
    await _followed(tmp_path, clock)
    assert (clock.pauses, clock.waits) == ([0.5, 0.0, 0.0, 0.0], [0, 30, 30, 30, 30])


async def test_a_server_that_only_says_that_it_waits_is_not_asked_in_a_loop(tmp_path: Path) -> None:
    async def lies(clock: Clock) -> Fetched:
        return Fetched(None, '"1"') if clock.waits[-1] else Fetched(b"bundle", '"1"', can_wait=True)

    clock = Clock(lies, questions=4)
    await _followed(tmp_path, clock)
    assert clock.pauses == [0.5, 60.0, 60.0, 60.0]


async def test_a_server_that_always_has_something_else_is_not_asked_in_a_loop(tmp_path: Path) -> None:
    async def restless(clock: Clock) -> Fetched:
        number = len(clock.waits)
        return Fetched(str(number).encode(), f'"{number}"', can_wait=True)

    clock = Clock(restless, questions=4)
    events = await _followed(tmp_path, clock)
    assert clock.pauses == [0.5] * 4
    assert {event.result for event in events} == {Asked.NEWS}


async def test_a_server_that_is_back_is_not_asked_to_wait_before_it_says_so(tmp_path: Path) -> None:
    async def once(clock: Clock) -> Fetched:
        if len(clock.waits) == 2:
            raise NotFetched("it answers HTTP 500")
        return Fetched(b"bundle", '"1"', can_wait=True)

    clock = Clock(once, questions=4)
    events = await _followed(tmp_path, clock)
    assert clock.waits == [0, 30, 0, 30, 30]
    assert [(event.result, event.turned) for event in events[:2]] == [(Asked.FAILED, True), (Asked.SAME, True)]
