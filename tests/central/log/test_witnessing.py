"""Asking for cosignatures: a real witness, and witnesses that answer anything at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.log.asking import Answers
from central.log.stopping import LogStopped
from central.log.witnessing import Patience, Witness, WitnessClient
from evidence.checkpoint import Checkpoint, Quorum, cosign
from evidence.merkle import BadProof
from evidence.note import write_note
from tests.central.log.logs import checked, run
from tests.central.log.memory import LOG, LOG_KEY, ORIGIN, MemoryState, RememberingSigner, link
from tests.central.log.witnesses import real_witness, scripted_witness, seed, witness_key
from tests.evidence import naive_tree
from tests.peers.processes import free_port

_LEAVES: Final = [link(number) for number in range(400)]
_NAME: Final = witness_key(0).name


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def _note(leaves: list[bytes]) -> str:
    text = Checkpoint(ORIGIN, len(leaves), naive_tree.mth(leaves)).text()
    return write_note(text, [LOG.signature(LOG_KEY.sign(text.encode()))])


async def _ask(client: WitnessClient, leaves: list[bytes]) -> Answers:
    return await client.ask(_note(leaves), naive_tree.hash_at(leaves), {key.name for key in client.quorum.witnesses})


def _client(session: aiohttp.ClientSession, *witnesses: Witness, needed: int = 1, seconds: float = 5) -> WitnessClient:
    return WitnessClient(session, witnesses, needed, Patience(seconds, first_pause=0.01))


# A real one


async def test_a_witness_cosigns_the_first_checkpoint_and_growth(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    with real_witness(tmp_path) as witness:
        client = _client(session, witness)
        for size in (0, 1, 7, 7, 256, 400):
            assert (await _ask(client, _LEAVES[:size])).signatures.keys() == {_NAME}


async def test_who_does_not_know_what_a_witness_holds_is_told(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    with real_witness(tmp_path) as witness:
        assert (await _ask(_client(session, witness), _LEAVES[:7])).signatures
        assert (await _ask(_client(session, witness), _LEAVES[:300])).signatures


async def test_a_witness_says_that_it_has_more(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    with real_witness(tmp_path) as witness:
        await _ask(_client(session, witness), _LEAVES[:300])
        for size in (0, 7, 299):
            assert (await _ask(_client(session, witness), _LEAVES[:size])).ahead == {_NAME: 300}


@pytest.mark.parametrize("size", [300, 301, 400])
async def test_a_witness_refuses_a_fork(tmp_path: Path, session: aiohttp.ClientSession, size: int) -> None:
    fork = [link(900), *_LEAVES[1:]]
    with real_witness(tmp_path) as witness:
        client = _client(session, witness)
        await _ask(client, _LEAVES[:300])
        answers = await _ask(client, fork[:size])
        assert answers.contradicting.keys() == {_NAME}
        assert (await _ask(client, _LEAVES)).signatures


async def test_a_witness_remembers_over_a_restart(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    with real_witness(tmp_path) as witness:
        await _ask(_client(session, witness), _LEAVES[:300])
    with real_witness(tmp_path) as witness:
        assert (await _ask(_client(session, witness), _LEAVES[:7])).ahead == {_NAME: 300}
        assert (await _ask(_client(session, witness), _LEAVES)).signatures


async def test_a_log_is_published_with_two_of_three_real_witnesses(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    state, signer, nobody = (
        MemoryState(),
        RememberingSigner(),
        Witness(witness_key(2), f"http://127.0.0.1:{free_port()}"),
    )
    with real_witness(tmp_path / "0", 0) as first, real_witness(tmp_path / "1", 1) as second:
        for begin, end in ((0, 5), (5, 300), (300, 400)):
            state.add(*_LEAVES[begin:end])
            client = _client(session, first, second, nobody, needed=2, seconds=1)
            await run(state, tmp_path / "log", signer, client)
        quorum = Quorum(2, (first.key, second.key, nobody.key))
        assert checked(tmp_path / "log", quorum)[1] == _LEAVES


async def test_older_copies_of_everything_here_are_found_by_a_real_witness(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    state = MemoryState()
    with real_witness(tmp_path / "0") as witness:
        state.add(*_LEAVES[:5])
        backup = state.copy()
        await run(state, tmp_path / "log", witnesses=_client(session, witness))
        backup.add(link(900))
        with pytest.raises(LogStopped, match="has cosigned 5 leaves"):
            await run(backup, tmp_path / "elsewhere", witnesses=_client(session, witness))


# One that answers what a row says


def _cosigned(leaves: list[bytes], number: int = 0) -> str:
    text = Checkpoint(ORIGIN, len(leaves), naive_tree.mth(leaves)).text()
    return cosign(
        text, witness_key(number).name, Ed25519PrivateKey.from_private_bytes(seed(number)), 1_800_000_000
    ).line()


def _says(status: int, text: str = "", **headers: str) -> Callable[[str], Awaitable[web.StreamResponse]]:
    async def answer(_: str) -> web.StreamResponse:
        return web.Response(status=status, body=text.encode(), headers=headers)

    return answer


def _size(text: str, status: int = 409) -> Callable[[str], Awaitable[web.StreamResponse]]:
    return _says(status, text, **{"Content-Type": "text/x.tlog.size"})


async def _hangs(_: str) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


async def _drops(_: str) -> web.StreamResponse:
    raise ConnectionResetError


_AWAY: Final = [
    pytest.param(_says(500), "status 500", id="an-error"),
    pytest.param(_says(429), "status 429", id="overloaded"),
    pytest.param(_says(404), "status 404", id="a-log-that-it-does-not-know"),
    pytest.param(_says(403), "status 403", id="a-key-that-it-does-not-know"),
    pytest.param(_says(302, Location="http://127.0.0.1:1/"), "status 302", id="elsewhere"),
    pytest.param(_says(200), "does not count", id="nothing"),
    pytest.param(_says(200, "<html></html>"), "does not count", id="a-page"),
    pytest.param(_says(200, _cosigned(_LEAVES[:6])), "does not hold", id="a-line-for-another-tree"),
    pytest.param(_says(200, _cosigned(_LEAVES[:7], 1)), "no line by its key", id="a-line-of-another-witness"),
    pytest.param(_says(200, _cosigned(_LEAVES[:7]) * 2), "signed twice", id="two-lines"),
    pytest.param(_says(200, "x" * 100_000), "more than 65536 bytes", id="an-answer-without-end"),
    pytest.param(_says(200, "\N{EM DASH}"), "does not count", id="half-a-line"),
    pytest.param(_hangs, "no answer in time", id="silence"),
]


@pytest.mark.parametrize(("answer", "said"), _AWAY)
async def test_an_answer_that_does_not_count(
    session: aiohttp.ClientSession, answer: Callable[[str], Awaitable[web.StreamResponse]], said: str
) -> None:
    async with scripted_witness(answer) as (witness, _):
        answers = await _ask(_client(session, witness, seconds=0.2), _LEAVES[:7])
    assert answers.away.keys() == {_NAME}
    assert said in answers.away[_NAME]


_OTHERWISE: Final = [
    pytest.param(_size("9\n"), {"ahead"}, id="more"),
    pytest.param(_size("7\n"), {"contradicting"}, id="as-much-and-another-root"),
    pytest.param(_says(409), {"contradicting"}, id="a-conflict-without-a-size"),
    pytest.param(_says(422), {"contradicting"}, id="a-proof-that-does-not-hold"),
    pytest.param(_size("-1\n"), {"contradicting"}, id="a-size-that-is-none"),
    pytest.param(_size("9" * 400), {"contradicting"}, id="a-size-without-end"),
]


@pytest.mark.parametrize(("answer", "expected"), _OTHERWISE)
async def test_a_witness_that_says_otherwise(
    session: aiohttp.ClientSession, answer: Callable[[str], Awaitable[web.StreamResponse]], expected: set[str]
) -> None:
    async with scripted_witness(answer) as (witness, _):
        answers = await _ask(_client(session, witness), _LEAVES[:7])
    assert {name for name in ("signatures", "ahead", "contradicting", "away") if getattr(answers, name)} == expected


async def test_a_request_is_as_the_specification_has_it(session: aiohttp.ClientSession) -> None:
    held = iter(["3\n"])

    async def answer(body: str) -> web.StreamResponse:
        size = next(held, None)
        if size is not None:
            return await _size(size)(body)
        return web.Response(text=_cosigned(_LEAVES[:7]))

    async with scripted_witness(answer) as (witness, asked):
        assert (await _ask(_client(session, witness), _LEAVES[:7])).signatures
    first, second = asked.bodies
    assert first == f"old 0\n\n{_note(_LEAVES[:7])}"
    lines, _, note = second.partition("\n\n")
    assert note == _note(_LEAVES[:7])
    assert lines.split("\n")[0] == "old 3"
    assert len(lines.split("\n")) == 1 + len(naive_tree.proof(3, _LEAVES[:7]))


async def test_a_witness_that_changes_its_mind_each_time_is_given_up(session: aiohttp.ClientSession) -> None:
    sizes = iter(range(1, 1000))

    async def answer(body: str) -> web.StreamResponse:
        return await _size(f"{next(sizes) % 6}\n")(body)

    async with scripted_witness(answer) as (witness, _):
        answers = await _ask(_client(session, witness, seconds=0.2), _LEAVES[:7])
    assert answers.away == {_NAME: "it names another size each time"}


async def test_a_hiccup_is_tried_again(session: aiohttp.ClientSession) -> None:
    answers = iter([_says(500), _drops, _says(200, _cosigned(_LEAVES[:7]))])

    async def answer(body: str) -> web.StreamResponse:
        return await next(answers)(body)

    async with scripted_witness(answer) as (witness, asked):
        assert (await _ask(_client(session, witness), _LEAVES[:7])).signatures
    assert len(asked.bodies) == 3


async def test_a_dead_witness_holds_up_one_checkpoint_and_not_the_next(session: aiohttp.ClientSession) -> None:
    async with (
        scripted_witness(_hangs) as (dead, asked),
        scripted_witness(_says(200, _cosigned(_LEAVES[:7], 1)), 1) as (alive, _),
    ):
        client = _client(session, dead, alive, seconds=0.3)
        first, second = await _ask(client, _LEAVES[:7]), await _ask(client, _LEAVES[:7])
    assert first.away == {_NAME: "no answer in time"}
    assert second.away == {_NAME: "left alone since it last failed"}
    assert first.signatures.keys() == second.signatures.keys() == {witness_key(1).name}
    assert len(asked.bodies) == 1


async def test_broken_files_are_not_taken_for_a_fork(session: aiohttp.ClientSession) -> None:
    """A proof that leads elsewhere is not shown to anybody."""
    async with scripted_witness(_size("3\n")) as (witness, asked):
        client, others = _client(session, witness), naive_tree.hash_at([link(900), *_LEAVES[1:]])
        with pytest.raises(BadProof):
            await client.ask(_note(_LEAVES[:7]), others, {_NAME})
    assert len(asked.bodies) == 1
