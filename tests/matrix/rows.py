"""The clients of the matrix, and what each of them cannot do at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.matrix.vocabulary import ELICITATION, PROGRESS, SAMPLING
from tests.peers import clients
from tests.peers.clients import McpClient


@dataclass(frozen=True, slots=True)
class Row:
    """A client, the package that it comes from, and the lock that pins that (see versions.py).

    `lacks` has a reason for each step or transport that it cannot do.
    """

    client: McpClient
    package: str
    lock: str
    lacks: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As the client is called."""
        return self.client.name


_NO_SSE: Final = {"HTTP+SSE": "the revision 2026-07-28 has no HTTP+SSE"}
_NO_MODEL: Final = {SAMPLING: "the client has no way to hand in a model"}
_NO_PERSON: Final = {ELICITATION: "the client has no way to hand in a person"}
_NO_PROGRESS: Final = {PROGRESS: "the client does not hand on progress"}
_TYPESCRIPT: Final = "@modelcontextprotocol/client"

ROWS: Final = (
    Row(clients.PYTHON_MODERN, "mcp", "dev", _NO_SSE),
    Row(clients.PYTHON_AUTO, "mcp", "dev"),
    Row(clients.PYTHON_LEGACY, "mcp", "dev"),
    Row(clients.PYTHON_OLD, "mcp", "mcp130"),
    Row(clients.TYPESCRIPT_MODERN, _TYPESCRIPT, "npm", _NO_SSE),
    Row(clients.TYPESCRIPT_AUTO, _TYPESCRIPT, "npm"),
    Row(clients.TYPESCRIPT_OLD, "@modelcontextprotocol/sdk", "npm"),
    Row(clients.FASTMCP, "fastmcp", "frameworks"),
    Row(clients.LANGCHAIN, "langchain-mcp-adapters", "mcp130", _NO_MODEL),
    Row(clients.OPENAI_AGENTS, "openai-agents", "frameworks", {**_NO_MODEL, **_NO_PERSON, **_NO_PROGRESS}),
    Row(clients.PYDANTIC_AI, "pydantic-ai-slim", "frameworks"),
    Row(clients.INSPECTOR, "@modelcontextprotocol/inspector", "npm", {**_NO_MODEL, **_NO_PERSON, **_NO_PROGRESS}),
)
