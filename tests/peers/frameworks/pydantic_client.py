"""Pydantic AI's toolset for MCP: a plan in, what came of it out (see journey.py)."""
# mypy: ignore-errors
# (what it imports is in an environment of its own: requirements/frameworks.in)

import json
from contextlib import asynccontextmanager

from fastmcp_client import model, person, transport
from journey import Told, main
from pydantic_ai.exceptions import ModelRetry
from pydantic_ai.mcp import MCPToolset


def _text(value) -> str:  # noqa: ANN001
    """What the framework hands on, as a text: it makes objects of JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


class Agent:
    """The toolset, connected; `notes` takes the progress of the call that runs."""

    def __init__(self, toolset, notes) -> None:  # noqa: ANN001
        self._toolset, self._notes = toolset, notes

    def version(self):  # noqa: ANN201
        return str(self._toolset.client.protocol_version)

    async def tools(self):  # noqa: ANN201
        return [tool.name for tool in await self._toolset.list_tools()]

    async def call(self, name, arguments, note):  # noqa: ANN001, ANN201
        self._notes[:] = [note]
        try:
            return _text(await self._toolset.direct_call_tool(name, arguments))
        except ModelRetry as retry:
            raise Told(retry.message) from retry

    async def read(self, uri):  # noqa: ANN001, ANN201
        return _text(await self._toolset.read_resource(uri))

    async def prompt(self, name, arguments):  # noqa: ANN001, ANN201
        messages = (await self._toolset.get_prompt(name, arguments)).messages
        return "".join(message.content.content for message in messages)


@asynccontextmanager
async def connect(plan):  # noqa: ANN001, ANN201
    """The toolset with a model, a person and a root; its progress handler is one for all calls."""
    notes = []

    async def progress(done, _total, _message) -> None:  # noqa: ANN001
        for note in notes:
            note(done)

    handlers = {"sampling_handler": model, "elicitation_handler": person, "progress_handler": progress}
    async with MCPToolset(transport(plan), roots=["file:///here"], **handlers) as toolset:
        yield Agent(toolset, notes)


if __name__ == "__main__":
    main(connect)
