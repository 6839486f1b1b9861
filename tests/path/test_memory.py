"""What is remembered of callers: exact where several call at once, and there after the process has ended."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from policy.obligations import Limit
from proxy.memory import FILE, MAX_LABELS, MAX_OWNERS, MAX_RECENT, Deed, Memory, MemoryFailed, Past

SECOND = 1_000_000_000
DEED = Deed("acme", "owner", 1_790_000_000 * SECOND, {"name": "echo"})


def _limited(count: int, seconds: int = 60, at: int = 0, key: str = "k") -> Deed:
    return structs.replace(DEED, limits=(Limit(key, count, seconds),), now_ns=DEED.now_ns + at * SECOND)


async def test_nothing_is_known_of_a_stranger(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert await memory.past("nobody") == Past()
    memory.close()


async def test_what_was_done_is_there_in_the_next_process(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    await memory.remember(structs.replace(DEED, labels=("b", "a")))
    await memory.remember(structs.replace(DEED, labels=("a",), shown={"name": "drop"}, denied=True))
    memory.close()
    after = Memory(tmp_path)
    assert await after.past("owner") == Past(2, 1, ("a", "b"), ({"name": "echo"}, {"name": "drop"}))
    after.close()


async def test_a_denied_call_leaves_no_label_and_counts_against_no_limit(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    await memory.remember(structs.replace(_limited(1), labels=("a",), denied=True))
    assert (await memory.past("owner")).labels == ()
    assert await memory.remember(_limited(1)) is None
    memory.close()


async def test_as_many_pass_as_the_limit_says_however_many_ask_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes share the file; how long one waits for the other on a busy machine is no matter here."""
    monkeypatch.setattr("proxy.memory.WAIT_SECONDS", 60.0)
    memories = [Memory(tmp_path), Memory(tmp_path)]
    asked = [memory.remember(_limited(7)) for _ in range(20) for memory in memories]
    answers = await asyncio.gather(*asked)
    assert answers.count(None) == 7
    assert answers.count("k") == 33
    for memory in memories:
        memory.close()


@pytest.mark.parametrize(
    ("at", "reached"),
    [
        pytest.param(59, "k", id="within-the-window"),
        pytest.param(60, None, id="at-its-end"),
        pytest.param(-3600, "k", id="a-clock-set-back"),
    ],
)
async def test_a_window_passes(tmp_path: Path, at: int, reached: str | None) -> None:
    memory = Memory(tmp_path)
    assert await memory.remember(_limited(1)) is None
    assert await memory.remember(_limited(1, at=at)) == reached
    memory.close()


