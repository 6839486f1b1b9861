"""`agentgate opa`: an OPA for development and tests, started so that nobody but the sidecar gets an answer from it.

It listens on a Unix socket (0600) in a folder that only its user enters (0700), calls nobody, and is fed one bundle
that owns every root, so that its data and modules are changed by no request. The bundle is watched: a changed policy
is checked, packed and put in its place in one step. With `authorization` OPA also answers nothing but questions
(`rego/system/authz.rego`); without it that is left to the socket, since each question costs more then (docs/adr/0014).
"""

import asyncio
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TextIO

from policy.activation import POLL_SECONDS, PolicySource
from policy.bundle import pack
from policy.bundle_server import BundleServer
from policy.engine import Policy, PolicyRefused
from policy.exception_file import ExceptionFile
from policy.following import Following, SourceEvent
from policy.keeping import Keeping, given_at
from policy.trust import ExceptionTrust, Trust
from policy.vetting import FORBIDDEN

OPA_VERSION: Final = "1.22.2"
_START_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 5.0
_CHECK_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.1
_HEAD_START_SECONDS: Final = 2 * POLL_SECONDS
"""Sidecars of the same files are given time to await a new revision before OPA answers with it."""

_ENVIRONMENT: Final = {"GOGC": "200"}
"""OPA collects garbage half as often as Go would: a long list costs it a fifth less CPU, for some 10 MB."""


class OpaMissing(Exception):
    """No OPA binary, or one that does not start; the text says where it was looked for."""


def find_opa(environ: Mapping[str, str]) -> Path:
    """The OPA binary: $AGENTGATE_OPA, the PATH, or the project's cache. Raises OpaMissing."""
    if (named := environ.get("AGENTGATE_OPA")) is not None:
        candidates = [Path(named)]
    else:
        cache = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/")) / ".cache")
        candidates = [Path(folder) / "opa" for folder in environ.get("PATH", "").split(os.pathsep) if folder]
        candidates.append(cache / "agentgate" / f"opa-{OPA_VERSION}" / "opa")
    for candidate in candidates:
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return candidate
    raise OpaMissing("no opa: set AGENTGATE_OPA, put it on the PATH, or let `make test` build it")


def check(binary: Path, policy: Policy) -> None:
    """OPA's own strict check under capabilities without the forbidden builtins. Raises PolicyRefused."""
    with tempfile.TemporaryDirectory(prefix="agentgate-check-") as folder:
        capabilities, bundle = Path(folder, "capabilities.json"), Path(folder, "bundle.tar.gz")
        capabilities.write_text(json.dumps(_capabilities(binary)))
        bundle.write_bytes(pack(policy))
        arguments = ["check", "--strict", "--format=json", "--capabilities", str(capabilities), "--bundle", str(bundle)]
        done = _run(binary, arguments)
    if done.returncode != 0:
        raise PolicyRefused(_check_problems(done.stderr or done.stdout, str(bundle)))


