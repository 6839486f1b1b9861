"""A client of the Python SDK (of either generation) that says what it took out of each stream.

    python python_client.py URL NAME...

It calls one tool for each name, and prints one JSON line for each: the messages that the SDK handed on, in order.
"""

import asyncio
import importlib
import importlib.metadata
import json
import sys
from typing import Any

CALL_SECONDS = 3.0

Seen = list[dict[str, Any]]


def _text(result: Any) -> str:
    return "".join(part.text for part in result.content)


async def _calls(call: Any, seen: Seen, names: list[str]) -> None:
    for name in names:
        seen.clear()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                seen.append({"answer": _text(await call(name, {}))})
        except Exception as error:  # noqa: BLE001  (whatever an SDK makes of a broken stream: it has taken no answer)
            sys.stderr.write(f"{name}: {error!r}\n")
        await asyncio.sleep(0.02)
        sys.stdout.write(json.dumps({"name": name, "seen": list(seen)}) + "\n")
        sys.stdout.flush()


async def _second(url: str, names: list[str]) -> None:
    client: Any = importlib.import_module("mcp").Client
    streams: Any = importlib.import_module("mcp.client.streamable_http").streamable_http_client
    seen: Seen = []

    async def log(params: Any) -> None:
        seen.append({"note": params.data})

    async with client(streams(url), mode="legacy", logging_callback=log) as made:
        await _calls(made.call_tool, seen, names)


async def _first(url: str, names: list[str]) -> None:
    session: Any = importlib.import_module("mcp").ClientSession
    streams: Any = importlib.import_module("mcp.client.streamable_http").streamable_http_client
    seen: Seen = []

    async def log(params: Any) -> None:
        seen.append({"note": params.data})

    async with streams(url) as (read, write, _), session(read, write, logging_callback=log) as made:
        await made.initialize()
        await _calls(made.call_tool, seen, names)


if __name__ == "__main__":
    one = importlib.metadata.version("mcp").startswith("1.")
    asyncio.run((_first if one else _second)(sys.argv[1], sys.argv[2:]))
