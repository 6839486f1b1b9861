"""An MCP server whose calls go on as tasks (io.modelcontextprotocol/tasks, 2026-07-28), on the Python SDK.

    python -m tests.peers.tasks.server PORT

It has everything that the conformance suite asks a server for by name, and with that its tools for tasks.
"""

import asyncio
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.extension import Extension, MethodBinding, ToolBinding
from mcp.server.mcpserver import MCPServer, RequestStateSecurity
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import decode_header_value
from mcp.types import HEADER_MISMATCH, INVALID_PARAMS, CallToolRequestParams, InputRequiredResult, RequestParams
from pydantic import BaseModel, Field

from tests.peers.everything import fixtures
from tests.peers.everything.server import STATE_KEY, serve
from tests.peers.tasks import tools
from tests.peers.tasks.jobs import Job

Ctx = ServerRequestContext[Any, Any]
MODERN: Final = frozenset({"2026-07-28"})


class About(RequestParams):
    """What every method of the extension is asked with."""

    task_id: str = Field(alias="taskId")


class Update(About):
    """Answers to what a task asks for."""

    input_responses: dict[str, Any] = Field(alias="inputResponses")


class Tasks(Extension):
    """The extension: calls of some tools begin tasks, and clients ask about these."""

    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._jobs = dict[str, Job]()

    def tools(self) -> Sequence[ToolBinding]:
        """The tools that the suite calls for tasks."""
        return [ToolBinding(tool) for tool in tools.TOOLS]

    def methods(self) -> Sequence[MethodBinding]:
        """What a client asks about a task."""
        return [
            MethodBinding("tasks/get", About, self._get, MODERN),
            MethodBinding("tasks/update", Update, self._update, MODERN),
            MethodBinding("tasks/cancel", About, self._cancel, MODERN),
        ]

    async def intercept_tool_call(self, params: CallToolRequestParams, ctx: Ctx, call_next: CallNext) -> HandlerResult:
        """Begins a task where the tool works as one."""
        seconds = tools.seconds(params.name, params.arguments or {})
        if seconds is None:
            return await call_next(ctx)
        if params.name in tools.OPTIONAL and not self._declared(ctx):
            await asyncio.sleep(seconds)
            return await call_next(ctx)
        require_client_extension(ctx, self.identifier)
        try:
            result = await call_next(ctx)
        except MCPError as failed:
            return self._begin(params.name, seconds, {"error": failed.error.model_dump(exclude_none=True)})
        if isinstance(result, InputRequiredResult):
            return result
        return self._begin(params.name, seconds, {"result": _plain(result)})

    def _declared(self, ctx: Ctx) -> bool:
        declared = ctx.session.client_capabilities
        return declared is not None and self.identifier in (declared.extensions or {})

    def _begin(self, tool: str, seconds: float, end: dict[str, Any]) -> dict[str, Any]:
        now = self._now()
        job = Job(uuid.uuid4().hex, now, now + seconds, end, dict(tools.ASKS.get(tool, {})))
        self._jobs[job.id] = job
        return job.created(now)

    def _job(self, ctx: Ctx, params: About) -> Job:
        """The task that a request is about, where the request may be made and its headers say the same."""
        require_client_extension(ctx, self.identifier)
        if ctx.request is not None and decode_header_value(ctx.request.headers.get("mcp-name")) != params.task_id:
            raise MCPError(HEADER_MISMATCH, "mcp-name header does not match the request body's 'taskId' parameter")
        if params.task_id not in self._jobs:
            raise MCPError(INVALID_PARAMS, "Task not found")
        return self._jobs[params.task_id]

    async def _get(self, ctx: Ctx, params: About) -> dict[str, Any]:
        return self._job(ctx, params).seen(self._now())

    async def _update(self, ctx: Ctx, params: Update) -> dict[str, Any]:
        self._job(ctx, params).answer(params.input_responses, self._now())
        return {}

    async def _cancel(self, ctx: Ctx, params: About) -> dict[str, Any]:
        self._job(ctx, params).cancel(self._now())
        return {}


def _plain(result: HandlerResult) -> Any:
    return result.model_dump(by_alias=True, mode="json", exclude_none=True) if isinstance(result, BaseModel) else result


def build() -> MCPServer[None]:
    """The server with its extension and what the suite asks for beside it."""
    server: MCPServer[None] = MCPServer(
        name="tasks",
        version="1.0.0",
        log_level="CRITICAL",
        request_state_security=RequestStateSecurity(keys=[STATE_KEY]),
        tools=[fixtures.schema_tool()],
        extensions=[Tasks(time.time)],
    )
    fixtures.install(server)
    return server


if __name__ == "__main__":
    serve(build().streamable_http_app(), int(sys.argv[1]))
