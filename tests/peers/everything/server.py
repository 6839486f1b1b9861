"""An MCP server that has everything, on the Python SDK: dual era, over streamable HTTP, legacy SSE or stdio.

    python -m tests.peers.everything.server http|json|sse|stdio [--port N] [--journal FILE]

`json` answers with JSON documents instead of streams, and without sessions.
"""

import argparse
import os
from pathlib import Path

import uvicorn
from mcp.server.mcpserver import MCPServer, RequestStateSecurity
from starlette.applications import Starlette

from tests.peers.everything import fixtures, tools
from tests.peers.everything.events import Events
from tests.peers.everything.journal import Journal

STATE_KEY = b"a fixed key, so that states survive a restart"


def build(journal: Path) -> MCPServer[None]:
    """The server with our own tools and those that the conformance suite asks for."""
    server: MCPServer[None] = MCPServer(
        name="everything",
        version="1.0.0",
        instructions="Everything that a journey needs.",
        log_level="CRITICAL",
        request_state_security=RequestStateSecurity(keys=[STATE_KEY]),
        middleware=[Journal(journal)],
        tools=[fixtures.schema_tool()],
    )
    tools.install(server)
    fixtures.install(server)
    return server


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("transport", choices=["http", "json", "sse", "stdio"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--journal", type=Path, default=Path(os.devnull))
    chosen = parser.parse_args()
    server = build(chosen.journal)
    match chosen.transport:
        case "http":
            serve(server.streamable_http_app(event_store=Events(), retry_interval=100), chosen.port)
        case "json":
            serve(server.streamable_http_app(json_response=True, stateless_http=True), chosen.port)
        case "sse":
            serve(server.sse_app(), chosen.port)
        case _:
            server.run("stdio")


def serve(app: Starlette, port: int) -> None:
    """With one reader of HTTP, whichever others are installed: they differ in what they take for a header's value."""
    uvicorn.run(app, port=port, http="h11", log_level="critical")


if __name__ == "__main__":
    main()
