"""An OAuth-protected MCP server on the Python SDK, with its authorization server beside it on a port of its own.

    python -m tests.oauth.protected http|sse --port N --issuer-port N --journal FILE [--resource URL] [--strict]

`--resource` is the URL by which the server knows itself, `--strict` has it take only tokens for that. `--embedded`
is the way of revision 2025-03-26: the server is its own authorization server, and publishes no resource metadata.
A call of `write` needs the scope files:write, and gets 403 without.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import ProviderTokenVerifier
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import MCPServer
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.oauth.issuer import SCOPES, Issuer

REGISTRATION = ClientRegistrationOptions(enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES)


class StepUp:
    """Before a call of `write`, 403 for a token without files:write; everything else goes on."""

    def __init__(self, app: ASGIApp, issuer: Issuer, metadata: str) -> None:
        self._app = app
        self._issuer = issuer
        self._metadata = metadata

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = await _whole(receive)
        if await self._lacks(scope, body):
            await self._refuse(send)
            return

        messages: list[Message] = [{"type": "http.request", "body": body}]

        async def once() -> Message:
            return messages.pop() if messages else await receive()

        await self._app(scope, once, send)

    async def _lacks(self, scope: Scope, body: bytes) -> bool:
        if _tool(body) != "write":
            return False
        given = dict(scope["headers"]).get(b"authorization", b"").decode()
        token = await self._issuer.load_access_token(given.removeprefix("Bearer "))
        return token is not None and "files:write" not in token.scopes

    async def _refuse(self, send: Send) -> None:
        challenge = (
            f'Bearer error="insufficient_scope", scope="files:read files:write", resource_metadata="{self._metadata}"'
        )
        headers = [(b"www-authenticate", challenge.encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"error":"insufficient_scope"}'})


async def _whole(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _tool(body: bytes) -> Any:
    try:
        message = json.loads(body)
    except ValueError:
        return None
    if not isinstance(message, dict) or message.get("method") != "tools/call":
        return None
    return message["params"].get("name")


def _tools(server: MCPServer[None]) -> None:
    @server.tool()
    def whose() -> str:
        """Whom and what the token is for."""
        token = get_access_token()
        assert token is not None
        return json.dumps({"scopes": token.scopes, "resource": token.resource})

    @server.tool()
    def write(text: str) -> str:
        """Needs files:write."""
        return f"written: {text}"


def _server(chosen: argparse.Namespace, issuer: Issuer, issuer_url: str) -> MCPServer[None]:
    settings = AuthSettings(
        issuer_url=AnyHttpUrl(issuer_url),
        required_scopes=SCOPES[:1],
        client_registration_options=REGISTRATION,
        resource_server_url=None if chosen.embedded else AnyHttpUrl(chosen.resource),
        validate_token_resource=None if chosen.embedded else chosen.strict,
    )
    way: dict[str, Any] = (
        {"auth_server_provider": issuer} if chosen.embedded else {"token_verifier": ProviderTokenVerifier(issuer)}
    )
    server: MCPServer[None] = MCPServer(name="protected", version="1.0.0", log_level="CRITICAL", auth=settings, **way)
    _tools(server)
    return server


def _app(chosen: argparse.Namespace, server: MCPServer[None]) -> Starlette:
    return server.sse_app() if chosen.transport == "sse" else server.streamable_http_app()


async def _serve(app: ASGIApp, port: int) -> None:
    await uvicorn.Server(uvicorn.Config(app, port=port, http="h11", log_level="critical")).serve()


async def _both(chosen: argparse.Namespace) -> None:
    own = f"http://127.0.0.1:{chosen.port}"
    issuer_url = own if chosen.embedded else f"http://127.0.0.1:{chosen.issuer_port}"
    issuer = Issuer(str(AnyHttpUrl(issuer_url)), chosen.journal)
    origin, path = "/".join(chosen.resource.split("/")[:3]), "/" + "/".join(chosen.resource.split("/")[3:])
    metadata = f"{origin}/.well-known/oauth-protected-resource{path}"
    beside = Starlette(
        routes=create_auth_routes(issuer, AnyHttpUrl(issuer_url), client_registration_options=REGISTRATION)
    )
    app = StepUp(_app(chosen, _server(chosen, issuer, issuer_url)), issuer, metadata)
    await asyncio.gather(_serve(app, chosen.port), _serve(beside, chosen.issuer_port))


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("transport", choices=["http", "sse"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--issuer-port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--resource", default="")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--embedded", action="store_true")
    chosen = parser.parse_args()
    chosen.resource = (
        chosen.resource or f"http://127.0.0.1:{chosen.port}/{'sse' if chosen.transport == 'sse' else 'mcp'}"
    )
    asyncio.run(_both(chosen))


if __name__ == "__main__":
    main()
