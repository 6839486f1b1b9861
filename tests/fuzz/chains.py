"""A chain that is right, and what an input makes of it: bytes, lines, members of records, links put right again."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from evidence.record import Kind, body_hash, link_of, record_line
from evidence.signing import sign_note
from tests.fuzz.edits import MOST, change
from tests.fuzz.pieces import Pieces
from tests.vectors.evidence.generate import CHAIN, good, incarnation_key

GOOD: Final[Mapping[str, bytes]] = good().files()
"""The files of the chain: two segments, the wrapped keys, the reserve."""

SEGMENTS: Final = tuple(sorted(name for name in GOOD if name.startswith("records-")))
_NAMES: Final = tuple(GOOD)
_HOLE: Final = b'"\\u0001"'
_VALUES: Final = (
    b"null", b"true", b"0", b"-1", b"9007199254740992", b'""', b"[]", b"{}", b"[[]]", b"0.5", b'"unknown"', b'"call-9"',
    b'"start"', b'"intent"', b'"outcome"', b'"loss"', b'"close"', b'"late"', b'"approval"', b'{"$n":"1e400"}',
    b'["call-2","call-3"]', b"[" * 140 + b"]" * 140, b"[" * 900 + b"]" * 900,
)  # fmt: skip
_MEMBERS: Final = (
    "kind", "seq", "at", "boot", "call", "tenant", "sidecar", "incarnation", "v", "event", "open", "outcome", "sealed",
    "lost", "identity", "certificate", "incarnation_key", "abandoned", "repaired_bytes", "isolation", "not_before",
)  # fmt: skip


@dataclass(slots=True)
class Edited:
    """Files of a chain. `relinked`: hashes were made anew after a change to a record. `forged`: there is a new head."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(GOOD))
    relinked: bool = False
    forged: bool = False

    @property
    def records(self) -> list[bytes]:
        """The lines of all segments."""
        return [line for name in SEGMENTS for line in self.files[name].splitlines(keepends=True)]


def edited_chain(pieces: Pieces) -> Edited:
    """The chain after up to MOST changes."""
    chain = Edited()
    for _ in range(MOST):
        if not pieces:
            break
        match pieces.number(4):
            case 0 | 1:
                name = _NAMES[pieces.number(len(_NAMES))]
                chain.files[name] = change(chain.files[name], pieces)
            case 2:
                _change_record(chain, pieces)
            case _:
                _forge_head(chain, pieces)
    return chain


def written(chain: Edited, folder: Path) -> Path:
    """An evidence folder under `folder` that holds the chain, and nothing of a chain before."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / CHAIN).mkdir(parents=True)
    for name, data in chain.files.items():
        (folder / CHAIN / name).write_bytes(data)
    return folder


def scratch() -> Path:
    """A new folder of this process, taken away at its end (that of a guided child is in its parent's)."""
    folder = Path(tempfile.mkdtemp(prefix="agentgate-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _change_record(chain: Edited, pieces: Pieces) -> None:
    """Set or remove one member of a header or body, and make all hashes and links after it right again."""
    name = SEGMENTS[pieces.number(len(SEGMENTS))]
    lines = chain.files[name].split(b"\n")
    at, in_header = pieces.number(len(lines)), pieces.number(2)
    parts = lines[at].split(b"\t")
    if len(parts) != 4:
        return
    parts[2 - in_header] = _with_member(parts[2 - in_header], pieces)
    lines[at] = b"\t".join(parts)
    chain.files[name] = b"\n".join(lines)
    _relink(chain)


def _with_member(data: bytes, pieces: Pieces) -> bytes:
    name = _MEMBERS[pieces.number(len(_MEMBERS))]
    choice = pieces.number(len(_VALUES) + 2)
    own = orjson.dumps(pieces.take(4).decode("latin-1"))
    value = (*_VALUES, None, own)[choice]
    # What is no object, or nests deeper than orjson writes, stays as it is.
    with suppress(ValueError, TypeError):
        members: dict[str, Any] = {**orjson.loads(data), name: "\x01"}
        if value is None:
            del members[name]
        return orjson.dumps(members, option=orjson.OPT_SORT_KEYS).replace(_HOLE, value or b"")
    return data


def _relink(chain: Edited) -> None:
    chain.relinked = True
    link = "0" * 64
    for name in SEGMENTS:
        lines = []
        for line in chain.files[name].split(b"\n"):
            made = _relinked(line, link)
            link = made.rsplit(b"\t", 1)[1].decode("latin-1") if made.startswith(b"record\t") else link
            lines.append(made)
        chain.files[name] = b"\n".join(lines)


def _relinked(line: bytes, prev: str) -> bytes:
    """A record line as its writer would have made it after `prev`; any other line as it is."""
    parts = line.split(b"\t")
    if len(parts) != 4 or parts[0] != b"record":
        return line
    header, body = parts[1], parts[2]
    for name, value in (("prev", prev), ("body_hash", body_hash(body))):
        old = _text_member(header, name)
        header = header.replace(old, f'"{name}":"{value}"'.encode(), 1) if old else header
    return record_line(header, body, link_of(header))[:-1]


def _text_member(header: bytes, name: str) -> bytes:
    at = header.find(f'"{name}":"'.encode())
    return header[at : header.find(b'"', at + len(name) + 4) + 1] if at >= 0 else b""


def _forge_head(chain: Edited, pieces: Pieces) -> None:
    """A head of an incarnation's own key, over whatever the input says."""
    chain.forged = True
    name = SEGMENTS[pieces.number(len(SEGMENTS))]
    lines = chain.files[name].split(b"\n")
    at, life, seq = pieces.number(len(lines) + 1), pieces.number(2) + 1, pieces.number(20)
    records = [line for line in chain.records if line.startswith(b"record\t")]
    links = [line.rsplit(b"\t", 1)[1].decode("latin-1") for line in records[seq - 1 : seq]]
    link = (links or ["0" * 64])[0].strip()
    text = f"agentgate/head/v1\n{life:032x}\n{seq}\n{link}\n2026-09-21T14:13:20.000000+00:00\n"
    note = sign_note(text, f"agentgate/{life:032x}", incarnation_key(life))
    lines.insert(at, b"head\t" + orjson.dumps(note))
    chain.files[name] = b"\n".join(lines)


def seeds() -> list[bytes]:
    """Scripts of changes: none, some cuts and heads, each kind for each record, odd values for each known member."""
    cuts = [bytes([0, file, kind, 1, 44]) for file in range(3) for kind in range(11)]
    heads = [bytes([3, segment, line, life, seq]) for segment, line, life, seq in ((0, 3, 0, 2), (1, 20, 1, 14))]
    return [b"", *cuts, *heads, *_member_seeds()]


def _member_seeds() -> Iterator[bytes]:
    kinds = [at for at, value in enumerate(_VALUES) if value.strip(b'"').decode("latin-1") in set(Kind)]
    odd = [0, 3, 6, 7, len(_VALUES) - 1]
    for segment, name in enumerate(SEGMENTS):
        for at, line in enumerate(GOOD[name].split(b"\n")):
            if not line.startswith(b"record\t"):
                continue
            yield from (bytes([2, segment, at, 1, 0, kind]) for kind in kinds)
            body = orjson.loads(line.split(b"\t")[2])
            named = [number for number, member in enumerate(_MEMBERS) if member in body]
            yield from (bytes([2, segment, at, 0, member, value]) for member in named for value in odd)
