"""A server of the Python SDK (of either generation) that writes down what it is about to execute.

    python python_server.py http PORT JOURNAL
    python python_server.py stdio JOURNAL

One JSON line for each message that has reached the SDK's dispatcher: `{method, id, params}`, params as JSON text.
"""

import contextlib
import importlib
import importlib.metadata
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any


class Journal:
    """Appends lines, each in one write."""

    def __init__(self, path: str) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, method: str, id: object, params: object) -> None:
        """One message."""
        line = {"method": method, "id": id, "params": json.dumps(params, default=str)}
        os.write(self._handle, json.dumps(line).encode() + b"\n")


def _generation() -> int:
    return 1 if importlib.metadata.version("mcp").startswith("1.") else 2


def _second(journal: Journal) -> Any:
    """An MCPServer of 2.x whose middleware notes, and which has no tool at all."""

    async def note(ctx: Any, call_next: Any) -> Any:
        journal.note(ctx.method, ctx.request_id, ctx.params)
        return await call_next(ctx)

    server = importlib.import_module("mcp.server.mcpserver").MCPServer
    return server(name="journal", version="1", log_level="CRITICAL", middleware=[note])


def _first(journal: Journal) -> Any:
    """A low-level Server of 1.x; it has no middleware, so that its two dispatchers are extended."""
    base: Any = importlib.import_module("mcp.server.lowlevel").Server

    class Noting(base):  # type: ignore[misc]  # the SDK of 1.x is not installed where types are checked
        async def _handle_request(self, message: Any, req: Any, *more: Any) -> None:
            journal.note(req.method, message.request_id, _dumped(req.params))
            await super()._handle_request(message, req, *more)

        async def _handle_notification(self, notify: Any) -> None:
            journal.note(notify.method, None, _dumped(notify.params))
            await super()._handle_notification(notify)

    return Noting("journal", "1")


def _dumped(params: Any) -> Any:
    return None if params is None else params.model_dump(by_alias=True, mode="json", exclude_unset=True)


def _app(server: Any) -> Any:
    if _generation() == 2:
        return server.streamable_http_app(json_response=True, stateless_http=True)
    applications = importlib.import_module("starlette.applications")
    routing = importlib.import_module("starlette.routing")
    managers = importlib.import_module("mcp.server.streamable_http_manager")
    manager = managers.StreamableHTTPSessionManager(server, json_response=True, stateless=True)

    @contextlib.asynccontextmanager
    async def life(_: Any) -> AsyncIterator[None]:
        async with manager.run():
            yield

    return applications.Starlette(routes=[routing.Mount("/", manager.handle_request)], lifespan=life)


async def _stdio(server: Any) -> None:
    transport = importlib.import_module("mcp.server.stdio").stdio_server
    async with transport() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def main() -> None:
    """Serve until the end of the process, or of stdin."""
    kind, *rest = sys.argv[1:]
    journal = Journal(rest[-1])
    server = _first(journal) if _generation() == 1 else _second(journal)
    if kind == "http":
        uvicorn = importlib.import_module("uvicorn")
        uvicorn.run(_app(server), port=int(rest[0]), http="h11", log_level="critical")
    elif _generation() == 2:
        server.run("stdio")
    else:
        importlib.import_module("anyio").run(_stdio, server)


if __name__ == "__main__":
    Path(sys.argv[-1]).touch()
    main()
