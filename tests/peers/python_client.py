"""The Python SDK 2.3.0 as a client: reads a plan from its argument, prints what came of it (see steps.py)."""

import asyncio
import json
import sys
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.session import ClientRequestContext
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolResult,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
    ListRootsResult,
    Root,
    TextContent,
    TextResourceContents,
)
from pydantic import FileUrl

Plan = dict[str, Any]


async def _model(context: ClientRequestContext, params: CreateMessageRequestParams) -> CreateMessageResult:
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="test")


async def _person(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    if isinstance(params, ElicitRequestURLParams):
        return ElicitResult(action="accept")
    asked = params.requested_schema["properties"]
    return ElicitResult(action="accept", content={"approve": True} if "approve" in asked else {"colour": "green"})


async def _roots(context: ClientRequestContext) -> ListRootsResult:
    return ListRootsResult(roots=[Root(uri=FileUrl("file:///here"))])


def _server(plan: Plan) -> Any:
    if "command" in plan:
        command, *arguments = plan["command"]
        return StdioServerParameters(command=command, args=arguments, env=plan["environment"])
    if plan["url"].endswith("/sse"):
        return sse_client(plan["url"], headers=plan["headers"])
    return streamable_http_client(plan["url"], http_client=create_mcp_http_client(headers=plan["headers"]))


async def _list(client: Client) -> Plan:
    names, cursor = [], None
    while True:
        page = await client.list_tools(cursor=cursor)
        names += [tool.name for tool in page.tools]
        cursor = page.next_cursor
        if cursor is None:
            return {"names": names}


async def _call(client: Client, step: Plan) -> Plan:
    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    calling = client.call_tool(step["name"], step["arguments"], progress_callback=note if "progress" in step else None)
    if "cancel_after" not in step:
        return _outcome(await calling, seen)
    try:
        async with asyncio.timeout(step["cancel_after"]):
            return _outcome(await calling, seen)
    except TimeoutError:
        return {"cancelled": True}


def _outcome(result: CallToolResult, progress: list[float]) -> Plan:
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    return {"text": text, "error": bool(result.is_error), "progress": progress}


async def _step(client: Client, step: Plan) -> Plan:
    match step["do"]:
        case "list":
            return await _list(client)
        case "call":
            return await _call(client, step)
        case "read":
            contents = (await client.read_resource(step["uri"])).contents
            return {"text": "".join(part.text for part in contents if isinstance(part, TextResourceContents))}
        case _:
            messages = (await client.get_prompt(step["name"], step["arguments"])).messages
            return {"text": "".join(m.content.text for m in messages if isinstance(m.content, TextContent))}


async def _run(plan: Plan) -> Plan:
    outcomes: list[Plan] = []
    async with Client(
        _server(plan),
        mode=plan["mode"],
        sampling_callback=_model,
        elicitation_callback=_person,
        list_roots_callback=_roots,
    ) as client:
        for step in plan["steps"]:
            try:
                outcomes.append(await _step(client, step))
            except MCPError as error:
                outcomes.append({"failed": {"code": error.error.code, "message": error.error.message}})
        await asyncio.sleep(plan["linger_seconds"])
        return {"version": str(client.protocol_version), "outcomes": outcomes}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_run(json.loads(sys.argv[1])))))
