"""Runs one target for a while and says what came of it: in a guided child, or by seeded changes where there is none."""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.fuzz.corpus import digest, known, write
from tests.fuzz.mutation import mutated
from tests.fuzz.target import Target

ROOT: Final = Path(__file__).parents[2]
FINDINGS: Final = ROOT / "build" / "fuzz"
_MEMORY: Final = Path("/dev/shm")
"""Targets that write files write many: in memory, where the system has a place for that."""

_PROGRESS_SECONDS: Final = 10.0
_ONE_INPUT_SECONDS: Final = 20
_MEMORY_MB: Final = 1024
_STATUS: Final = re.compile(r"#(\d+)\s+\w+.*?cov: (\d+).*?corp: (\d+)")
_TOTAL: Final = re.compile(r"stat::number_of_executed_units:\s+(\d+)")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did. `reproducer` is the file of an input that breaks the promise; `trace` says how it breaks."""

    target: str
    executions: int = 0
    seconds: float = 0.0
    corpus: int = 0
    coverage: int | None = None
    reproducer: Path | None = None
    trace: str = ""


class DidNotRun(Exception):
    """The engine ended for another reason than a finding; the text is what it wrote."""


def is_guided() -> bool:
    """Whether the coverage-guided engine is installed; it exists for Linux on x86-64 only."""
    return importlib.util.find_spec("atheris") is not None


def run_guided(target: Target, seconds: int, say: Say, keep: Path | None = None) -> Result:
    """Fuzz in a child for `seconds`. Inputs that reach something new are merged into `keep`, if given."""
    with tempfile.TemporaryDirectory(prefix="agentgate-fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        work = Path(name)
        write(work / "known", known(target))
        (work / "new").mkdir()
        FINDINGS.mkdir(parents=True, exist_ok=True)
        limits = [f"-max_len={target.max_bytes}", f"-timeout={_ONE_INPUT_SECONDS}", f"-rss_limit_mb={_MEMORY_MB}"]
        if target.words:
            (work / "words").write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
            limits.append(f"-dict={work / 'words'}")
        result = _watch(target, work, _child(target, work, *limits, f"-max_total_time={seconds}"), say)
        if keep is not None and result.reproducer is None:
            _merge(target, work, keep, limits)
        return replace(result, corpus=result.corpus or len(known(target)))


def run_plain(target: Target, seconds: float, say: Say, *, seed: int = 1, most: int | None = None) -> Result:
    """Fuzz in this process by seeded changes, without guidance, until the time is over or `most` inputs are done."""
    inputs = known(target)
    begin = time.monotonic()
    shown, count = begin, 0
    for count, raw in enumerate(_inputs(target, inputs, seed), 1):
        try:
            target.check(raw)
        except Exception as error:  # noqa: BLE001 - whatever escapes is the finding
            return Result(target.name, count, time.monotonic() - begin, len(inputs), None, _saved(raw), repr(error))
        now = time.monotonic()
        if now - shown >= _PROGRESS_SECONDS:
            shown = now
            say(f"{target.name}: {now - begin:.0f} s, {count:,} executions")
        if now - begin >= seconds or count == most:
            break
    return Result(target.name, count, time.monotonic() - begin, len(inputs))


def _inputs(target: Target, inputs: list[bytes], seed: int) -> Iterator[bytes]:
    yield from inputs
    yield from mutated(target, inputs, seed)


def _saved(raw: bytes) -> Path:
    write(FINDINGS, [raw])
    return FINDINGS / digest(raw)


def _child(target: Target, work: Path, *arguments: str) -> list[str]:
    folders = [str(work / "new"), str(work / "known")]
    fixed = [f"-artifact_prefix={FINDINGS}/{target.name}-", "-print_final_stats=1"]
    return [sys.executable, "-m", "tests.fuzz.guided", target.name, *folders, *fixed, *arguments]


def _merge(target: Target, work: Path, keep: Path, limits: list[str]) -> None:
    """Keep the fewest inputs that reach, beyond the seeds, all that was reached."""
    (work / "seeds").mkdir()
    write(work / "seeds", target.seeds())
    (work / "least").mkdir()
    write(work / "least", target.seeds())
    folders = [str(work / "least"), str(work / "new"), str(work / "known")]
    command = [sys.executable, "-m", "tests.fuzz.guided", target.name, "-merge=1", "-use_counters=0", *folders, *limits]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=_environment(work))
    seeds = {digest(raw) for raw in target.seeds()}
    found = [path.read_bytes() for path in (work / "least").iterdir() if path.name not in seeds]
    for path in keep.glob("*"):
        path.unlink()
    write(keep, found)


def _watch(target: Target, work: Path, command: list[str], say: Say) -> Result:
    """Follow a child by its status lines until it ends."""
    begin = time.monotonic()
    shown, result, tail = begin, Result(target.name), list[str]()
    child = subprocess.Popen(
        command, cwd=ROOT, env=_environment(work), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace",
    )  # fmt: skip
    assert child.stdout is not None
    with closing(child.stdout) as lines:
        for line in lines:
            tail = [*tail[-60:], line]
            result = _counted(result, line)
            if time.monotonic() - shown >= _PROGRESS_SECONDS:
                shown = time.monotonic()
                say(f"{target.name}: {shown - begin:.0f} s, {result.executions:,} executions, cov {result.coverage}")
    result = replace(result, seconds=time.monotonic() - begin)
    if child.wait() == 0:
        return result
    trace = "".join(line for line in tail if line[:1] != "#")
    written = re.search(r"Test unit written to (\S+)", trace)
    if written is None:
        raise DidNotRun(f"{target.name}: the child ended with {child.returncode}\n{trace}")
    return replace(result, reproducer=Path(written[1]), trace=trace)


def _counted(result: Result, line: str) -> Result:
    if found := _STATUS.match(line):
        executions, coverage, corpus = map(int, found.groups())
        return replace(result, executions=executions, coverage=coverage, corpus=corpus)
    if found := _TOTAL.match(line):
        return replace(result, executions=int(found[1]))
    return result


def _environment(work: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(work)}  # noqa: TID251 - a child of ours gets our environment


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)
