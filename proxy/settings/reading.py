"""From the parsed text of a file to its typed shape, key by key, so that every problem is found in one reading."""

import difflib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import FieldInfo

from proxy.settings.origin import KeyPath, Origin
from proxy.settings.problems import Findings, Unfit

S = TypeVar("S", bound=Struct)


def parse_file(path: Path) -> dict[str, Any]:
    """The mapping in a TOML file, or in a JSON file if the name ends with `.json`. Raises Unfit."""
    try:
        text = path.read_text(encoding="utf-8")
        parsed = json.loads(text, object_pairs_hook=_no_twins) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise Unfit(f"cannot be read: {error.strerror}", "Name a readable file.") from error
    except (ValueError, RecursionError) as error:
        raise Unfit(f"is not {_kind(path)}: {error}", "Mend the file at this place.") from error
    if not isinstance(parsed, dict):
        raise Unfit("holds no object", "Write one JSON object with the keys of the reference.")
    return parsed


def _kind(path: Path) -> str:
    return "JSON" if path.suffix == ".json" else "TOML"


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    merged = dict(pairs)
    if len(merged) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return merged


def read_shape(shape: type[S], given: Mapping[str, Any], origin: Origin, found: Findings, at: KeyPath = ()) -> S | None:
    """`given` as `shape`; None if a key without a default cannot be had.

    A key that cannot be used becomes a problem and keeps its default, so that reading goes on.
    """
    fields = {info.encode_name: info for info in msgspec.structs.fields(shape)}
    for key in sorted(given.keys() - fields.keys()):
        found.add(origin.where((*at, key)), "there is no such key", _suggestion(key, list(fields)))
    values: dict[str, Any] = {}
    for key, info in fields.items():
        if key in given:
            _read_key(info, given[key], origin, found, (*at, key), values)
        elif info.required:
            found.add(origin.where((*at, key)), "is missing", meaning(info))
    if any(info.required and info.name not in values for info in fields.values()):
        return None
    return shape(**values)


def _read_key(
    info: FieldInfo, value: Any, origin: Origin, found: Findings, at: KeyPath, values: dict[str, Any]
) -> None:
    section, row = section_of(info.type), row_of(info.type)
    if section is not None and isinstance(value, Mapping):
        values[info.name] = read_shape(section, value, origin, found, at)
    elif row is not None and isinstance(value, Mapping):
        rows = {name: _read_row(row, each, origin, found, (*at, name)) for name, each in value.items()}
        values[info.name] = {name: each for name, each in rows.items() if each is not None}
    else:
        try:
            values[info.name] = msgspec.convert(value, info.type)
        except msgspec.ValidationError as error:
            found.add(origin.where(at), str(error), meaning(info))


def _read_row(row: type[Struct], given: Any, origin: Origin, found: Findings, at: KeyPath) -> Struct | None:
    if isinstance(given, Mapping):
        return read_shape(row, given, origin, found, at)
    found.add(origin.where(at), f"Expected `object`, got `{type(given).__name__}`", "Write a table with keys.")
    return None


def section_of(type_: Any) -> type[Struct] | None:
    """The shape of a key that holds a table, else None."""
    return type_ if isinstance(type_, type) and issubclass(type_, Struct) else None


def row_of(type_: Any) -> type[Struct] | None:
    """The shape of the rows of a key that holds tables by name, else None."""
    return section_of(get_args(type_)[1]) if get_origin(type_) is dict else None


def meaning(info: FieldInfo) -> str:
    """What a key is for, and what holds without it."""
    described = next((meta.description for meta in metas(info.type) if meta.description), "")
    return (
        described
        if info.default in (NODEFAULT, None, ())
        else f"{described.removesuffix('.')}. Default: {default_text(info.default)}."
    )


def metas(type_: Any) -> tuple[Meta, ...]:
    """What a type says about its values besides their kind."""
    return tuple(meta for meta in getattr(type_, "__metadata__", ()) if isinstance(meta, Meta))


def default_text(default: Any) -> str:
    """A default as one would write it in the file, strings without their quotes."""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _suggestion(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Known here: {', '.join(sorted(known))}."
