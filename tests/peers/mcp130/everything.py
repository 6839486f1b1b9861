"""A server with everything that the conformance suite asks for, on the Python SDK 1.30.0, over streamable HTTP.

    python everything.py PORT

Names, texts and schemas are the suite's; the forms are those of the own everything-server.
"""

import asyncio
import base64
import json
import sys
from pathlib import Path

import uvicorn
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.prompts.base import UserMessage
from mcp.server.fastmcp.tools import Tool
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.types import (
    AudioContent,
    Completion,
    EmbeddedResource,
    ImageContent,
    SamplingMessage,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, Field

sys.path.insert(0, str(Path(__file__).parents[1] / "everything"))  # this environment has no package `tests`
from forms import SCHEMA_2020_12, Defaults, Enums

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
IMAGE = ImageContent(type="image", data=PNG, mimeType="image/png")


class Events(EventStore):
    """Every event of every stream, numbered from 1 over all of them."""

    def __init__(self) -> None:
        self._events: list[tuple] = []

    async def store_event(self, stream_id, message):  # noqa: ANN001, ANN201 (the types of this SDK are not checked here)
        """Keeps one event; its id is its number."""
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(self, last_event_id, send_callback):  # noqa: ANN001, ANN201
        """Sends what the same stream had after that event; None for an id that was never given."""
        number = int(last_event_id) if last_event_id.isdecimal() else 0
        if not 1 <= number <= len(self._events):
            return None
        stream_id = self._events[number - 1][0]
        for later, (stream, message) in enumerate(self._events[number:], number + 1):
            if stream == stream_id and message is not None:
                await send_callback(EventMessage(message, str(later)))
        return stream_id


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def _embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mimeType=mime_type, text=text))


def test_simple_text() -> str:
    """Text."""
    return "This is a simple text response for testing."


def test_image_content() -> list[ImageContent]:
    """An image."""
    return [IMAGE]


def test_audio_content() -> list[AudioContent]:
    """Sound."""
    return [AudioContent(type="audio", data=WAV, mimeType="audio/wav")]


def test_embedded_resource() -> list[EmbeddedResource]:
    """A resource inside a result."""
    return [_embedded("test://embedded-resource", "This is an embedded resource content.")]


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Text, image and resource in one result."""
    resource = _embedded("test://mixed-content-resource", '{"test": "data", "value": 123}', "application/json")
    return [_text("Multiple content types test:"), IMAGE, resource]


async def test_tool_with_logging(ctx: Context) -> str:
    """Three log messages while it runs."""
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(message)
        await asyncio.sleep(0.05)
    return "Tool with logging executed successfully"


async def test_tool_with_progress(ctx: Context) -> str:
    """Three progress notifications while it runs."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100, f"Completed step {done} of 100")
        await asyncio.sleep(0.05)
    meta = ctx.request_context.meta
    return str(meta.progressToken if meta else 0)


async def test_sampling(prompt: str, ctx: Context) -> str:
    """A model asked by the server."""
    message = SamplingMessage(role="user", content=_text(prompt))
    answer = await ctx.session.create_message([message], max_tokens=100, related_request_id=ctx.request_id)
    return f"LLM response: {answer.content.text if isinstance(answer.content, TextContent) else 'No response'}"


class Reply(BaseModel):
    """A free text."""

    response: str = Field(description="User's response")


async def _elicited(ctx: Context, message: str, schema: type[BaseModel]) -> str:
    answer = await ctx.elicit(message=message, schema=schema)
    content = answer.data.model_dump_json() if answer.action == "accept" else "{}"
    return f"action={answer.action}, content={content}"


async def test_elicitation(message: str, ctx: Context) -> str:
    """A person asked by the server."""
    return "User response: " + await _elicited(ctx, message, Reply)


async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
    """A form with defaults."""
    return "Elicitation result: " + await _elicited(ctx, "Please provide user information", Defaults)


async def test_elicitation_sep1330_enums(ctx: Context) -> str:
    """A form with each kind of enumeration."""
    return "Elicitation completed: " + await _elicited(ctx, "Please select values", Enums)


def test_error_handling() -> str:
    """An error result."""
    raise RuntimeError("This tool intentionally returns an error for testing")


async def test_reconnection(ctx: Context) -> str:
    """Closes its stream while it runs."""
    await ctx.close_sse_stream()
    await asyncio.sleep(0.2)
    return "Reconnection test completed"


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
    test_reconnection,
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


RESOURCES = {
    "test://static-text": (static_text, "text/plain"),
    "test://static-binary": (static_binary, "image/png"),
    "test://template/{id}/data": (template, "application/json"),
    "test://watched-resource": (watched, "text/plain"),
}


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


PROMPTS = (
    test_simple_prompt,
    test_prompt_with_arguments,
    test_prompt_with_embedded_resource,
    test_prompt_with_image,
)


def _install_lowlevel(server: FastMCP) -> None:
    """What FastMCP has no public way to serve, on the server under it."""
    lowlevel = server._mcp_server  # noqa: SLF001

    async def nothing(_value) -> None:  # noqa: ANN001
        """Accepts, and does no more."""

    lowlevel.set_logging_level()(nothing)
    lowlevel.subscribe_resource()(nothing)
    lowlevel.unsubscribe_resource()(nothing)


def build() -> FastMCP:
    """The server with all of the above."""
    schema_tool = Tool.from_function(test_simple_text, name="json_schema_2020_12_tool")
    schema_tool = schema_tool.model_copy(update={"parameters": SCHEMA_2020_12})
    server = FastMCP(
        "everything-1.30.0", log_level="CRITICAL", event_store=Events(), retry_interval=100, tools=[schema_tool]
    )
    for tool in TOOLS:
        server.tool()(tool)
    for uri, (resource, mime_type) in RESOURCES.items():
        server.resource(uri, mime_type=mime_type)(resource)
    for prompt in PROMPTS:
        server.prompt()(prompt)

    @server.completion()
    async def complete(_reference, _argument, _context) -> Completion:  # noqa: ANN001
        return Completion(values=[], total=0, hasMore=False)

    _install_lowlevel(server)
    return server


if __name__ == "__main__":
    uvicorn.run(build().streamable_http_app(), port=int(sys.argv[1]), http="h11", log_level="critical")
