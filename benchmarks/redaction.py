"""Section `redaction`: milliseconds of CPU for a text that is recorded `redacted`, and what is loaded for the first.

Ordinary documents are those of the corpus; hostile ones are pieces that, repeated, make matching slow, each as one long
text and as an array, and of these the slowest counts.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.measure import Plan
from benchmarks.section import Section, Wrong
from benchmarks.stage import ROOT
from benchmarks.subjects import Stage
from benchmarks.verdict import below
from evidence.redaction.redactor import Redactor
from proxy.redacting import AT_ONCE, LONGEST
from tests.evidence.redaction.hostile import HOSTILE
from tests.vectors.redaction.measure import rows

SIZES: Final = (1 << 10, AT_ONCE, LONGEST)
STALL_MS: Final = 5.0
"""So long may other calls wait for a text that is looked through at once."""

_LOADING: Final = """
import time
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
began, before = time.thread_time(), resident()
from evidence.redaction.redactor import Redactor
Redactor(b"k", "acme").document(b'{"to":"ann@mail.example"}')
print((time.thread_time() - began) * 1e3, resident() - before)
"""


def run(stage: Stage, plan: Plan) -> Section:
    """Milliseconds by size, of ordinary and of the slowest documents, and of the first use of a process."""
    wrong, redactor, times = Wrong(), Redactor(b"k" * 32, "acme"), 20 if plan.thorough else 2
    wrong.unless(right=b"[email]" in redactor.document(b'{"to":"ann@mail.example"}'), met="a document without a mask")
    lines: list[tuple[str | float, ...]] = []
    slowest: dict[int, float] = {}
    for size in SIZES:
        hostile = {name: _hostile_ms(redactor, piece, size, plan) for name, piece in HOSTILE.items()}
        name = max(hostile, key=lambda name: hostile[name])
        slowest[size] = hostile[name]
        lines.append((f"{size:,} bytes", _median_ms(redactor, _ordinary(size), times), slowest[size], name))
    loading, memory = _loading()
    lines.append(("first use of a process", loading, loading, f"{memory:.0f} MB more"))
    target = below(f"the slowest {AT_ONCE:,} bytes: ms", slowest[AT_ONCE], STALL_MS)
    columns = ("what", "p50 ms, ordinary", "p50 ms, slowest", "which")
    return Section("Redaction", columns, tuple(lines), (target,), wrong.errors, wrong.sample)


def _hostile_ms(redactor: Redactor, piece: str, size: int, plan: Plan) -> float:
    times = 5 if plan.thorough else 1
    text = {"text": (piece * (size // len(piece.encode()) + 1))[: size - 16]}
    array = [piece] * max(1, (size - 2) // (len(piece.encode()) + 4))
    return max(_median_ms(redactor, document, times) for document in (text, array))


def _ordinary(size: int) -> Any:
    """Documents of the corpus, together about so many bytes."""
    held: list[Any] = []
    left = size
    for row in rows():
        if left <= 0:
            break
        held.append(row["document"])
        left -= len(json.dumps(row["document"], ensure_ascii=False).encode()) + 2
    return held


def _median_ms(redactor: Redactor, document: Any, times: int) -> float:
    raw = json.dumps(document, ensure_ascii=False).encode()
    return statistics.median(_ms(lambda: redactor.document(raw)) for _ in range(times))


def _ms(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return (time.thread_time() - began) * 1e3


def _loading() -> tuple[float, float]:
    """Milliseconds, and megabytes of the process, of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", _LOADING], cwd=ROOT, capture_output=True, text=True, check=True)
    milliseconds, megabytes = map(float, done.stdout.split())
    return milliseconds, megabytes
