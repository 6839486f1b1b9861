"""The two steps of a question to regopy that are taken through its C interface: the input, and the answer's text.

regopy parses an input text with its compiler, which takes longer than an evaluation; given value by value, the same
nodes come to be for a third of that. It reads each answer as JSON once for itself; here it is read by the caller
alone. The short functions are called without giving way to other Python threads: each time that a thread gives way
it may wait for its turn. The evaluation gives way.
"""

import ctypes
from typing import Any, Final

import orjson
from regopy import RegoError, rego_shared  # type: ignore[import-untyped]

Handle = int

_BRIEF: Final = ctypes.PyDLL(rego_shared.path)
_LONG: Final = rego_shared.rego
_WHOLE: Final = range(-(1 << 63), 1 << 63)


def _brief(name: str) -> Any:
    known, function = getattr(_LONG, name), getattr(_BRIEF, name)
    function.argtypes, function.restype = known.argtypes, known.restype
    return function


_new: Final = _brief("regoNewInput")
_free: Final = _brief("regoFreeInput")
_text: Final = _brief("regoInputString")
_whole: Final = _brief("regoInputInt")
_boolean: Final = _brief("regoInputBoolean")
_null: Final = _brief("regoInputNull")
_member: Final = _brief("regoInputObjectItem")
_object: Final = _brief("regoInputObject")
_array: Final = _brief("regoInputArray")
_set_input: Final = _brief("regoSetInput")
_size: Final = _brief("regoOutputJSONSize")
_json: Final = _brief("regoOutputJSON")
_free_output: Final = _brief("regoFreeOutput")


class NotWhole(ValueError):
    """A number that is no 64-bit integer: only the spelling in the text tells which one it is."""


def give(interpreter: Handle, value: Any) -> None:
    """Make `value` (JSON, as orjson reads it) the input. Raises NotWhole, and RegoError for a refusal of regopy."""
    given = _new()
    try:
        _put(given, value)
        if (code := _set_input(interpreter, given)) != 0:
            raise RegoError("the input is refused", code)
    finally:
        _free(given)


def answer(interpreter: Handle, bundle: Handle, entry: str) -> str:
    """What `entry` evaluates to, or what is wrong, as regopy writes it. Raises RegoError."""
    output = _LONG.regoBundleQueryEntrypoint(interpreter, bundle, entry.encode())
    if not output:
        raise RegoError(rego_shared.rego_get_error(interpreter))
    try:
        size = _size(output)
        text = ctypes.create_string_buffer(size)
        if (code := _json(output, text, size)) != 0:
            raise RegoError("the answer has no text", code)
        return text.value.decode()
    finally:
        _free_output(output)


def _put(given: Handle, value: Any) -> None:
    """Add one value. A refusal is remembered by regopy and told when the input is set."""
    match value:
        case str():
            _text(given, _spelled(value))
        case dict():
            for name, member in value.items():
                _text(given, _spelled(name))
                _put(given, member)
                _member(given)
            _object(given, len(value))
        case list():
            for item in value:
                _put(given, item)
            _array(given, len(value))
        case None:
            _null(given)
        case bool():
            _boolean(given, value)
        case int() if value in _WHOLE:
            _whole(given, value)
        case _:
            raise NotWhole(repr(value))


def _spelled(text: str) -> bytes:
    """A text as it stands between the quotes of minimal JSON: regopy works on that spelling."""
    return orjson.dumps(text)[1:-1]
