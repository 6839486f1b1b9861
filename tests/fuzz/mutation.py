"""Changes to inputs, drawn from a seed: the same seed makes the same inputs on every machine."""

import random
from collections.abc import Iterator, Sequence

from tests.fuzz.target import Target

_MOST_CHANGES = 4


def mutated(target: Target, inputs: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Endless inputs, each made from one or two of `inputs` by a few changes."""
    drawn = random.Random(f"{target.name} {seed}")
    while True:
        raw = drawn.choice(inputs)
        if drawn.random() < 0.2:
            other = drawn.choice(inputs)
            raw = raw[: drawn.randrange(len(raw) + 1)] + other[drawn.randrange(len(other) + 1) :]
        for _ in range(drawn.randint(1, _MOST_CHANGES)):
            raw = _changed(raw, target.words, drawn)
        yield raw[: target.max_bytes]


def _changed(raw: bytes, words: Sequence[bytes], drawn: random.Random) -> bytes:
    at = drawn.randrange(len(raw) + 1)
    end = min(len(raw), at + drawn.choice([1, 1, 2, 4, 16, 64]))
    match drawn.randrange(6):
        case 0:
            return raw[:at] + raw[end:]
        case 1:
            return raw[:at] + raw[at:end] * 2 + raw[end:]
        case 2:
            return raw[:at] + drawn.randbytes(1) + raw[at + 1 :]
        case 3 if at < len(raw):
            return raw[:at] + bytes([raw[at] ^ (1 << drawn.randrange(8))]) + raw[at + 1 :]
        case 4 if words:
            return raw[:at] + drawn.choice(words) + raw[drawn.choice([at, end]) :]
        case _:
            return raw[:at] + drawn.choice([b"\0", b"\xff", b'"', b"\n", b"\r", b"{", b"["]) + raw[at:]
