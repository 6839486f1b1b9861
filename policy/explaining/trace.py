"""What an evaluation did, step by step, and where each value in it came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from policy.program.values import UNDEFINED


class Place(NamedTuple):
    """Where something stands in the sources of a policy: a file, and a line from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Ref(NamedTuple):
    """A value of the input or of the data, by its path."""

    root: str
    path: tuple[Any, ...] = ()

    def member(self, name: Any) -> "Ref":
        """What lies in it under a name."""
        return Ref(self.root, (*self.path, name))


class Made(NamedTuple):
    """A value that a builtin made of others, or that was put together; `function` is empty then."""

    function: str
    operands: "tuple[Operand, ...]"


class KeyOf(NamedTuple):
    """A key of a collection that is looped over."""

    collection: "Operand"


@dataclass(frozen=True, slots=True)
class Given:
    """The value of a rule or function of the policy, or a member of it; `inner` is where that came from itself."""

    asked: "Asked"
    inner: "Origin"
    whole: bool = True


Origin = Ref | Made | KeyOf | Given | None
"""None for what stands in the policy."""


class Operand(NamedTuple):
    """A value, and where it came from."""

    value: Any
    origin: Origin = None

    @property
    def ref(self) -> Ref | None:
        """Where in the input or the data it stands, if it does."""
        origin = self.origin
        while isinstance(origin, Given):
            origin = origin.inner
        return origin if isinstance(origin, Ref) else None

    def refs(self) -> "Iterator[tuple[Ref, Any]]":
        """All values of the input and the data that it was made of."""
        origin = self.origin
        while isinstance(origin, Given):
            origin = origin.inner
        match origin:
            case Ref():
                yield origin, self.value
            case Made(operands=operands):
                for each in operands:
                    yield from each.refs()
            case KeyOf(collection=collection):
                yield from collection.refs()


@dataclass(slots=True)
class Step:
    """One statement that could fail, or that has blocks. `runs` are those of its blocks or turns, in their order."""

    kind: str
    statement: Mapping[str, Any]
    place: Place | None
    held: bool = True
    operands: tuple[Operand, ...] = ()
    asked: "Asked | None" = None
    runs: "list[Run]" = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """One run through a block: its steps up to the one that failed, if any. `ended`: it came to its end."""

    block: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list)
    ended: bool = False
    at: int = 0
    """How many statements were passed."""

    @property
    def failed(self) -> Step | None:
        """The step at which it was left because something was not so."""
        last = self.steps[-1] if self.steps else None
        return last if last is not None and not last.held else None


@dataclass(slots=True)
class Asked:
    """A rule or function of the policy that was evaluated once, and what came of it."""

    path: tuple[str, ...]
    function: Mapping[str, Any]
    arguments: tuple[Operand, ...] = ()
    runs: list[Run] = field(default_factory=list)
    result: Operand = field(default_factory=lambda: Operand(UNDEFINED))

    @property
    def name(self) -> str:
        """As the policy calls it, from its package on."""
        return ".".join(self.path)

    @property
    def has_value(self) -> bool:
        """Whether it is defined."""
        return self.result.value is not UNDEFINED
