"""A process that compiles one policy after the other, each asked for by a line of JSON and answered by one."""

import sys

import orjson

from policy.planning import compiled


def main() -> None:
    """Until stdin ends."""
    for line in sys.stdin.buffer:
        asked = orjson.loads(line)
        answer = compiled(asked["modules"], asked["data"], asked["entries"])
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
