"""Causes in words: what was compared, with the values."""

from typing import Any, Final

from policy.explaining.cause import Cause
from policy.explaining.granted import granted_words
from policy.explaining.showing import shown
from policy.explaining.trace import Given, KeyOf, Made, Operand, Ref

_OPERATORS: Final = {
    "equal": ("is", "is not"), "gt": ("is above", "is not above"), "gte": ("is at least", "is below"),
    "internal.member_2": ("is one of", "is none of"), "lt": ("is below", "is not below"),
    "lte": ("is at most", "is above"), "neq": ("is not", "is"),
}  # fmt: skip
"""What a builtin of two operands says where it is true, and where it is not."""

_ARITHMETIC: Final = frozenset({"minus", "plus"})


def words(cause: Cause) -> str:
    """One cause as a sentence, without its end."""
    return granted_words(cause) or _plain_words(cause)


def path_text(ref: Ref) -> str:
    """`input.call.arguments["a b"]`."""
    return ref.root + "".join(map(_step, ref.path))


def named(operand: Operand) -> str:
    """What an operand is called: its path, what it was made by, or else its value."""
    if (ref := operand.ref) is not None:
        return path_text(ref)
    match operand.origin:
        case Made(function=function, operands=parts) if function in _ARITHMETIC and parts[-1].value == 0:
            return named(parts[0])
        case Made(function=function, operands=parts) if function:
            return f"{function}({', '.join(map(named, parts))})"
        case KeyOf(collection=collection):
            return f"a key of {named(collection)}"
        case Given(asked=asked, whole=True):
            return asked.path[-1]
        case Given(asked=asked):
            return f"a part of {asked.path[-1]}"
        case _:
            return shown(operand.value)


def _plain_words(cause: Cause) -> str:
    first = cause.operands[0]
    match cause.kind:
        case "missing":
            return _missing(first, cause.operands[1])
        case "no_key":
            return f"{named(first)} has no {shown(cause.operands[1].value)}"
        case "same" | "differs":
            return _compared(cause.operands[0], cause.operands[1], cause.kind == "same")
        case "true" | "false" if cause.function:
            return _of_builtin(cause, true=cause.kind == "true")
        case "present":
            return f"{named(first)} is {shown(first.value)}"
        case "false":
            return f"{named(first)} is {shown(first.value)}"
        case "empty":
            return f"{named(first)} is empty"
        case "no_collection":
            return f"{named(first)} is {shown(first.value)}, which has no elements"
        case _:
            function = f"{cause.function}({', '.join(map(named, cause.operands))})" if cause.function else named(first)
            return f"{function} has no value{_with_values(cause)}"


def _missing(source: Operand, key: Operand) -> str:
    name = shown(key.value)
    if key.ref is not None:
        name = f"{name} ({path_text(key.ref)})"
    if isinstance(source.value, dict) and isinstance(key.value, str) and key.ref is None and source.ref is not None:
        return f"{path_text(source.ref.member(key.value))} is not there"
    if isinstance(source.value, (dict, list)):
        return f"{named(source)} has no {name}"
    return f"{named(source)} is {shown(source.value)} and has no {name}"


def _compared(a: Operand, b: Operand, is_same: bool) -> str:  # noqa: FBT001  (said by the kind of the cause)
    first, second = (b, a) if a.origin is None else (a, b)
    if is_same:
        return f"{named(first)} is {shown(first.value)}"
    other = shown(second.value) if second.ref is None else f"{shown(second.value)} ({named(second)})"
    return f"{named(first)} is {shown(first.value)}, not {other}"


def _of_builtin(cause: Cause, *, true: bool) -> str:
    if cause.function in _OPERATORS and len(cause.operands) == 2:
        first, second = cause.operands
        verb = _OPERATORS[cause.function][0 if true else 1]
        value = "" if first.origin is None else f"{named(first)} is {shown(first.value)}, which "
        other = shown(second.value) if second.ref is None else f"{named(second)}, {shown(second.value)}"
        return f"{value or shown(first.value) + ' '}{verb} {other}"
    call = f"{cause.function}({', '.join(map(named, cause.operands))})"
    return f"{call} is {'true' if true else 'not true'}{_with_values(cause)}"


def _with_values(cause: Cause) -> str:
    pairs = {path_text(ref): shown(value) for operand in cause.operands for ref, value in operand.refs()}
    return "".join(f", {name} being {value}" for name, value in list(pairs.items())[:4])


def _step(name: Any) -> str:
    if isinstance(name, str) and name.isidentifier():
        return f".{name}"
    return f"[{shown(name)}]"
