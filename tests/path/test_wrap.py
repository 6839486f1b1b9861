"""Lines through the path: an agent's pipes and a child's, both in memory, byte for byte."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidence.record import Kind
from evidence.verify import verify_paths
from policy.containment import OrderKind
from proxy.gate import Gate
from proxy.path.identify import Credentials, SoleAgent
from proxy.pipes import LineWriter, StdioUpstream
from proxy.wrap import Wrap
from tests.path.messages import MESSAGES, SCHEMAS, batch, call, notification, result
from tests.path.stage import (
    TENANT,
    Chronicle,
    HandClock,
    OrdersInHand,
    Rules,
    ScriptedEngine,
    WatchedJournal,
    make_gate,
    open_journal,
)

INIT = MESSAGES["INIT"]


class MemoryPipe:
    """A pipe whose reader keeps every line; `broken` as when the reader has gone, without `room` as when it is slow."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.broken = False
        self.room = asyncio.Event()
        self.room.set()
        self._more = asyncio.Event()

    def write(self, data: bytes) -> None:
        if self.broken:
            raise BrokenPipeError
        self.lines.append(data)
        self._more.set()

    async def drain(self) -> None:
        await asyncio.sleep(0)
        await self.room.wait()

    async def until(self, count: int) -> list[bytes]:
        """Wait until so many lines have come."""
        async with asyncio.timeout(3):
            while len(self.lines) < count:
                self._more.clear()
                await self._more.wait()
        return self.lines


@dataclass(slots=True)
class Pair:
    """A wrap between its two ends."""

    gate: Gate
    rules: Rules
    orders: OrdersInHand
    upstream: StdioUpstream
    journal: WatchedJournal
    chronicle: Chronicle
    agent: MemoryPipe
    child: MemoryPipe
    says: asyncio.StreamReader
    prints: asyncio.StreamReader

    def say(self, *lines: bytes) -> None:
        """The agent writes."""
        for line in lines:
            self.says.feed_data(line if line.endswith(b"\n") else line + b"\n")

    def print(self, *lines: bytes) -> None:
        """The child writes."""
        for line in lines:
            self.prints.feed_data(line if line.endswith(b"\n") else line + b"\n")

    async def begin(self) -> None:
        """Initialise, and forget that."""
        self.say(INIT)
        await self.child.until(1)
        self.print(MESSAGES["INIT_RESULT"])
        await self.agent.until(1)
        self.agent.lines.clear()
        self.child.lines.clear()
        await self.rest()

    async def rest(self) -> list[str]:
        """Let everything settle; the records that came."""
        await asyncio.sleep(0.02)
        return self.chronicle.more()


@asynccontextmanager
async def pair(root: Path) -> AsyncIterator[Pair]:
    """A wrap with both of its loops running; they end with the block, and the evidence is true."""
    clock, orders, rules, agent, child = HandClock(), OrdersInHand(), Rules(), MemoryPipe(), MemoryPipe()
    upstream = StdioUpstream("files", LineWriter(child))
    caller = SoleAgent(TENANT, "alice").identify(Credentials())
    async with open_journal(root, clock) as journal, asyncio.TaskGroup() as tasks:
        engine = ScriptedEngine(rules.ask)
        gate = make_gate(journal, engine=engine, orders=orders, upstreams={"files": upstream}, clock=clock)
        gate.definitions.learn(caller, "files", SCHEMAS)
        wrap = Wrap(gate, upstream, caller, LineWriter(agent))
        says, prints = asyncio.StreamReader(), asyncio.StreamReader()
        loops = [tasks.create_task(wrap.from_agent(says)), tasks.create_task(wrap.from_child(prints))]
        chronicle = Chronicle(root / "evidence")
        yield Pair(gate, rules, orders, upstream, journal, chronicle, agent, child, says, prints)
        says.feed_eof()
        prints.feed_eof()
        await asyncio.gather(*loops)
        await wrap.settle()
        wrap.give_up()
        assert len(gate.flights) == 0
    assert verify_paths([root / "evidence"]).ok


