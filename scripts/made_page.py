"""Keeps a page of docs that a generator makes, or tells that it is not as the generator would make it."""

import sys
from pathlib import Path


def keep(page: Path, wanted: str) -> int:
    """Write the page; with --check on the command line compare it instead. The exit code: 1 if it differs."""
    if "--check" in sys.argv[1:]:
        return 0 if page.exists() and page.read_text("utf-8") == wanted else 1
    page.write_text(wanted, "utf-8")
    return 0
