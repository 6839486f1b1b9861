"""Compares two URLs by hand: `python -m tests.conformance DIRECT_URL THROUGH_URL [2025-11-25|2026-07-28]`."""

import sys
import tempfile
from pathlib import Path

from tests.conformance.suite import REQUIREMENTS, Requirements, differences, run


def main(direct_url: str, through_url: str, *chosen: Requirements) -> int:
    """Prints each difference; 1 if there is any."""
    found = 0
    for requirements in chosen or REQUIREMENTS:
        with tempfile.TemporaryDirectory() as folder:
            direct = run(direct_url, requirements, Path(folder, "direct"))
            through = run(through_url, requirements, Path(folder, "through"))
        changed = differences(direct, through)
        found += len(changed)
        sys.stdout.write(f"{requirements}: {direct.total()} checks, {len(changed)} come out otherwise\n")
        sys.stdout.writelines(f"  {difference}\n" for difference in changed)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))  # type: ignore[arg-type]
