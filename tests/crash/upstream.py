"""An upstream that remembers every call before it answers: `python -m tests.crash.upstream PORT JOURNAL`.

It speaks just enough of 2026-07-28 for tools/call, and writes the token of each call to JOURNAL in one write, so
that what it has seen survives whatever happens to anybody else.
"""

import asyncio
import os
import sys
from typing import Final

import orjson
from aiohttp import web

SLOW_SECONDS: Final = 0.05


class Remembering:
    """Answers tools/call after it has written down that it was made."""

    def __init__(self, journal: str) -> None:
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One POST."""
        message = orjson.loads(await request.read())
        if message.get("method") != "tools/call":
            return web.json_response({"jsonrpc": "2.0", "id": message.get("id"), "result": {"tools": []}})
        token = message["params"]["arguments"]["token"]
        os.write(self._journal, f"{token}\n".encode())
        if message["params"]["name"] == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        content = [{"type": "text", "text": token}]
        result = {"resultType": "complete", "content": content, "isError": False}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})


async def _serve(port: int, journal: str) -> None:
    runner = web.ServerRunner(web.Server(Remembering(journal).handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2]))
