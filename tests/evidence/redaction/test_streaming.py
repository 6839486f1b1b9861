"""However a text is cut, the same comes out as if it had come whole."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.redaction.loading import built_in
from evidence.redaction.redactor import Redactor
from evidence.redaction.streaming import HELD, LONGEST

REDACTOR = Redactor(b"k" * 32, "acme")
EXAMPLES = [pytest.param(example, id=f"{one.id}-{at}") for one in built_in() for at, example in enumerate(one.examples)]
PLAIN = "The fox ran 12 times on 2026-11-26, and slept. " * 60


def _streamed(text: bytes, cuts: list[int]) -> tuple[str, int]:
    """What comes out, and the most that was held back."""
    streaming = REDACTOR.streaming()
    out, fed, held = b"", 0, 0
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        out += streaming.feed(text[start:end])
        fed = end
        held = max(held, fed - len(out))
    return (out + streaming.finish()).decode("utf-8", "surrogateescape"), held


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_cut_of_every_example(example: str) -> None:
    """Between plain texts that are long enough for what stands before to be let go already."""
    before, behind = PLAIN[-HELD - 7 :], " " + PLAIN
    text = f"{before}{example}{behind}".encode()
    whole = REDACTOR.text(text.decode())
    assert example not in whole
    first = len(before.encode())
    for cut in range(first, first + len(example.encode()) + 1):
        assert _streamed(text, [cut])[0] == whole


def _texts() -> st.SearchStrategy[str]:
    pieces = [example for one in built_in() for example in (*one.examples, *one.near)]
    return st.lists(st.sampled_from([*pieces, PLAIN, "\n", "é ", " 1234 "]), min_size=1, max_size=8).map(" ".join)


@settings(deadline=None, max_examples=60)
@given(_texts(), st.integers(0, 2**32))
def test_every_cut(text: str, seed: int) -> None:
    raw = text.encode()
    rng = random.Random(seed)
    cuts = sorted(rng.sample(range(len(raw) + 1), min(len(raw), rng.randrange(1, 12))))
    assert _streamed(raw, cuts)[0] == REDACTOR.text(text)


def test_what_is_held_back_is_bounded() -> None:
    text = (PLAIN * 8).encode()
    out, held = _streamed(text, list(range(100, len(text), 100)))
    assert out == text.decode()
    assert held <= 3 * HELD


HUGE = [
    pytest.param("-----BEGIN PRIVATE " + "KEY-----\n" + "A0b1C2d3\n" * 4_000, "\n!the end", id="a-key"),
    pytest.param("eyJhbGciOiJub25lIn0." + "A0b1C2d3" * 4_000, " !the end", id="a-token"),
]


@pytest.mark.parametrize(("secret", "behind"), HUGE)
def test_of_what_is_longer_than_may_be_held_back_nothing_comes_out(secret: str, behind: str) -> None:
    text = (PLAIN + secret + behind).encode()
    out, held = _streamed(text, list(range(512, len(text), 512)))
    assert "A0b1C2d3" not in out
    assert out.startswith(PLAIN)
    assert out.endswith("!the end")
    assert held <= LONGEST + 3 * HELD + len(secret)
