"""Raw HTTP, byte for byte: for what no SDK would send, and for answers as they really are."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

MODERN: Final = "2026-07-28"
_META: Final = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1.0.0"},
}
_ACCEPT: Final = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def message(self) -> dict[str, Any]:
        """The JSON-RPC message in it: the document, or the last event of the stream."""
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            data = [line[5:].strip() for line in self.body.splitlines() if line.startswith(b"data:")]
            return dict(json.loads([part for part in data if part][-1]))
        return dict(json.loads(self.body))

    def result(self) -> dict[str, Any]:
        """The result in it; a KeyError shows the error that came instead."""
        message = self.message()
        if "result" not in message:
            raise KeyError(message)
        return dict(message["result"])


def send(url: str, method: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request(method, _target(parts), body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def _target(parts: SplitResult) -> str:
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def document(method: str, params: Mapping[str, Any] | None = None, *, id: int | str = 1) -> bytes:
    """A request of the modern revision."""
    whole = {"jsonrpc": "2.0", "id": id, "method": method, "params": {**(params or {}), "_meta": _META}}
    return json.dumps(whole, separators=(",", ":")).encode()


def modern_headers(method: str, name: str | None = None) -> dict[str, str]:
    """The headers that the modern revision wants beside a request."""
    headers = {**_ACCEPT, "MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    return headers if name is None else {**headers, "Mcp-Name": name}


def request(url: str, method: str, params: Mapping[str, Any] | None = None) -> Answer:
    """One request of the modern revision, with its headers."""
    given = params or {}
    name = given.get("name") or given.get("uri") or given.get("taskId")
    return send(url, "POST", document(method, given), modern_headers(method, name))


def call(url: str, tool: str, arguments: Mapping[str, Any] | None = None) -> Answer:
    """One tools/call of the modern revision."""
    return request(url, "tools/call", {"name": tool, "arguments": dict(arguments or {})})