async def test_one_limit_that_is_reached_leaves_the_other_as_it_was(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert await memory.remember(_limited(1, key="small")) is None
    both = structs.replace(DEED, limits=(Limit("large", 2, 60), Limit("small", 1, 60)), labels=("a",))
    assert await memory.remember(both) == "small"
    assert [await memory.remember(_limited(2, key="large")) for _ in range(3)] == [None, None, "large"]
    assert (await memory.past("owner")).labels == ()
    memory.close()


MINUTE = Limit("k", 2, 60)
DAY = Limit("k", 5, 86_400)


async def _passed(memory: Memory, *decisions: tuple[Limit, ...], calls: int = 20, after: int = 0) -> list[int]:
    """How many calls pass of each decision, where one is made every 61 seconds in turn."""
    passed = [0] * len(decisions)
    for number in range(calls):
        turn = number % len(decisions)
        now = DEED.now_ns + (after + 61 * number) * SECOND
        passed[turn] += await memory.remember(structs.replace(DEED, limits=decisions[turn], now_ns=now)) is None
    return passed


@pytest.mark.parametrize(
    "limits", [pytest.param((MINUTE, DAY), id="shorter-first"), pytest.param((DAY, MINUTE), id="longer-first")]
)
async def test_two_windows_of_one_key_in_one_decision(tmp_path: Path, limits: tuple[Limit, ...]) -> None:
    memory = Memory(tmp_path)
    assert await _passed(memory, limits) == [5]
    memory.close()


async def test_two_windows_of_one_key_in_two_rules(tmp_path: Path) -> None:
    """Each rule counts the calls of both; the shorter window forgets none that the longer one needs."""
    memory = Memory(tmp_path)
    assert await _passed(memory, (DAY,), (MINUTE,)) == [3, 10]
    memory.close()


async def test_one_call_counts_once(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    both = structs.replace(DEED, limits=(Limit("k", 2, 60), Limit("k", 2, 61)))
    assert [await memory.remember(both) for _ in range(3)] == [None, None, "k"]
    memory.close()


async def test_two_windows_of_one_key_after_a_restart(tmp_path: Path) -> None:
    """A process that has seen the shorter window alone forgets nothing that the longer one needs."""
    for after, limit, passed in ((0, DAY, 5), (1000, MINUTE, 20), (4000, DAY, 0)):
        memory = Memory(tmp_path)
        assert await _passed(memory, (limit,), after=after) == [passed]
        memory.close()


async def test_a_limit_that_is_reached_at_once_keeps_what_it_counts(tmp_path: Path) -> None:
    """The longer window is seen for the first time when the shorter one has let enough calls pass already."""
    memory = Memory(tmp_path)
    assert await _passed(memory, (Limit("k", 9, 600),), calls=5) == [5]
    assert await _passed(memory, (DAY,), calls=1, after=305) == [0]
    assert await _passed(memory, (MINUTE,), (DAY,), after=2000) == [10, 0]
    memory.close()


@pytest.mark.parametrize(("most", "kept"), [pytest.param(100, 10, id="as-long"), pytest.param(3, 3, id="as-many")])
async def test_no_more_calls_are_kept_than_a_limit_needs(tmp_path: Path, most: int, kept: int) -> None:
    memory = Memory(tmp_path)
    await _passed(memory, (Limit("k", most, 610),), (Limit("k", most, 60),), calls=50)
    memory.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        assert file.execute("SELECT count(*) FROM counted").fetchone() == (kept,)


async def test_a_file_of_before_goes_on(tmp_path: Path) -> None:
    """Its calls count, although nothing says yet how long they are needed."""
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        file.execute("CREATE TABLE counted (tenant TEXT, key TEXT, at INTEGER)")
        file.executemany("INSERT INTO counted VALUES ('acme', 'k', ?)", [(DEED.now_ns - 3600 * SECOND,)] * 4)
        file.commit()
    memory = Memory(tmp_path)
    assert await _passed(memory, (MINUTE,), (DAY,)) == [10, 0]
    memory.close()


async def test_a_tenant_has_its_own_limits(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert await memory.remember(_limited(1)) is None
    assert await memory.remember(structs.replace(_limited(1), tenant="beta")) is None
    memory.close()


async def test_it_stays_small(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    for number in range(MAX_RECENT + 5):
        await memory.remember(structs.replace(DEED, shown={"name": str(number)}))
    recent = (await memory.past("owner")).recent
    assert [each["name"] for each in recent] == [str(number) for number in range(5, MAX_RECENT + 5)]
    memory.close()


async def test_whoever_has_not_called_for_longest_is_forgotten_but_for_labels(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    await memory.remember(structs.replace(DEED, owner="first", labels=("a",)))
    for number in range(MAX_OWNERS + 1000):
        await memory.remember(structs.replace(DEED, owner=f"o{number}", now_ns=DEED.now_ns + number + 1))
    assert await memory.past("first") == Past(labels=("a",))
    assert (await memory.past(f"o{MAX_OWNERS + 999}")).calls == 1
    memory.close()


async def test_more_labels_than_there_may_be_are_refused(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    for number in range(MAX_LABELS):
        await memory.remember(structs.replace(DEED, labels=(f"l{number}",)))
    with pytest.raises(MemoryFailed, match="labels already"):
        await memory.remember(structs.replace(DEED, labels=("one more",)))
    assert len((await memory.past("owner")).labels) == MAX_LABELS
    memory.close()


@pytest.mark.parametrize("kind", ["a folder", "no database"])
async def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, kind: str) -> None:
    if kind == "a folder":
        (tmp_path / FILE).mkdir()
    else:
        (tmp_path / FILE).write_bytes(b"x" * 4096)
    memory = Memory(tmp_path)
    with pytest.raises(MemoryFailed, match=FILE):
        await memory.past("owner")
    memory.close()


async def test_one_call_of_an_owner_after_the_other(tmp_path: Path) -> None:
    memory, order = Memory(tmp_path), list[str]()

    async def call(owner: str, name: str) -> None:
        async with memory.turn(owner):
            order.append(f"{name} begins")
            await asyncio.sleep(0.01)
            order.append(f"{name} ends")

    await asyncio.gather(call("a", "1"), call("a", "2"), call("b", "3"))
    assert order[:2] == ["1 begins", "3 begins"]
    assert order.index("1 ends") < order.index("2 begins")
    memory.close()


async def test_nothing_is_made_before_there_is_something_to_remember(tmp_path: Path) -> None:
    Memory(tmp_path).close()
    assert not (tmp_path / FILE).exists()
