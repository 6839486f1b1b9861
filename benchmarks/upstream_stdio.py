"""A tool server on standard streams that costs next to nothing: `python -m benchmarks.upstream_stdio`."""

import sys

from benchmarks.upstream import answered


def main() -> None:
    """Answer each line until there are no more."""
    for line in sys.stdin.buffer:
        if (body := answered(line)) is not None:
            sys.stdout.buffer.write(body + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
