"""The Python SDK 1.30.0 as a client that logs in by itself: plan and answer as in tests/oauth/python_client.py."""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

import httpx
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

Plan = dict
CALLBACK = "http://127.0.0.1:1/callback"


class Kept:
    """What the client has of the authorization server, for as long as it runs."""

    def __init__(self) -> None:
        self._tokens = self._client = None

    async def get_tokens(self):  # noqa: ANN201 (the types of this SDK are not those of the checked environment)
        return self._tokens

    async def set_tokens(self, tokens) -> None:  # noqa: ANN001
        self._tokens = tokens

    async def get_client_info(self):  # noqa: ANN201
        return self._client

    async def set_client_info(self, client_info) -> None:  # noqa: ANN001
        self._client = client_info


class Person:
    """Opens the page of the login, and agrees."""

    def __init__(self) -> None:
        self._query = {}

    async def open(self, url: str) -> None:
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(url)
        self._query = parse_qs(urlsplit(answer.headers["location"]).query)

    async def came_back(self) -> tuple[str, str | None]:
        return self._query["code"][0], self._query.get("state", [None])[0]


def _provider(plan: Plan) -> OAuthClientProvider:
    person = Person()
    metadata = OAuthClientMetadata(client_name="old", redirect_uris=[CALLBACK])
    return OAuthClientProvider(plan["url"], metadata, Kept(), person.open, person.came_back)


def _transport(plan: Plan):  # noqa: ANN202
    auth = _provider(plan)
    if plan["url"].endswith("/sse"):
        return sse_client(plan["url"], auth=auth)
    return streamable_http_client(plan["url"], http_client=httpx.AsyncClient(auth=auth, timeout=30))


async def _call(session: ClientSession, name: str, arguments: Plan):  # noqa: ANN202
    try:
        result = await session.call_tool(name, arguments)
    except Exception as error:  # noqa: BLE001 (what a client meets is its outcome)
        return {"failed": type(error).__name__}
    return "".join(part.text for part in result.content)


async def _run(plan: Plan) -> Plan:
    try:
        async with _transport(plan) as (read, write, *_), ClientSession(read, write) as session:
            await session.initialize()
            return {"outcomes": [await _call(session, *each) for each in plan["calls"]]}
    except Exception as error:  # noqa: BLE001 (what a client meets is its outcome)
        return {"outcomes": [{"failed": type(error).__name__}], "why": repr(error)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_run(json.loads(sys.argv[1])))))
