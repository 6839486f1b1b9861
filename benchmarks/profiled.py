"""`python -m benchmarks.profiled samples|calls FILE embedded|opa|constant FLAG…`: a sidecar that looks at itself.

SIGUSR1 begins, SIGUSR2 ends and writes FILE: for `samples` a JSON object from stacks ("file:line:function" joined by
";", innermost first) to how often they were met, for `calls` what pstats reads.
"""

import cProfile
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final, Protocol

import agentgate
from benchmarks import constant

SAMPLE_SECONDS: Final = 0.001
"""CPU time of the process between two samples; the kernel's tick (often 4 ms) is the least that there is."""

_DEPTH: Final = 40


class Profiler(Protocol):
    """Begins, and ends with a file."""

    def begin(self) -> None:
        """Start to look."""
        ...

    def end(self, file: Path) -> None:
        """Stop and write."""
        ...


class Samples:
    """Where the main thread is each time the process has used some more CPU.

    A sample that falls into C code counts for the line that called it; one that another thread used up counts for
    where the main thread waits meanwhile, such as a call that gives the interpreter's lock away.
    """

    def __init__(self) -> None:
        self._met = Counter[str]()
        signal.signal(signal.SIGPROF, self._sample)

    def begin(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)

    def end(self, file: Path) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        file.write_text(json.dumps(self._met))

    def _sample(self, _signal: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        while frame is not None and len(stack) < _DEPTH:
            stack.append(f"{frame.f_code.co_filename}:{frame.f_lineno}:{frame.f_code.co_qualname}")
            frame = frame.f_back
        self._met[";".join(stack)] += 1


class Calls:
    """Every call of the main thread; what is called often looks dearer than it is."""

    def __init__(self) -> None:
        self._profile = cProfile.Profile()

    def begin(self) -> None:
        self._profile.enable()

    def end(self, file: Path) -> None:
        self._profile.disable()
        self._profile.dump_stats(file)


def main(kind: str, file: str, engine: str, flags: list[str]) -> int:
    """Runs the sidecar to its end."""
    if engine == "constant":
        constant.install()
    profiler: Profiler = Samples() if kind == "samples" else Calls()
    signal.signal(signal.SIGUSR1, lambda *_: profiler.begin())
    signal.signal(signal.SIGUSR2, lambda *_: profiler.end(Path(file)))
    return agentgate.main(["sidecar", *flags])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
