"""Builtins on text. Each takes values and gives one, or UNDEFINED for operands of another type."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from policy.program.order import members, ordered
from policy.program.running import whole
from policy.program.values import UNDEFINED, Inexact, Set

LONGEST: Final = 1 << 20
"""No builtin makes a longer text: a policy that wants one is at fault."""

_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What Go's unicode.IsSpace takes for white space; Python has four characters more."""


def on_texts(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` where all operands are text, else UNDEFINED."""

    def checked(*operands: Any) -> Any:
        return function(*operands) if all(type(each) is str for each in operands) else UNDEFINED

    return checked


def _in_ascii(function: Callable[[str], str], name: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if not text.isascii():
            raise Inexact(f"{name} of text outside ASCII")
        return function(text)

    return checked


def concat(delimiter: Any, parts: Any) -> Any:
    """The texts of an array or a set, joined."""
    if type(delimiter) is not str or type(parts) not in (list, Set):
        return UNDEFINED
    texts = ordered(parts) if type(parts) is Set else parts
    if not all(type(each) is str for each in texts):
        return UNDEFINED
    return _bounded(delimiter.join(texts))


def substring(text: Any, offset: Any, length: Any) -> Any:
    """`length` characters from `offset`; all that follow where it is negative."""
    if type(text) is not str or not whole(offset) or not whole(length) or offset < 0:
        return UNDEFINED
    return text[offset:] if length < 0 else text[offset : offset + length]


def replace(text: str, old: str, new: str) -> str:
    """Every `old` as `new`."""
    if not old and not text.isascii():
        raise Inexact("replace of nothing in text outside ASCII")
    if len(text) * max(1, len(new)) > LONGEST and len(text) + text.count(old) * len(new) > LONGEST:
        raise Inexact("a text of more than a megabyte")
    return text.replace(old, new)


def index(text: str, part: str) -> Any:
    """Where `part` begins first, or -1."""
    return text.find(part) if part else UNDEFINED


def any_match(test: Callable[[str, str], bool]) -> Callable[[Any, Any], Any]:
    """Whether any of one text or several fits any of the others."""

    def checked(searched: Any, bases: Any) -> Any:
        ours, theirs = _texts(searched), _texts(bases)
        if ours is None or theirs is None:
            return UNDEFINED
        return any(test(text, base) for text in ours for base in theirs)

    return checked


def sprintf(form: Any, operands: Any) -> Any:
    """Go's Sprintf for the verbs `%v`, `%s`, `%d` and `%%`. Raises Inexact for all others."""
    if type(form) is not str or type(operands) is not list:
        return UNDEFINED
    pieces = form.split("%")
    text, rest, index = [pieces[0]], iter(operands), 1
    while index < len(pieces):
        piece = pieces[index]
        if piece == "" and index + 1 < len(pieces):
            text.append("%" + pieces[index + 1])
            index += 2
            continue
        text.append(_verb(piece[:1], next(rest, UNDEFINED)) + piece[1:])
        index += 1
    if next(rest, UNDEFINED) is not UNDEFINED:
        raise Inexact("sprintf with more values than its format takes")
    return _bounded("".join(text))


def shown(value: Any) -> str:
    """A value as OPA writes it into a text: its own text bare, all else as Rego."""
    return value if type(value) is str else rego(value)


def rego(value: Any) -> str:
    """A value as Rego source."""
    match value:
        case list():
            return "[" + ", ".join(map(rego, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{rego(name)}: {rego(member)}" for name, member in members(value)) + "}"
        case Set():
            return "{" + ", ".join(map(rego, ordered(value))) + "}" if value.members else "set()"
        case Decimal():
            raise Inexact("a number with a point or an exponent written into a text")
        case str() if not value.isprintable():
            raise Inexact("text with control characters, written as Rego")
        case _:
            return str(value) if type(value) is int else orjson.dumps(value).decode()


def template(parts: Any) -> Any:
    """The text of `$"…{x}…"`: parts that are sets with one value, or with none where it is undefined."""
    if type(parts) is not list:
        return UNDEFINED
    return _bounded("".join(_part(each) for each in parts))


def _part(part: Any) -> str:
    if type(part) is Set:
        inner = list(part)
        if len(inner) > 1:
            raise Inexact("a template with several values at one place")
        return shown(inner[0]) if inner else "<undefined>"
    return shown(part)


def _verb(verb: str, value: Any) -> str:
    kind = type(value)
    if verb == "v" or (verb == "s" and kind is str) or (verb == "d" and kind is int):
        if value is UNDEFINED:
            raise Inexact("sprintf with fewer values than its format takes")
        return shown(value)
    if verb == "s" and kind in (list, dict, Set, bool, type(None)):
        return rego(value)
    raise Inexact(f"sprintf with %{verb} for such a value")


def _texts(value: Any) -> list[str] | None:
    if type(value) is str:
        return [value]
    if type(value) in (list, Set) and all(type(each) is str for each in value):
        return list(value)
    return None


def _bounded(text: str) -> str:
    if len(text) > LONGEST:
        raise Inexact("a text of more than a megabyte")
    return text


TEXTS: Final[Mapping[str, Callable[..., Any]]] = {
    "concat": concat,
    "contains": on_texts(lambda text, part: part in text),
    "endswith": on_texts(lambda text, part: text.endswith(part)),
    "indexof": on_texts(index),
    "internal.template_string": template,
    "lower": on_texts(_in_ascii(str.lower, "lower")),
    "replace": on_texts(replace),
    "split": on_texts(lambda text, at: text.split(at) if at else list(text)),
    "sprintf": sprintf,
    "startswith": on_texts(lambda text, part: text.startswith(part)),
    "strings.any_prefix_match": any_match(str.startswith),
    "strings.any_suffix_match": any_match(str.endswith),
    "strings.count": on_texts(lambda text, part: text.count(part) if part else len(text) + 1),
    "strings.reverse": on_texts(lambda text: text[::-1]),
    "substring": substring,
    "trim": on_texts(str.strip),
    "trim_left": on_texts(str.lstrip),
    "trim_prefix": on_texts(str.removeprefix),
    "trim_right": on_texts(str.rstrip),
    "trim_space": on_texts(lambda text: text.strip(_SPACE)),
    "trim_suffix": on_texts(str.removesuffix),
    "upper": on_texts(_in_ascii(str.upper, "upper")),
}
