"""A kill between any two steps of an exchange of keys: the next step, or the next start, goes on from what is there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from central.keys import changing
from central.keys.folder import HISTORY, KeyFolder
from central.keys.signing import SigningKeys
from evidence.clock import Instant
from evidence.key_files import Passphrase, Protection, WrappingKey
from evidence.key_history import History, State
from evidence.keys import KeyProblem
from evidence.receipt import open_receipt_of
from evidence.signers import Purpose, SigningFailed
from tests.vectors.keys import generate as made

WRAPPING: Final = WrappingKey(b"\x08" * 32)


@dataclass
class Hours:
    """A clock that moves by an hour each time it is looked at; `step` may be negative."""

    hour: int = 1
    step: int = 1

    def now(self) -> Instant:
        self.hour += self.step
        return Instant((1_790_000_000 + 3600 * self.hour) * 10**9, 0)


class Killed(Exception):
    """The process ends here."""


@dataclass(frozen=True, slots=True)
class Dying(KeyFolder):
    """A folder whose process is killed at a step of `keep`."""

    after: str = ""

    def keep(self, history: History) -> None:
        if self.after == "key file":
            raise Killed
        KeyFolder.keep(KeyFolder(self.folder, self.name, self.purpose), history)
        raise Killed


def folder(root: Path, purpose: Purpose = Purpose.RECEIPTS) -> KeyFolder:
    return KeyFolder(root / "keys", made.NAME, purpose, root / "published" / "keys")


def dying(root: Path, after: str) -> Dying:
    return Dying(root / "keys", made.NAME, Purpose.RECEIPTS, root / "published" / "keys", after)


Step = Callable[[KeyFolder, Protection, Hours], Awaitable[History]]

STEPS: dict[str, Step] = {
    "found": changing.found,
    "announce": changing.announce,
    "rotate": changing.rotate,
    "retire": changing.retire,
    "revoke": lambda place, protection, clock: changing.revoke(place, protection, clock, None, changing.ALWAYS),
}


def shown(history: History | None) -> list[State]:
    assert history is not None
    return [each.state for each in history.keys]


@pytest.mark.parametrize("after", [pytest.param("key file", id="key-file"), pytest.param("history", id="history")])
@pytest.mark.parametrize("killed", [pytest.param(name, id=name) for name in STEPS])
async def test_a_step_that_was_killed_is_there_or_not_and_the_exchange_goes_on(
    tmp_path: Path, killed: str, after: str
) -> None:
    clock = Hours()
    for name, step in STEPS.items():
        if name == killed:
            with pytest.raises(Killed):
                await step(dying(tmp_path, after), WRAPPING, clock)
            if after == "history":
                await SigningKeys(folder(tmp_path), WRAPPING).start()
                continue
        await step(folder(tmp_path), WRAPPING, clock)
    history = folder(tmp_path).history()
    assert shown(history) == [State.REVOKED, State.ACTIVE]
    assert history is not None
    assert (tmp_path / "published" / "keys").read_bytes() == history.bytes()
    assert len(folder(tmp_path).files()) == 2


async def exchanged(root: Path, *steps: str) -> None:
    clock = Hours()
    for name in ("found", *steps):
        await STEPS[name](folder(root), WRAPPING, clock)


async def test_a_running_central_takes_each_step_up(tmp_path: Path) -> None:
    await exchanged(tmp_path)
    keys, clock = SigningKeys(folder(tmp_path), WRAPPING), Hours(10)
    signed = [await keys.note(_receipt())]
    for name in ("announce", "rotate", "retire"):
        await STEPS[name](folder(tmp_path), WRAPPING, clock)
        signed.append(await keys.note(_receipt()))
    assert [one == signed[0] for one in signed] == [True, True, False, False]
    history = folder(tmp_path).history()
    assert history is not None
    assert await keys.since() == history.keys[1].active


def _receipt() -> str:
    return made.receipt_by(made.ROOT, 3).rpartition("\n\n")[0] + "\n"


async def test_a_checkpoint_has_the_signature_of_each_active_key(tmp_path: Path) -> None:
    counts, clock = [], Hours()
    for name in ("found", "announce", "rotate", "retire"):
        await STEPS[name](folder(tmp_path, Purpose.LOG), WRAPPING, clock)
        counts.append(len(await SigningKeys(folder(tmp_path, Purpose.LOG), WRAPPING).sign(b"text\n")))
    assert counts == [1, 1, 2, 1]


async def test_a_clock_that_was_set_back_dates_no_step_before_the_last(tmp_path: Path) -> None:
    clock = Hours(100, step=-1)
    for name in ("found", "announce", "rotate", "retire"):
        await STEPS[name](folder(tmp_path), WRAPPING, clock)
    assert shown(folder(tmp_path).history()) == [State.RETIRED, State.ACTIVE]


async def test_what_a_running_central_has_seen_is_not_taken_back(tmp_path: Path) -> None:
    await exchanged(tmp_path)
    history = tmp_path / "keys" / HISTORY
    old = history.read_bytes()
    await STEPS["announce"](folder(tmp_path), WRAPPING, Hours(9))
    keys = SigningKeys(folder(tmp_path), WRAPPING)
    await keys.start()
    history.write_bytes(old)
    (tmp_path / "published" / "keys").unlink()
    with pytest.raises(SigningFailed, match="rolled back"):
        await keys.note(_receipt())
    assert "rolled back" in (keys.problem or "")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        pytest.param(WrappingKey(b"\x09" * 32), "restore that", id="another-wrapping-key"),
        pytest.param(Passphrase(b"words"), "is encrypted under a wrapping key", id="a-passphrase"),
    ],
)
async def test_a_step_with_another_protection_changes_nothing(tmp_path: Path, other: Protection, said: str) -> None:
    await exchanged(tmp_path, "announce")
    before = (tmp_path / "keys" / HISTORY).read_bytes()
    with pytest.raises(KeyProblem, match=said):
        await changing.rotate(folder(tmp_path), other, Hours(9))
    assert (tmp_path / "keys" / HISTORY).read_bytes() == before


async def test_receipts_of_each_time_count_by_the_history(tmp_path: Path) -> None:
    await exchanged(tmp_path, "announce", "rotate", "retire")
    history = folder(tmp_path).history()
    assert history is not None
    keys = SigningKeys(folder(tmp_path), WRAPPING)
    at = made.at(3).replace("2026-05-01", "2036-05-01")
    note = await keys.note(_receipt().replace(made.at(3), at))
    assert open_receipt_of(note, history).at == at
