"""The OpenAI Agents SDK's MCP servers: a plan in, what came of it out (see journey.py)."""
# mypy: ignore-errors
# (what it imports is in an environment of its own: requirements/frameworks.in)

from contextlib import asynccontextmanager

from agents.mcp import MCPServerSse, MCPServerStdio, MCPServerStreamableHttp
from journey import Told, main

TIMEOUT_SECONDS = 60


class Agent:
    """A server as the framework sees it, connected."""

    def __init__(self, server) -> None:  # noqa: ANN001
        self._server = server

    def version(self):  # noqa: ANN201
        return str(self._server.session.protocol_version)

    async def tools(self):  # noqa: ANN201
        return [tool.name for tool in await self._server.list_tools()]

    async def call(self, name, arguments, _note):  # noqa: ANN001, ANN201
        result = await self._server.call_tool(name, arguments)
        text = "".join(part.text for part in result.content if part.type == "text")
        if result.is_error:
            raise Told(text)
        return text

    async def read(self, uri):  # noqa: ANN001, ANN201
        return "".join(part.text for part in (await self._server.read_resource(uri)).contents)

    async def prompt(self, name, arguments):  # noqa: ANN001, ANN201
        return "".join(message.content.text for message in (await self._server.get_prompt(name, arguments)).messages)


def _server(plan):  # noqa: ANN001, ANN202
    if "command" in plan:
        command, *arguments = plan["command"]
        params = {"command": command, "args": arguments, "env": plan["environment"]}
        return MCPServerStdio(params, client_session_timeout_seconds=TIMEOUT_SECONDS)
    kind = MCPServerSse if plan["url"].endswith("/sse") else MCPServerStreamableHttp
    params = {"url": plan["url"], "headers": plan["headers"]}
    return kind(params, client_session_timeout_seconds=TIMEOUT_SECONDS)


@asynccontextmanager
async def connect(plan):  # noqa: ANN001, ANN201
    """One server; the framework gives it no model and no person to ask."""
    async with _server(plan) as server:
        yield Agent(server)


if __name__ == "__main__":
    main(connect)
