"""The head of one HTTP/1.1 request, as bytes."""

import re
from collections.abc import Sequence
from typing import Final

_TARGET: Final = re.compile(r"[^\0-\x20\x7f]+")


class BadHeader(ValueError):
    """A target or header whose text would end it early: a second header or request could stand in it."""


def request_head(method: str, target: str, host: str, headers: Sequence[tuple[str, str]], length: int | None) -> bytes:
    """Request line and headers up to the empty line (RFC 9112, section 3); `length` is the body's, None without one.

    `headers` go out in their order and spelling. Raises BadHeader for a line break or NUL in any of it,
    and for a target that is empty or holds a blank.
    """
    if not _TARGET.fullmatch(target):
        raise BadHeader("a blank or control character in the target, or none at all")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *[f"{name}: {value}" for name, value in headers]]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    head = "\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count("\n") != breaks or head.count("\r") != breaks or "\0" in head:
        raise BadHeader("a line break or NUL in a header")
    return head.encode("utf-8", "surrogateescape") + b"\r\n\r\n"
