"""Gives up segments of a chain that a transparency log holds already, the oldest first, and never the last."""

import os
import time
from itertools import pairwise
from pathlib import Path

from evidence.files import flush_folder
from evidence.layout import segment_name, segment_numbers
from evidence.record import BadLine, read_record


def trim(chain: Path, included: int, keep_seconds: float, now: float | None = None) -> list[str]:
    """Remove each segment whose records are all numbered `included` or less and that is older than `keep_seconds`.

    `now` is the wall clock (seconds). Gives the names of what was removed. Raises OSError.
    """
    numbers = segment_numbers(os.listdir(chain))
    removed: list[str] = []
    for number, following in pairwise(numbers):
        path = chain / segment_name(number)
        age = (time.time() if now is None else now) - path.stat().st_mtime
        first = _first_number(chain / segment_name(following))
        if first is None or first > included + 1 or age < keep_seconds:
            break
        path.unlink()
        removed.append(path.name)
    if removed:
        flush_folder(chain)
    return removed


def _first_number(segment: Path) -> int | None:
    """The number of the first record of a segment; None where it is not there yet, or cannot be read."""
    with segment.open("rb") as file:
        line = file.readline()
    try:
        return read_record(line.removesuffix(b"\n")).header.seq
    except BadLine:
        return None
