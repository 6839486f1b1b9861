"""Texts that are another text in another spelling: JSON, base64, or the escapes of URLs."""

import base64
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, unquote

from evidence.redaction.json_text import read
from evidence.redaction.shapes import decoded_text

SHORTEST_BASE64: Final = 12

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}", re.ASCII)
_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}", re.ASCII)
_SAFE: Final = "/:?#[]@!$&'()*+,;=-._~ "


def inner_json(text: str) -> Any:
    """The array or object that a text is the JSON of, else None."""
    bare = text.strip()
    if bare[:1] + bare[-1:] not in {"{}", "[]"}:
        return None
    try:
        return read(bare)
    except ValueError:
        return None


def inner_base64(text: str) -> tuple[str, Callable[[str], str]] | None:
    """The text that a text is the base64 of, and what spells one so again; else None."""
    if len(text) < SHORTEST_BASE64 or _BASE64.fullmatch(text) is None or (inner := decoded_text(text)) is None:
        return None
    return inner, lambda changed: _base64(changed, like=text)


def inner_url(text: str) -> tuple[str, Callable[[str], str]] | None:
    """The text that a text with escapes of URLs stands for, and what spells one so again; else None."""
    if _ESCAPED.search(text) is None:
        return None
    return unquote(text, errors="replace"), lambda changed: quote(changed, safe=_SAFE)


def _base64(text: str, *, like: str) -> str:
    raw = base64.b64encode(text.encode(), b"-_" if set("-_") & set(like) else None).decode()
    return raw if like.endswith("=") or len(like) % 4 == 0 else raw.rstrip("=")
