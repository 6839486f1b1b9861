"""What is measured: each subject is started as its users start it, on the core under test, before the same upstream."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from benchmarks.load import Target
from benchmarks.process import accepts, free_port, running

Durability = Literal["process", "host"]

_NGINX_PLACES: Final = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
_NGINX: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    upstream tools {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://tools;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where subjects run: the core that only they have, that of all others, the upstream's port, a folder on a disk."""

    core: int
    others: int
    upstream: int
    folder: Path

    def new_folder(self) -> Path:
        """A folder for one run of one subject."""
        return Path(tempfile.mkdtemp(dir=self.folder))


@dataclass(frozen=True, slots=True)
class Subject:
    """A running subject: where to call it, and how long it took to be ready.

    `process_ids` is everything whose CPU time a call costs; `own` is the part that is AgentGate (or nginx) alone.
    """

    target: Target
    process_ids: tuple[int, ...]
    own: tuple[int, ...]
    ready_seconds: float


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of the table, before it runs."""

    name: str
    start: Callable[[Stage], AbstractContextManager[Subject]]
    durability: Durability | None = None

    @property
    def key(self) -> str:
        """The name by which the command line and the targets mean this row."""
        return f"{self.name}+{self.durability}" if self.durability else self.name


class NotInstalled(Exception):
    """A program that the benchmark needs is not there."""


def nginx_program() -> str | None:
    """Where nginx is, if it is installed."""
    return shutil.which("nginx", path=_NGINX_PLACES)


def opa_program() -> str | None:
    """The OPA that scripts/setup_opa.sh builds, if it has."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")  # noqa: TID251 (as the script finds it)
    return shutil.which("opa", path=str(cache / "agentgate/opa-1.22.2"))


@contextmanager
def upstream(core: int, folder: Path) -> Iterator[int]:
    """The tool server of all rows, on the load generator's core; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.upstream", str(port)]
    with running(command, core=core, log=folder / "upstream.log", ready=lambda: accepts(port)):
        yield port


@contextmanager
def bulk(stage: Stage) -> Iterator[int]:
    """The tool server of the sections, beside the other one; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bulk", str(port)]
    with running(command, core=stage.others, log=stage.folder / "bulk.log", ready=lambda: accepts(port)):
        yield port


@contextmanager
def direct(stage: Stage) -> Iterator[Subject]:
    """Nothing in between."""
    yield Subject(Target(stage.upstream, "/mcp"), (), (), 0.0)


@contextmanager
def nginx(stage: Stage) -> Iterator[Subject]:
    """nginx as a reverse proxy: one process, kept-alive connections on both sides, nothing buffered, nothing logged."""
    program = nginx_program()
    if program is None:
        raise NotInstalled("nginx is not installed; the ratios of the table need it")
    folder, port = stage.new_folder(), free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port, upstream=stage.upstream))
    with listening([program, "-c", folder / "nginx.conf"], stage, folder, port) as (process, seconds):
        yield Subject(Target(port, "/mcp"), (process,), (process,), seconds)


@contextmanager
def listening(command: Sequence[str | Path], stage: Stage, folder: Path, port: int) -> Iterator[tuple[int, float]]:
    """Starts a program that is ready when it listens; gives its process id and the seconds from start to ready."""
    begun = time.perf_counter()
    with running(command, core=stage.core, log=folder / "log", ready=lambda: accepts(port)) as process:
        yield process, time.perf_counter() - begun
