"""An evaluation plan as Python functions (OPA's intermediate representation, `v1/ir` in its source)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from policy.plan import Statement, text_of
from policy.program import json_values, running, values
from policy.program.builtins import BUILTINS
from policy.program.cost import Metered
from policy.program.source import NotTranslatable, Source, Writer

Function = Callable[..., Any]

_GIVEN: Final = 2
"""Input and data, which every function of a plan has first."""

_FIRST_MEMO: Final = 1
"""In the list that goes from function to function; before it stands the budget."""


class Program:
    """The functions of one plan."""

    def __init__(self, source: str, entries: Mapping[str, str], memos: int, shared: dict[str, Any]) -> None:
        """`entries` has the names of rules' functions by their paths, `shared` is what the source refers to."""
        self._memos = memos
        shared["fresh"] = self._fresh
        exec(compile(source, "<policy>", "exec"), shared)  # noqa: S102  (numbers and quoted texts of a vetted plan)
        self._entries: dict[str, Function] = {entry: shared[name] for entry, name in entries.items()}

    def evaluate(self, entry: str, given: Any, data: Any, budget: running.Budget) -> Any:
        """The value of a rule by its path (`agentgate/decision`), or UNDEFINED. Raises Conflict, OutOfTime, Inexact."""
        function = self._entries.get(entry)
        return values.UNDEFINED if function is None else function(given, data, self._fresh(budget))

    def _fresh(self, budget: running.Budget) -> list[Any]:
        """The list of what rules evaluate to: the list itself where that is not known yet."""
        memo: list[Any] = [budget]
        memo.extend([memo] * self._memos)
        return memo


def translate(document: Mapping[str, Any], text_of: Callable[[str], str] = text_of) -> Program:
    """The program of a plan, whose strings are read by `text_of`: regopy's compiler spells them in its own way.

    Raises NotTranslatable, and KeyError or TypeError for a document that is no plan.
    """
    functions = document["funcs"]["funcs"]
    names = _Names([text_of(entry["value"]) for entry in document["static"].get("strings", ())], functions)
    lines: list[str] = []
    for function in functions:
        source = Source(names, _WRITERS, function["blocks"])
        name, _ = names.functions[function["name"]]
        lines += source.function(name, function["params"][_GIVEN:], names.memos.get(name))
    entries = {"/".join(path): name for path, name in names.by_path.items() if name in names.memos}
    return Program("\n".join(lines) + "\n", entries, len(names.memos), names.shared())


class _Names:
    """Names for the functions, builtins and numbers of one plan."""

    def __init__(self, strings: Sequence[str], functions: Sequence[Mapping[str, Any]]) -> None:
        self.strings = strings
        self.functions = {one["name"]: (f"f{number}", len(one["params"])) for number, one in enumerate(functions)}
        self.by_path = {tuple(one["path"][1:]): f"f{number}" for number, one in enumerate(functions)}
        rules = [name for name, taken in self.functions.values() if taken == _GIVEN]
        self.memos = {name: number for number, name in enumerate(rules, _FIRST_MEMO)}
        self._used: dict[str, Any] = {}

    def call(self, name: str, arguments: Sequence[str]) -> str:
        """A call of a function of the plan, or of a builtin."""
        if name in self.functions:
            function, taken = self.functions[name]
            return f"{function}({', '.join(['v0', 'v1', 'm', *arguments[_GIVEN:taken]])})"
        if name not in BUILTINS:
            raise NotTranslatable(f"the embedded engine has no function {name}; use the opa engine")
        alias = "b_" + "".join(letter if letter.isalnum() else "_" for letter in name)
        builtin = BUILTINS[name]
        if isinstance(builtin, Metered):
            builtin, arguments = builtin.function, ["m[0]", *arguments]
        self._used[alias] = builtin
        return f"{alias}({', '.join(arguments)})"

    def number(self, spelling: str) -> str:
        """A number: whole ones stand in the source."""
        value = json_values.number(spelling)
        if isinstance(value, int):
            return repr(value)
        alias = f"c{len(self._used)}"
        self._used[alias] = value
        return alias

    def shared(self) -> dict[str, Any]:
        """What the functions refer to."""
        found = {
            "U": values.UNDEFINED, "Set": values.Set, "key": values.key, "same": values.same, "dot": running.dot,
            "scan": running.scan, "once": running.once, "length": running.length,
            "insert_new": running.insert_new, "insert_once": running.insert_once,
            "merged": running.merged_or_conflict, "upserted": running.upserted, **self._used,
        }  # fmt: skip
        found["called"] = lambda path, *rest: running.called(found, self.by_path, path, *rest)
        return found


