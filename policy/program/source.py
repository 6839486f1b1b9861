"""The Python source of one function of a plan: its lines, and the loops that stand for its blocks.

A statement without a value leaves its block. A block is a loop that runs once and is left by `break`; the block of a
scan is a loop over values, whose turn ends by `continue`. A plan may also leave several blocks at once: `j` then says
how many are still to be left. Only numbers and quoted texts of a plan get into the source.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from policy.plan import Statement, local_of, statements_of
from policy.program.reaching import reads, uncertain

MAX_NESTING: Final = 18
"""Python nests loops no deeper than 20."""

Block = Mapping[str, Any]


class NotTranslatable(Exception):
    """A plan with something that has no translation; the text says what."""


class Names(Protocol):
    """What the functions of one plan share."""

    strings: Sequence[str]

    def call(self, name: str, arguments: Sequence[str]) -> str:
        """The expression that calls a function of the plan, or a builtin. Raises NotTranslatable."""
        ...

    def number(self, spelling: str) -> str:
        """The expression of a number."""
        ...


class Source:
    """The lines of one function, written statement by statement with `writers`."""

    def __init__(self, names: Names, writers: "Mapping[str, Writer]", blocks: Sequence[Block]) -> None:
        self.names = names
        self.lines: list[str] = []
        self.keeps = ""
        self._writers = writers
        self._blocks = blocks
        self._depth = 0
        self._leaving: list[str] = []
        statements = list(statements_of(blocks))
        self._read = {local for statement in statements for local in reads(statement)}
        self.keyed = any(one["type"] == "ObjectInsertStmt" and not _is_named(one["stmt"]["key"]) for one in statements)
        self._jumps = any(one["type"] == "BreakStmt" and one["stmt"].get("index", 0) for one in statements)
        self._true = _always_true(statements)

    def function(self, name: str, parameters: Sequence[int], memo: int | None) -> list[str]:
        """The whole function. `memo` is where its value is kept while one question is answered, `m` for none yet."""
        self.put(f"def {name}({', '.join(['v0', 'v1', 'm', *(f'v{local}' for local in parameters)])}):")
        self._depth = 1
        if memo is not None:
            self.put(f"r = m[{memo}]")
            self.put("if r is not m: return r")
            self.keeps = f"m[{memo}] = "
        self.put("m[0].spend(1)")
        if unset := uncertain(self._blocks, (0, 1, *parameters)):
            self.put(" = ".join(f"v{local}" for local in unset) + " = U")
        if self._jumps:
            self.put("j = 0")
        self.blocks(self._blocks)
        self.put(f"{self.keeps}r = U")
        self.put("return r")
        return self.lines

    def put(self, line: str) -> None:
        """One line, at the present depth."""
        self.lines.append("    " * self._depth + line)

    def unless(self, condition: str) -> None:
        """Leave the block if `condition` holds."""
        self.put(f"if {condition}: {self._leaving[-1]}")

    def leave(self, further: int) -> None:
        """Leave the block, and as many around it as `further` says."""
        if further:
            self.put(f"j = {further}")
        self.put("break" if further else self._leaving[-1])

    def blocks(self, blocks: Iterable[Block]) -> None:
        """One block after the other."""
        for block in blocks:
            self.loop("while True:", block, "break")

    def loop(self, head: str, block: Block, leave: str, last: str | None = None) -> None:
        """A block as a loop. `leave` ends it, or its turn; `last` is a line for who gets to its end."""
        if len(self._leaving) >= MAX_NESTING:
            raise NotTranslatable("rules nest too deeply for the embedded engine; use the opa engine")
        self.put(head)
        self._leaving.append(leave)
        self._depth += 1
        for statement in block["stmts"]:
            self._statement(statement)
        if last is not None:
            self.put(last)
        self.put(leave)
        self._depth -= 1
        self._leaving.pop()

    def landed(self) -> None:
        """Behind a statement with blocks: whoever leaves more than those goes on leaving."""
        if self._jumps:
            self.put("if j:")
            self._depth += 1
            self.put("j -= 1")
            if self._leaving[-1] == "continue":
                self.put("if j: break")
            self.put(self._leaving[-1])
            self._depth -= 1

    def level(self) -> int:
        """How many blocks are around."""
        return len(self._leaving)

    def is_read(self, local: int) -> bool:
        """Whether any statement of the function reads `local`."""
        return local in self._read

    def operand(self, operand: Any) -> str:
        """The expression of an operand."""
        match operand:
            case {"type": "bool", "value": value}:
                return repr(bool(value))
            case {"type": "string_index", "value": index}:
                return repr(self.names.strings[index])
            case {"type": "local", "value": local}:
                return f"v{int(local)}"
            case _:
                return f"v{int(operand)}"

    def settled(self, operand: Any) -> str:
        """As `operand`, where a local that is never anything but true is that."""
        return "True" if local_of(operand) in self._true else self.operand(operand)

    def _statement(self, statement: Statement) -> None:
        writer = self._writers.get(statement["type"])
        if writer is None:
            raise NotTranslatable(f"the plan has a statement {statement['type']}, which is not known")
        writer(self, statement["stmt"])


Writer = Callable[[Source, Statement], None]


def _is_named(key: Any) -> bool:
    return bool(key["type"] == "string_index")


def _always_true(statements: Iterable[Statement]) -> set[int | None]:
    """The locals whose one write is that of the literal true."""
    written: dict[int, list[bool]] = {}
    for statement in statements:
        inner = statement["stmt"]
        for member in ("target", "result", *(("key", "value") if statement["type"] == "ScanStmt" else ())):
            if isinstance(inner.get(member), int):
                is_true = statement["type"] == "AssignVarStmt" and inner["source"] == {"type": "bool", "value": True}
                written.setdefault(inner[member], []).append(is_true)
    return {local for local, writes in written.items() if writes == [True]}
