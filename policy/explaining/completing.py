"""An input to explain, from what somebody wrote down: a whole one, some members of one, or a call alone."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from evidence.clock import Instant
from policy.decision import VERSION
from policy.methods import subject
from policy.program import json_values

_ERA: Final = "2025-11-25"
_CALL: Final[Mapping[str, Any]] = {
    "direction": "client", "transport": "http", "era": _ERA, "protocol_version": _ERA, "method": "tools/call",
    "upstream": None, "name": None, "params": None, "arguments": None, "definition": None,
}  # fmt: skip
_DEFAULTS: Final[Mapping[str, Any]] = {
    "version": VERSION,
    "caller": {"tenant": "default", "agent": "default", "workload": None, "user": None, "authn_method": "static"},
    "session": {"id": None, "calls": 0, "denials": 0, "labels": [], "recent": []},
    "call": _CALL,
    "approval": None,
    "sidecar": {"id": "explain", "stale_seconds": 0, "isolation": "none"},
    "time": {},
}
_TIME: Final = {"rfc3339": "", "unix_ns": 0}
_DEFINITION: Final[Mapping[str, Any]] = {"digest": None, "pinned": "unpinned", "annotations": {}, "findings": []}
_OF_A_MESSAGE: Final = frozenset({"jsonrpc", "id"})


class UnfitInput(ValueError):
    """A document that is no input of a policy, and cannot be made one; each problem says what is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def completed(text: bytes, now: Instant) -> dict[str, Any]:
    """The input, in Rego's values, that `text` (JSON) means; what it does not say is as for a plain call at `now`.

    Raises UnfitInput, and Inexact for a number that cannot be worked with.
    """
    try:
        document = json_values.read(text)
    except (ValueError, RecursionError) as error:
        raise UnfitInput([f"not JSON: {error}"]) from error
    if not isinstance(document, dict):
        raise UnfitInput(["not an object: give an input of a policy, or a call"])
    given = document if document.keys() & _DEFAULTS.keys() else {"call": document}
    if problems := list(_problems(given)):
        raise UnfitInput(problems)
    whole = {name: _filled(default, given.get(name, default)) for name, default in _DEFAULTS.items()}
    whole["call"] = _call(given.get("call", {}))
    whole["time"] = {"rfc3339": now.rfc3339(), "unix_ns": now.unix_ns, **given.get("time", {})}
    return whole


def _problems(given: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(given, _DEFAULTS, "")
    for name, default in _DEFAULTS.items():
        value = given.get(name, default)
        if isinstance(default, Mapping):
            if not isinstance(value, dict):
                yield f"{name} is not an object"
            elif name == "call":
                yield from _call_problems(value)
            else:
                yield from _unknown(value, default or _TIME, f"{name}.")


def _call_problems(call: Mapping[str, Any]) -> Iterator[str]:
    known = {name: member for name, member in call.items() if name not in _OF_A_MESSAGE}
    yield from _unknown(known, _CALL, "call.")
    for name in ("method", "upstream"):
        if not isinstance(call.get(name, ""), str):
            yield f"call.{name} is not a text"
    if not isinstance(call.get("upstream"), str):
        yield "call.upstream is missing: which server the call is for"
    if not isinstance(call.get("definition"), dict | None):
        yield "call.definition is neither an object nor null"


def _unknown(given: Mapping[str, Any], known: Mapping[str, Any], above: str) -> Iterator[str]:
    for name in given.keys() - known.keys():
        yield f"{above}{name} is no member of an input; known are {', '.join(known)}"


def _filled(default: Any, value: Any) -> Any:
    return {**default, **value} if isinstance(default, Mapping) and isinstance(value, dict) else value


def _call(given: Mapping[str, Any]) -> dict[str, Any]:
    """The call, whose name, params and arguments follow from each other as in a message."""
    call = {**_CALL, **{name: member for name, member in given.items() if name not in _OF_A_MESSAGE}}
    if "params" not in given and ("name" in given or "arguments" in given):
        member = "uri" if call["method"].startswith("resources/") else "name"
        call["params"] = {member: call["name"], **({"arguments": given["arguments"]} if "arguments" in given else {})}
    if "name" not in given:
        call["name"] = subject(call["method"], call["params"])
    if "arguments" not in given and isinstance(call["params"], dict):
        call["arguments"] = call["params"].get("arguments")
    if isinstance(call["definition"], dict):
        call["definition"] = {**_DEFINITION, **call["definition"]}
    return call
