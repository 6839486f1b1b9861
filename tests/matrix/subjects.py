"""The servers of the matrix, and what each of them is asked at each step."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.matrix.vocabulary import (
    CALL,
    CANCELLED,
    DENIED,
    ELICITATION,
    LARGE,
    PROGRESS,
    PROMPTS,
    RESOURCES,
    SAMPLING,
    Transport,
)
from tests.peers import servers
from tests.peers.servers import HttpServer, StdioServer
from tests.peers.steps import Step, call, call_cancelled, call_with_progress, prompt, read

LARGE_BYTES: Final = 3_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """A server that is there, with what it is asked.

    `granted` is the tool of the step `call`; that of `denied` is granted for another value of its `ruled` argument.
    `touched` says whether the denied call has had its effect; a server without effects has none to look for.
    """

    server: HttpServer | StdioServer
    asks: Mapping[str, Step]
    ruled: str
    touched: Callable[[], bool] = lambda: False
    last_progress_is_late: bool = False
    """It sends the last progress together with the answer, and some clients drop what comes with an answer."""

    @property
    def granted(self) -> str:
        """The tool that the starter policy is told to allow."""
        return str(self.asks[CALL]["name"])

    @property
    def listed(self) -> set[str]:
        """The tools that the starter policy leaves in the list."""
        return {self.granted, str(self.asks[DENIED]["name"])}


@dataclass(frozen=True, slots=True)
class Subject:
    """A server as the matrix names it; `lacks` has a reason for each step that it cannot do."""

    name: str
    transport: Transport
    package: str
    start: Callable[[Path], AbstractContextManager[Stage]]
    lacks: Mapping[str, str] = field(default_factory=dict)

    @property
    def lock(self) -> str:
        """The lock that pins its package (see versions.py)."""
        return "npm" if self.package.startswith("@") else "dev"


_OWN_ASKS: Final[Mapping[str, Step]] = {
    CALL: call("echo", {"text": "hi"}),
    DENIED: call("write", {"path": "a", "text": "b"}),
    CANCELLED: call_cancelled("slow", {"seconds": 20}, after_seconds=2.0),
    PROGRESS: call_with_progress("slow", {"seconds": 0.2}),
    SAMPLING: call("ask_model"),
    ELICITATION: call("ask_person"),
    RESOURCES: read("memo://note/one"),
    PROMPTS: prompt("greet", {"name": "Ada"}),
    LARGE: call("big"),
}
_NPM_ASKS: Final[Mapping[str, Step]] = {
    CALL: call("echo", {"message": "hi"}),
    DENIED: call("get-sum", {"a": 1, "b": 2}),
    CANCELLED: call_cancelled("trigger-long-running-operation", {"duration": 20, "steps": 4}, after_seconds=2.0),
    PROGRESS: call_with_progress("trigger-long-running-operation", {"duration": 0.4, "steps": 2}),
    SAMPLING: call("trigger-sampling-request", {"prompt": "the capital?", "maxTokens": 20}),
    ELICITATION: call("trigger-elicitation-request"),
    RESOURCES: read("demo://resource/static/document/features.md"),
    PROMPTS: prompt("args-prompt", {"city": "Paris"}),
}


def _own_stage(server: HttpServer | StdioServer) -> Stage:
    def touched() -> bool:
        return any(params["name"] == "write" for params in server.received())

    return Stage(server, _OWN_ASKS, "path", touched)


@contextmanager
def _own_http(folder: Path, style: servers.Style) -> Iterator[Stage]:
    with servers.everything(folder, style) as server:
        yield _own_stage(server)


@contextmanager
def _npm_http(folder: Path, style: Any) -> Iterator[Stage]:
    with servers.npm_everything(folder, style) as server:
        yield Stage(server, _NPM_ASKS, "a", last_progress_is_late=True)


@contextmanager
def _own_stdio(folder: Path) -> Iterator[Stage]:
    yield _own_stage(servers.everything_stdio(folder))


@contextmanager
def _npm_stdio(_folder: Path) -> Iterator[Stage]:
    yield Stage(servers.npm_everything_stdio(), _NPM_ASKS, "a", last_progress_is_late=True)


@contextmanager
def _filesystem(folder: Path) -> Iterator[Stage]:
    written, small, large = folder / "written", folder / "small", folder / "large"
    small.write_text("hello")
    large.write_text("x" * LARGE_BYTES)
    asks = {
        CALL: call("read_text_file", {"path": str(small)}),
        DENIED: call("write_file", {"path": str(written), "content": "b"}),
        LARGE: call("read_text_file", {"path": str(large)}),
    }
    yield Stage(servers.filesystem(folder), asks, "path", written.exists)


@contextmanager
def _memory(folder: Path) -> Iterator[Stage]:
    graph = folder / "memory.jsonl"
    line = '{"type":"entity","name":"%s","entityType":"person","observations":["%s"]}\n'
    graph.write_text(line % ("Ada", "wrote the first program") + line % ("large", "x" * LARGE_BYTES))
    created = {"name": "Eve", "entityType": "person", "observations": []}
    asks = {
        CALL: call("open_nodes", {"names": ["Ada"]}),
        DENIED: call("create_entities", {"entities": [created]}),
        RESOURCES: read("memory://knowledge-graph"),
        LARGE: call("open_nodes", {"names": ["large"]}),
    }
    yield Stage(servers.memory(folder), asks, "entities", lambda: '"Eve"' in graph.read_text("utf-8"))


@contextmanager
def _git(folder: Path) -> Iterator[Stage]:
    server = servers.git(folder)
    (folder / "large").write_text(f"{'x' * 99}\n" * (LARGE_BYTES // 100))
    run = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run([*run, "add", "large"], check=True)
    subprocess.run([*run, "commit", "--quiet", "-m", "large"], check=True)
    here = {"repo_path": str(folder)}
    asks = {
        CALL: call("git_log", {**here, "max_count": 1}),
        DENIED: call("git_create_branch", {**here, "branch_name": "denied"}),
        LARGE: call("git_show", {**here, "revision": "HEAD"}),
    }
    yield Stage(server, asks, "branch_name", (folder / ".git/refs/heads/denied").exists)


@contextmanager
def _time(_folder: Path) -> Iterator[Stage]:
    noon = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    asks = {CALL: call("convert_time", noon), DENIED: call("get_current_time", {"timezone": "UTC"})}
    yield Stage(servers.clock(), asks, "timezone")


_LACKS_ALL: Final = {
    CANCELLED: "the server has no call that takes long",
    PROGRESS: "the server reports no progress",
    SAMPLING: "the server asks no model",
    ELICITATION: "the server asks no person",
    RESOURCES: "the server has no resources",
    PROMPTS: "the server has no prompts",
}
_NPM_LACKS: Final = {LARGE: "no tool of the server answers with 3 MB"}

OWN: Final = "own everything-server"
NPM: Final = "server-everything"
SUBJECTS: Final = (
    Subject(f"{OWN}, streams", "streamable HTTP", "mcp", partial(_own_http, style="http")),
    Subject(f"{OWN}, JSON documents without sessions", "streamable HTTP", "mcp", partial(_own_http, style="json")),
    Subject(
        NPM, "streamable HTTP", f"@modelcontextprotocol/{NPM}", partial(_npm_http, style="streamableHttp"), _NPM_LACKS
    ),
    Subject(OWN, "HTTP+SSE", "mcp", partial(_own_http, style="sse")),
    Subject(NPM, "HTTP+SSE", f"@modelcontextprotocol/{NPM}", partial(_npm_http, style="sse"), _NPM_LACKS),
    Subject(OWN, "stdio", "mcp", _own_stdio),
    Subject(NPM, "stdio", f"@modelcontextprotocol/{NPM}", _npm_stdio, _NPM_LACKS),
    Subject("server-filesystem", "stdio", "@modelcontextprotocol/server-filesystem", _filesystem, _LACKS_ALL),
    Subject(
        "server-memory",
        "stdio",
        "@modelcontextprotocol/server-memory",
        _memory,
        {step: reason for step, reason in _LACKS_ALL.items() if step != RESOURCES},
    ),
    Subject("mcp-server-git", "stdio", "mcp-server-git", _git, _LACKS_ALL),
    Subject(
        "mcp-server-time",
        "stdio",
        "mcp-server-time",
        _time,
        {**_LACKS_ALL, LARGE: "no tool of the server answers with 3 MB"},
    ),
)
