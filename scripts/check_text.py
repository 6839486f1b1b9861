"""Refuses committed text that names a registry host, a private key, a token, or a path of a build machine.

Run from the root of the tree: reads every file that git tracks or would track, prints one line for each finding
(file, line, what), and exits 1 if there is any. The patterns are spelled so that this file does not match itself.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PATTERNS: Final = {
    "a package registry's host": re.compile(
        r"py[p]i\.org|pythonho[s]ted\.org|npm[j]s\.(org|com)|registry\.yarn[p]kg|proxy\.golang\.or[g]|sum\.golang\.or[g]"
        r"|repo1?\.maven\.(apache\.)?or[g]|static\.crates\.i[o]|deb\.debian\.or[g]|index\.docker\.i[o]|gh[c]r\.io|qu[a]y\.io"
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY---[-]"),
    "a cloud access key": re.compile(r"\b(AKI[A]|ASI[A])[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pa[t]_\w{60,}"),
    "a path of a build machine": re.compile(r"/wor[k]/(main|shared|dev)\b|/roo[t]/[\w.]"),
}
ALLOWED_SUFFIXES: Final = {".png", ".ico", ".gz"}


def tracked() -> Iterator[Path]:
    """Each file that git tracks or would add."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True
    )
    for name in listing.stdout.decode().split("\0"):
        path = Path(name)
        if name and path.is_file() and path.suffix not in ALLOWED_SUFFIXES:
            yield path


def findings(path: Path) -> Iterator[str]:
    """`file:line: what` for each match in one file."""
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        for what, pattern in PATTERNS.items():
            if pattern.search(line):
                yield f"{path}:{number}: {what}"


def main() -> int:
    """Exit code 1 if anything was found."""
    found = [finding for path in tracked() for finding in findings(path)]
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