LINES = [
    pytest.param(MESSAGES["CALL"] + b"\n", id="odd-spacing"),
    pytest.param(b"  " + call(1, "echo") + b" \t\r\n", id="blanks-and-cr-lf"),
]


@pytest.mark.parametrize("line", LINES)
async def test_a_call_passes_byte_for_byte(line: bytes, tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        at.say(INIT, line)
        assert (await at.child.until(2))[1] == line
        at.print(b" " + MESSAGES["RESULT"] + b" \r\n")
        assert await at.agent.until(1) == [b" " + MESSAGES["RESULT"] + b" \r\n"]
        assert (await at.rest())[-1] == "record outcome echo completed answer done ok"


NESTED = b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"drop"}}'
REFUSED = [
    pytest.param(b'{"jsonrpc":"2.0","id":1,"method":"ping","x":"\r' + NESTED + b'"}', "raw_cr", id="raw-cr"),
    pytest.param(call(1, "echo") + NESTED, "trailing_data", id="two-documents-on-a-line"),
    pytest.param(b'{"jsonrpc":"2.0",', "not_json", id="a-document-over-two-lines"),
    pytest.param(b"\xef\xbb\xbf" + call(1, "echo"), "byte_order_mark", id="byte-order-mark"),
    pytest.param(call(1, "echo").replace(b"echo", b"ec\0ho"), "nul_byte", id="nul"),
    pytest.param(call(1, "echo").replace(b"echo", b"\xff"), "not_utf8", id="invalid-utf-8"),
    pytest.param(call(1, "x" * (1 << 20)), "too_large", id="too-large"),
]


