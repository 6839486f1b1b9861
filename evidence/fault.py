"""The first thing that is wrong in evidence, and how a person or a program reads where it is. Pure."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, TypeVar

from evidence.printable import printable

S = TypeVar("S", bound=IntEnum)


@dataclass(frozen=True, slots=True)
class Fault(Generic[S]):
    """`step` is of the check that met it. `chain` and `file` are as they are called where it was met; in a pack only
    `file` is, which is a member. `line` counts from 1; `seq` and `kind` are of the record, if known."""

    step: S
    what: str
    chain: str | None = None
    file: str | None = None
    line: int | None = None
    seq: int | None = None
    kind: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The fault as a JSON object; `step` is its number."""
        return {
            "step": int(self.step),
            "what": self.what,
            "chain": self.chain,
            "file": self.file,
            "line": self.line,
            "seq": self.seq,
            "kind": self.kind,
        }

    def __str__(self) -> str:
        named = (("", self.chain), ("", self.file), ("line ", self.line), ("record ", self.seq), ("kind ", self.kind))
        where = ", ".join(f"{name}{value}" for name, value in named if value is not None)
        return printable(f"{where}: {self.what}" if where else self.what)
