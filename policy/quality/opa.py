"""OPA's tools on a folder: format, check, test, coverage, and the syntax tree of a module."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from policy.opa_process import OPA_VERSION, OpaMissing, find_opa

_SECONDS: Final = 300.0
"""A tool that takes longer than this is taken to be stuck; OPA's own limit for one test is five seconds."""

_INSTALL: Final = (
    f"Install OPA {OPA_VERSION} or newer: the program `opa` from the releases of Open Policy Agent, or, with Go 1.26,\n"
    f"    go install github.com/open-policy-agent/opa@v{OPA_VERSION}\n"
    "Then put it on the PATH, or name it with AGENTGATE_OPA=/path/to/opa."
)


@dataclass(frozen=True, slots=True)
class NotParsed(Exception):
    """A module has no syntax tree; `errors` are OPA's own."""

    errors: tuple[Mapping[str, Any], ...]


class NotTested(Exception):
    """`opa test` found something wrong before any test; the text is OPA's own."""


@dataclass(frozen=True, slots=True)
class Opa:
    """The tools of one OPA binary. Each raises OpaMissing if it does not start, or does not end."""

    binary: Path

    def version(self) -> str:
        """Its version, as it says it."""
        first = self._run("version").stdout.partition("\n")[0]
        return first.removeprefix("Version:").strip()

    def unformatted(self, folders: Iterable[Path]) -> frozenset[str] | None:
        """The files that `opa fmt` would write otherwise; None if one of them does not parse."""
        done = self._run("fmt", "--list", *map(str, folders))
        return frozenset(done.stdout.splitlines()) if done.returncode == 0 else None

    def check(self, paths: Iterable[Path], schema: Path | None = None) -> tuple[Mapping[str, Any], ...]:
        """The errors of `opa check --strict`, with the types of the input if there is a schema."""
        typed = () if schema is None else ("--schema", str(schema))
        arguments = ("check", "--strict", "--format=json", "--max-errors=100", *typed)
        return _errors(self._run(*arguments, *map(str, paths)))

    def test(self, folders: Iterable[Path]) -> list[dict[str, Any]]:
        """What became of each test; empty if there are none. Raises NotTested."""
        done = self._run("test", "--format=json", *map(str, folders))
        found = _parsed(done)
        if not isinstance(found, list):
            raise NotTested((done.stderr or done.stdout).strip() or f"ended with code {done.returncode}")
        return found

    def coverage(self, folders: Iterable[Path]) -> Mapping[str, Mapping[str, Any]]:
        """What the tests reach, by file; empty if a test fails or there are none."""
        found = _parsed(self._run("test", "--coverage", "--format=json", *map(str, folders)))
        return found.get("files") or {} if isinstance(found, dict) else {}

    def parse(self, path: Path) -> dict[str, Any]:
        """The syntax tree. Raises NotParsed."""
        done = self._run("parse", "--format=json", "--json-include=locations,-comments", str(path))
        found = _parsed(done)
        if done.returncode != 0 or not isinstance(found, dict):
            raise NotParsed(_errors(done))
        return found

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run([str(self.binary), *arguments])


def find(environ: Mapping[str, str]) -> Opa:
    """The OPA of this machine. Raises OpaMissing, which then says what to install."""
    try:
        return Opa(find_opa(environ))
    except OpaMissing as error:
        raise OpaMissing(f"{error}\n{_INSTALL}") from error


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A tool, to its end. Raises OpaMissing if it does not start, or does not end."""
    try:
        return subprocess.run(  # noqa: S603  (the binary is a tool that was found, and the arguments are ours)
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except OSError as error:
        raise OpaMissing(f"{command[0]}: {error.strerror}\n{_INSTALL}") from error
    except subprocess.TimeoutExpired as error:
        raise OpaMissing(f"{' '.join(command[:2])} did not end within {_SECONDS:.0f} seconds") from error


def _parsed(done: subprocess.CompletedProcess[str]) -> Any:
    try:
        return json.loads(done.stdout or "null")
    except ValueError:
        return None


def _errors(done: subprocess.CompletedProcess[str]) -> tuple[Mapping[str, Any], ...]:
    if done.returncode == 0:
        return ()
    for text in (done.stdout, done.stderr):
        try:
            return tuple(json.loads(text)["errors"])
        except (ValueError, KeyError, TypeError):
            continue
    return ({"message": (done.stderr or done.stdout).strip() or f"ended with code {done.returncode}"},)
