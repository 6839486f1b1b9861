"""One policy compiled in one regopy interpreter: the adapter where regopy's own errors and spellings stop.

regopy keeps strings as they were spelled in JSON. Input and data therefore go in with minimal escapes, numbers that
are no 64-bit integers as they were spelled, and its answers are read with suspicion: an answer with a member twice
is one that a quoted text may have forged.
"""

import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from regopy import Bundle, Interpreter, LogLevel, RegoError  # type: ignore[import-untyped]

from policy import rego_c
from policy.engine import UNDEFINED, EngineFailed, EngineUnavailable, EntryPoint, Policy, PolicyRefused

_OTHER: Final = "frozenlist._frozenlist"

_ERROR: Final = re.compile(
    r"\(error (?:\d+:)?([^|()]+)\|(\d+)\|\d+\s*\(errormsg (?:\d+:)?(.*?)\)\s*\(errorast", re.DOTALL
)


def loaded_late(modules: Sequence[str]) -> bool:
    """Whether the C++ runtime came with frozenlist (which aiohttp loads) before it came with regopy.

    `modules` are the names of what is loaded, oldest first. In that order each evaluation of regopy leaks some 15 KB
    and writing a file corrupts memory; in the other neither happens (measured with regopy 1.5.2, frozenlist 1.8).
    """
    return _OTHER in modules and modules.index(_OTHER) < modules.index("regopy")


class Compiled:
    """A policy ready to be asked. Not thread safe."""

    def __init__(self, policy: Policy) -> None:
        """Compile.

        Raises PolicyRefused with file and line for what regopy cannot parse, EngineUnavailable where it is not safe.
        """
        if loaded_late(list(sys.modules)):
            raise EngineUnavailable("regopy was loaded after frozenlist: it would leak and corrupt memory")
        self._interpreter = Interpreter()
        self._interpreter.log_level = LogLevel.NONE
        self._bundle = self._build(policy)
        # regopy's own names for what its C interface works on; it has no public ones.
        self._handles = self._interpreter._impl, self._bundle._impl  # noqa: SLF001

    def evaluate(self, entry: EntryPoint, document: bytes) -> Any:
        """The value of `entry` over `document`, or UNDEFINED. Raises EngineFailed."""
        try:
            self._give(document)
            return _value(rego_c.answer(*self._handles, entry.value))
        except (RegoError, ValueError, RecursionError) as error:
            raise EngineFailed(f"the embedded engine gave no value: {error}") from error

    def plan(self) -> Any:
        """The evaluation plan of the policy, as JSON values; only for the process that `planning` starts."""
        with tempfile.TemporaryDirectory(prefix="agentgate-plan-") as folder:
            self._interpreter.save_bundle(folder, self._bundle)
            return json.loads((Path(folder) / "plan.json").read_bytes())

    def _give(self, document: bytes) -> None:
        try:
            rego_c.give(self._handles[0], orjson.loads(document))
        except (rego_c.NotWhole, orjson.JSONDecodeError):
            self._interpreter.set_input_term(document.decode())

    def _build(self, policy: Policy) -> Bundle:
        entries = [EntryPoint.DECISION.value, EntryPoint.LISTING.value]
        entries += [EntryPoint.RESULT.value] if policy.has_result else []
        try:
            for path, text in policy.modules.items():
                self._interpreter.add_module(path, text)
            self._interpreter.add_data_json(orjson.dumps(policy.data).decode())
            return self._interpreter.build(None, entries)
        except RegoError as error:
            raise PolicyRefused(_build_problems(str(error), policy.modules)) from error


def _value(text: str) -> Any:
    if text == "undefined":
        return UNDEFINED
    output = json.loads(text, object_pairs_hook=_unambiguous)
    values = output.get("expressions") if isinstance(output, dict) and output.keys() == {"expressions"} else None
    if not isinstance(values, list) or len(values) != 1:
        raise ValueError("not one value")
    return values[0]


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice in the answer")
    return members


def _build_problems(report: str, modules: Mapping[str, str]) -> tuple[str, ...]:
    problems = [
        f"{path}:{_line(modules.get(path, ''), int(offset))}: {what.strip()}"
        for path, offset, what in _ERROR.findall(report)
    ]
    return tuple(dict.fromkeys(problems)) or (" ".join(report.split()),)


def _line(text: str, offset: int) -> int:
    return text.encode()[:offset].count(b"\n") + 1
