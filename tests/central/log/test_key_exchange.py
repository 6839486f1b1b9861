"""A log goes on over an exchange of its key: who knows one key that is active reads it, and no cosignature is lost."""

from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.log.stopping import LogStopped
from central.log.store import LogFolder
from evidence.checkpoint import NOBODY, open_checkpoint
from evidence.signing import BadSignature
from tests.central.log.logs import run, sequencer
from tests.central.log.memory import LOG_KEY, MemoryState, MemoryWitnesses, RememberingSigner, link, log_key

FIRST: Final = LOG_KEY
SECOND: Final = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
STEPS: Final = {"announced": [FIRST], "both": [FIRST, SECOND], "retired": [SECOND]}


def read_by(folder: Path, key: Ed25519PrivateKey) -> int | None:
    """The leaves that somebody sees who knows this key alone."""
    note = LogFolder(folder).checkpoint()
    assert note is not None
    try:
        return open_checkpoint(note, log_key(key), NOBODY).checkpoint.size
    except BadSignature:
        return None


@pytest.mark.parametrize("grows", [pytest.param(True, id="growing"), pytest.param(False, id="at-rest")])
@pytest.mark.parametrize("restarted", [pytest.param(True, id="restarted"), pytest.param(False, id="running")])
async def test_each_step_is_published(tmp_path: Path, grows: bool, restarted: bool) -> None:  # noqa: FBT001 - rows
    state, keys = MemoryState(), RememberingSigner(gone=[log_key(FIRST)])
    witnesses = MemoryWitnesses(1, needed=1)
    state.add(link(0))
    await run(state, tmp_path, keys, witnesses)
    seen, size = [], 1
    with LogFolder(tmp_path).held():
        running = sequencer(state, tmp_path, keys, witnesses)
        await running.start()
        for active in STEPS.values():
            keys.keys = active
            if grows:
                state.add(link(size))
                size += 1
            if restarted:
                running = sequencer(state, tmp_path, keys, witnesses)
                await running.start()
            await running.step()
            seen.append((read_by(tmp_path, FIRST), read_by(tmp_path, SECOND)))
            assert "witness.example/0" in (LogFolder(tmp_path).checkpoint() or "")
    sizes = [2, 3, 4] if grows else [1, 1, 1]
    assert seen[:2] == [(sizes[0], None), (sizes[1], sizes[1])]
    # A note is signed anew for a key that it lacks; a line that it has does no harm, and goes with the next growth.
    assert seen[2][1] == sizes[2]
    assert seen[2][0] == (None if grows else 1)


async def test_a_cosignature_outlives_a_new_signature_while_its_witness_is_away(tmp_path: Path) -> None:
    state, keys, witnesses = MemoryState(), RememberingSigner(), MemoryWitnesses(2, needed=1)
    state.add(link(0))
    with LogFolder(tmp_path).held():
        running = sequencer(state, tmp_path, keys, witnesses)
        await running.start()
        before = await running.step()
        witnesses.away = set(witnesses.keys)
        keys.keys = [FIRST, SECOND]
        after = await running.step()
        assert await running.step() is None
    assert before is not None
    assert after is not None
    assert (after.cosigned, after.checkpoint) == (before.cosigned, before.checkpoint)
    assert len(after.cosigned) == 2
    assert read_by(tmp_path, SECOND) == 1


async def test_what_only_a_revoked_key_has_signed_stops_the_start(tmp_path: Path) -> None:
    state = MemoryState()
    state.add(link(0))
    await run(state, tmp_path, RememberingSigner())
    with pytest.raises(LogStopped, match="has not signed"):
        await run(state, tmp_path, RememberingSigner(keys=[SECOND]))
