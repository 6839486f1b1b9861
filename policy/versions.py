"""The versions of signed bundles only rise: what was active once is not put back by whoever has an old bundle.

policy-version.json in the state folder: {"version": 1, "marks": {KEY: {"highest", "active", "digest"}}}

A key is `line NAME` (`Manifest.line`), `file PATH` or `url URL` (without a query). A bundle may become active if, by
the mark of its line and by that of its place, its version is above the highest that ever was, or it is the active one
again, or it is signed as the rollback of exactly the active one. Two marks, since an old bundle may have another name
or other roots, and a new one another path.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from policy.engine import PolicyRefused
from policy.opening import Bundle

FILE: Final = "policy-version.json"


class Mark(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one key: the highest version that was ever active, and the one that was last, with its files' digest."""

    highest: int
    active: int
    digest: str


class _Marks(Struct, frozen=True, forbid_unknown_fields=True):
    version: int = 1
    marks: dict[str, Mark] = {}


@dataclass(frozen=True, slots=True)
class Versions:
    """What a state folder remembers of the bundles that were active; of unsigned ones nothing."""

    marks: Mapping[str, Mark]

    def check(self, bundle: Bundle, place: str) -> None:
        """Raise PolicyRefused unless the bundle, found at `place`, may become active."""
        version = bundle.manifest.version
        if bundle.signature is None or version is None:
            return
        marks = (self.marks[key] for key in _keys(bundle, place) if key in self.marks)
        rollback_of = bundle.manifest.rollback_of
        problems = [text for mark in marks for text in _problems(version, rollback_of, bundle.digest, mark)]
        if problems:
            raise PolicyRefused(tuple(f"{bundle.name}: {text}" for text in dict.fromkeys(problems)))

    def after(self, bundle: Bundle, place: str) -> "Versions":
        """What is to be remembered once the bundle is active."""
        version = bundle.manifest.version
        if bundle.signature is None or version is None:
            return self
        found = {key: self.marks.get(key) for key in _keys(bundle, place)}
        highest = {key: version if mark is None else max(version, mark.highest) for key, mark in found.items()}
        return Versions({**self.marks, **{key: Mark(top, version, bundle.digest) for key, top in highest.items()}})

    def as_json(self) -> bytes:
        """The text of the file."""
        return msgspec.json.format(msgspec.json.encode(_Marks(marks=dict(self.marks))), indent=2) + b"\n"


def read_versions(state: Path) -> Versions:
    """What `state` remembers; nothing if there is no file. Raises PolicyRefused for a file that cannot be read."""
    path = state / FILE
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Marks)
    except FileNotFoundError:
        return Versions({})
    except OSError as error:
        raise PolicyRefused((f"{path}: {error.strerror}",)) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PolicyRefused((f"{path}: {error}; restore it, or remove it to begin anew",)) from error
    if found.version != 1:
        raise PolicyRefused((f"{path}: is of a later AgentGate",))
    return Versions(found.marks)


def _keys(bundle: Bundle, place: str) -> tuple[str, str]:
    kind = "file" if place.startswith("/") else "url"
    return f"line {bundle.manifest.line}", f"{kind} {place}"


def _problems(version: int, rollback_of: int | None, digest: str, mark: Mark) -> Iterator[str]:
    if version == mark.active:
        if digest != mark.digest:
            yield f"version {version} was active before with other files"
    elif version <= mark.highest and rollback_of != mark.active:
        rollback = "" if rollback_of is None else f", and a rollback of {rollback_of}"
        follow = f"only a higher one may follow, or one signed with rollback_of {mark.active}"
        yield f"version {version}{rollback}: the active one is {mark.active}, the highest was {mark.highest}; {follow}"
