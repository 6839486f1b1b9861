"""The base document: the data files of a policy as one object, each below the folders that it lies in."""

import json
import math
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import orjson


def base_document(files: Mapping[str, bytes], problems: list[str]) -> dict[str, Any]:
    """All of them; what is wrong with one is added to the problems, file and line first."""
    merged: dict[str, Any] = {}
    for path, content in files.items():
        if not path.endswith(".json"):
            continue
        try:
            value = json.loads(content, parse_int=_int, parse_float=_float, parse_constant=_float)
        except json.JSONDecodeError as error:
            problems.append(f"{path}:{error.lineno}: {error.msg}")
            continue
        except (ValueError, RecursionError) as error:
            problems.append(f"{path}: {error}")
            continue
        for part in reversed(PurePosixPath(path).parts[:-1]):
            value = {part: value}
        if not _is_writable(value):
            problems.append(f"{path}: nests too deeply, or holds half of a surrogate pair")
        elif not isinstance(value, dict) or not _merge(merged, value):
            problems.append(f"{path}: not an object, or sets what another data file sets")
    return merged


def _is_writable(value: Any) -> bool:
    """Whether the engines can be handed the value as JSON."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def _int(spelling: str) -> int:
    value = int(spelling)
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError(f"{spelling} is no number that every engine holds")
    return value


def _float(spelling: str) -> float:
    value = float(spelling)
    if not math.isfinite(value):
        raise ValueError(f"{spelling} is no number that every engine holds")
    return value


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> bool:
    for key, value in more.items():
        found = into.get(key)
        if isinstance(found, dict) and isinstance(value, dict):
            if not _merge(found, value):
                return False
        elif key in into:
            return False
        else:
            into[key] = value
    return True