class OpaProcess:
    """One running OPA and the bundle that it watches."""

    def __init__(self, binary: Path, folder: Path, *, authorization: bool = False, bundle: Path | None = None) -> None:
        """`folder` is made with mode 0700; socket and bundle lie in it. `authorization`: nothing but questions.

        With `bundle`, OPA watches that file, and whoever writes it says what OPA answers for.
        """
        self._binary = binary
        self._folder = folder
        self._authorization = ("--authorization=basic",) if authorization else ()
        self._bundle = folder / "bundle.tar.gz" if bundle is None else bundle
        self._socket = folder / "opa.sock"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        """What `OpaEngine` takes."""
        return f"unix:{self._socket}"

    async def start(self, policy: Policy | None) -> None:
        """Check and pack `policy`, and start OPA on it; or on what lies there. Raises PolicyRefused, OpaMissing."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        self._socket.unlink(missing_ok=True)
        if policy is not None:
            await self.load(policy)
        self._process = await asyncio.create_subprocess_exec(
            str(self._binary),
            *self._arguments(),
            env={"HOME": str(self._folder), **_ENVIRONMENT},
            stdin=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(_START_SECONDS):
            while not self._socket.exists():
                if self._process.returncode is not None:
                    raise OpaMissing(f"{self._binary} ended with code {self._process.returncode}")
                await asyncio.sleep(0.02)

    async def load(self, policy: Policy) -> None:
        """Check `policy`, then put it in the place of the bundle. Raises PolicyRefused."""
        await asyncio.to_thread(check, self._binary, policy)
        draft = self._bundle.with_suffix(".new")
        draft.write_bytes(pack(policy))
        draft.replace(self._bundle)

    async def wait(self) -> int:
        """OPA's exit code, when it has ended."""
        return 0 if self._process is None else await self._process.wait()

    async def stop(self) -> None:
        """End it and wait for it; idempotent."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _arguments(self) -> list[str]:
        return [
            "run",
            "--server",
            f"--addr=unix://{self._socket}",
            "--unix-socket-perm=600",
            *self._authorization,
            "--skip-version-check",
            "--log-level=error",
            "--shutdown-grace-period=1",
            "--watch",
            "--bundle",
            str(self._bundle),
        ]


def run_opa(
    spec: str,
    *,
    state: Path,
    environ: Mapping[str, str],
    trusted: Iterable[str],
    folder: Path | None,
    authorization: bool,
    out: TextIO,
    trust: Trust | None = None,
    server: BundleServer | None = None,
    exceptions: ExceptionTrust | None = None,
) -> int:
    """Run OPA on `spec` and the grants of `state` until a signal ends it: OPA's exit code.

    With `server`, the bundle is the one that it gives; sidecars of the same state folder see it at the same time.

    The socket lies in `folder`, else in `opa/` of the state folder. Raises PolicyRefused or OpaMissing.
    """
    served = None if server is None else Following(server, given_at(state, spec))
    keeping = Keeping(state, spec)
    source = PolicySource(
        spec,
        state / "grants.json",
        trusted,
        trust=trust,
        keeping=keeping,
        served=served,
        exceptions=ExceptionFile(state, exceptions or ExceptionTrust()),
    )
    process = OpaProcess(find_opa(environ), folder or state / "opa", authorization=authorization)
    return asyncio.run(_serve(source, process, out))


def run_fed_opa(
    bundle: Path, *, state: Path, environ: Mapping[str, str], folder: Path | None, authorization: bool, out: TextIO
) -> int:
    """Run OPA on the bundle that a sidecar writes (`policy.opa_bundle`), as soon as it has: OPA's exit code.

    Raises OpaMissing.
    """
    binary = find_opa(environ)
    process = OpaProcess(binary, folder or state / "opa", authorization=authorization, bundle=bundle)
    return asyncio.run(_serve_fed(bundle, process, out))


async def _serve_fed(bundle: Path, process: OpaProcess, out: TextIO) -> int:
    ended = _ended()
    while not await asyncio.to_thread(bundle.exists):
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await ended.wait()
                return 0
    await process.start(None)
    out.write(f"opa answers for {bundle} at {process.address}\n")
    out.flush()
    try:
        async with asyncio.TaskGroup() as tasks:
            return await _until(ended, process, tasks, [])
    finally:
        await process.stop()


def _ended() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    return ended


async def _until(
    ended: asyncio.Event, process: OpaProcess, tasks: asyncio.TaskGroup, watching: list["asyncio.Task[None]"]
) -> int:
    """OPA's exit code, when it has ended, or 0 when it was stopped by a signal; what watches is ended with it."""
    ending = tasks.create_task(ended.wait())
    living = tasks.create_task(process.wait())
    await asyncio.wait({ending, living}, return_when=asyncio.FIRST_COMPLETED)
    code = living.result() if living.done() else 0
    for each in (*watching, ending):
        each.cancel()
    await process.stop()
    return code


async def _serve(source: PolicySource, process: OpaProcess, out: TextIO) -> int:
    await source.fetch()
    policy = source.load()
    await process.start(policy)
    out.write(f"opa answers for {policy.name} at {process.address}\n")
    out.flush()
    ended = _ended()
    try:
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(_follow(source, process, out))]
            if source.served is not None:
                watching.append(tasks.create_task(source.served.follow(_tell(source.served, out))))
            return await _until(ended, process, tasks, watching)
    finally:
        await process.stop()


def _tell(served: Following, out: TextIO) -> Callable[[SourceEvent], None]:
    def tell(event: SourceEvent) -> None:
        if event.turned:
            out.write(f"{served.server.shown}: {event.problem or 'answers again'}\n")
            out.flush()

    return tell


async def _follow(source: PolicySource, process: OpaProcess, out: TextIO) -> None:
    while True:
        await asyncio.sleep(POLL_SECONDS)
        if not await asyncio.to_thread(source.changed):
            continue
        try:
            # What is there now, and not what may lie there once the sidecars have seen it.
            policy = await asyncio.to_thread(source.load)
            await asyncio.sleep(_HEAD_START_SECONDS)
            await process.load(policy)
            out.write(f"opa now answers for {policy.revision}\n")
        except PolicyRefused as error:
            out.write("refused, the policy before it stays:\n" + "".join(f"  {one}\n" for one in error.problems))
        out.flush()


def _capabilities(binary: Path) -> dict[str, Any]:
    capabilities: dict[str, Any] = json.loads(_run(binary, ["capabilities", "--current"]).stdout)
    capabilities["builtins"] = [one for one in capabilities["builtins"] if one["name"] not in FORBIDDEN]
    return capabilities


def _check_problems(report: str, bundle: str) -> tuple[str, ...]:
    try:
        errors = json.loads(report)["errors"]
    except (ValueError, KeyError, TypeError):
        return tuple(report.strip().splitlines())
    return tuple(dict.fromkeys(_check_problem(error, bundle) for error in errors))


def _check_problem(error: Mapping[str, Any], bundle: str) -> str:
    place = error.get("location") or {}
    file = str(place.get("file", "")).removeprefix(bundle).lstrip("/:")
    return f"{file}:{place.get('row', 0)}: {error['message']}" if file else str(error["message"])


def _run(binary: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  (the binary is OPA and the arguments are ours)
        [str(binary), *arguments], capture_output=True, text=True, timeout=_CHECK_SECONDS, check=False
    )
