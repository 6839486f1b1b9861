"""The client that the suite's client scenarios look at: the Python SDK 2.3.0, which does whatever a server has.

    python -m tests.conformance.client_everything URL

It lists all that the server lists, calls each tool with arguments made from its schema, reads each resource, gets each
prompt, and logs in where it is sent. The suite says in the environment which scenario runs, by which revision, and what
the client is to know.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.session import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from pydantic import AnyUrl

from tests.oauth.python_client import CALLBACK, Kept, Person

SCENARIO = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")  # noqa: TID251 (the suite's own way to say it)
VERSION = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", "2025-11-25")  # noqa: TID251
KNOWN: dict[str, Any] = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))  # noqa: TID251
OWN_DOCUMENT = "https://conformance-test.local/client-metadata.json"
MODERN = "2026-07-28"
ECHO, ECHOED = "json_schema_echo", "json_schema_2020_12_tool"
"""A tool that is called with the input schema of another one, as the client has it."""
EXAMPLES: dict[str, Any] = {"number": 5, "integer": 5, "boolean": True, "string": "text", "array": [], "object": {}}


async def _person(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    """Somebody who agrees, and leaves each field as the form has it."""
    fields = params.requested_schema.get("properties", {}) if isinstance(params, ElicitRequestFormParams) else {}
    content = {name: field.get("default", EXAMPLES.get(field.get("type", ""))) for name, field in fields.items()}
    return ElicitResult(action="accept", content=content)


async def _code_flow(url: str) -> OAuthClientProvider:
    person, kept = Person(), Kept()
    metadata = OAuthClientMetadata(client_name="everything", redirect_uris=[AnyUrl(CALLBACK)])
    if "client_id" in KNOWN:
        await kept.set_client_info(_registered())
    return OAuthClientProvider(
        server_url=url,
        client_metadata=metadata,
        storage=kept,
        redirect_handler=person.open,
        callback_handler=person.came_back,
        client_metadata_url=OWN_DOCUMENT,
    )


def _registered() -> OAuthClientInformationFull:
    """What the client was given beforehand."""
    secret = KNOWN.get("client_secret")
    return OAuthClientInformationFull(
        client_id=KNOWN["client_id"],
        client_secret=secret,
        redirect_uris=[AnyUrl(CALLBACK)],
        token_endpoint_auth_method="client_secret_basic" if secret else "none",
        issuer=KNOWN.get("issuer"),
    )


def _by_key(url: str) -> PrivateKeyJWTOAuthProvider:
    id = KNOWN["client_id"]
    signed = SignedJWTParameters(
        issuer=id, subject=id, signing_algorithm=KNOWN["signing_algorithm"], signing_key=KNOWN["private_key_pem"]
    )
    return PrivateKeyJWTOAuthProvider(
        server_url=url, storage=Kept(), client_id=id, assertion_provider=signed.create_assertion_provider()
    )


async def _auth(url: str) -> OAuthClientProvider | None:
    match SCENARIO:
        case "auth/client-credentials-basic":
            return ClientCredentialsOAuthProvider(url, Kept(), KNOWN["client_id"], KNOWN["client_secret"])
        case "auth/client-credentials-jwt":
            return _by_key(url)
        case _ if SCENARIO.startswith("auth/"):
            return await _code_flow(url)
    return None


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Client]:
    http = create_mcp_http_client(auth=await _auth(url))
    mode = "auto" if VERSION == MODERN else "legacy"
    async with Client(streamable_http_client(url, http_client=http), mode=mode, elicitation_callback=_person) as client:
        yield client


def _example(schema: dict[str, Any]) -> dict[str, Any]:
    """Arguments that a schema takes."""
    return {name: _value(each) for name, each in schema.get("properties", {}).items()}


def _value(schema: dict[str, Any]) -> Any:
    return schema.get("default", schema.get("enum", [EXAMPLES.get(str(schema.get("type")), "text")])[0])


async def _tried(step: Awaitable[Any]) -> None:
    """One step; what the server has against it is no reason not to take the next one."""
    try:
        await step
    except Exception as error:  # noqa: BLE001 (the suite looks at what the server saw)
        sys.stderr.write(f"{error!r}\n")


async def _calls(client: Client) -> list[tuple[str, dict[str, Any]]]:
    schemas = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
    if ECHO in schemas:
        return [(ECHO, {"schema": schemas[ECHOED]})]
    told = [(call["name"], call["arguments"]) for call in KNOWN.get("toolCalls", ())]
    return told or [(name, _example(schema)) for name, schema in schemas.items()]


async def _everything(client: Client) -> None:
    await asyncio.gather(*(_tried(client.call_tool(*call)) for call in await _calls(client)))
    has = client.server_capabilities
    if has.resources is not None:
        for resource in (await client.list_resources()).resources:
            await _tried(client.read_resource(resource.uri))
    if has.prompts is not None:
        for prompt in (await client.list_prompts()).prompts:
            arguments = {each.name: "text" for each in prompt.arguments or ()}
            await _tried(client.get_prompt(prompt.name, arguments))


async def _main(url: str) -> None:
    async with _connected(url) as client:
        await _everything(client)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[-1]))
