"""Values in disguise are found, or they are not and the page says so: each row is one of the two, and stays it."""

import json

import pytest

from evidence.redaction.folding import folded
from evidence.redaction.redactor import Redactor
from tests.evidence.redaction.hiding import CARD, FOUND, MAIL, MISSED, Hidden, wide

REDACTOR = Redactor(b"k" * 32, "acme")
TOKENS = Redactor(b"k" * 32, "acme", mode="tokenise")


def _raw(hidden: Hidden) -> bytes:
    if isinstance(hidden.document, str):
        return f'{{"a":"{hidden.document}"}}'.encode()
    return json.dumps(hidden.document, ensure_ascii=False).encode()


@pytest.mark.parametrize("hidden", FOUND, ids=lambda hidden: hidden.name)
def test_values_in_disguise_are_found(hidden: Hidden) -> None:
    raw = _raw(hidden)
    assert REDACTOR.document(raw) != raw
    assert hidden.left not in REDACTOR.document(raw).decode()


@pytest.mark.parametrize("hidden", MISSED, ids=lambda hidden: hidden.name)
def test_values_that_are_missed_are_known(hidden: Hidden) -> None:
    assert hidden.left in REDACTOR.document(_raw(hidden)).decode()


def test_what_stands_around_a_disguise_stays() -> None:
    text = f"été \u200b {wide(CARD)}\u00a0\u00e9 {MAIL}\u200b."
    assert REDACTOR.text(text) == "été \u200b [card]\u00a0\u00e9 [email]."


def test_a_token_is_that_of_the_value() -> None:
    assert TOKENS.text(wide(CARD)) == TOKENS.text(CARD)
    assert TOKENS.text("ann@ma\u200bil.example") == TOKENS.text(MAIL)


FOLDED = [
    pytest.param("plain", None, id="ascii"),
    pytest.param("été 東京", None, id="letters-beyond-ascii"),
    pytest.param("a\u200bb", "ab", id="nothing"),
    pytest.param("１２ Ａ", "12 A", id="wide"),
    pytest.param("\U0001d7d8\U0001d7e1", "09", id="digits-of-mathematics"),
    pytest.param("é\u3000é", "é é", id="a-wide-space"),
]


@pytest.mark.parametrize(("text", "expected"), FOLDED)
def test_folding(text: str, expected: str | None) -> None:
    seen = folded(text.encode())
    assert (None if seen is None else seen.text.decode()) == expected
    if seen is not None:
        assert len(seen.origins) == len(seen.text) + 1
        assert seen.origins[-1] == len(text.encode())
