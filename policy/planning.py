"""Has a policy compiled to its plan in a process of its own.

regopy writes a plan only to files, and doing so corrupts memory where another library has loaded the C++ runtime
before it (frozenlist, which comes with aiohttp, does). A process that loads nothing else is safe, and a policy that
makes the compiler crash ends that process, not this one.
"""

import subprocess
import sys
from dataclasses import asdict
from typing import Any, Final

import orjson

from policy.engine import Policy, PolicyRefused

COMPILE_SECONDS: Final = 30.0
"""How long a policy may take to compile; the built-in ones take a fifth of a second."""


def plan_document(policy: Policy) -> dict[str, Any]:
    """The plan of `policy` as JSON values (OPA's intermediate representation).

    Raises PolicyRefused for a policy that does not compile, or not in time.
    """
    given = orjson.dumps({**asdict(policy), "modules": dict(policy.modules), "data": dict(policy.data)})
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "policy.planning"],
            input=given,
            capture_output=True,
            timeout=COMPILE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PolicyRefused((f"{policy.name}: not compiled within {COMPILE_SECONDS} s",)) from error
    if done.returncode != 0:
        raise PolicyRefused((f"{policy.name}: the compiler ended with {done.returncode}: {_last_line(done.stderr)}",))
    answer = orjson.loads(done.stdout)
    if "problems" in answer:
        raise PolicyRefused(tuple(answer["problems"]))
    document: dict[str, Any] = answer["plan"]
    return document


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def main() -> None:
    """Read a policy on stdin, write its plan or its problems to stdout."""
    from policy.interpreter import Compiled  # only this process may let regopy write files

    policy = Policy(**orjson.loads(sys.stdin.buffer.read()))
    try:
        answer: dict[str, Any] = {"plan": Compiled(policy).plan()}
    except PolicyRefused as refused:
        answer = {"problems": refused.problems}
    sys.stdout.buffer.write(orjson.dumps(answer))


if __name__ == "__main__":
    main()
