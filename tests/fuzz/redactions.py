"""What is kept of any text: redaction fails on none, JSON stays JSON, and nothing beside a value hides it."""

import json
from typing import Final

from evidence.redaction.choosing import Mode
from evidence.redaction.folding import folded
from evidence.redaction.json_text import read
from evidence.redaction.loading import built_in
from evidence.redaction.redactor import Redactor
from tests.evidence.redaction.hiding import FOUND, MISSED
from tests.evidence.redaction.hostile import HOSTILE
from tests.fuzz.target import Target

_MODES: Final[tuple[Mode, ...]] = ("mask", "tokenise", "drop")
_PLANTED: Final = ["ann@mail.example", "pan 4111 1111 1111 1111", "ann%40mail.example"]
_MASKED: Final = ["[email]", "pan [card]", "[email]"]
_REDACTORS: Final = {mode: Redactor(b"k" * 32, "acme", mode=mode) for mode in _MODES}


def _check(raw: bytes) -> None:
    _fold(raw)
    for redactor in _REDACTORS.values():
        once = redactor.document(raw, name="message", tool="files/echo")
        if _is_json(raw):
            assert _is_json(once)
    _neighbours(raw)


def _neighbours(raw: bytes) -> None:
    """What stands beside a value, in a member of its own, does not change what is found in it."""
    beside = raw.decode("utf-8", "replace")
    document = json.dumps([beside, *_PLANTED, {"a": beside}]).encode()
    left = json.loads(_REDACTORS["mask"].document(document))
    assert left[1 : 1 + len(_PLANTED)] == _MASKED


def _fold(raw: bytes) -> None:
    """Each byte that patterns get has its place in the text as it is, in order."""
    seen = folded(raw)
    if seen is not None:
        assert len(seen.origins) == len(seen.text) + 1
        assert seen.origins == sorted(seen.origins)
        assert seen.origins[-1] == len(raw)
        # Halves of a character may come together where that is taken out which kept them apart.
        assert folded(seen.text) is None or raw.decode("utf-8", "ignore").encode() != raw


def _is_json(raw: bytes) -> bool:
    try:
        read(raw.decode())
    except ValueError:
        return False
    return True


def _seeds() -> list[bytes]:
    texts = [example for one in built_in() for example in (*one.examples, *one.near)]
    documents = [hidden.document for hidden in (*FOUND, *MISSED)]
    return [
        *(text.encode() for text in texts),
        *(json.dumps({"a": text, text: [text]}).encode() for text in texts[::5]),
        *(json.dumps(document, ensure_ascii=False).encode() for document in documents),
        *((piece * 8).encode() for piece in HOSTILE.values()),
        b'{"call":{"params":{"arguments":{"to":"ann@mail.example"}}}}',
        b"\xff\xfeann@mail.example\xed\xa0\x80",
    ]


REDACTION: Final = Target(
    "redaction",
    "redaction fails on no bytes, JSON stays JSON, and a value is found whatever stands in the members beside it",
    _check,
    _seeds,
    (
        b"ann@mail.example",
        b"4111 1111 1111 1111",
        b"password: ",
        "\u200b".encode(),
        "１".encode(),
        b"%40",
        b'\\"',
        b"\\u0040",
        b"d3JpdGUgdG8gYW5uQG1haWwuZXhhbXBsZQ==",
        b'{"a":',
    ),
)
