"""`agentgate policy test`: every gate on one policy, as a function on a folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TextIO

from policy.engine import PolicyRefused
from policy.quality.opa import find
from policy.quality.report import as_mapping, junit, table
from policy.quality.score import Wanted, measure
from policy.quality.sources import open_sources

_TRUE: Final = 0
_NOT_TRUE: Final = 1


def run_test(
    spec: str,
    wanted: Wanted,
    *,
    as_json: bool,
    junit_file: Path | None,
    environ: Mapping[str, str],
    out: TextIO,
    progress: TextIO,
) -> int:
    """0 if the policy passes, else 1; the report on `out`, what is being done on `progress`.

    Raises OpaMissing where there is no OPA, PolicyRefused where there is no policy, or no place for the JUnit file.
    """
    sources = open_sources(spec)
    report = measure(sources, find(environ), wanted, environ, lambda line: _say(progress, line))
    if as_json:
        out.write(json.dumps(as_mapping(report)) + "\n")
    else:
        out.writelines(f"{line}\n" for line in table(report))
    if junit_file is not None:
        _write(junit_file, junit(report))
    return _TRUE if report.passes else _NOT_TRUE


def _say(progress: TextIO, line: str) -> None:
    progress.write(f"{line}\n")
    progress.flush()


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise PolicyRefused((f"{path}: {error.strerror}",)) from error
