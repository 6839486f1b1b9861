"""The locals of one function of a plan while it runs, and the statements that only give a local its value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from policy.explaining.trace import Asked, Given, Made, Operand, Origin, Ref
from policy.plan import Statement
from policy.program import running
from policy.program.json_values import number
from policy.program.values import UNDEFINED, Set

MOST_PARTS: Final = 16
"""Of a value that is put together: so many are remembered with where they came from."""

UNSET: Final = Operand(UNDEFINED)
_LITERALS: Final[Mapping[str, Callable[[], Any]]] = {
    "MakeArrayStmt": list, "MakeNullStmt": lambda: None, "MakeObjectStmt": dict, "MakeSetStmt": Set,
    "ResetLocalStmt": lambda: UNDEFINED,
}  # fmt: skip


class Frame:
    """`memo` has the rules that were evaluated; `keyed`: an object is spelled out whose keys may come twice."""

    __slots__ = ("_strings", "function", "keyed", "locals", "memo", "result")

    def __init__(
        self,
        strings: Sequence[str],
        function: Mapping[str, Any],
        memo: dict[str, Asked],
        given: Mapping[int, Operand],
        *,
        keyed: bool,
    ) -> None:
        self._strings = strings
        self.function = function
        self.locals = dict(given)
        self.memo = memo
        self.keyed = keyed
        self.result = UNSET

    def operand(self, operand: Any) -> Operand:
        """What an operand of a statement is."""
        match operand:
            case {"type": "bool", "value": value}:
                return Operand(bool(value))
            case {"type": "string_index", "value": index}:
                return Operand(self._strings[index])
            case {"type": "local", "value": local}:
                return self.locals.get(int(local), UNSET)
            case _:
                return self.locals.get(int(operand), UNSET)

    def make(self, kind: str, inner: Statement) -> None:
        """A statement that cannot fail. Raises KeyError for one that is not known, and Conflict."""
        match kind:
            case "AssignVarStmt":
                self.locals[int(inner["target"])] = self.operand(inner["source"])
            case "AssignVarOnceStmt":
                self._once(int(inner["target"]), self.operand(inner["source"]))
            case "AssignIntStmt" | "MakeNumberIntStmt":
                self.locals[int(inner["target"])] = Operand(int(inner["value"]))
            case "MakeNumberRefStmt":
                index = inner["index"] if "index" in inner else inner["Index"]
                self.locals[int(inner["target"])] = Operand(number(self._strings[index]))
            case "ObjectMergeStmt":
                parts = (self.operand(inner["a"]), self.operand(inner["b"]))
                merged = running.merged_or_conflict(parts[0].value, parts[1].value)
                self.locals[int(inner["target"])] = Operand(merged, Made("", parts))
            case "ArrayAppendStmt" | "SetAddStmt" | "ObjectInsertStmt" | "ObjectInsertOnceStmt":
                self._add(kind, inner)
            case "NopStmt":
                pass
            case _:
                value = _LITERALS[kind]()
                self.locals[int(inner["target"])] = Operand(value, None if value in (None, UNDEFINED) else Made("", ()))

    def _once(self, target: int, new: Operand) -> None:
        before = self.locals.get(target, UNSET)
        value = running.once(before.value, new.value)
        self.locals[target] = new if before.value is UNDEFINED else Operand(value, before.origin)

    def _add(self, kind: str, inner: Statement) -> None:
        local, value = int(inner[_INTO[kind]]), self.operand(inner["value"])
        into = self.locals[local]
        match kind:
            case "ArrayAppendStmt":
                into.value.append(value.value)
            case "SetAddStmt":
                into.value.add(value.value)
            case "ObjectInsertOnceStmt":
                running.insert_once(into.value, self.operand(inner["key"]).value, value.value)
            case _ if self.keyed:
                running.insert_new(into.value, self.operand(inner["key"]).value, value.value)
            case _:
                into.value[self.operand(inner["key"]).value] = value.value
        if isinstance(into.origin, Made) and len(into.origin.operands) < MOST_PARTS:
            self.locals[local] = Operand(into.value, Made("", (*into.origin.operands, value)))


_INTO: Final = {
    "ArrayAppendStmt": "array", "SetAddStmt": "set", "ObjectInsertStmt": "object", "ObjectInsertOnceStmt": "object",
}  # fmt: skip


def member(source: Operand, key: Any) -> Origin:
    """Where the member of a value came from."""
    match source.origin:
        case Ref() as ref:
            return ref.member(key)
        case Given(asked=asked, inner=inner):
            return Given(asked, member(Operand(source.value, inner), key), whole=False)
        case Made(function="", operands=parts) if type(source.value) is list and type(key) is int:
            return parts[key].origin if 0 <= key < len(parts) else None
        case Made() as made:
            return made
        case _:
            return None
