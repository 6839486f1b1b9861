"""What a sequencer wants of witnesses: their lines under a checkpoint, and to be told when they know otherwise."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from evidence.checkpoint import Quorum
from evidence.merkle import HashAt
from evidence.note import Signature


@dataclass(frozen=True, slots=True)
class Answers:
    """What the witnesses said to one checkpoint. Each that was asked is in exactly one of these, by its name."""

    signatures: Mapping[str, Signature] = field(default_factory=dict)
    ahead: Mapping[str, int] = field(default_factory=dict)
    """Who has cosigned a larger tree, and how large."""

    contradicting: Mapping[str, str] = field(default_factory=dict)
    """Who has cosigned a tree that this one does not continue, and what was answered."""

    away: Mapping[str, str] = field(default_factory=dict)
    """Who gave no answer that counts, and what came instead."""


class Witnesses(Protocol):
    """Witnesses, and how many of them are needed."""

    quorum: Quorum

    async def ask(self, note: str, hash_at: HashAt, names: Collection[str]) -> Answers:
        """Show a signed checkpoint to the witnesses of these names; `hash_at` is of its tree, for proofs.

        Ends within a limit of time, whatever they do; raises nothing of theirs, but what `hash_at` raises, and BadProof
        if it does not lead to the checkpoint.
        """
        ...


class NoWitnesses:
    """Nobody is asked."""

    quorum = Quorum(0, ())

    async def ask(self, _note: str, _hash_at: HashAt, _names: Collection[str]) -> Answers:
        """No answers."""
        await asyncio.sleep(0)
        return Answers()
