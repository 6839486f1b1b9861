"""For which policies and calls the embedded engine evaluates as OPA does; for all others it must not answer.

The embedded engine keeps strings in their escaped JSON spelling, and its builtins work on that spelling. Most
are exact all the same; some only while the input holds no escape, no character outside ASCII, or no escape
that a searched text could begin in the middle of. Builtins that are not in these tables are evaluated otherwise
(`max` compares numbers as text), can end the process (`regex.match` on a long text, `time.weekday`), or have not
been measured: policies that call them run on OPA. `tests/policy` measures each entry against a real OPA.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from policy.plan import Called, Plan

_EXACT: Final = frozenset(
    {
        *("equal", "neq", "internal.member_2", "and", "or", "union", "intersection", "numbers.range", "walk"),
        *("is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "type_name"),
        *("startswith", "trim_prefix", "concat", "sprintf", "internal.template_string", "strings.any_prefix_match"),
        *("array.concat", "array.slice", "array.reverse"),
        *("object.get", "object.keys", "object.remove", "object.filter", "object.union", "object.subset"),
        "graph.reachable",
    }
)
"""Exact on every input (`sprintf` may spell a number otherwise: for messages only)."""

_NEEDLE: Final = {"contains": 1, "endswith": 1, "split": 1, "trim_suffix": 1}
"""Exact unless the searched text, at this position, can begin inside an escape."""

_ORDER: Final = frozenset({"lt", "lte", "gt", "gte"})
"""Exact as soon as one operand is no string; two strings are compared with their quotes."""

_ESCAPELESS_ON_TEXT: Final = frozenset({"count"})
"""Exact on what is no string, else only without escapes."""

_ARITHMETIC: Final = frozenset({"plus", "minus", "mul"})
"""Exact on whole numbers; with the literal 0 (which tells that a value is a number) on all."""

_ESCAPELESS: Final = frozenset({"substring", "trim", "trim_left", "trim_right", "semver.compare"})
"""Exact on inputs without any escape."""

_ASCII: Final = frozenset({"lower", "upper", "trim_space"})
"""Exact on inputs without any escape or character outside ASCII."""

_ANY_ESCAPE: Final = b"\\"
_BACKSLASH: Final = b"\\\\"
_SHAPES: Final = re.sub(rb"[^.0-9eE]", b" ", bytes(range(256)), flags=re.DOTALL).translate(
    bytes.maketrans(b"123456789E", b"000000000e")
)
"""Digits, points and exponents as `0`, `.` and `e`, all else blank: so that a search for a pair is one for a text."""

_NUMBER_WITH_POINT: Final = re.compile(rb"\d\.\d{8}|\d{7}\.\d|\d[eE]")
_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NUMBER: Final = re.compile(rb"(\d+)(?:\.(\d+))?([eE][-+]?\d+)?")
_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class Limits:
    """What an input must not hold to be answered: any of `escapes`; a byte outside ASCII unless
    `foreign`; a number with a fraction or exponent unless `fractions`.
    """

    escapes: frozenset[bytes] = frozenset()
    foreign: bool = True
    fractions: bool = True
    because: str = ""

    def obstacle(self, document: bytes) -> str | None:
        """Why the engine must not answer for `document`, or None."""
        if not self.foreign and not document.isascii():
            return f"text outside ASCII, under a policy that calls {self.because}"
        if any(escape in document for escape in self.escapes):
            return f"text with quotes, backslashes or control characters, under a policy that calls {self.because}"
        if not _may_hold_fraction(document):
            return None
        if not self.fractions and _digits(document) > 0:
            return f"a number with a fraction or exponent, under a policy that calls {self.because}"
        if _NUMBER_WITH_POINT.search(document) and _digits(document) > _DIGITS:
            return f"a number with a fraction or exponent and more than {_DIGITS} digits"
        return None


def limits(plan: Plan) -> Limits:
    """The limits under which the embedded engine may answer for the policy of `plan`."""
    escapes = {call.function: _escapes(call) for call in plan.calls if _escapes(call)}
    ascii_only = {call.function for call in plan.calls if call.function in _ASCII}
    whole_only = {call.function for call in plan.calls if _is_arithmetic(call)}
    return Limits(
        escapes=frozenset().union(*(_escapes(call) for call in plan.calls)),
        foreign=not ascii_only,
        fractions=not whole_only,
        because=", ".join(sorted(escapes.keys() | ascii_only | whole_only)),
    )


def unmeasured(plan: Plan) -> Iterator[Called]:
    """The calls of builtins that the embedded engine is not known to evaluate as OPA does."""
    known = _EXACT | _NEEDLE.keys() | _ARITHMETIC | _ESCAPELESS_ON_TEXT | _ESCAPELESS | _ASCII | plan.own
    for call in plan.calls:
        if call.function in _ORDER:
            if all(operand.text for operand in call.operands):
                yield call
        elif call.function not in known and call.function in plan.builtins:
            yield call


def is_order(call: Called) -> bool:
    """Whether the call compares by size: then the rule can say that an operand is a number (`x - 0 <= y`)."""
    return call.function in _ORDER


def _escapes(call: Called) -> frozenset[bytes]:
    if call.function in _ESCAPELESS or call.function in _ASCII:
        return frozenset({_ANY_ESCAPE})
    if call.function in _ESCAPELESS_ON_TEXT:
        return frozenset({_ANY_ESCAPE}) if call.operands[0].text else frozenset()
    position = _NEEDLE.get(call.function)
    return frozenset() if position is None else _inside(call.operands[position].literal)


def _inside(needle: str | None) -> frozenset[bytes]:
    """The escapes in whose middle `needle`, itself in escaped spelling, could begin: `\\n`, `\\u001f`, and so on."""
    if not needle:
        return frozenset({_ANY_ESCAPE})
    first = needle[0]
    if first == "\\":
        return frozenset() if needle == "\\\\" else frozenset({_BACKSLASH})
    inside = {b"\\u"} if first in "u0123456789abcdef" else set()
    if first in "bfnrt":
        inside.add(b"\\" + first.encode())
    return frozenset(inside)


def _is_arithmetic(call: Called) -> bool:
    return call.function in _ARITHMETIC and not any(operand.number == "0" for operand in call.operands)


def _may_hold_fraction(document: bytes) -> bool:
    shapes = document.translate(_SHAPES)
    return b"0." in shapes or b"0e" in shapes


def _digits(document: bytes) -> int:
    """The most significant digits of any number with a fraction or exponent; 0 if there is no such number."""
    return max((_significant(match) for match in _NUMBER.finditer(_TEXT.sub(b'""', document))), default=0)


def _significant(match: re.Match[bytes]) -> int:
    whole, fraction, exponent = match.group(1, 2, 3)
    if fraction is None and exponent is None:
        return 0
    return max(1, len((whole + (fraction or b"")).strip(b"0")))
