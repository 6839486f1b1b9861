"""Keeping: what a decision says of how the records of its call are kept."""

from evidence.record import Durability, Kind
from policy.decision import durability, recording
from policy.obligations import strictest
from policy.vocabulary import Decision


def retention(decision: Decision | None, kind: Kind) -> str:
    """By which class a record is kept: that of its recording, or its kind; what ends a call is of the call's class."""
    return (None if decision is None else recording(decision)) or kind.value


def in_plain(decision: Decision) -> bool:
    """Whether the texts of its call are sealed whole, and not by their commitments alone."""
    return recording(decision) in (None, "full")


def durability_of(decision: Decision, default: Durability) -> Durability:
    """What its records survive: the default, or more where policy asks for more."""
    asked = durability(decision)
    return default if asked is None else strictest([default, asked]) or default
