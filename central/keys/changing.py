"""How the keys of one purpose change. Each change is one entry, which is there as a whole or not at all.

    found      the first key, the root
    announce   a further key is made and made known; it signs nothing but its own entries yet
    rotate     the announced key becomes active, and leads; the one before it stays active beside it
    retire     a key that does not lead signs no more
    revoke     a key is not believed any more, from some time on

A crash between the steps of one change leaves a key file that nobody knows of, or a history that is not published yet;
the next change, or the next start, goes on from there.
"""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.keys.folder import KeyFolder
from evidence.clock import Clock
from evidence.key_entry import BadHistory, Change, Event
from evidence.key_files import Protection
from evidence.key_history import History, Standing, State, begun, continued, signed_entry, signers, text_of
from evidence.keys import KeyProblem
from evidence.note import VerifierKey
from evidence.signers import Guarded, Signer, verifier_of

ALWAYS = "0001-01-01T00:00:00.000000+00:00"
"""Before any time that a key has signed."""


async def found(
    folder: KeyFolder, protection: Protection, clock: Clock, before: Ed25519PrivateKey | None = None
) -> History:
    """The history, begun if there is none: with a key that was there before, or a new one. Raises KeyProblem."""
    history = folder.history()
    if history is not None:
        return history
    with folder.held():
        history = folder.history()
        if history is not None:
            return history
        signer = folder.new(protection, None) if before is None else folder.put(before, protection)
        key = verifier_of(signer)
        text = text_of(None, Change(Event.ROOT, key, clock.now().rfc3339()))
        history = begun(signed_entry(text, [(key, await signer.sign(text.encode()))]), key)
        folder.keep(history)
    return history


async def announce(folder: KeyFolder, protection: Protection, clock: Clock) -> History:
    """Make a key known. Raises KeyProblem, SigningFailed."""
    with folder.held():
        history = _current(folder)
        waiting = _those(history, State.ANNOUNCED)
        if waiting:
            raise KeyProblem(f"{folder.name}: {_ids(waiting)} is announced already: rotate to it, or retire it")
        signer = folder.new(protection, history)
        return await _append(
            folder, protection, history, Change(Event.ANNOUNCE, verifier_of(signer), _at(clock, history))
        )


async def rotate(folder: KeyFolder, protection: Protection, clock: Clock, key_id: str | None = None) -> History:
    """The announced key leads. Raises KeyProblem, SigningFailed."""
    with folder.held():
        history = _current(folder)
        chosen = _chosen(folder, _those(history, State.ANNOUNCED), key_id, "is announced: announce one before")
        return await _append(folder, protection, history, Change(Event.ACTIVATE, chosen, _at(clock, history)))


async def retire(folder: KeyFolder, protection: Protection, clock: Clock, key_id: str | None = None) -> History:
    """A key signs no more: the one that led before, or the one of this id. Raises KeyProblem, SigningFailed."""
    with folder.held():
        history = _current(folder)
        able = _those(history, State.ACTIVE) if key_id is None else _those(history, State.ACTIVE, State.ANNOUNCED)
        able = [each for each in able if each.key != history.leader]
        chosen = _chosen(
            folder, able, key_id, "can be retired: the one that leads cannot, rotate to another one before"
        )
        return await _append(folder, protection, history, Change(Event.RETIRE, chosen, _at(clock, history)))


async def revoke(folder: KeyFolder, protection: Protection, clock: Clock, key_id: str | None, since: str) -> History:
    """What a key signed since some time is not believed. Raises KeyProblem, SigningFailed."""
    with folder.held():
        history = _current(folder)
        able = _those(history, State.ACTIVE, State.ANNOUNCED, State.RETIRED)
        able = [each for each in able if each.key != history.leader]
        chosen = _chosen(
            folder, able, key_id, "can be revoked: the one that leads cannot, rotate to another one before"
        )
        change = Change(Event.REVOKE, chosen, _at(clock, history), since)
        return await _append(folder, protection, history, change)


async def _append(folder: KeyFolder, protection: Protection, history: History, change: Change) -> History:
    try:
        text = text_of(history, change)
        signed = [
            (key, await Guarded(_signer(folder, key, protection)).sign(text.encode()))
            for key in signers(history, change)
        ]
        history = continued(history, signed_entry(text, signed))
    except BadHistory as error:
        raise KeyProblem(f"{folder.name}: {error}") from error
    folder.keep(history)
    return history


def _signer(folder: KeyFolder, key: VerifierKey, protection: Protection) -> Signer:
    return folder.signer(key, protection)


def _current(folder: KeyFolder) -> History:
    history = folder.history()
    if history is None:
        raise KeyProblem(f"{folder.folder}: there is no key yet: `agentgate central keys` makes the first one")
    return history


def _at(clock: Clock, history: History) -> str:
    """Now, and never before the last entry: the clock may have been set back."""
    return max(clock.now().rfc3339(), history.last)


def _those(history: History, *states: State) -> list[Standing]:
    return [each for each in history.keys if each.state in states]


def _chosen(folder: KeyFolder, able: Sequence[Standing], key_id: str | None, why: str) -> VerifierKey:
    found = [each for each in able if key_id in (None, each.key.id.hex())]
    if not found:
        raise KeyProblem(f"{folder.name}: no key {f'{key_id} ' if key_id else ''}{why}")
    if len(found) > 1:
        raise KeyProblem(f"{folder.name}: {_ids(found)}: say which one with --id")
    return found[0].key


def _ids(standings: Sequence[Standing]) -> str:
    return ", ".join(each.key.id.hex() for each in standings)
