"""FastMCP's client: a plan in, what came of it out (see journey.py)."""
# mypy: ignore-errors
# (what it imports is in an environment of its own: requirements/frameworks.in)

from contextlib import asynccontextmanager

from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport
from fastmcp.exceptions import ToolError
from journey import ANSWER, Told, main


def transport(plan):  # noqa: ANN001, ANN201
    """What FastMCP connects with."""
    if "command" in plan:
        command, *arguments = plan["command"]
        return StdioTransport(command, arguments, env=plan["environment"], keep_alive=False)
    kind = SSETransport if plan["url"].endswith("/sse") else StreamableHttpTransport
    return kind(plan["url"], headers=plan["headers"])


async def model(_messages, _params, _context) -> str:  # noqa: ANN001
    """The client's model."""
    return "Paris"


async def person(_message, _kind, _params, _context) -> ElicitResult:  # noqa: ANN001
    """The client's user."""
    return ElicitResult(action="accept", content=ANSWER)


class Agent:
    """FastMCP's client, connected."""

    def __init__(self, client) -> None:  # noqa: ANN001
        self._client = client

    def version(self):  # noqa: ANN201
        return str(self._client.protocol_version)

    async def tools(self):  # noqa: ANN201
        return [tool.name for tool in await self._client.list_tools()]

    async def call(self, name, arguments, note):  # noqa: ANN001, ANN201
        async def progress(done, _total, _message) -> None:  # noqa: ANN001
            note(done)

        try:
            result = await self._client.call_tool(name, arguments, progress_handler=progress)
        except ToolError as error:
            raise Told(str(error)) from error
        return "".join(part.text for part in result.content if part.type == "text")

    async def read(self, uri):  # noqa: ANN001, ANN201
        return "".join(part.text for part in await self._client.read_resource(uri))

    async def prompt(self, name, arguments):  # noqa: ANN001, ANN201
        return "".join(message.content.text for message in (await self._client.get_prompt(name, arguments)).messages)


@asynccontextmanager
async def connect(plan):  # noqa: ANN001, ANN201
    """FastMCP's client with a model, a person and a root."""
    handlers = {"sampling_handler": model, "elicitation_handler": person, "roots": ["file:///here"]}
    async with Client(transport(plan), **handlers) as client:
        yield Agent(client)


if __name__ == "__main__":
    main(connect)
