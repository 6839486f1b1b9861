"""Where the statements of a plan stand in the sources of its policy, and which of its values are spelled out there."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from policy.explaining.trace import Place
from policy.plan import Statement, statements_of, text_of
from policy.program.values import UNDEFINED

_PACKAGE: Final = re.compile(r"^[^\S\n]*package\s+([\w.]+)", re.MULTILINE)


class Sources:
    """One plan (a document of `plan.json`) beside the sources that it was made of."""

    def __init__(self, document: Mapping[str, Any], modules: Mapping[str, str]) -> None:
        """`modules` are the sources, by their paths: a plan has the last part of these alone."""
        static = document["static"]
        self.strings = [text_of(one["value"]) for one in static.get("strings", ())]
        self.functions = {one["name"]: one for one in document["funcs"]["funcs"]}
        self._files = [one["value"] for one in static.get("files", ())]
        self._paths = {(_package(text), PurePosixPath(path).name): path for path, text in modules.items()}

    def place(self, function: Mapping[str, Any], inner: Statement) -> Place | None:
        """Where a statement of a function stands, if the plan says so."""
        if "row" not in inner:
            return None
        file = self._files[inner.get("file", 0)]
        return Place(self._paths.get((tuple(function["path"][1:-1]), file), file), int(inner["row"]) + 1)

    def begins(self, function: Mapping[str, Any]) -> Place | None:
        """Where a rule begins."""
        places = (self.place(function, one["stmt"]) for one in statements_of(function["blocks"]))
        return next(filter(None, places), None)

    def literal(self, operand: Any) -> Any:
        """The value of an operand that stands in the plan; UNDEFINED for a local."""
        match operand:
            case {"type": "bool", "value": value}:
                return bool(value)
            case {"type": "string_index", "value": index}:
                return self.strings[index]
            case _:
                return UNDEFINED


def _package(text: str) -> tuple[str, ...]:
    found = _PACKAGE.search(text)
    return tuple(found[1].split(".")) if found else ()
