"""The files of the policy that is looked at: the folders of a built-in one, or a folder of one's own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from policy.bundle import BUILTIN
from policy.engine import PolicyRefused

_REGO: Final = Path(__file__).parents[1] / "rego"


@dataclass(frozen=True)
class Sources:
    """The folders, each of them the root of its data; `spec` is what the policy is called on the command line."""

    spec: str
    folders: tuple[Path, ...]

    @cached_property
    def modules(self) -> tuple[Path, ...]:
        """Every Rego file, tests too."""
        return tuple(self._files("*.rego"))

    @cached_property
    def data(self) -> tuple[tuple[Path, Path], ...]:
        """Every JSON file, after the folder that is its root."""
        return tuple((folder, path) for folder in self.folders for path in sorted(folder.rglob("*.json")))

    @cached_property
    def unread(self) -> tuple[Path, ...]:
        """Data that OPA reads in a folder, and the sidecar does not."""
        return (*self._files("*.yaml"), *self._files("*.yml"))

    @cached_property
    def reasons(self) -> frozenset[str] | None:
        """The codes in the reasons table (`reasons` or `agentgate.reasons` of the data); None without a table."""
        tables = [table for root, path in self.data for table in _tables(root, path)]
        return frozenset(code for table in tables for code in table) if tables else None

    def named(self, name: str) -> str:
        """The file that a problem of loading calls `name`, relative to the folder or to the built-in ones."""
        base = _REGO if self.spec in BUILTIN else self.folders[0]
        return str(base / name)

    def _files(self, pattern: str) -> Iterator[Path]:
        for folder in self.folders:
            yield from sorted(path for path in folder.rglob(pattern) if path.is_file())


def open_sources(spec: str) -> Sources:
    """The sources of "starter", "observe" or a folder. Raises PolicyRefused if there is no Rego."""
    if spec in BUILTIN:
        return Sources(spec, tuple(_REGO / name for name in ("rules", spec, "system")))
    if not Path(spec).is_dir():
        raise PolicyRefused((f"{spec}: neither {' nor '.join(BUILTIN)}, nor a folder of Rego",))
    sources = Sources(spec, (Path(spec),))
    if not sources.modules:
        raise PolicyRefused((f"{spec}: no .rego file in this folder; put the policy there, or name its folder",))
    return sources


def is_test(path: Path) -> bool:
    """Whether a module is for `opa test` alone, and never loaded by a sidecar."""
    return path.name.endswith("_test.rego")


def _tables(root: Path, path: Path) -> Iterator[dict[str, Any]]:
    try:
        value: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return  # Loading the policy says what is wrong with the file.
    for part in reversed(path.relative_to(root).parts[:-1]):
        value = {part: value}
    above = value if isinstance(value, dict) else {}
    for holder in (above, above.get("agentgate")):
        if isinstance(holder, dict) and isinstance(table := holder.get("reasons"), dict):
            yield table
