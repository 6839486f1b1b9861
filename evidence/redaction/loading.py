"""Reads a file of detectors, TOML or JSON: each key is checked, and all that is wrong is told at once.

The file that ships with the program is trusted to take linear time; an operator's patterns are held to it: no repeat
without an end. Every example must be found, and no near miss, by the detector that names it.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import re2  # type: ignore[import-untyped]

from evidence.problem import Problem
from evidence.redaction.detectors import KINDS, Detector, Form, Same
from evidence.redaction.finding import Finder
from evidence.redaction.patterns import compiled, directly_before, field_names, words_before
from evidence.redaction.validators import VALIDATORS

BUILT_IN: Final = Path(__file__).with_name("detectors.toml")
LONGEST_PATTERN: Final = 2_048
MOST_DETECTORS: Final = 200

_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_ENDLESS: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|(?P<endless>[*+]|\{\d+,\})", re.DOTALL)
_KEYS: Final = frozenset(
    {
        "id", "kind", "title", "validator", "same", "apart", "not_before", "yields", "words", "not_after", "unless",
        "fields", "examples", "near", "forms",
    }
)  # fmt: skip
_FORM_KEYS: Final = frozenset({"hint", "pattern", "needs_word"})


class DetectorProblems(Exception):
    """A file of detectors that cannot be used; the text holds all problems, two lines each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@cache
def built_in() -> tuple[Detector, ...]:
    """The detectors that ship with the program."""
    return _Reading(BUILT_IN, own=True).detectors()


def load_detectors(path: Path) -> tuple[Detector, ...]:
    """The detectors of an operator's file, in its order. Raises DetectorProblems."""
    return _Reading(path, own=False).detectors()


def together(own: Sequence[Detector], off: Sequence[str] = ()) -> tuple[Detector, ...]:
    """An operator's detectors, then the built-in ones that they do not replace by id; without those that are off."""
    replaced = {detector.id for detector in own} | set(off)
    return tuple(each for each in own if each.id not in off) + tuple(
        each for each in built_in() if each.id not in replaced
    )


class _Reading:
    """One reading of one file, with what was found wrong so far."""

    def __init__(self, path: Path, *, own: bool) -> None:
        self._path, self._own = path, own
        self._problems: list[Problem] = []

    def detectors(self) -> tuple[Detector, ...]:
        """All of them. Raises DetectorProblems."""
        rows = self._rows()
        found = [detector for number, row in enumerate(rows, 1) if (detector := self._detector(number, row))]
        ids = [detector.id for detector in found]
        for twice in sorted({each for each in ids if ids.count(each) > 1}):
            self.add(twice, "stands there twice", "Give each detector its own id.")
        if self._problems:
            raise DetectorProblems(self._problems)
        if not self._own:
            self._try(found)
        return tuple(found)

    def _rows(self) -> list[Any]:
        try:
            text = self._path.read_text("utf-8")
            parsed = json.loads(text) if self._path.suffix == ".json" else tomllib.loads(text)
        except OSError as error:
            raise DetectorProblems(
                [Problem(str(self._path), f"cannot be read: {error.strerror}", "Name a readable file.")]
            ) from error
        except (ValueError, RecursionError) as error:
            raise DetectorProblems(
                [Problem(str(self._path), f"cannot be parsed: {error}", "Mend the file at this place.")]
            ) from error
        rows = parsed.get("detectors") if isinstance(parsed, dict) and parsed.keys() == {"detectors"} else None
        if not isinstance(rows, list) or not 0 < len(rows) <= MOST_DETECTORS:
            remedy = f"Write one to {MOST_DETECTORS} [[detectors]] tables, and nothing else."
            raise DetectorProblems([Problem(str(self._path), "is no list of detectors", remedy)])
        return rows

    def _detector(self, number: int, row: Any) -> Detector | None:
        before = len(self._problems)
        if not isinstance(row, dict):
            self.add(f"detectors[{number}]", "is no table", "Write id, kind, title, examples and forms.")
            return None
        name = row.get("id")
        at = name if isinstance(name, str) and name else f"detectors[{number}]"
        self._unknown(at, row, _KEYS)
        given = _Row(self, at, row)
        values = {
            "id": given.text("id", _is_id, "a word of a-z, 0-9 and _ that begins with a letter", needed=True),
            "kind": given.text("kind", KINDS.__contains__, f"one of {', '.join(KINDS)}", needed=True),
            "title": given.text("title", bool, "what is looked for, in a few words", needed=True),
            "validator": given.text("validator", VALIDATORS.__contains__, f"one of {', '.join(sorted(VALIDATORS))}"),
            "same": given.text("same", get_args(Same).__contains__, f"one of {', '.join(get_args(Same))}") or "exact",
            "apart": (given.text("apart", str.isascii, "ASCII characters") or "").encode(),
            "not_before": (given.text("not_before", str.isascii, "ASCII characters") or "").encode(),
            "yields": given.flag("yields"),
            "unless": given.pattern("unless"),
            "words": words_before(given.texts("words")),
            "not_after": directly_before(given.texts("not_after")),
            "fields": field_names(given.texts("fields")),
            "examples": given.texts("examples", needed=True),
            "near": given.texts("near"),
            "forms": self._forms(at, row.get("forms")),
        }
        needing = any(isinstance(form, dict) and form.get("needs_word") is True for form in row.get("forms") or ())
        if needing and not values["words"]:
            self.add(f"{at}: needs_word", "there are no words", 'Name the words that stand before it: words = ["…"].')
        return None if len(self._problems) > before else Detector(**values)

    def _unknown(self, at: str, row: Mapping[str, Any], known: frozenset[str]) -> None:
        for key in sorted(row.keys() - known):
            self.add(f"{at}: {key}", "there is no such key", f"Known here: {', '.join(sorted(known))}.")

    def _forms(self, at: str, rows: Any) -> tuple[Form, ...]:
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            self.add(f"{at}: forms", "is no list of tables", "Write at least one [[detectors.forms]] with a pattern.")
            return ()
        return tuple(form for number, row in enumerate(rows, 1) if (form := self._form(f"{at}: forms[{number}]", row)))

    def _form(self, at: str, row: Mapping[str, Any]) -> Form | None:
        self._unknown(at, row, _FORM_KEYS)
        given = _Row(self, at, row)
        pattern = given.pattern("pattern", needed=True)
        hint = given.pattern("hint")
        needs = given.flag("needs_word")
        if pattern is None:
            return None
        if pattern.search(b"") is not None:
            self.add(f"{at}: pattern", "matches the empty text", "Let it match at least one character.")
        text = row["pattern"] if hint is None else row["hint"]
        return Form(text, pattern, pattern.groupindex.get(b"secret", 0), needs)

    def endless(self, text: str) -> bool:
        """Whether a pattern of this file must not repeat as it does."""
        return not self._own and any(found["endless"] for found in _ENDLESS.finditer(text))

    def add(self, at: str, what: str, remedy: str) -> None:
        """Note one problem."""
        self._problems.append(Problem(f"{self._path}: {at}", what, remedy))

    def _try(self, found: Sequence[Detector]) -> None:
        """Every example is found by its detector, and no near miss is."""
        for detector in found:
            finder = Finder([detector])
            for example in detector.examples:
                if not finder.find(example.encode()):
                    self.add(
                        f"{detector.id}: examples", f"{example!r} is not found", "Mend the pattern, or the example."
                    )
            for near in detector.near:
                if finder.find(near.encode()):
                    self.add(f"{detector.id}: near", f"{near!r} is found", "Narrow the pattern, or take the text out.")
        if self._problems:
            raise DetectorProblems(self._problems)


