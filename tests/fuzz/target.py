"""What a target of the fuzzer is: a promise about any bytes, and the function that holds it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """`check` takes any bytes and raises (AssertionError, or whatever escapes) where `promise` is broken.

    Inputs have at most `max_bytes`; `words` are pieces that the engine puts in; `seeds` are inputs to begin with.
    The short form makes `changes` inputs of its own.
    """

    name: str
    promise: str
    check: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    words: tuple[bytes, ...] = ()
    max_bytes: int = 2048
    changes: int = 300
