"""Pins: the tool definitions that somebody has reviewed, for each upstream; a lock file that goes into the policy.

    {"version": 1, "upstreams": {"files": {"read_file": {"name": "read_file", "inputSchema": {...}, ...}}}}

Whole definitions are kept, so that a change can be shown, and compared by their canonical form (RFC 8785): name, title,
description, schemas, annotations, meta, and whatever else a server says about a tool.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from evidence.canonical import canonical
from policy.engine import PolicyRefused
from policy.json_file import MISSING, read_json, write_json
from policy.vocabulary import Pinned

FILE: Final = "pins.json"
VERSION: Final = 1
MAX_TOOLS: Final = 20_000
"""Pinned tools of all upstreams together."""

SHOWN: Final = 120
"""Characters of a value that a difference shows."""

MAX_LINES: Final = 40
"""Lines of one difference."""

Definition = Mapping[str, Any]


class Pinning(Struct, frozen=True):
    """The pins of one upstream: whole definitions and digests by name, and names by the digest of all but the name."""

    tools: Mapping[str, Definition]
    digests: Mapping[str, str]
    names: Mapping[str, str]

    def judge(self, name: str, item: Definition) -> Pinned:
        """How a tool, as it is listed now, compares to what was pinned. Raises ValueError for one without a form."""
        if name in self.tools:
            return "same" if digest(item) == self.digests[name] else "changed"
        return "renamed" if _nameless(item) in self.names else "new"

    def compared(self, tools: Iterable[Any]) -> "Comparison":
        """How each tool of one list compares, by its name; None for one without a form. The nameless are left out."""
        named = [tool for tool in tools if isinstance(tool, dict) and isinstance(tool.get("name"), str)]
        twice = doubled(tool["name"] for tool in named)
        return {tool["name"]: "duplicate" if tool["name"] in twice else self._judged(tool) for tool in named}

    def _judged(self, tool: Definition) -> Pinned | None:
        try:
            return self.judge(str(tool["name"]), tool)
        except ValueError:
            return None

    def vanished(self, names: Iterable[str]) -> tuple[str, ...]:
        """Pinned tools that are not among those of a whole list."""
        return tuple(sorted(self.tools.keys() - set(names)))

    def difference(self, name: str, item: Definition) -> list[str]:
        """What is another than was pinned, a line for each member, for a person."""
        before = self.tools.get(name) or self.tools.get(self.names.get(_nameless(item), ""), {})
        lines = list(_differences("", before, item))
        more = len(lines) - MAX_LINES
        return [*lines[:MAX_LINES], *([f"... and {more} more"] if more > 0 else [])]


NOTHING_PINNED: Final = Pinning({}, {}, {})
"""The pins of an upstream that nobody has looked at yet: every tool is new."""

Comparison = Mapping[str, Pinned | None]
"""How the tools of one list compare to pins, by name."""

Pins = Mapping[str, Pinning]
"""By the name of the upstream; an upstream that is not there has no pins."""


def digest(item: Definition) -> str:
    """`sha256:` and hex over the canonical form of a definition. Raises ValueError if it has none."""
    return "sha256:" + hashlib.sha256(canonical(item)).hexdigest()


def read_pins(value: Any, where: str) -> Pins:
    """The pins in a document of the form above. Raises PolicyRefused with all problems, each beginning with `where`."""
    problems = tuple(f"{where}: {problem}" for problem in _problems(value))
    if problems:
        raise PolicyRefused(problems)
    return {upstream: _pinning(tools) for upstream, tools in value["upstreams"].items()}


def read_file(path: Path) -> dict[str, Any] | None:
    """The document in a lock file, checked; None if there is no file. Raises PolicyRefused."""
    value = read_json(path)
    if value is MISSING:
        return None
    read_pins(value, str(path))
    return dict(value)


def write_file(path: Path, document: Mapping[str, Any]) -> None:
    """Replace the lock file in one step (0600). Raises PolicyRefused for a document that is none, OSError."""
    read_pins(document, str(path))
    write_json(path, document)


def with_upstream(document: Mapping[str, Any] | None, upstream: str, tools: Iterable[Definition]) -> dict[str, Any]:
    """A lock file's document with these tools as the pins of one upstream, in place of those that it had."""
    upstreams = dict(document["upstreams"]) if document else {}
    upstreams[upstream] = {str(tool["name"]): dict(tool) for tool in sorted(tools, key=lambda tool: str(tool["name"]))}
    return {"version": VERSION, "upstreams": dict(sorted(upstreams.items()))}


def doubled(names: Iterable[str]) -> frozenset[str]:
    """Names that stand more than once."""
    seen: set[str] = set()
    return frozenset(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]


def _pinning(tools: Mapping[str, Definition]) -> Pinning:
    return Pinning(
        tools=tools,
        digests={name: digest(tool) for name, tool in tools.items()},
        names={_nameless(tool): name for name, tool in tools.items()},
    )


def _nameless(item: Definition) -> str:
    return digest({member: value for member, value in item.items() if member not in ("name", "title")})


def _problems(value: Any) -> Iterator[str]:
    if not isinstance(value, dict) or value.get("version") != VERSION or not isinstance(value.get("upstreams"), dict):
        yield f'not of the form {{"version": {VERSION}, "upstreams": {{...}}}}'
        return
    count = 0
    for upstream, tools in value["upstreams"].items():
        if not isinstance(tools, dict):
            yield f"upstreams.{upstream} is no object"
            continue
        count += len(tools)
        for name, tool in tools.items():
            if not isinstance(tool, dict) or tool.get("name") != name:
                yield f"upstreams.{upstream}.{name} is no definition of that name"
    if count > MAX_TOOLS:
        yield f"more than {MAX_TOOLS:,} tools"


def _differences(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted(before.keys() | after.keys()):
            where = f"{path}.{name}" if path else name
            if name not in after:
                yield f"- {where}: {_shown(before[name])}"
            elif name not in before:
                yield f"+ {where}: {_shown(after[name])}"
            else:
                yield from _differences(where, before[name], after[name])
    elif canonical({"value": before}) != canonical({"value": after}):
        yield f"~ {path}: {_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:
    """A value as text that hides nothing: what cannot be seen is written as an escape."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, default=str)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
