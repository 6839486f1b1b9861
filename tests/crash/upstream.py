"""An upstream that remembers every call before it answers: `python -m tests.crash.upstream PORT JOURNAL`.

It speaks just enough of MCP for calls, sessions and open streams, and writes the token of each call to JOURNAL in one
write, so that what it has seen survives whatever happens to anybody else. `/streams` says how many streams are open,
and `/tell` sends one notification to each of them.
"""

import asyncio
import os
import sys
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from aiohttp import web

SLOW_SECONDS: Final = 0.05
HANG_SECONDS: Final = 60.0
STEPS: Final = 3
"""Progress notifications before the answer of `stream`."""

NOTE: Final = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"told"}}\n\n'
TOOLS: Final = ("echo", "slow", "stream", "hang", "forbidden")

_EVENTS: Final = {"Content-Type": "text/event-stream"}
_SCHEMA: Final = {"type": "object", "properties": {"token": {"type": "string"}}}
_SERVER: Final = {"name": "remembering", "version": "1"}


class Remembering:
    """Answers tools/call after it has written down that it was made."""

    def __init__(self, journal: str) -> None:
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._open: set[web.StreamResponse] = set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        match request.method, request.path:
            case "GET", "/streams":
                return web.json_response(len(self._open))
            case "GET", "/tell":
                await asyncio.gather(*(stream.write(NOTE) for stream in self._open))
                return web.json_response(len(self._open))
            case "GET", _:
                return await self._listen(request, b": open\n\n")
            case "DELETE", _:
                return web.Response()
        message = orjson.loads(await request.read())
        answers: dict[str, Callable[[web.BaseRequest, Any], Awaitable[web.StreamResponse]]] = {
            "tools/call": self._call,
            "subscriptions/listen": self._subscribe,
            "initialize": _initialize,
        }
        return await answers.get(message.get("method"), _other)(request, message)

    async def _call(self, request: web.BaseRequest, message: Any) -> web.StreamResponse:
        token = message["params"]["arguments"]["token"]
        os.write(self._journal, f"{token}\n".encode())
        answer = _result(message, {"content": [{"type": "text", "text": token}], "isError": False})
        match message["params"]["name"]:
            case "slow":
                await asyncio.sleep(SLOW_SECONDS)
            case "hang":
                await asyncio.sleep(HANG_SECONDS)
            case "stream":
                return await _streamed(request, answer)
        return web.json_response(answer)

    async def _subscribe(self, request: web.BaseRequest, message: Any) -> web.StreamResponse:
        params = {"_meta": {"io.modelcontextprotocol/subscriptionId": message["id"]}}
        return await self._listen(
            request, _event({"method": "notifications/subscriptions/acknowledged", "params": params})
        )

    async def _listen(self, request: web.BaseRequest, first: bytes) -> web.StreamResponse:
        """A stream that stays open until the other side goes."""
        response = web.StreamResponse(headers=_EVENTS)
        await response.prepare(request)
        await response.write(first)
        self._open.add(response)
        try:
            await asyncio.Event().wait()
        finally:
            self._open.discard(response)
        return response


async def _streamed(request: web.BaseRequest, answer: Any) -> web.StreamResponse:
    response = web.StreamResponse(headers=_EVENTS)
    await response.prepare(request)
    for step in range(STEPS):
        params = {"progressToken": 1, "progress": step}
        await response.write(_event({"method": "notifications/progress", "params": params}))
        await asyncio.sleep(SLOW_SECONDS / STEPS)
    await response.write(_event(answer))
    return response


async def _initialize(_: web.BaseRequest, message: Any) -> web.StreamResponse:
    answer = _result(message, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": _SERVER})
    return web.json_response(answer, headers={"Mcp-Session-Id": uuid.uuid4().hex})


async def _other(_: web.BaseRequest, message: Any) -> web.StreamResponse:
    if "id" not in message:
        return web.Response(status=202)
    tools = [{"name": name, "inputSchema": _SCHEMA} for name in TOOLS]
    return web.json_response(_result(message, {"tools": tools}))


def _result(message: Any, result: Any) -> Any:
    return {"jsonrpc": "2.0", "id": message.get("id"), "result": {"resultType": "complete", **result}}


def _event(message: Any) -> bytes:
    return b"data: " + orjson.dumps({"jsonrpc": "2.0", **message}) + b"\n\n"


async def _serve(port: int, journal: str) -> None:
    runner = web.ServerRunner(web.Server(Remembering(journal).handle, handler_cancellation=True))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2]))
