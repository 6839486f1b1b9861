"""`python -m tests.attacks --list` prints the attack table: class/row, what is expected, where it is played."""

import argparse
import sys
from collections.abc import Iterator

from tests.attacks.elsewhere import OTHERS
from tests.attacks.row import Elsewhere, KnownMiss
from tests.attacks.table import ROWS


def lines() -> Iterator[str]:
    """One for each row, fields separated by TAB."""
    for row in ROWS:
        yield f"{row.name}\t{'passes' if row.passes else 'refused'}\t{row.expected}\n"
    for other in OTHERS:
        if isinstance(other, Elsewhere):
            yield f"{other.name}\telsewhere\t{other.held_by}\n"
        else:
            yield f"{other.name}\t{'known miss' if isinstance(other, KnownMiss) else 'not built yet'}\t{other.reason}\n"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("--list", action="store_true", required=True, help="print the table")
    parser.parse_args()
    sys.stdout.writelines(lines())
    return 0


if __name__ == "__main__":
    sys.exit(main())
