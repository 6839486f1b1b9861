"""What is remembered of callers: exact where several call at once, and there after the process has ended."""

import asyncio
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


async def test_as_many_pass_as_the_limit_says_however_many_ask_at_once(tmp_path: Path) -> None:
    """Two processes share the file."""
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