def _return(source: Source, inner: Statement) -> None:
    source.put(f"{source.keeps}r = v{int(inner['source'])}")
    source.put("return r")


def _call(source: Source, inner: Statement) -> None:
    result = f"v{int(inner['result'])}"
    source.put(f"{result} = {source.names.call(inner['func'], [source.operand(one) for one in inner['args']])}")
    source.unless(f"{result} is U")


def _call_dynamic(source: Source, inner: Statement) -> None:
    result = f"v{int(inner['result'])}"
    path = "".join(f"{source.operand(part)}, " for part in inner["path"])
    rest = "".join(f", {source.operand(one)}" for one in inner["args"][_GIVEN:])
    source.put(f"{result} = called(({path}), v0, v1, m{rest})")
    source.unless(f"{result} is U")


def _block(source: Source, inner: Statement) -> None:
    for block in inner["blocks"]:
        source.blocks([block])
        source.landed()


def _break(source: Source, inner: Statement) -> None:
    source.leave(int(inner.get("index", 0)))


def _dot(source: Source, inner: Statement) -> None:
    whole, name, target = source.operand(inner["source"]), source.operand(inner["key"]), f"v{int(inner['target'])}"
    if inner["key"]["type"] == "string_index":
        source.put(f"{target} = {whole}.get({name}, U) if type({whole}) is dict else dot({whole}, {name})")
    else:
        source.put(f"{target} = dot({whole}, {name})")
    source.unless(f"{target} is U")


def _length(source: Source, inner: Statement) -> None:
    target = f"v{int(inner['target'])}"
    source.put(f"{target} = length({source.operand(inner['source'])})")
    source.unless(f"{target} is U")


def _scan(source: Source, inner: Statement) -> None:
    each = f"v{int(inner['key'])}, v{int(inner['value'])}"
    scanned = f"s{source.level()}"
    source.put(f"{scanned} = scan(v{int(inner['source'])}, m[0])")
    source.unless(f"{scanned} is None")
    source.loop(f"for {each} in {scanned}:", inner["block"], "continue")
    source.landed()


def _not(source: Source, inner: Statement) -> None:
    flag = f"n{source.level()}"
    source.put(f"{flag} = True")
    source.loop("while True:", inner["block"], "break", last=f"{flag} = False")
    source.landed()
    source.unless(f"not {flag}")


def _assign_int(source: Source, inner: Statement) -> None:
    source.put(f"v{int(inner['target'])} = {int(inner['value'])}")


def _assign(source: Source, inner: Statement) -> None:
    if source.is_read(inner["target"]):
        source.put(f"v{int(inner['target'])} = {source.operand(inner['source'])}")


def _assign_once(source: Source, inner: Statement) -> None:
    target = f"v{int(inner['target'])}"
    source.put(f"{target} = once({target}, {source.operand(inner['source'])})")


def _make(text: str) -> Writer:
    return lambda source, inner: source.put(f"v{int(inner['target'])} = {text}")


def _number(source: Source, inner: Statement) -> None:
    index = inner["index"] if "index" in inner else inner["Index"]
    source.put(f"v{int(inner['target'])} = {source.names.number(source.names.strings[index])}")


def _equal(source: Source, inner: Statement) -> None:
    a, b = sorted((source.settled(inner["a"]), source.settled(inner["b"])), key=_is_literal)
    if a == b == "True":
        return
    if b in ("True", "False") and not _is_literal(a):
        source.unless(f"{a} is not {b}")
    elif _is_literal(b) and not _is_literal(a):
        source.unless(f"{a} != {b}")
    else:
        source.unless(f"not same({a}, {b})")


