"""Texts that are made to be slow: the time grows with the length, and stays near what ordinary documents take."""

import json
import time

import pytest

from evidence.redaction.redactor import Redactor
from tests.evidence.redaction.hostile import HOSTILE
from tests.vectors.redaction.measure import rows

REDACTOR = Redactor(b"k" * 32, "acme")
BYTES = 64 << 10
MOST = 25
"""Times what the same number of bytes of the corpus takes; the worst row was met at 3."""

GROWTH = 12
"""Times for four times the length; what grows with the square takes sixteen."""


def _seconds(text: str) -> float:
    best = float("inf")
    for _ in range(2):
        began = time.process_time()
        REDACTOR.text(text)
        best = min(best, time.process_time() - began)
    return best


def _ordinary() -> float:
    """Seconds for BYTES of texts of the corpus."""
    text = " ".join(json.dumps(row["document"], ensure_ascii=False) for row in rows())[:BYTES]
    return _seconds(text)


@pytest.mark.parametrize("piece", [pytest.param(text, id=name) for name, text in HOSTILE.items()])
def test_a_hostile_text_takes_time_in_proportion_to_its_length(piece: str) -> None:
    text = piece * (BYTES // len(piece) + 1)
    whole = _seconds(text[:BYTES])
    assert whole <= MOST * _ordinary()
    # Below a millisecond the clock and the first use of a pattern say more than the text.
    assert whole <= max(GROWTH * _seconds(text[: BYTES // 4]), 0.001)


def test_megabytes_of_one_letter() -> None:
    text = "a" * (4 << 20)
    assert _seconds(text) <= max(GROWTH * _seconds(text[: len(text) // 4]), 0.001)