@pytest.mark.parametrize(("line", "code"), REFUSED)
async def test_stdio_framing(line: bytes, code: str, tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        at.say(line)
        (answer,) = await at.agent.until(1)
        assert f'"code":"{code}"'.encode() in answer
        assert await at.rest() == [f"record notice refused {code}"]
        assert at.child.lines == []


async def test_noise_passes_and_what_hides_a_message_does_not(tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        at.print(b"listening on stdio\r\n", b"log\r" + NESTED, "log\u2028".encode() + NESTED, b"[broken", b"", b"bye")
        assert await at.agent.until(3) == [b"listening on stdio\r\n", b"\n", b"bye\n"]
        assert await at.rest() == ["record notice refused malformed_answer"] * 3


UNREADABLE = [
    pytest.param(MESSAGES["BROKEN"], "malformed_answer", id="duplicate-keys"),
    pytest.param(b'{"jsonrpc":"2.0","id":1,"result":{},"extra":1,"Result":{}}', "malformed_answer", id="twins"),
    pytest.param(b'{"id":1,"result":{}}', "malformed_answer", id="no-version"),
    pytest.param(b'{"jsonrpc":"2.0","id":1,"result":"' + b"x" * (1 << 20) + b'"}', "too_large", id="too-large"),
    pytest.param(
        b'{"result":"' + b"x" * (1 << 20) + b'","jsonrpc":"2.0","id":1}', "too_large", id="too-large-with-its-id-last"
    ),
]


@pytest.mark.parametrize(("line", "code"), UNREADABLE)
async def test_an_answer_that_cannot_be_read_ends_its_call(line: bytes, code: str, tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        at.say(call(1, "echo"))
        await at.child.until(1)
        at.print(line)
        (answer,) = await at.agent.until(1)
        assert f'"code":"{code}"'.encode() in answer
        assert await at.rest() == [
            "record intent tools/call echo granted",
            f"record notice refused {code}",
            f"record outcome echo failed own_error unknown {code}",
        ]


async def test_a_line_that_is_no_answer_ends_no_call(tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        at.say(call(1, "echo"))
        await at.child.until(1)
        at.print(b"{debug: 1}", b'{"level":"info","id":1}', b'{"jsonrpc":"2.0","id":7,"result":{},"result":{}}')
        at.print(b'{"jsonrpc":"2.0","method":"notifications/message","params":"' + b"x" * (1 << 20) + b'"}')
        at.print(b'{"jsonrpc":"2.0","id":007,"result":', b'{"jsonrpc":"2.0","id":-,"result":')
        at.print(MESSAGES["RESULT"])
        assert await at.agent.until(1) == [MESSAGES["RESULT"] + b"\n"]


async def test_an_id_in_use_is_not_sent_twice(tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        await at.begin()
        at.say(call(1, "echo"))
        await at.child.until(1)
        at.say(call(1, "drop"))
        assert b'"code":"id_in_use"' in (await at.agent.until(1))[0]
        at.print(result(1, content=[]), result(1, content=["again"]))
        assert (await at.agent.until(2))[1] == result(1, content=[]) + b"\n"
        records = await at.rest()
        assert "record outcome drop not_sent own_error none id_in_use" in records
        assert sorted(records[-2:]) == [
            "record notice unexpected_answer result",
            "record outcome echo completed answer done ok",
        ]
        assert len(at.child.lines) == 1


async def test_answers_find_their_calls_in_any_order(tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        await at.begin()
        at.say(call(1, "echo"), call("1", "drop"))
        await at.child.until(2)
        at.print(batch(result("1", content=[]), result(1, content=[])))
        heard = await at.agent.until(2)
        assert sorted(heard) == [b"[" + result("1", content=[]) + b"]\n", b"[" + result(1, content=[]) + b"]\n"]
        assert sum("completed" in line for line in await at.rest()) == 2


async def test_calls_beside_requests_end(tmp_path: Path) -> None:
    """A notification that policy decides, in one array with a request: both have their outcome."""
    async with pair(tmp_path) as at:
        await at.begin()
        at.say(batch(call(1, "echo"), notification("no/such")))
        await at.child.until(1)
        at.print(result(1, content=[]))
        await at.agent.until(1)
        assert sorted(line for line in await at.rest() if "outcome" in line) == [
            "record outcome echo completed answer done ok",
            "record outcome no/such completed answer unknown accepted",
        ]


async def test_a_cancelled_call_ends_without_its_answer(tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        await at.begin()
        at.say(call(1, "echo"), MESSAGES["CANCEL"])
        assert (await at.child.until(2))[1] == MESSAGES["CANCEL"] + b"\n"
        await asyncio.sleep(1.1)
        assert (await at.rest())[-1] == "record outcome echo cancelled nothing unknown client_cancelled"


async def test_one_cancelled_of_a_batch_leaves_the_others_their_answers(tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        await at.begin()
        at.say(batch(call(1, "echo"), call(2, "drop"), call(3, "late")), MESSAGES["CANCEL"])
        await at.child.until(2)
        await asyncio.sleep(1.1)
        at.print(result(2, content=[]), result(3, content=[]))
        assert await at.agent.until(2) == [result(2, content=[]) + b"\n", result(3, content=[]) + b"\n"]
        assert [line for line in await at.rest() if "outcome" in line] == [
            "record outcome drop completed answer done ok",
            "record outcome late completed answer done ok",
            "record outcome echo cancelled nothing unknown client_cancelled",
        ]


async def test_kill_tells_the_child_and_withholds_its_answer(tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        await at.begin()
        at.say(call(1, "echo"))
        await at.child.until(1)
        at.gate.flights.sweep(at.orders.give("kill"))
        assert b'"code":"contained"' in (await at.agent.until(1))[0]
        cancel = (await at.child.until(2))[1]
        assert b'"method":"notifications/cancelled","params":{"requestId":1,' in cancel
        at.print(result(1, content=[]))
        assert (await at.rest())[-2:] == [
            "record outcome echo killed own_error unknown contained",
            "record notice unexpected_answer result",
        ]
        assert len(at.agent.lines) == 1


async def test_kill_of_half_a_batch_answers_the_other_half(tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        await at.begin()
        at.say(batch(call(1, "echo"), call(2, "drop")))
        await at.child.until(1)
        at.print(result(2, content=[]))
        await at.agent.until(1)
        at.gate.flights.sweep(at.orders.give("kill"))
        heard = (await at.agent.until(2))[1]
        assert b'"id":1' in heard
        assert b'"id":2' not in heard
        assert (await at.rest())[-1] == "record outcome echo killed own_error unknown contained"


async def test_a_denied_question_is_answered_for_the_agent(tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        at.rules.denied.add("sampling/createMessage")
        await at.begin()
        at.print(MESSAGES["SAMPLE"])
        assert b'"id":"q","error":{"code":-1,' in (await at.child.until(1))[0]
        assert (await at.rest())[-1] == "record refusal sampling/createMessage not_granted"
        assert at.agent.lines == []


@pytest.mark.parametrize("kind", ["kill", "quarantine"])
async def test_a_question_to_a_contained_agent_ends_nothing_else(kind: OrderKind, tmp_path: Path) -> None:
    """Nothing goes to the child for an agent that is stopped, and what the child says next is still judged."""
    async with pair(tmp_path) as at:
        await at.begin()
        at.orders.give(kind)
        at.print(MESSAGES["SAMPLE"], b"log")
        assert await at.agent.until(1) == [b"log\n"]
        assert (await at.rest())[-1] == "record refusal sampling/createMessage contained"
        assert at.child.lines == []


@pytest.mark.parametrize(("kind", "heard"), [("kill", []), ("quarantine", [MESSAGES["PROGRESS"] + b"\n"])])
async def test_an_agent_that_is_killed_hears_no_more_of_its_server(
    kind: OrderKind, heard: list[bytes], tmp_path: Path
) -> None:
    async with pair(tmp_path) as at:
        await at.begin()
        at.orders.give(kind)
        at.print(MESSAGES["PROGRESS"], b"log")
        assert await at.agent.until(len(heard) + 1) == [*heard, b"log\n"]
    counted = "contained=1" if kind == "kill" else "notifications/progress=1"
    assert at.chronicle.more() == [f"record notice notifications {counted}"]


GONE: list[Callable[[Pair], None]] = [
    lambda at: at.print(b"log"),
    lambda at: at.print(MESSAGES["PROGRESS"]),
    lambda at: at.print(result(1, content=[])),
    lambda at: at.say(b"{"),
    lambda at: at.say(call(2, "echo")),
]


@pytest.mark.parametrize("then", GONE, ids=["noise", "notification", "answer", "malformed-line", "denied-call"])
async def test_an_agent_that_reads_no_more(then: Callable[[Pair], None], tmp_path: Path) -> None:
    """The loops go on to their end, so that the child ends as it would have without us."""
    async with pair(tmp_path) as at:
        await at.begin()
        at.say(call(1, "drop"))
        await at.child.until(1)
        at.rules.denied.add("echo")
        at.agent.broken = True
        then(at)
        await at.rest()
        at.print(result(1, content=[]))


FAILING = [
    pytest.param(b"{", b"", id="malformed-line-of-the-agent"),
    pytest.param(b"", b"[", id="malformed-line-of-the-child"),
    pytest.param(b"", result(9, content=[]), id="unexpected-answer"),
]


@pytest.mark.parametrize(("said", "printed"), FAILING)
async def test_a_failing_spool_does_not_end_the_wrap(said: bytes, printed: bytes, tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        at.journal.failing = {Kind.NOTICE}
        at.say(said)
        at.print(printed)
        await at.rest()
        at.journal.failing = set()
        at.say(INIT)
        assert await at.child.until(1) == [INIT + b"\n"]
        assert not any(result(9, content=[]) in line for line in at.agent.lines)


async def test_a_quarantine_holds_for_a_call_that_waits_for_a_slow_child(tmp_path: Path) -> None:
    async with pair(tmp_path) as at:
        await at.begin()
        at.child.room.clear()
        at.say(call(1, "echo"), call(2, "echo"))
        await at.child.until(1)
        await at.rest()
        at.gate.obey(at.orders.give("quarantine"))
        at.child.room.set()
        assert b'"code":"contained"' in (await at.agent.until(1))[0]
        at.print(MESSAGES["RESULT"])
        assert (await at.agent.until(2))[1] == MESSAGES["RESULT"] + b"\n"
        assert at.child.lines == [call(1, "echo") + b"\n"]
