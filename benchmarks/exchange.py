"""The one exchange that is measured: a tools/call of 0.5 KB in the 2026-07-28 form, and its answer of 0.5 KB.

Ids have nine digits, so that every request and every answer has the same length.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

REVISION: Final = "2026-07-28"
TOOL: Final = "lookup"
FIRST_ID: Final = 100_000_000
BODY_BYTES: Final = 512

_ID: Final = b"111111111"


@dataclass(frozen=True, slots=True)
class Numbered:
    """Bytes with the place of the id in the middle."""

    before: bytes
    after: bytes

    def with_id(self, number: int) -> bytes:
        """The bytes of one exchange; `number` has nine digits."""
        return b"%b%d%b" % (self.before, number, self.after)


def meta() -> dict[str, Any]:
    """What each request of the revision carries in `_meta`."""
    return {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }


def call() -> Numbered:
    """The body of a call."""
    return _numbered(_call())


def request(port: int, path: str) -> Numbered:
    """The HTTP request of a call that is sent to a loopback port."""
    body = _call()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {REVISION}\r\n"
        f"Mcp-Method: tools/call\r\nMcp-Name: {TOOL}\r\nUser-Agent: benchmark\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return _numbered(head.encode() + body)


def answer() -> Numbered:
    """The body that the upstream answers a call with; what comes out of anything under test must equal it."""
    content = {"type": "text", "question": "", "text": "plan: team, region: eu-west"}
    document = {
        "jsonrpc": "2.0",
        "id": int(_ID),
        "result": {"resultType": "complete", "content": [content], "isError": False},
    }
    del content["question"]
    return _numbered(_filled(document, content, "text"))


def _call() -> bytes:
    arguments = {"customer": "c-48213", "fields": ["name", "plan", "region"], "question": ""}
    params = {"name": TOOL, "arguments": arguments, "_meta": meta()}
    return _filled({"jsonrpc": "2.0", "id": int(_ID), "method": "tools/call", "params": params}, arguments)


def _filled(document: Any, member: Any, key: str = "question") -> bytes:
    """The document as JSON, with one string of it filled up until the whole has BODY_BYTES."""
    missing = BODY_BYTES - len(json.dumps(document))
    member[key] += ("what is the plan of this customer? " * 20)[:missing]
    return json.dumps(document).encode()


def _numbered(whole: bytes) -> Numbered:
    before, _, after = whole.partition(_ID)
    return Numbered(before, after)
