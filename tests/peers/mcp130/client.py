"""The Python SDK 1.30.0 as a client, in an environment of its own: a plan in, what came of it out (see steps.py)."""

import asyncio
import json
import sys

import httpx
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    CancelledNotification,
    CancelledNotificationParams,
    ClientNotification,
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    Root,
    TextContent,
)

Plan = dict


async def _model(_context, _params):  # noqa: ANN001, ANN202 (the types of this SDK are not those of the checked environment)
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="test")


async def _person(_context, params):  # noqa: ANN001, ANN202
    if params.mode == "url":
        return ElicitResult(action="accept")
    asked = params.requestedSchema["properties"]
    return ElicitResult(action="accept", content={"approve": True} if "approve" in asked else {"colour": "green"})


async def _roots(_context):  # noqa: ANN001, ANN202
    return ListRootsResult(roots=[Root(uri="file:///here")])


def _transport(plan: Plan):  # noqa: ANN202
    if "command" in plan:
        command, *arguments = plan["command"]
        return stdio_client(StdioServerParameters(command=command, args=arguments, env=plan["environment"]))
    if plan["url"].endswith("/sse"):
        return sse_client(plan["url"], headers=plan["headers"], sse_read_timeout=plan["read_seconds"])
    timeout = httpx.Timeout(30, read=plan["read_seconds"])
    client = httpx.AsyncClient(headers=plan["headers"], timeout=timeout, follow_redirects=True)
    return streamable_http_client(plan["url"], http_client=client)


async def _list(session: ClientSession) -> Plan:
    names, cursor = [], None
    while True:
        page = await session.list_tools(cursor)
        names += [tool.name for tool in page.tools]
        cursor = page.nextCursor
        if cursor is None:
            return {"names": names}


async def _call(session: ClientSession, step: Plan) -> Plan:
    progress: list[float] = []

    async def note(done: float, _total: float | None, _message: str | None) -> None:
        progress.append(done)

    number = session._request_id  # noqa: SLF001 (this SDK sends no cancellation of its own)
    try:
        async with asyncio.timeout(step.get("cancel_after")):
            result = await session.call_tool(
                step["name"], step["arguments"], progress_callback=note if "progress" in step else None
            )
    except TimeoutError:
        params = CancelledNotificationParams(requestId=number, reason="given up")
        await session.send_notification(ClientNotification(CancelledNotification(params=params)))
        return {"cancelled": True}
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    return {"text": text, "error": bool(result.isError), "progress": progress}


async def _step(session: ClientSession, step: Plan) -> Plan:
    match step["do"]:
        case "list":
            return await _list(session)
        case "call":
            return await _call(session, step)
        case "read":
            contents = (await session.read_resource(step["uri"])).contents
            return {"text": "".join(part.text for part in contents)}
        case _:
            messages = (await session.get_prompt(step["name"], step["arguments"])).messages
            return {"text": "".join(message.content.text for message in messages)}


async def _run(plan: Plan) -> Plan:
    outcomes: list[Plan] = []
    async with (
        _transport(plan) as (read, write, *_),
        ClientSession(
            read, write, sampling_callback=_model, elicitation_callback=_person, list_roots_callback=_roots
        ) as session,
    ):
        version = (await session.initialize()).protocolVersion
        for step in plan["steps"]:
            try:
                outcomes.append(await _step(session, step))
            except McpError as error:
                outcomes.append({"failed": {"code": error.error.code, "message": error.error.message}})
        await asyncio.sleep(plan["linger_seconds"])
    return {"version": str(version), "outcomes": outcomes}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_run(json.loads(sys.argv[1])))))
