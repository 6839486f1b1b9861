"""LangChain's MCP adapters: a plan in, what came of it out (see journey.py)."""
# mypy: ignore-errors
# (what it imports is in an environment of its own: requirements/mcp130.in)

from contextlib import asynccontextmanager

from journey import ANSWER, Told, main
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.prompts import load_mcp_prompt
from langchain_mcp_adapters.resources import load_mcp_resources
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp.types import ElicitResult

SERVER = "server"


def _connection(plan):  # noqa: ANN001, ANN202
    if "command" in plan:
        command, *arguments = plan["command"]
        return {"transport": "stdio", "command": command, "args": arguments, "env": plan["environment"]}
    transport = "sse" if plan["url"].endswith("/sse") else "streamable_http"
    return {"transport": transport, "url": plan["url"], "headers": plan["headers"]}


def _text(content) -> str:  # noqa: ANN001
    """The text of a message, which is one text or blocks."""
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


class Agent:
    """One session of the client, with the tools that it made of the last list; `notes` takes a call's progress."""

    def __init__(self, session, version, callbacks, notes) -> None:  # noqa: ANN001
        self._session, self._version, self._notes = session, version, notes
        self._made = {"callbacks": callbacks, "server_name": SERVER}
        self._tools = {}

    def version(self):  # noqa: ANN201
        return self._version

    async def tools(self):  # noqa: ANN201
        self._tools = {tool.name: tool for tool in await load_mcp_tools(self._session, **self._made)}
        return list(self._tools)

    async def call(self, name, arguments, note):  # noqa: ANN001, ANN201
        self._notes[:] = [note]
        if name not in self._tools:
            await self.tools()
        message = await self._tools[name].ainvoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})
        if message.status == "error":
            raise Told(_text(message.content))
        return _text(message.content)

    async def read(self, uri):  # noqa: ANN001, ANN201
        return "".join(blob.as_string() for blob in await load_mcp_resources(self._session, uris=[uri]))

    async def prompt(self, name, arguments):  # noqa: ANN001, ANN201
        messages = await load_mcp_prompt(self._session, name, arguments=arguments)
        return "".join(_text(message.content) for message in messages)


@asynccontextmanager
async def connect(plan):  # noqa: ANN001, ANN201
    """A session with a person to ask; the framework has no way to hand in a model."""
    notes = []

    async def progress(done, _total, _message, _context) -> None:  # noqa: ANN001
        for note in notes:
            note(done)

    async def person(_mcp, _params, _context) -> ElicitResult:  # noqa: ANN001
        return ElicitResult(action="accept", content=ANSWER)

    callbacks = Callbacks(on_progress=progress, on_elicitation=person)
    client = MultiServerMCPClient({SERVER: _connection(plan)}, callbacks=callbacks)
    async with client.session(SERVER, auto_initialize=False) as session:
        version = (await session.initialize()).protocolVersion
        yield Agent(session, str(version), callbacks, notes)


if __name__ == "__main__":
    main(connect)