def _not_equal(source: Source, inner: Statement) -> None:
    a, b = sorted((source.settled(inner["a"]), source.settled(inner["b"])), key=_is_literal)
    if {a, b} == {"True", "False"}:
        return
    if b in ("True", "False") and not _is_literal(a):
        source.unless(f"{a} is {b} or {a} is U")
    else:
        undefined = "".join(f"{one} is U or " for one in (a, b) if not _is_literal(one))
        source.unless(f"{undefined}same({a}, {b})")


def _is_literal(expression: str) -> bool:
    return not expression.startswith("v")


def _is(kind: str) -> Writer:
    return lambda source, inner: source.unless(f"type({source.operand(inner['source'])}) is not {kind}")


def _is_defined(source: Source, inner: Statement) -> None:
    source.unless(f"v{int(inner['source'])} is U")


def _is_undefined(source: Source, inner: Statement) -> None:
    source.unless(f"v{int(inner['source'])} is not U")


def _append(source: Source, inner: Statement) -> None:
    source.put(f"v{int(inner['array'])}.append({source.operand(inner['value'])})")


def _insert(source: Source, inner: Statement) -> None:
    name, value, into = source.operand(inner["key"]), source.operand(inner["value"]), f"v{int(inner['object'])}"
    source.put(f"insert_new({into}, {name}, {value})" if source.keyed else f"{into}[{name}] = {value}")


def _insert_once(source: Source, inner: Statement) -> None:
    name, value = source.operand(inner["key"]), source.operand(inner["value"])
    source.put(f"insert_once(v{int(inner['object'])}, {name}, {value})")


def _merge(source: Source, inner: Statement) -> None:
    source.put(f"v{int(inner['target'])} = merged(v{int(inner['a'])}, v{int(inner['b'])})")


def _add(source: Source, inner: Statement) -> None:
    source.put(f"v{int(inner['set'])}.add({source.operand(inner['value'])})")


def _with(source: Source, inner: Statement) -> None:
    local, kept, flag = f"v{int(inner['local'])}", f"w{source.level()}", f"n{source.level()}"
    path = "".join(f"{source.names.strings[index]!r}, " for index in inner.get("path") or ())
    source.put(f"{kept} = {local}, m")
    source.put(f"{local} = upserted({local}, ({path}), {source.operand(inner['value'])})")
    source.put(f"m, {flag} = fresh(m[0]), False")
    source.loop("while True:", inner["block"], "break", last=f"{flag} = True")
    source.put(f"{local}, m = {kept}")
    source.landed()
    source.unless(f"not {flag}")


def _nothing(source: Source, inner: Statement) -> None:
    del source, inner


_WRITERS: Final[Mapping[str, Writer]] = {
    "ArrayAppendStmt": _append,
    "AssignIntStmt": _assign_int,
    "AssignVarOnceStmt": _assign_once,
    "AssignVarStmt": _assign,
    "BlockStmt": _block,
    "BreakStmt": _break,
    "CallDynamicStmt": _call_dynamic,
    "CallStmt": _call,
    "DotStmt": _dot,
    "EqualStmt": _equal,
    "IsArrayStmt": _is("list"),
    "IsDefinedStmt": _is_defined,
    "IsObjectStmt": _is("dict"),
    "IsSetStmt": _is("Set"),
    "IsUndefinedStmt": _is_undefined,
    "LenStmt": _length,
    "MakeArrayStmt": _make("[]"),
    "MakeNullStmt": _make("None"),
    "MakeNumberIntStmt": _assign_int,
    "MakeNumberRefStmt": _number,
    "MakeObjectStmt": _make("{}"),
    "MakeSetStmt": _make("Set()"),
    "NopStmt": _nothing,
    "NotEqualStmt": _not_equal,
    "NotStmt": _not,
    "ObjectInsertOnceStmt": _insert_once,
    "ObjectInsertStmt": _insert,
    "ObjectMergeStmt": _merge,
    "ResetLocalStmt": _make("U"),
    "ReturnLocalStmt": _return,
    "ScanStmt": _scan,
    "SetAddStmt": _add,
    "WithStmt": _with,
}
