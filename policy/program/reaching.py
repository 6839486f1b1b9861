"""Which locals of a function may be read before they are written: those begin as undefined, the others need not."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from policy.plan import Statement, local_of, nested

Blocks = Iterable[Mapping[str, Any]]
Place = tuple[int, ...]

_WRITES: Final = ("target", "result")
_OPERANDS: Final = ("source", "value", "a", "b", "key", "object", "array", "set")
_ALSO_READ: Final = frozenset({"AssignVarOnceStmt"})
"""What it writes has been looked at before."""


def uncertain(blocks: Blocks, given: Iterable[int]) -> list[int]:
    """The locals that must be made undefined first; `given` are those that the function begins with.

    A local is certain if its first write stands in a block, and every read comes after it in that block or in one
    inside it: whoever gets there has passed the write.
    """
    first: dict[int, Place] = {}
    bad: set[int] = set()
    for place, statement in _placed(blocks, ()):
        for local in reads(statement):
            if local not in first or not _passed(first[local], place):
                bad.add(local)
        for local in writes(statement):
            first.setdefault(local, place)
            if not _passed(first[local], place) and first[local] != place:
                bad.add(local)
    return sorted(bad - set(given))


def reads(statement: Statement) -> Iterator[int]:
    """The locals that a statement reads."""
    kind, inner = statement["type"], statement["stmt"]
    if kind == "ScanStmt":
        yield int(inner["source"])
        return
    for member in _OPERANDS:
        found = inner.get(member)
        local = found if isinstance(found, int) and not isinstance(found, bool) else local_of(found)
        if local is not None and not (member == "value" and kind in ("MakeNumberIntStmt", "AssignIntStmt")):
            yield local
    for argument in (*inner.get("args", ()), *_dynamic(inner)):
        local = argument if isinstance(argument, int) else local_of(argument)
        if local is not None:
            yield local
    if kind in _ALSO_READ:
        yield int(inner["target"])
    if kind == "WithStmt":
        yield int(inner["local"])


def writes(statement: Statement) -> Iterator[int]:
    """The locals that a statement writes."""
    kind, inner = statement["type"], statement["stmt"]
    if kind == "ScanStmt":
        yield int(inner["key"])
        yield int(inner["value"])
    yield from (int(inner[member]) for member in _WRITES if member in inner)


def _dynamic(inner: Statement) -> Iterable[Any]:
    return inner["path"] if "func" not in inner and "args" in inner else ()


def _placed(blocks: Blocks, above: Place) -> Iterator[tuple[Place, Statement]]:
    """Each statement with where it stands: the numbers of blocks and statements from the outermost to it."""
    for number, block in enumerate(blocks):
        for index, statement in enumerate(block["stmts"]):
            place = (*above, number, index)
            yield place, statement
            yield from _placed(nested(statement), place)


def _passed(written: Place, read: Place) -> bool:
    """Whether who is at `read` has been at `written`: the same block, or one around it, and further on.

    What a statement with blocks writes itself (a loop's key and value) counts inside it.
    """
    block, index = written[:-1], written[-1]
    if len(read) <= len(block) or read[: len(block)] != block:
        return False
    return read[len(block)] > index or (read[len(block)] == index and len(read) > len(written))
