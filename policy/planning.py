"""Has a policy compiled to its plan by regopy, in a process of its own.

regopy writes a plan only to files, and doing so corrupts memory where another library has loaded the C++ runtime
before it (frozenlist, which comes with aiohttp, does). A process that loads nothing else is safe, and a policy that
makes the compiler crash ends that process, not this one; its memory goes with it.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson

from policy.engine import EntryPoint, Policy, PolicyRefused

COMPILE_SECONDS: Final = 30.0
"""How long a policy may take to compile; the built-in ones take a fifth of a second."""

OUTLINE_MEMBERS: Final = 16
"""So many members of an object, or elements of an array, stand for all of them in what the compiler is given."""

_ENTRIES: Final = [EntryPoint.DECISION.value, EntryPoint.LISTING.value]
_ERROR: Final = re.compile(
    r"\(error (?:\d+:)?([^|()]+)\|(\d+)\|\d+\s*\(errormsg (?:\d+:)?(.*?)\)\s*\(errorast", re.DOTALL
)


def plan_document(policy: Policy) -> dict[str, Any]:
    """The plan of `policy` as JSON values (OPA's intermediate representation).

    Raises PolicyRefused for a policy that does not compile, or not in time.
    """
    text = "\n".join(policy.modules.values())
    given = orjson.dumps({"modules": dict(policy.modules), "data": outline(policy.data, text)})
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


def outline(data: Any, text: str) -> Any:
    """As much of `data` as a plan depends on: what is named in `text`, and some of what it only looks through.

    The compiler asks of data only whether it is there. Given all of it, 200,000 grants take 20 s and 2 GB.
    """
    match data:
        case dict():
            names = data if len(data) <= OUTLINE_MEMBERS else _some(data, text)
            return {name: outline(data[name], text) for name in names}
        case list() | tuple():
            return [outline(item, text) for item in data[:OUTLINE_MEMBERS]]
        case _:
            return data


def _some(data: Mapping[str, Any], text: str) -> list[str]:
    named = [name for name in data if name in text]
    return [*named, *(name for name in islice(data, OUTLINE_MEMBERS) if name not in text)]


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def main() -> None:
    """Read modules and data on stdin, write their plan or their problems to stdout."""
    given = orjson.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(orjson.dumps(compiled(given["modules"], given["data"], _ENTRIES)))


def compiled(modules: Mapping[str, str], data: Any, entries: list[str]) -> dict[str, Any]:
    """The plan (`plan`) of modules for some entry points, or what is wrong with them (`problems`).

    For a process that has loaded nothing else, see above.
    """
    from regopy import Interpreter, LogLevel, RegoError  # type: ignore[import-untyped]  # only this process may load it

    interpreter = Interpreter()
    interpreter.log_level = LogLevel.NONE
    try:
        for path, text in modules.items():
            interpreter.add_module(path, text)
        interpreter.add_data_json(orjson.dumps(data).decode())
        bundle = interpreter.build(None, entries)
    except RegoError as error:
        return {"problems": _build_problems(str(error), modules)}
    with tempfile.TemporaryDirectory(prefix="agentgate-plan-") as folder:
        interpreter.save_bundle(folder, bundle)
        return {"plan": json.loads((Path(folder) / "plan.json").read_bytes())}


def _build_problems(report: str, modules: Mapping[str, str]) -> tuple[str, ...]:
    problems = [
        f"{path}:{_line(modules.get(path, ''), int(offset))}: {what.strip()}"
        for path, offset, what in _ERROR.findall(report)
    ]
    return tuple(dict.fromkeys(problems)) or (" ".join(report.split()),)


def _line(text: str, offset: int) -> int:
    return text.encode()[:offset].count(b"\n") + 1


if __name__ == "__main__":
    main()
