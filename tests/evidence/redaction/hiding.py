"""Values in disguise: which are found, and which are not, and docs/redaction.md says so."""

import base64
import json
from typing import Final, NamedTuple
from urllib.parse import quote

CARD: Final = "4111111111111111"
MAIL: Final = "ann@mail.example"


class Hidden(NamedTuple):
    """A document with a value in disguise; `left` stands in what is kept of it unless it is found."""

    name: str
    how: str
    document: object
    left: str


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wide(text: str) -> str:
    """The text in characters of full width."""
    return "".join(chr(ord(each) + 0xFEE0) for each in text)


def _blocks(*texts: str) -> object:
    return {"content": [{"type": "text", "text": text} for text in texts]}


_ARABIC: Final = CARD.translate({48 + digit: 0x660 + digit for digit in range(10)})
_DEEPER: Final = json.dumps(json.dumps({"to": MAIL}))

FOUND: Final = (
    Hidden("zero-width", "characters without width within it", {"a": "4111\u200b1111\u200d1111\ufeff1111"}, "1111"),
    Hidden("soft-hyphens", "soft hyphens within it", {"a": "ann@\u00admail.ex\u00adample"}, "ann@"),
    Hidden(
        "written-right-to-left", "marks of direction around and within it", {"a": "\u202e4111\u202c" + CARD[4:]}, "1111"
    ),
    Hidden("full-width-digits", "full-width digits", {"a": wide(CARD)}, wide("1111")),
    Hidden("full-width-letters", "full-width letters and signs", {"a": wide(MAIL)}, wide("ann")),
    Hidden("digits-of-another-script", "digits of another script", {"a": _ARABIC}, _ARABIC[-4:]),
    Hidden(
        "spaces-that-do-not-break",
        "spaces that do not break",
        {"a": "DE89\u00a03704\u202f0044\u00a00532 0130 00"},
        "3704",
    ),
    Hidden("escapes-of-json", "escapes of JSON", "\\u0061nn\\u0040mail.example", "mail.example"),
    Hidden("json-in-a-text", "a text that is JSON itself", {"a": json.dumps({"to": MAIL})}, "ann@"),
    Hidden("json-in-json-in-a-text", "JSON in JSON in a text", {"a": _DEEPER}, "ann@"),
    Hidden("escapes-of-urls", "escapes of URLs", {"a": "to=" + quote(MAIL, safe="")}, "mail.example"),
    Hidden(
        "base64",
        "a text that is the base64 of a text with it",
        {"a": _b64(f"write to {MAIL}")},
        _b64(f"write to {MAIL}"),
    ),
    Hidden(
        "base64-within-a-text",
        "base64 within a longer text",
        {"a": f"see {_b64(f'write to {MAIL}')} now"},
        _b64("write to ann"),
    ),
    Hidden("base64-twice", "base64 of base64", {"a": _b64(_b64(f"write to {MAIL}"))}, _b64(_b64(f"write to {MAIL}"))),
    Hidden("look-alikes", "letters of another alphabet that look alike", {"a": "\u0430nn@mail.example"}, "nn@mail"),
    Hidden("in-a-name", "the name of a member", {MAIL: 1}, "ann@"),
    Hidden("in-a-number", "a number", {"a": int(CARD)}, CARD),
)
MISSED: Final = (
    Hidden(
        "base64-three-times",
        "base64 of base64 of base64",
        {"a": _b64(_b64(_b64(f"write to {MAIL}")))},
        _b64(_b64(_b64(f"write to {MAIL}"))),
    ),
    Hidden(
        "escapes-of-urls-twice",
        "escapes of URLs, escaped again",
        {"a": quote(quote(MAIL, safe=""), safe="")},
        "mail.example",
    ),
    Hidden("hexadecimal", "hexadecimal digits", {"a": MAIL.encode().hex()}, MAIL.encode().hex()),
    Hidden("references-of-html", "references of HTML", {"a": "ann&#64;mail&#46;example"}, "ann&#64;"),
    Hidden("split-over-blocks", "two content blocks", _blocks("4111 1111", "1111 1111"), "4111"),
    Hidden("secret-split-over-fields", "two members", {"first": "41111111", "second": "11111111"}, "41111111"),
    Hidden("split-over-lines", "a line end within it", {"a": "4111 1111\n1111 1111"}, "4111"),
    Hidden("backwards", "spelled backwards", {"a": MAIL[::-1]}, MAIL[::-1]),
    Hidden("in-words", "spelled in words", {"a": "ann at mail dot example"}, "ann at mail"),
)
