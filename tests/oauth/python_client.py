"""The Python SDK 2.3.0 as a client that logs in by itself: a plan from its argument, what came of it printed.

    plan      {"url": URL, "mode": MODE, "keep": BOOL, "calls": [[tool, arguments], ...]}
    answer    {"outcomes": [text | {"failed": text}, ...]}

`keep`: any resource is fine, as where the server's own one is kept.
"""

import asyncio
import json
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp.types import TextContent
from pydantic import AnyUrl

Plan = dict[str, Any]
CALLBACK = "http://127.0.0.1:1/callback"


class Kept(TokenStorage):
    """What the client has of the authorization server, for as long as it runs."""

    def __init__(self) -> None:
        self._tokens: OAuthToken | None = None
        self._client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info


class Person:
    """Opens the page of the login, and agrees."""

    def __init__(self) -> None:
        self._query: dict[str, list[str]] = {}

    async def open(self, url: str) -> None:
        async with httpx2.AsyncClient() as browser:
            answer = await browser.get(url)
        self._query = parse_qs(urlsplit(answer.headers["location"]).query)

    async def came_back(self) -> AuthorizationCodeResult:
        one = {name: values[0] for name, values in self._query.items()}
        return AuthorizationCodeResult(code=one["code"], state=one.get("state"), iss=one.get("iss"))


async def _any_resource(_server: str, _resource: str | None) -> None:
    """The server keeps its own resource."""


def provider(plan: Plan) -> OAuthClientProvider:
    """Logs in where the server at the plan's URL says."""
    person = Person()
    metadata = OAuthClientMetadata(client_name="python", redirect_uris=[AnyUrl(CALLBACK)])
    return OAuthClientProvider(
        server_url=plan["url"],
        client_metadata=metadata,
        storage=Kept(),
        redirect_handler=person.open,
        callback_handler=person.came_back,
        validate_resource_url=_any_resource if plan["keep"] else None,
    )


def _server(plan: Plan) -> Any:
    auth = provider(plan)
    if plan["url"].endswith("/sse"):
        return sse_client(plan["url"], auth=auth)
    return streamable_http_client(plan["url"], http_client=create_mcp_http_client(auth=auth))


async def _call(client: Client, name: str, arguments: Plan) -> Any:
    try:
        result = await client.call_tool(name, arguments)
    except Exception as error:  # noqa: BLE001 (what a client meets is its outcome)
        return {"failed": type(error).__name__}
    return "".join(part.text for part in result.content if isinstance(part, TextContent))


async def _run(plan: Plan) -> Plan:
    try:
        async with Client(_server(plan), mode=plan["mode"]) as client:
            return {"outcomes": [await _call(client, *each) for each in plan["calls"]]}
    except Exception as error:  # noqa: BLE001 (what a client meets is its outcome)
        return {"outcomes": [{"failed": type(error).__name__}], "why": repr(error)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_run(json.loads(sys.argv[1])))))
