"""The tool server of the sections: `python -m benchmarks.bulk PORT` has long lists, large results and open streams.

`POST /list/N` lists N tools, every other one a `read_…`; a call of `large` is answered with `bytes` bytes of text;
a GET and `subscriptions/listen` are answered with a stream that stays open and silent.
"""

import asyncio
import json
import sys
from functools import cache
from typing import Any, Final

import orjson
import uvloop
from aiohttp import web

LARGE: Final = "large"
READS: Final = "read_"
FIRST_EVENT: Final = b": open\n\n"

_TEXT: Final = "the quick brown fox jumps over the lazy dog, "


async def handle(request: web.BaseRequest) -> web.StreamResponse:
    """One request."""
    if request.method == "GET":
        return await _silent(request)
    message = orjson.loads(await request.read())
    match message.get("method"):
        case "subscriptions/listen":
            return await _silent(request)
        case "tools/list":
            count = int(request.path.rpartition("/")[2] or 0) if "/list/" in request.path else 0
            return _answered(message, listed(count))
        case "tools/call":
            return _answered(message, large(message["params"]["arguments"]["bytes"]))
    return _answered(message, b"{}") if "id" in message else web.Response(status=202)


async def _silent(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(FIRST_EVENT)
    await asyncio.Event().wait()
    return response


def _answered(message: Any, result: bytes) -> web.StreamResponse:
    body = b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (message["id"], result)
    return web.Response(body=body, content_type="application/json")


@cache
def listed(count: int) -> bytes:
    """The result of a tools/list of so many tools, each of half a kilobyte."""
    tools = [_tool(f"{READS if number % 2 else 'write_'}{number:05}") for number in range(count)]
    return json.dumps({"resultType": "complete", "tools": tools, "ttlMs": 60_000, "cacheScope": "public"}).encode()


@cache
def large(size: int) -> bytes:
    """The result of a call whose text has so many bytes."""
    text = (_TEXT * (size // len(_TEXT) + 1))[:size]
    return json.dumps(
        {"resultType": "complete", "content": [{"type": "text", "text": text}], "isError": False}
    ).encode()


def _tool(name: str) -> dict[str, Any]:
    properties = {key: {"type": "string", "description": _TEXT} for key in ("path", "query", "limit")}
    schema = {"type": "object", "properties": properties, "required": ["path"], "additionalProperties": False}
    notes = {"readOnlyHint": name.startswith(READS), "destructiveHint": False}
    return {"name": name, "description": _TEXT * 2, "inputSchema": schema, "annotations": notes}


async def _serve(port: int) -> None:
    runner = web.ServerRunner(web.Server(handle, handler_cancellation=True))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
