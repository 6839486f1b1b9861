"""What the conformance suite asks a server for by name: contents, logging, progress, elicitation, resources, prompts.

Names, texts and schemas are the suite's; the shape follows the SDK's own example server (MIT, Anthropic, PBC).
"""

import asyncio
import base64
import json
from typing import Annotated, Any

from mcp.server import ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import BaseModel, Field

from tests.peers.everything import rounds
from tests.peers.everything.forms import SCHEMA_2020_12, Defaults, Enums

Ctx = Context[Any, Any]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
IMAGE = ImageContent(type="image", data=PNG, mime_type="image/png")
AUDIO = AudioContent(type="audio", data=WAV, mime_type="audio/wav")


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def _embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def test_simple_text() -> str:
    """Text."""
    return "This is a simple text response for testing."


def test_image_content() -> list[ImageContent]:
    """An image."""
    return [IMAGE]


def test_audio_content() -> list[AudioContent]:
    """Sound."""
    return [AUDIO]


def test_embedded_resource() -> list[EmbeddedResource]:
    """A resource inside a result."""
    return [_embedded("test://embedded-resource", "This is an embedded resource content.")]


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Text, image and resource in one result."""
    resource = _embedded("test://mixed-content-resource", '{"test": "data", "value": 123}', "application/json")
    return [_text("Multiple content types test:"), IMAGE, resource]


async def test_tool_with_logging(ctx: Ctx) -> str:
    """Three log messages while it runs."""
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(message)
        await asyncio.sleep(0.05)
    return "Tool with logging executed successfully"


async def test_tool_with_progress(ctx: Ctx) -> str:
    """Three progress notifications while it runs."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100, f"Completed step {done} of 100")
        await asyncio.sleep(0.05)
    meta = ctx.request_context.meta
    return str(meta.get("progress_token") if meta else 0)


async def test_sampling(prompt: str, ctx: Ctx) -> str:
    """A model asked by the server, in the legacy form."""
    answer = await ctx.session.create_message(
        messages=[SamplingMessage(role="user", content=_text(prompt))],
        max_tokens=100,
        related_request_id=ctx.request_id,
    )
    return f"LLM response: {answer.content.text if isinstance(answer.content, TextContent) else 'No response'}"


class Reply(BaseModel):
    """A free text."""

    response: str = Field(description="User's response")


async def _elicited(ctx: Ctx, message: str, schema: type[BaseModel]) -> str:
    answer = await ctx.elicit(message=message, schema=schema)
    content = answer.data.model_dump_json() if answer.action == "accept" else "{}"
    return f"action={answer.action}, content={content}"


async def test_elicitation(message: str, ctx: Ctx) -> str:
    """A person asked by the server, in the legacy form."""
    return "User response: " + await _elicited(ctx, message, Reply)


async def test_elicitation_sep1034_defaults(ctx: Ctx) -> str:
    """A form with defaults."""
    return "Elicitation result: " + await _elicited(ctx, "Please provide user information", Defaults)


async def test_elicitation_sep1330_enums(ctx: Ctx) -> str:
    """A form with each kind of enumeration."""
    return "Elicitation completed: " + await _elicited(ctx, "Please select values", Enums)


def test_error_handling() -> str:
    """An error result."""
    raise RuntimeError("This tool intentionally returns an error for testing")


Region = Annotated[str, Field(description="Mirrored into a header", json_schema_extra={"x-mcp-header": "Region"})]


def test_x_mcp_header(region: Region) -> str:
    """An argument that is mirrored into a header."""
    return f"region={region}"


def test_missing_capability(ctx: Ctx) -> str:
    """Refuses clients that did not declare sampling."""
    declared = ctx.session.client_capabilities
    if declared is None or declared.sampling is None:
        needed: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool requires the client 'sampling' capability", needed
        )
    return "Client declared sampling capability; proceeding."


def schema_tool() -> Tool:
    """A tool whose input schema uses the vocabulary of JSON Schema 2020-12."""
    tool = Tool.from_function(test_simple_text, name="json_schema_2020_12_tool")
    return tool.model_copy(update={"parameters": SCHEMA_2020_12})


async def test_reconnection(ctx: Ctx) -> str:
    """Closes its stream while it runs."""
    await ctx.info("Before disconnect")
    await ctx.close_sse_stream()
    await asyncio.sleep(0.2)
    await ctx.info("After reconnect")
    return "Reconnection test completed"


async def test_trigger_tool_change(ctx: Ctx) -> str:
    """Changes the list of tools, and says so."""
    ctx.mcp_server.add_tool(test_simple_text, name="test_dynamic_tool")
    ctx.mcp_server.remove_tool("test_dynamic_tool")
    await ctx.notify_tools_changed()
    return "tool list changed"


async def test_trigger_prompt_change(ctx: Ctx) -> str:
    """Changes the list of prompts, and says so."""
    ctx.mcp_server.add_prompt(Prompt.from_function(test_simple_text, name="test_dynamic_prompt"))
    ctx.mcp_server.remove_prompt("test_dynamic_prompt")
    await ctx.notify_prompts_changed()
    return "prompt list changed"


TOOLS = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_tool_with_logging,
    test_tool_with_progress,
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_error_handling,
    test_x_mcp_header,
    test_missing_capability,
    test_reconnection,
    test_trigger_tool_change,
    test_trigger_prompt_change,
)


def static_text() -> str:
    """A fixed text."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """A fixed image."""
    return base64.b64decode(PNG)


def template(id: str) -> str:
    """One of many resources."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def watched() -> str:
    """A resource that can be subscribed to."""
    return "Watched resource content"


def test_simple_prompt() -> list[UserMessage]:
    """A prompt without arguments."""
    return [UserMessage(_text("This is a simple prompt for testing."))]


def test_prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
    """A prompt with arguments."""
    return [UserMessage(_text(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"))]


def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
    """A prompt with a resource inside."""
    return [
        UserMessage(_embedded(resourceUri, "Embedded resource content for testing.")),
        UserMessage(_text("Please process the embedded resource above.")),
    ]


def test_prompt_with_image() -> list[UserMessage]:
    """A prompt with an image."""
    return [UserMessage(IMAGE), UserMessage(_text("Please analyze the image above."))]


async def _complete(_ctx: ServerRequestContext[Any, Any], _params: CompleteRequestParams) -> CompleteResult:
    return CompleteResult(completion=Completion(values=[], total=0, has_more=False))


async def _nothing(_ctx: ServerRequestContext[Any, Any], _params: BaseModel) -> EmptyResult:
    return EmptyResult()


def install(server: MCPServer[Any]) -> None:
    """Adds all of the above to a server."""
    for tool in (*TOOLS, *rounds.TOOLS):
        server.tool()(tool)
    for uri, resource in (
        ("test://static-text", static_text),
        ("test://static-binary", static_binary),
        ("test://template/{id}/data", template),
        ("test://watched-resource", watched),
    ):
        server.resource(uri)(resource)
    for prompt in (
        test_simple_prompt,
        test_prompt_with_arguments,
        test_prompt_with_embedded_resource,
        test_prompt_with_image,
        rounds.test_input_required_result_prompt,
    ):
        server.prompt()(prompt)
    lowlevel = server._lowlevel_server  # noqa: SLF001 (the SDK has no public way to serve the four below)
    lowlevel.add_request_handler("completion/complete", CompleteRequestParams, _complete)
    lowlevel.add_request_handler("logging/setLevel", SetLevelRequestParams, _nothing)
    lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, _nothing)
    lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, _nothing)
