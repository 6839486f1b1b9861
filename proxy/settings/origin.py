"""Where a value of the configuration was written: in a file under a key, or on the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Names the place of a key. `flags` maps the keys that the command line gave to the flag as it was written."""

    file: Path | None = None
    flags: Mapping[KeyPath, str] = field(default_factory=dict)

    def where(self, at: KeyPath) -> str:
        """The flag that gave this key, else the file and the key, with dots."""
        if at in self.flags:
            return self.flags[at]
        key = ".".join(at)
        return f"{self.file}: {key}" if self.file is not None else key

    def folder(self, at: KeyPath) -> Path:
        """What a relative path under this key starts from: the file's folder; for a flag, the working directory."""
        if at in self.flags or self.file is None:
            return Path.cwd()
        return self.file.absolute().parent


def merged(under: Mapping[str, Any], at: KeyPath, value: Any) -> dict[str, Any]:
    """A copy of `under` in which the key `at` holds `value`; what stands in the way of the path is replaced."""
    head, *rest = at
    below = under.get(head)
    if not rest:
        return {**under, head: value}
    return {**under, head: merged(below if isinstance(below, Mapping) else {}, tuple(rest), value)}
