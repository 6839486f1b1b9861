"""Versions of signed bundles only rise, and the last good bundle goes on where the given file is missing or bad."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from policy.activation import PolicyEvent, PolicySource
from policy.embedded import EmbeddedEngine
from policy.engine import Policy, PolicyRefused
from policy.grant_file import write_grants
from policy.grants import Grant
from policy.keeping import FOLDER, Keeping, kept_at
from policy.trust import UNSIGNED, Trust
from policy.versions import FILE
from tests.policy.tampering import RULES, TAMPERED, Tampered, files, good, signed, trust


@dataclass
class Desk:
    """One state folder, and the place where bundles for it are put."""

    folder: Path
    bundle: str = "policy.tar.gz"
    engines: list[EmbeddedEngine] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The bundle's file."""
        return self.folder / self.bundle

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    def source(self, trusted: Trust | None = None) -> PolicySource:
        """What a process that starts now reads from."""
        keeping = Keeping(self.state, str(self.path))
        return PolicySource(str(self.path), self.state / "grants.json", trust=trusted or trust(), keeping=keeping)

    def engine(self) -> EmbeddedEngine:
        """A process's engine."""
        self.engines.append(EmbeddedEngine(budget_seconds=5.0))
        return self.engines[-1]

    async def start(self, packed: bytes | None = None, trusted: Trust | None = None) -> tuple[Policy, tuple[str, ...]]:
        """A start with this bundle at its place. Raises PolicyRefused."""
        if packed is not None:
            self.path.write_bytes(packed)
        return await self.source(trusted).begin(self.engine())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk, its engines closed at the end."""
    made = Desk(tmp_path)
    yield made
    for engine in made.engines:
        await engine.close()


def _rollback(version: int, of: int) -> bytes:
    return good(version, metadata={"rollback_of": of})


HISTORIES = [
    pytest.param([good(7), good(8)], None, id="rises"),
    pytest.param([good(7), good(9), good(10)], None, id="may-leave-numbers-out"),
    pytest.param([good(0), good(1)], None, id="from-zero"),
    pytest.param([good(7), good(7)], None, id="the-same-again"),
    pytest.param([good(7), good(6)], "version 6: the active one is 7", id="older"),
    pytest.param([good(7), good(8), good(7)], "version 7: the active one is 8", id="the-one-before"),
    pytest.param(
        [good(7), signed({**files(7), "main.rego": RULES + b"# other\n"})], "with other files", id="the-same-number"
    ),
    pytest.param([good(7), _rollback(5, 7)], None, id="rollback"),
    pytest.param([good(7), _rollback(5, 7), _rollback(5, 7)], None, id="rollback-and-a-restart"),
    pytest.param([good(7), _rollback(5, 6)], "a rollback of 6: the active one is 7", id="rollback-of-another"),
    pytest.param([good(7), good(8), _rollback(5, 7)], "a rollback of 7: the active one is 8", id="rollback-too-late"),
    pytest.param([good(7), _rollback(5, 7), good(8)], None, id="on-from-a-rollback"),
    pytest.param([good(7), _rollback(5, 7), good(7)], "the highest was 7", id="what-was-rolled-back"),
    pytest.param([good(7), _rollback(5, 7), good(6)], "the highest was 7", id="between"),
    pytest.param([good(7), _rollback(5, 7), good(8), _rollback(5, 7)], "a rollback of 7", id="the-rollback-replayed"),
    pytest.param([good(7), good(6, metadata={"name": "other"})], "version 6", id="older-under-another-name"),
    pytest.param([good(7), good(6, roots=["agentgate", "tools"])], "version 6", id="older-with-other-roots"),
]


@pytest.mark.parametrize(("history", "problem"), HISTORIES)
async def test_what_may_follow(desk: Desk, history: list[bytes], problem: str | None) -> None:
    """Each bundle meets a new process, as it does one that runs (below)."""
    *before, last = history
    for packed in before:
        assert (await desk.start(packed))[1] == ()
    policy, problems = await desk.start(last)
    if problem is None:
        assert (problems, policy.version) == ((), _version(last))
    else:
        assert problem in problems[0]
        assert policy.version == _version(before[-1])


@pytest.mark.parametrize(("history", "problem"), HISTORIES)
async def test_what_may_follow_in_a_running_process(desk: Desk, history: list[bytes], problem: str | None) -> None:
    *before, last = history
    desk.path.write_bytes(before[0])
    source, engine = desk.source(), desk.engine()
    await source.begin(engine)
    for packed in before[1:]:
        desk.path.write_bytes(packed)
        assert (await source.activate(engine)).problems == ()
    desk.path.write_bytes(last)
    event = await source.activate(engine)
    assert engine.active is not None
    if problem is None:
        assert (event.problems, source.problems, engine.active.version) == ((), (), _version(last))
    else:
        assert event.policy is None
        assert problem in event.problems[0]
        assert source.problems == event.problems
        assert engine.active.version == _version(before[-1])


def _version(packed: bytes) -> int | None:
    from policy.opening import opened

    return opened("b", packed, trust()).manifest.version


async def test_a_version_counts_for_the_next_file_of_the_same_name(desk: Desk) -> None:
    await desk.start(good(7))
    desk.bundle = "policy-6.tar.gz"
    with pytest.raises(PolicyRefused, match="version 6"):
        await desk.start(good(6))


async def test_two_lines_of_bundles_have_numbers_of_their_own(desk: Desk) -> None:
    await desk.start(good(7, metadata={"name": "billing"}))
    desk.bundle = "support.tar.gz"
    policy, problems = await desk.start(good(1, metadata={"name": "support"}))
    assert (policy.version, problems) == (1, ())


async def test_an_unsigned_bundle_moves_no_version(desk: Desk) -> None:
    policy, _ = await desk.start(good(7), UNSIGNED)
    assert (policy.signed, policy.version) == (False, 7)
    assert not (desk.state / FILE).exists()
    assert not (desk.state / FOLDER).exists()
    assert (await desk.start(good(6)))[1] == ()


@pytest.mark.parametrize("row", TAMPERED, ids=[row.name for row in TAMPERED])
async def test_a_bad_bundle_at_a_start_leaves_the_last_good_one(desk: Desk, row: Tampered) -> None:
    await desk.start(good())
    policy, problems = await desk.start(row.make())
    assert (policy.version, policy.signed) == (7, True)
    assert row.reason in " ".join(problems)


async def test_a_missing_bundle_at_a_start_leaves_the_last_good_one(desk: Desk) -> None:
    await desk.start(good())
    desk.path.unlink()
    policy, problems = await desk.start()
    assert (policy.version, policy.name) == (7, desk.bundle)
    assert "neither starter nor observe" in problems[0]


async def test_what_vetting_refuses_leaves_the_last_good_one(desk: Desk) -> None:
    await desk.start(good(7))
    policy, problems = await desk.start(signed({**files(8), "main.rego": RULES + b"x := nosuch\n"}))
    assert (policy.version, policy.revision) == (7, "r7")
    assert "main.rego" in problems[0]
    assert (await desk.start(good(8)))[1] == ()


async def test_without_a_last_good_one_a_start_fails(desk: Desk) -> None:
    with pytest.raises(PolicyRefused, match="neither"):
        await desk.start()


@pytest.mark.parametrize("row", TAMPERED[:8], ids=[row.name for row in TAMPERED[:8]])
async def test_the_kept_one_is_verified_anew(desk: Desk, row: Tampered) -> None:
    await desk.start(good())
    desk.path.unlink()
    kept_at(desk.state, str(desk.path)).write_bytes(row.make())
    with pytest.raises(PolicyRefused, match="neither"):
        await desk.start()


async def test_an_older_one_in_the_place_of_the_kept_one_does_not_count(desk: Desk) -> None:
    await desk.start(good(7))
    desk.path.unlink()
    kept_at(desk.state, str(desk.path)).write_bytes(good(6))
    with pytest.raises(PolicyRefused, match="neither"):
        await desk.start()


async def test_the_kept_one_is_not_even_opened_for_use_if_it_is_older(desk: Desk) -> None:
    await desk.start(good(7))
    kept_at(desk.state, str(desk.path)).write_bytes(good(6))
    with pytest.raises(PolicyRefused, match="version 6: the active one is 7"):
        Keeping(desk.state, str(desk.path)).last(trust())


async def test_a_key_taken_back_takes_its_kept_bundle_with_it(desk: Desk) -> None:
    await desk.start(good())
    with pytest.raises(PolicyRefused, match="none of those that count"):
        await desk.start(trusted=trust("next"))


@pytest.mark.parametrize(
    "text", ["", "{", '{"version": 2, "marks": {}}', '{"marks": {"x": {"highest": "7"}}}', "\udcff"], ids=range(5)
)
async def test_a_memory_that_cannot_be_read_is_no_empty_one(desk: Desk, text: str) -> None:
    await desk.start(good(7))
    (desk.state / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(PolicyRefused, match=re.escape(FILE)):
        await desk.start(good(8))


async def test_what_is_kept_is_for_its_owner_alone(desk: Desk) -> None:
    await desk.start(good())
    assert (desk.state / FILE).stat().st_mode & 0o077 == 0
    assert kept_at(desk.state, str(desk.path)).stat().st_mode & 0o077 == 0
    assert json.loads((desk.state / FILE).read_text())["marks"]["line roots:"]["highest"] == 7


async def test_a_state_folder_that_cannot_be_written_refuses_a_new_version(desk: Desk) -> None:
    """What cannot be remembered could be undone by the next start."""
    desk.path.write_bytes(good(7))
    source, engine = desk.source(), desk.engine()
    await source.begin(engine)
    (desk.state / FILE).unlink()
    (desk.state / FILE).mkdir()
    desk.path.write_bytes(good(8))
    event = await source.activate(engine)
    assert "policy-version.json" in event.problems[0]
    assert engine.active is not None
    assert engine.active.version == 7


async def test_grants_are_taken_up_while_the_bundle_is_bad(desk: Desk) -> None:
    desk.path.write_bytes(good())
    source, engine = desk.source(), desk.engine()
    await source.begin(engine)
    events: asyncio.Queue[PolicyEvent] = asyncio.Queue()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(source.watch(engine, events.put_nowait))
        desk.path.unlink()
        assert (await events.get()).policy is None
        write_grants(desk.state / "grants.json", [Grant("u", "m", "n", effect="deny")])
        event = await events.get()
        assert event.policy is not None
        assert event.problems != ()
        assert "u" in event.policy.data["agentgate"]["grants"]["*"]["*"]
        assert (event.policy.version, engine.active) == (7, event.policy)
        desk.path.write_bytes(good(8))
        assert (await events.get()).problems == ()
        assert source.problems == ()
        watching.cancel()


async def test_a_link_that_points_elsewhere_is_a_change(desk: Desk) -> None:
    """As mounted configurations are exchanged: the name stays, and a link above the file is replaced."""
    for version in (7, 8):
        (desk.folder / f"v{version}").mkdir()
        (desk.folder / f"v{version}" / "policy.tar.gz").write_bytes(good(version))
    (desk.folder / "now").symlink_to("v7")
    desk.bundle = "now/policy.tar.gz"
    source, engine = desk.source(), desk.engine()
    await source.begin(engine)
    (desk.folder / "next").symlink_to("v8")
    (desk.folder / "next").replace(desk.folder / "now")
    assert source.changed()
    event = await source.activate(engine)
    assert event.policy is not None
    assert event.policy.version == 8
    assert kept_at(desk.state, str(desk.path)).read_bytes() == (desk.folder / "v8" / "policy.tar.gz").read_bytes()


async def test_the_same_revision_with_other_rules_is_another_policy(desk: Desk) -> None:
    desk.path.write_bytes(good(7, revision="stable"))
    source, engine = desk.source(), desk.engine()
    await source.begin(engine)
    desk.path.write_bytes(signed({**files(8, revision="stable"), "main.rego": RULES + b"# 8\n"}))
    await source.activate(engine)
    assert engine.active is not None
    assert engine.active.modules["main.rego"].endswith("# 8\n")
