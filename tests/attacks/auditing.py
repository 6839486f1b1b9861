"""Audit: evidence that was changed after the fact, and what `agentgate verify` says about it."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from evidence.verify import verify_paths
from tests.attacks.documents import CALL
from tests.attacks.gates import Gate, Gates
from tests.attacks.row import Story
from tests.attacks.stories import passed, refused
from tests.attacks.trail import Trail
from tests.path.messages import call
from tests.peers.sidecar import Folders, agentgate


def rows() -> Iterator[Story]:
    """Every row of the class."""
    for name, change in _CHANGES.items():
        told = partial(_tampered, change=change)
        yield Story(f"audit/{name}", name.replace("-", " "), "`verify` finds it and names the place", told)
    for name, make in _STRANGE.items():
        told = partial(_irregular, make=make)
        said = f"{name.replace('-', ' ')} in the place of the next segment"
        yield Story(f"audit/{name}", said, "the start leaves that chain alone; `verify` and `records` say so", told)
    said = "a tool's name with escape sequences for a terminal"
    yield Story("audit/escape-sequences", said, "`records` prints none of them", _escapes)
    yield Story("audit/untouched", "the same evidence as it is", "`verify` is content", _untouched, passes=True)
    yield Story("audit/kill-9", "kill -9 in the middle of a call", "outcome `unknown`, `verify` is content", _killed)
    yield Story("audit/all-rows", "the evidence of all rows so far", "`verify` is content", _all, passes=True)


_STRANGE: Final[dict[str, Callable[[Path], object]]] = {
    "a-pipe": os.mkfifo,
    "a-folder": Path.mkdir,
    "a-link-to-an-endless-device": lambda path: path.symlink_to("/dev/zero"),
}


def _irregular(gates: Gates, make: Callable[[Path], object]) -> None:
    folder = gates.folder()
    with gates.gate(folder=folder, sole=True) as gate:
        passed(gate.ask(CALL))
    (first,) = gate.folders.evidence.glob("*/records-00000001.tsv")
    make(first.with_name("records-00000002.tsv"))
    with gates.gate(folder=folder, sole=True) as gate:
        passed(gate.ask(CALL))
    (start,) = [each for each in Trail(gate.folders.evidence).more() if each["kind"] == "start" and each["abandoned"]]
    assert start["abandoned"] == [first.parent.name]
    assert "no regular file" in gate.folders.verify()["error"]["what"]
    assert agentgate("records", gate.folders.evidence).returncode == 1


def _escapes(gates: Gates) -> None:
    gate = gates.open
    gate.fresh()
    passed(gate.ask(call(1, "\x1b[2K\x1b]0;owned\x07\u202eohce\u200b")))
    printed = agentgate("records", gate.folders.evidence).stdout
    assert "owned" in printed
    assert [each for each in "\x1b\x07\u202e\u200b" if each in printed] == []


def _untouched(gates: Gates) -> None:
    report = gates.evidence.verify()
    assert report["ok"], report
    assert (report["refusals"], report["outcomes"]) == (2, 3)


def _tampered(gates: Gates, change: Callable[[Path], None]) -> None:
    folder = gates.folder()
    shutil.copytree(gates.evidence.evidence, folder / "evidence")
    segments = (folder / "evidence").rglob("records-*.tsv")
    (chain,) = [segment.parent for segment in segments if b'"intent"' in segment.read_bytes()]
    change(chain)
    report = verify_paths([folder / "evidence"])
    assert not report.ok
    assert report.error is not None


def _killed(gates: Gates) -> None:
    folder = gates.folder()
    with gates.gate(folder=folder) as gate:
        gate.upstream.answers(_killing(gate))
        gate.ask(CALL)
    with gates.gate(folder=folder) as gate:
        report = gate.folders.verify()
    assert report["ok"], report
    assert (report["open"], report["unknown"]) == (0, 1)


def _killing(gate: Gate) -> Iterator[bytes]:
    gate.sidecar.program.kill()
    yield b""


def _all(gates: Gates) -> None:
    for gate in (gates.open, gates.strict, gates.observing, gates.granting):
        report = gate.folders.verify()
        assert report["ok"], report
        assert report["records"] > 0


def make(gates: Gates) -> Folders:
    """Evidence of five calls, three of them allowed, of a sidecar that has ended."""
    with gates.gate(policy="starter", grants=[{"upstream": "files", "tool": "echo"}]) as gate:
        for tool in ("echo", "drop", "echo", "drop", "echo"):
            answer = gate.ask(call(1, tool))
            if tool == "echo":
                passed(answer)
            else:
                refused(answer, "not_granted")
        return gate.folders


def _edit(chain: Path, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    file = chain / "records-00000001.tsv"
    file.write_bytes(b"".join(edit(file.read_bytes().splitlines(keepends=True))))


def _nth(lines: list[bytes], kind: bytes, number: int = 0) -> int:
    """The line of the n-th record of a kind."""
    found = [at for at, line in enumerate(lines) if line.startswith(b"record\t") and b'"kind":"%b"' % kind in line]
    return found[number]


def _replaced(chain: Path, kind: bytes, old: bytes, new: bytes) -> None:
    def edit(lines: list[bytes]) -> list[bytes]:
        at = _nth(lines, kind)
        assert old in lines[at]
        return [*lines[:at], lines[at].replace(old, new, 1), *lines[at + 1 :]]

    _edit(chain, edit)


def _without(chain: Path, kind: bytes) -> None:
    """A record with its box."""

    def edit(lines: list[bytes]) -> list[bytes]:
        at = _nth(lines, kind)
        end = at + 2 if lines[at + 1].startswith(b"box") else at + 1
        return lines[:at] + lines[end:]

    _edit(chain, edit)


def _swapped(chain: Path) -> None:
    def edit(lines: list[bytes]) -> list[bytes]:
        one, two = _nth(lines, b"refusal"), _nth(lines, b"refusal", 1)
        lines[one], lines[two] = lines[two], lines[one]
        return lines

    _edit(chain, edit)


def _twice(chain: Path) -> None:
    _edit(chain, lambda lines: [*lines[: (at := _nth(lines, b"outcome")) + 1], lines[at], *lines[at + 1 :]])


def _middle(chain: Path) -> None:
    """The tail is there, and something before it is gone: a rollback that was written over."""
    _edit(chain, lambda lines: [*lines[: len(lines) // 2], *lines[-3:]])


def _box(chain: Path) -> None:
    def edit(lines: list[bytes]) -> list[bytes]:
        boxes = [at for at, line in enumerate(lines) if line.startswith(b"box\t")]
        lines[boxes[0]], lines[boxes[1]] = lines[boxes[1]], lines[boxes[0]]
        return lines

    _edit(chain, edit)


def _head(chain: Path) -> None:
    def edit(lines: list[bytes]) -> list[bytes]:
        at = next(at for at, line in enumerate(lines) if line.startswith(b"head\t"))
        middle = len(lines[at]) // 2
        lines[at] = lines[at][:middle] + bytes([lines[at][middle] ^ 1]) + lines[at][middle + 1 :]
        return lines

    _edit(chain, edit)


def _other_chain(chain: Path) -> None:
    (other,) = [each for each in chain.parent.iterdir() if each != chain]
    shutil.copy(other / "records-00000001.tsv", chain / "records-00000001.tsv")


_CHANGES: Final[dict[str, Callable[[Path], None]]] = {
    "refusal-made-an-allowance": partial(_replaced, kind=b"refusal", old=b'"deny"', new=b'"allow"'),
    "another-tool-in-an-intent": partial(_replaced, kind=b"intent", old=b'"echo"', new=b'"drop"'),
    "another-agent-in-an-intent": partial(_replaced, kind=b"intent", old=b'"alice"', new=b'"bob"'),
    "another-time": partial(_replaced, kind=b"intent", old=b'"at":"2', new=b'"at":"1'),
    "another-number": partial(_replaced, kind=b"outcome", old=b'"seq":', new=b'"seq":1'),
    "outcome-made-a-failure": partial(_replaced, kind=b"outcome", old=b'"completed"', new=b'"failed"'),
    "refusal-dropped": partial(_without, kind=b"refusal"),
    "intent-dropped": partial(_without, kind=b"intent"),
    "outcome-dropped": partial(_without, kind=b"outcome"),
    "start-dropped": partial(_without, kind=b"start"),
    "records-exchanged": _swapped,
    "outcome-written-twice": _twice,
    "boxes-exchanged": _box,
    "signed-head-changed": _head,
    "middle-rolled-back": _middle,
    "chain-of-another-tenant": _other_chain,
}
