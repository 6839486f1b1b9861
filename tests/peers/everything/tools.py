"""The tools, resources and prompts that our own journeys use."""

import asyncio
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve, Sample
from mcp.types import CreateMessageResult, ListRootsResult, SamplingMessage, TextContent, ToolAnnotations
from pydantic import BaseModel

BIG_BYTES = 3_000_000
SETTLE_SECONDS = 0.05
"""A client drops progress that it reads in one chunk with the answer: so the answer comes a little later."""
READS_ONLY = ToolAnnotations(read_only_hint=True)


class Colour(BaseModel):
    """What the elicitation asks for."""

    colour: str


def _question() -> Sample:
    return Sample([SamplingMessage(role="user", content=TextContent(type="text", text="the capital?"))], max_tokens=20)


def _colour() -> Elicit[Colour]:
    return Elicit("Which colour?", Colour)


def _roots() -> ListRoots:
    return ListRoots()


def echo(text: str) -> str:
    """Gives back what it got."""
    return text


def add(a: float, b: float) -> float:
    """Adds two numbers."""
    return a + b


def big(size: int = BIG_BYTES) -> str:
    """Answers with `size` bytes of text."""
    return "x" * size


def fail(reason: str = "as asked") -> str:
    """Fails as a tool fails: an error result."""
    raise ValueError(reason)


def write(path: str, text: str) -> str:
    """Stands for a tool with an effect; the effect is its line in the journal."""
    return f"wrote {len(text)} characters to {path}"


async def slow(ctx: Context[Any, Any], seconds: float = 1.0, steps: int = 4) -> str:
    """Takes its time and reports progress after each step."""
    for step in range(1, steps + 1):
        await asyncio.sleep(seconds / steps)
        await ctx.report_progress(step, steps, f"step {step}")
    await asyncio.sleep(SETTLE_SECONDS)
    return f"slept in {steps} steps"


def ask_model(answer: Annotated[CreateMessageResult, Resolve(_question)]) -> str:
    """Asks the client's model, as the revision in use has it."""
    content = answer.content
    return content.text if isinstance(content, TextContent) else "no text"


def ask_person(answer: Annotated[Colour, Resolve(_colour)]) -> str:
    """Asks the client's user, as the revision in use has it."""
    return answer.colour


def ask_roots(answer: Annotated[ListRootsResult, Resolve(_roots)]) -> str:
    """Asks the client for its roots, as the revision in use has it."""
    return ",".join(str(root.uri) for root in answer.roots)


def note(name: str) -> str:
    """One note by its name."""
    return f"the note {name}"


def motto() -> str:
    """A fixed text."""
    return "trust, then verify"


def greet(name: str) -> str:
    """A prompt with one argument."""
    return f"Greet {name}."


def install(server: MCPServer[Any]) -> None:
    """Adds all of the above to a server."""
    for reader in (echo, add, big):
        server.tool(annotations=READS_ONLY)(reader)
    for tool in (fail, write, slow, ask_model, ask_person, ask_roots):
        server.tool()(tool)
    server.resource("memo://motto")(motto)
    server.resource("memo://note/{name}")(note)
    server.prompt()(greet)
