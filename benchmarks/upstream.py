"""A tool server that costs next to nothing: `python -m benchmarks.upstream PORT` answers until it is ended."""

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, cast

import uvloop

from benchmarks.exchange import REVISION, TOOL, answer
from benchmarks.framing import body_of

_CALL: Final = re.compile(rb'"id": ?(\d{9}), ?"method": ?"tools/call"')
_SERVER: Final = {"name": "benchmark", "version": "1"}
_TOOL: Final = {"name": TOOL, "description": "Looks up a customer.", "inputSchema": {"type": "object"}}
_RESULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "tools/list": {"tools": [_TOOL], "ttlMs": 3_600_000, "cacheScope": "public"},
    "server/discover": {"supportedVersions": [REVISION], "capabilities": {"tools": {}}, "serverInfo": _SERVER},
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": _SERVER},
    "ping": {},
}
_ANSWER: Final = answer()


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._transport and (message := body_of(self._buffer)):
            body, self._buffer = message
            self._transport.write(_response(body))


def _response(body: bytes) -> bytes:
    answer = answered(body)
    return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n" if answer is None else _http(answer)


def answered(body: bytes) -> bytes | None:
    """The answer to one message; None where it wants none."""
    if call := _CALL.search(body):
        return _ANSWER.with_id(int(call[1]))
    message = json.loads(body or b"{}")
    if "id" not in message:
        return None
    given = {"jsonrpc": "2.0", "id": message["id"]}
    result = _RESULTS.get(message["method"])
    if result is None:
        return json.dumps({**given, "error": {"code": -32601, "message": "Method not found"}}).encode()
    return json.dumps({**given, "result": {"resultType": "complete", **result}}).encode()


def _http(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
