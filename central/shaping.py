"""From the parsed text of a file to its typed shape, key by key, so that every problem is found in one reading."""

import difflib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import FieldInfo

from central.problem import Findings

KeyPath = tuple[str, ...]
S = TypeVar("S", bound=Struct)


def parsed(path: Path, found: Findings, missing: str) -> dict[str, Any] | None:
    """What the TOML file holds; None, and a problem, where it cannot be read. `missing` says what to write there."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        found.add(str(path), "there is no such file", missing)
    except OSError as error:
        found.add(str(path), f"cannot be read: {error.strerror}", "Name a file that this user can read.")
    except (ValueError, RecursionError) as error:
        found.add(str(path), f"is not TOML: {error}", "Mend the file at this place.")
    return None


def named_tables(path: Path, name: str, found: Findings, write: str) -> dict[str, Any]:
    """The tables `[name.ID]` of the TOML file, by their ids; anything else in it is a problem. `write`: what to do."""
    document = parsed(path, found, write) or {}
    given = document.pop(name, {})
    for other in document:
        found.add(f"{path}: {other}", "there is no such key", write)
    if isinstance(given, dict):
        return given
    found.add(f"{path}: {name}", "is no table", write)
    return {}


class Shaping:
    """Reads shapes out of one document; `where` names a key for whoever has to mend it."""

    def __init__(self, where: Callable[[KeyPath], str], found: Findings) -> None:
        self._where, self._found = where, found

    def read(self, shape: type[S], given: Any, at: KeyPath = ()) -> S | None:
        """`given` as `shape`; a key that cannot be used is a problem and keeps its default. None without a default."""
        if not isinstance(given, Mapping):
            self._found.add(self._where(at), "is no table", f"Write a table with {_keys(shape)}.")
            return None
        fields = {info.encode_name: info for info in msgspec.structs.fields(shape)}
        for key in given:
            if key not in fields:
                self._found.add(self._where((*at, key)), "there is no such key", _suggestion(key, list(fields)))
        values = dict[str, Any]()
        for key, info in fields.items():
            if key in given:
                self._key(info, given[key], (*at, key), values)
            elif info.default is NODEFAULT and info.default_factory is NODEFAULT:
                self._found.add(self._where((*at, key)), "is missing", meaning(info))
        wanted = [info.name for info in fields.values() if info.required]
        return shape(**values) if all(name in values for name in wanted) else None

    def _key(self, info: FieldInfo, value: Any, at: KeyPath, values: dict[str, Any]) -> None:
        of, inner = get_origin(info.type), [each for each in get_args(info.type) if _is_shape(each)]
        if _is_shape(info.type):
            read = self.read(info.type, value, at)
            values.update({} if read is None else {info.name: read})
        elif of is dict and inner and isinstance(value, Mapping):
            rows = {name: self.read(inner[0], each, (*at, name)) for name, each in value.items()}
            values[info.name] = {name: each for name, each in rows.items() if each is not None}
        elif of is tuple and inner and isinstance(value, Sequence) and not isinstance(value, str):
            read_rows = [self.read(inner[0], each, (*at, str(no))) for no, each in enumerate(value, 1)]
            values[info.name] = tuple(each for each in read_rows if each is not None)
        else:
            try:
                values[info.name] = msgspec.convert(value, info.type)
            except msgspec.ValidationError as error:
                self._found.add(self._where(at), str(error), meaning(info))


def meaning(info: FieldInfo) -> str:
    """What to write for a key, and what holds without it."""
    metas = [meta for meta in getattr(info.type, "__metadata__", ()) if isinstance(meta, Meta)]
    told = next((meta.description for meta in metas if meta.description), "docs/central.md says what it takes.")
    return told if info.default in (NODEFAULT, None) else f"{told} Without it: {info.default}."


def _is_shape(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, Struct)


def _keys(shape: type[Struct]) -> str:
    return ", ".join(info.encode_name for info in msgspec.structs.fields(shape))


def _suggestion(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(sorted(known))}."
