"""The facts of a machine that a number depends on; neither its name nor its paths."""

import os
import platform
import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

PACKAGES: Final = ("aiohttp", "cryptography", "orjson", "regopy", "uvloop")
_FLUSHES: Final = 30


@dataclass(frozen=True, slots=True)
class Machine:
    """`flush_ms` is the median of a flush to the disk that evidence lies on (milliseconds); `load` the one-minute
    load average before the run: anything well above 0 means that others worked meanwhile."""

    cpu: str
    cores: int
    kernel: str
    python: str
    packages: dict[str, str]
    nginx: str
    opa: str
    revision: str
    flush_ms: float
    load: float

    def slug(self) -> str:
        """The facts in a file's name."""
        words = f"{self.cpu} {self.cores} cores linux {self.kernel} python {self.python}"
        return re.sub(r"[^a-z0-9.]+", "-", re.sub(r"\(.*?\)", "", words.lower())).strip("-")


def machine(folder: Path, *, nginx: str | None, opa: str | None) -> Machine:
    """The machine that this runs on; `folder` (made if need be) lies on the disk to be judged."""
    folder.mkdir(parents=True, exist_ok=True)
    return Machine(
        cpu=_cpu_model(),
        cores=os.cpu_count() or 1,
        kernel=".".join(platform.release().split(".")[:2]),
        python=platform.python_version(),
        packages={name: version(name) for name in PACKAGES},
        nginx=_first_number([nginx, "-v"]) if nginx else "-",
        opa=_first_number([opa, "version"]) if opa else "-",
        revision=_said(["git", "rev-parse", "--short", "HEAD"]) or "-",
        flush_ms=statistics.median(_flushes(folder / "flush")),
        load=os.getloadavg()[0],
    )


def _cpu_model() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return " ".join(found[1].split()) if found else platform.machine()


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else ""


def _first_number(command: list[str]) -> str:
    found = re.search(r"\d+\.\d+[.\d]*", _said(command))
    return found[0] if found else "-"


def _flushes(file: Path) -> Iterator[float]:
    """Milliseconds of writing a record's bytes to the end of a file and flushing them."""
    with file.open("wb", buffering=0) as stream:
        for _ in range(_FLUSHES):
            stream.write(b"x" * 2048)
            begun = time.perf_counter()
            os.fdatasync(stream.fileno())
            yield (time.perf_counter() - begun) * 1000
    file.unlink()