class _Row:
    """The keys of one table."""

    def __init__(self, reading: _Reading, at: str, row: Mapping[str, Any]) -> None:
        self._reading, self._at, self._row = reading, at, row

    def text(self, key: str, fits: Callable[[str], object], wanted: str, *, needed: bool = False) -> str | None:
        value = self._row.get(key)
        if value is None and not needed:
            return None
        if value is None:
            self._reading.add(f"{self._at}: {key}", "is missing", f"Write {wanted}.")
            return None
        if not isinstance(value, str) or not fits(value):
            self._reading.add(f"{self._at}: {key}", f"{value!r} does not fit", f"Write {wanted}.")
            return None
        return value

    def texts(self, key: str, *, needed: bool = False) -> tuple[str, ...]:
        value = self._row.get(key, [])
        if (
            not isinstance(value, list)
            or not all(isinstance(each, str) and each for each in value)
            or (needed and not value)
        ):
            self._reading.add(f"{self._at}: {key}", "is no list of texts", f'Write {key} = ["…"].')
            return ()
        return tuple(value)

    def flag(self, key: str) -> bool:
        value = self._row.get(key, False)
        if type(value) is not bool:
            self._reading.add(f"{self._at}: {key}", f"{value!r} is neither true nor false", "Write true or false.")
        return value is True

    def pattern(self, key: str, *, needed: bool = False) -> Any:
        """The compiled pattern; None if there is none, or none that can be used."""
        text = self.text(
            key, lambda value: 0 < len(value) <= LONGEST_PATTERN, "a regular expression of RE2", needed=needed
        )
        if text is None:
            return None
        if self._reading.endless(text):
            remedy = "Write how often at most, such as {1,64}: else a text could make it slow."
            self._reading.add(f"{self._at}: {key}", "repeats without an end (*, + or {n,})", remedy)
        try:
            return compiled(text)
        except re2.error as error:
            what = f"is no regular expression of RE2: {error.args[0].decode('utf-8', 'replace')}"
            self._reading.add(f"{self._at}: {key}", what, "It has neither look-around nor references back.")
            return None


def _is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None
