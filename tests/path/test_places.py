"""What callers leave open holds a part of the reserve, which has places for 64 open calls here, and leaves the rest."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from policy.vocabulary import Call, Caller
from proxy.detached import Waiting
from proxy.places import Places
from proxy.task_file import Begun, TaskFile
from proxy.tasks import Tasks
from proxy.vocabulary import Delivery, EffectAt, Ending, Exchange, Outcome
from proxy.wire.message import read_client
from tests.path.edge import Edge, Seen, answer, edge
from tests.path.edge import request as http_request
from tests.path.messages import MESSAGES, call, request, result
from tests.path.stage import BOB_TOKEN, HandClock, callers, stranger

ALICE, BOB = callers()
CALL = Call("c", ALICE, None, "client", "http", "2026-07-28", None, "tools/call", "files", "echo", None, None)
SENT = Exchange(ALICE, "files", "http", "2026-07-28", None, read_client(MESSAGES["CALL"], limit=1 << 20))
DONE = Ending(Outcome.COMPLETED, Delivery.ANSWER, EffectAt.DONE, "ok")


class Held:
    """Calls that outlive their exchange, by name."""

    def __init__(self) -> None:
        self.places = Places(64)
        self.given_up: list[str] = []

    def take(self, caller: Caller, *names: str) -> None:
        for name in names:
            self.places.take(caller, (self, name), partial(self.given_up.append, name))


def _agents(number: int) -> list[Caller]:
    return [structs.replace(ALICE, agent=f"agent-{each}") for each in range(number)]


def test_a_caller_gives_up_its_own_oldest() -> None:
    held = Held()
    held.take(BOB, "bob's")
    held.take(ALICE, *map(str, range(18)))
    assert held.given_up == ["0", "1"]


def test_who_holds_most_gives_up_its_oldest() -> None:
    held, (first, second, third) = Held(), _agents(3)
    held.take(third, "a", "b")
    held.take(first, *(f"first {each}" for each in range(16)))
    held.take(second, *(f"second {each}" for each in range(15)))
    assert held.given_up == ["first 0"]
    held.take(third, "c")
    assert held.given_up == ["first 0", "first 1"]


def test_a_tenant_gives_up_nothing_for_another() -> None:
    held = Held()
    for each in _agents(2):
        held.take(each, *map(str, range(16)))
    held.take(stranger(), "theirs")
    assert held.given_up == []


def test_who_leaves_makes_room() -> None:
    held = Held()
    held.take(ALICE, *map(str, range(16)))
    for _ in range(2):
        held.places.leave(ALICE, (held, "3"))
    held.take(ALICE, "16")
    assert held.given_up == []


AGAIN = ("MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: echo")
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
AS_BOB = f"Authorization: Bearer {BOB_TOKEN}"


def _modern(id: str) -> bytes:
    return request(id, "tools/call", name="echo", arguments={}, _meta=META)


def _left_open(kind: str) -> Callable[[Seen], bytes]:
    """A server that answers alice's calls with a task or a question each, and bob's with a result."""

    def reply(seen: Seen) -> bytes:
        id = json.loads(seen.body)["id"]
        open_: dict[str, object] = {"resultType": "task", "taskId": f"task-{id}", "status": "working", "ttlMs": None}
        if kind == "rounds":
            open_ = {"resultType": "input_required", "requestState": id}
        given = {"resultType": "complete", "content": []} if id == "bob" else open_
        return answer(json.dumps({"jsonrpc": "2.0", "id": id, "result": given}).encode())

    return reply


ENDED = [
    pytest.param("tasks", "unknown nothing unknown no_answer_in_time", id="tasks-that-nobody-fetches"),
    pytest.param("rounds", "cancelled answer unknown not_continued", id="questions-that-nobody-answers"),
]


@pytest.mark.parametrize(("kind", "given_up"), ENDED)
async def test_what_one_agent_leaves_open_keeps_no_other_from_calling(kind: str, given_up: str, tmp_path: Path) -> None:
    async with edge(tmp_path, _left_open(kind)) as at:
        for number in range(64):
            assert (await at.send(body=_modern(str(number)), headers=AGAIN)).code is None
        assert (await at.send(body=_modern("bob"), headers=[*AGAIN, AS_BOB])).code is None
        assert at.gate.journals[ALICE.tenant].open_calls == 16
        lines = at.chronicle.more()
        assert lines.count(f"record outcome echo {given_up}") == 48


async def test_a_task_that_was_given_up_is_still_its_owners(tmp_path: Path) -> None:
    clock = HandClock()
    tasks = Tasks(TaskFile(tmp_path, 0), clock.unix_seconds, clock.seconds, Places(64), sole_caller=False)
    ended, late = list[Ending](), list[Ending]()
    for number in range(17):
        begun = Begun(f"task-{number}", "alice", f"call-{number}", "chain", int(clock.unix_seconds()) + 3600)
        waiting = Waiting(SENT, SENT.envelope.messages[0], CALL, ended.append, late.append)
        tasks.begin(begun, ALICE, "files", waiting)
    assert [ending.reason for ending in ended] == ["no_answer_in_time"]
    assert tasks.known("task-0", "alice") is not None
    assert tasks.of_another("task-0", "bob")
    found = tasks.take("task-0", ALICE, "files")
    assert found is not None
    found.end(DONE)
    assert late == [DONE]
    tasks.close()


async def _landed(at: Edge) -> None:
    for _ in range(1000):
        if len(at.gate.flights) == 0:
            return
        await asyncio.sleep(0.005)
    pytest.fail("a call is still in flight")


async def test_agents_that_hang_up_keep_no_other_from_calling(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        await asyncio.sleep(60)
        yield b""

    def reply(seen: Seen) -> bytes | AsyncIterator[bytes]:
        return answer(result("bob", content=[])) if b'"bob"' in seen.body else slow()

    async with edge(tmp_path, reply) as at:
        for number in range(64):
            _, writer = await asyncio.open_connection("127.0.0.1", at.port)
            writer.write(http_request("POST", "/files", call(number, "echo"), port=at.port))
            await asyncio.wait_for(at.upstream.asked.wait(), 5)
            at.upstream.asked.clear()
            writer.close()
            await _landed(at)
        assert (await at.send(body=call("bob", "echo"), headers=[AS_BOB])).code is None
        assert at.gate.journals[ALICE.tenant].open_calls == 16
        given_up = "record outcome echo unknown nothing unknown no_answer_in_time"
        assert at.chronicle.more().count(given_up) == 48
