"""A client that has tasks (io.modelcontextprotocol/tasks, 2026-07-28), on the Python SDK, at the server beside it.

    python -m tests.peers.tasks.client URL

It calls each tool that works as a task and prints one JSON object: how each task went (`working` is left out), and what
came of it.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any, Final, Literal

from mcp import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.session import ClientRequestContext, ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, Request, RequestParams, Result, TextContent
from pydantic import ConfigDict, Field

from tests.peers.tasks.jobs import OVER

POLL_SECONDS: Final = 0.1
ANSWER: Final = {"action": "accept", "content": {"name": "Ada", "confirm": True}}


class Begun(Result):
    """The answer to a call that goes on as a task."""

    result_type: Literal["task"] = Field(alias="resultType")
    task_id: str = Field(alias="taskId")
    status: str


class About(RequestParams):
    """A task, and what else a method takes."""

    model_config = ConfigDict(extra="allow")
    taskId: str


class Asked(Request[About, str]):
    """A request of the extension."""

    name_param = "taskId"


class Told(Result):
    """What the server says about a task."""

    model_config = ConfigDict(extra="allow")


class Tasks(ClientExtension):
    """Waits for the end of what goes on as a task, and gives the answers that it asks for."""

    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self) -> None:
        self.went: list[str] = []

    def claims(self) -> Sequence[ResultClaim[Begun]]:
        """Results of calls that name a task."""
        return [ResultClaim(result_type="task", model=Begun, resolve=self._settle)]

    async def _settle(self, begun: Begun, ctx: ClaimContext) -> CallToolResult:
        while True:
            task = await ask(ctx.session, "tasks/get", begun.task_id)
            if task["status"] not in ("working", *self.went[-1:]):
                self.went.append(task["status"])
            if task["status"] == "input_required":
                answers = dict.fromkeys(task["inputRequests"], ANSWER)
                await ask(ctx.session, "tasks/update", begun.task_id, inputResponses=answers)
            if task["status"] in OVER:
                return _result(task)
            await asyncio.sleep(POLL_SECONDS)


def _result(task: dict[str, Any]) -> CallToolResult:
    if "error" in task:
        raise MCPError(task["error"]["code"], task["error"]["message"])
    return CallToolResult.model_validate(task.get("result", {"content": []}))


async def ask(session: ClientSession, method: str, task: str, **more: Any) -> dict[str, Any]:
    """One request about a task."""
    request = Asked(method=method, params=About(taskId=task, **more))
    return (await session.send_request(request, Told)).model_dump(by_alias=True, mode="json")


async def _person(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult.model_validate(ANSWER)


async def _called(client: Client, tasks: Tasks, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    tasks.went.clear()
    try:
        result = await client.call_tool(tool, arguments)
    except MCPError as error:
        return {"went": [*tasks.went], "failed": error.error.message}
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    return {"went": [*tasks.went], "text": text, "error": bool(result.is_error)}


async def _stopped(client: Client) -> list[str]:
    begun = await client.session.call_tool("slow_compute", {"seconds": 60}, allow_claimed=True)
    assert isinstance(begun, Begun)
    await ask(client.session, "tasks/cancel", begun.task_id)
    return [begun.status, (await ask(client.session, "tasks/get", begun.task_id))["status"]]


CALLS: Final[Sequence[tuple[str, dict[str, Any]]]] = (
    ("greet", {"name": "Ada"}),
    ("slow_compute", {"seconds": 0.5, "label": "it"}),
    ("failing_job", {}),
    ("protocol_error_job", {}),
    ("confirm_delete", {"filename": "a"}),
    ("multi_input", {}),
    ("test_tool_with_task", {}),
)


async def _main(url: str) -> dict[str, Any]:
    tasks = Tasks()
    async with Client(
        streamable_http_client(url), mode="2026-07-28", extensions=[tasks], elicitation_callback=_person
    ) as client:
        found = {tool: await _called(client, tasks, tool, arguments) for tool, arguments in CALLS}
        return {**found, "stopped": await _stopped(client)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_main(sys.argv[1]))))
