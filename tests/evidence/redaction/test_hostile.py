"""Texts that are made to be slow: what is done with them grows with their length and no faster. No clock is asked."""

import json
from collections.abc import Callable

import pytest

from tests.evidence.redaction.hostile import HOSTILE
from tests.evidence.redaction.steps import Steps

STEPS = Steps()
BYTES = 4 << 10
TIMES = 4

GROWTH = TIMES * 1.25
"""Steps for TIMES the length; what grows with the square takes TIMES more."""

MOST = 40
"""Steps a byte; the worst row was met at 16."""


def _text(piece: str, size: int) -> str:
    return json.dumps({"text": (piece * (size // len(piece) + 1))[:size]}, ensure_ascii=False)


def _array(piece: str, size: int) -> str:
    return json.dumps([piece] * (size // (len(piece) + 4) + 1), ensure_ascii=False)


def _names(piece: str, size: int) -> str:
    return json.dumps({f"{piece}{number}": number for number in range(size // (len(piece) + 12) + 1)})


def _masked_names(piece: str, size: int) -> str:
    return json.dumps({f"a{number}@mail.example": piece for number in range(size // (len(piece) + 24) + 1)})


SHAPES = [pytest.param(shape, id=shape.__name__[1:]) for shape in (_text, _array, _names, _masked_names)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("piece", [pytest.param(text, id=name) for name, text in HOSTILE.items()])
def test_a_hostile_text_takes_steps_in_proportion_to_its_length(shape: Callable[[str, int], str], piece: str) -> None:
    some, more = shape(piece, BYTES), shape(piece, BYTES * TIMES)
    steps = STEPS.of(more)
    assert steps <= GROWTH * max(STEPS.of(some), BYTES)
    assert steps <= MOST * len(more.encode())


def test_what_is_looked_for_behind_words_is_not_looked_for_in_the_rest() -> None:
    """Words that are far apart, and at the end what their numbers look like, so that no hint spares the search."""
    far = [("ssn " + "x" * 100) * count + " 123 45 67890" for count in (100, 400)]
    some, more = (STEPS.of(json.dumps(text)) for text in far)
    assert more <= GROWTH * some
