"""How the long runs tell how far they are."""

import sys


def say(line: str) -> None:
    """One line on stderr, at once: stdout is for what was found."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
