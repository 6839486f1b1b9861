"""Section `log`: what a leaf costs in a transparency log of any size, and a proof out of its files.

Large trees are simulated from their edge: nothing left of it is ever looked at, which is what is to be shown.
"""

import hashlib
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.measure import Plan
from benchmarks.section import Section, Wrong
from benchmarks.subjects import Stage
from benchmarks.verdict import Verdict, at_most, below
from central.log.growing import grown
from central.log.proving import Prover
from central.log.store import LogFolder
from evidence.checkpoint import Checkpoint
from evidence.merkle import Edge, check_consistency, check_inclusion, leaf_hash
from evidence.note import Signature, write_note
from evidence.tiles import Bundle, Piece, write_bundle

SIZES: Final = (10**4, 10**5, 10**6, 10**7)
PROVED: Final = 10**6
MAX_PROOF_MS: Final = 5.0
MAX_RATIO: Final = 1.5
_BATCH: Final = 100
_ORIGIN: Final = "log.example/benchmark"


def run(stage: Stage, plan: Plan) -> Section:
    """Microseconds of a leaf, milliseconds of a flushed batch, and of a proof from a log of a million."""
    wrong, lines = Wrong(), list[tuple[str | float, ...]]()
    micros = dict[int, float]()
    for size in SIZES:
        micros[size] = _append_us(size, 200 if plan.thorough else 5)
        flushed = _flushed_ms(size, stage.new_folder(), 20 if plan.thorough else 2)
        lines.append((f"append {_BATCH} leaves to {size:,}, files flushed", micros[size], flushed))
    proved = PROVED if plan.thorough else 10**5
    folder = stage.new_folder()
    _fill(folder, proved)
    inclusion, consistency = _proof_ms(folder, proved, 200 if plan.thorough else 5, wrong)
    lines.append((f"prove a leaf of {proved:,}", "-", inclusion))
    lines.append((f"prove growth to {proved:,}", "-", consistency))
    targets: tuple[Verdict, ...] = (
        below(f"proof of a leaf of {proved:,}: ms", inclusion, MAX_PROOF_MS),
        at_most(f"a leaf at {SIZES[-1]:,} of one at {SIZES[0]:,}", micros[SIZES[-1]] / micros[SIZES[0]], MAX_RATIO),
    )
    columns = ("what", "p50 us of a leaf", "p50 ms")
    return Section("Log", columns, tuple(lines), targets, wrong.errors, wrong.sample)


def _leaves(first: int, count: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(first, first + count)]


def _edge(size: int) -> Edge:
    """The edge of a tree that nobody has."""
    return Edge.of(size, lambda level, index: leaf_hash(b"%d/%d" % (level, index)))


def _invented(piece: Piece) -> bytes:
    """The file of a tile or bundle that nobody has."""
    return write_bundle([bytes(32)] * piece.width) if isinstance(piece, Bundle) else bytes(32 * piece.width)


def _append_us(size: int, times: int) -> float:
    """Of one leaf in a batch: hashes and the bytes of all files."""
    edge, taken = _edge(size), []
    for _ in range(times):
        leaves = _leaves(edge.size, _BATCH)
        begun = time.perf_counter()
        edge, files = grown(edge, leaves, _invented)
        for _ in files:
            pass
        taken.append((time.perf_counter() - begun) / _BATCH * 1e6)
    return statistics.median(taken)


def _flushed_ms(size: int, folder: Path, times: int) -> float:
    """Of a whole batch: its files written and flushed."""
    edge, log, taken = _edge(size), LogFolder(folder), []
    for _ in range(times):
        leaves = _leaves(edge.size, _BATCH)
        begun = time.perf_counter()
        edge, files = grown(edge, leaves, _invented)
        for piece, content in files:
            log.write(piece, content)
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def _fill(folder: Path, size: int) -> None:
    """A whole log, not flushed: that is not what is measured."""
    edge, held = Edge(), dict[Piece, bytes]()
    for first in range(0, size, 1 << 16):
        leaves = _leaves(first, min(1 << 16, size - first))
        edge, files = grown(edge, leaves, held.__getitem__)
        made = list(files)
        held = dict(made)
        _put(folder, made)
    note = write_note(Checkpoint(_ORIGIN, size, edge.root()).text(), [Signature(_ORIGIN, bytes(4), bytes(64))])
    (folder / "checkpoint").write_text(note, "utf-8")


def _put(folder: Path, files: Sequence[tuple[Piece, bytes]]) -> None:
    for piece, content in files:
        path = folder / piece.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _proof_ms(folder: Path, size: int, times: int, wrong: Wrong) -> tuple[float, float]:
    """Of a leaf, and of growth; each reads the files anew, and is checked."""
    prover, inclusions, consistencies = Prover(LogFolder(folder)), [], []
    for number in range(times):
        index = number * 7919 * 131 % size
        begun = time.perf_counter()
        leaf = prover.inclusion(index)
        inclusions.append((time.perf_counter() - begun) * 1000)
        begun = time.perf_counter()
        growth = prover.consistency(index + 1)
        consistencies.append((time.perf_counter() - begun) * 1000)
        wrong.unless(right=leaf.leaf == _leaves(index, 1)[0], met=leaf)
        check_inclusion(index, size, leaf_hash(leaf.leaf), leaf.hashes, leaf.root)
        check_consistency(growth.old, size, growth.old_root, growth.new_root, growth.hashes)
    return statistics.median(inclusions), statistics.median(consistencies)
