"""Text of others on a terminal: what could move the cursor, hide or reorder is spelled out."""

from typing import Any


def printable(value: Any) -> str:
    """`value` as text on one line; control, format and unassigned characters become escapes."""
    text = value if isinstance(value, str) else str(value)
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
