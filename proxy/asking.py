"""Asking a tool server for its tools, as a client would: over HTTP in the revision that it speaks, or over pipes.

For the command line alone (`agentgate policy pin`): no policy decides, nothing is recorded.
"""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final, Protocol

from proxy.child import CannotStart, end_child, start_child
from proxy.forward import HttpUpstream
from proxy.refusals import BadAnswer
from proxy.vocabulary import Arrival, Headers, UpstreamDown
from proxy.wire.message import read_server
from proxy.wire.rules import Malformed

LEGACY: Final = "2025-11-25"
MODERN: Final = "2026-07-28"
ASK_SECONDS: Final = 30.0
"""How long one answer may take."""

MAX_PAGES: Final = 1_000
_ENDED: Final = "it ended before it answered {}"
_META: Final = "io.modelcontextprotocol/"
_CLIENT: Final = {"name": "agentgate", "version": "0"}
_POSTED: Final[Headers] = (
    ("Content-Type", "application/json"),
    ("Accept", "application/json, text/event-stream"),
)


class NotTold(Exception):
    """The server did not say what its tools are; the text says why."""


class Line(Protocol):
    """A conversation with one server."""

    async def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The result of one request. Raises NotTold."""
        ...

    async def say(self, method: str) -> None:
        """A notification."""
        ...


async def tools_of(line: Line) -> list[dict[str, Any]]:
    """All tools that a server lists, page by page. Raises NotTold."""
    tools: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        result = await line.ask("tools/list", {} if cursor is None else {"cursor": cursor})
        page = result.get("tools")
        if not isinstance(page, list) or not all(isinstance(tool, dict) for tool in page):
            raise NotTold("its list of tools is no list")
        tools += page
        cursor = result.get("nextCursor")
        if not isinstance(cursor, str):
            return tools
    raise NotTold(f"its list has more than {MAX_PAGES} pages")


@asynccontextmanager
async def over_http(upstream: HttpUpstream) -> AsyncIterator[Line]:
    """A line to an HTTP server, initialised where the server wants that. Raises NotTold."""
    line = _Http(upstream)
    await line.begin()
    try:
        yield line
    finally:
        await upstream.close()


@asynccontextmanager
async def over_pipes(command: Sequence[str]) -> AsyncIterator[Line]:
    """A line to a server that is started for it, and ended after. Raises NotTold."""
    try:
        child = start_child(list(command))
    except CannotStart as error:
        raise NotTold(str(error)) from error
    ended = asyncio.Event()
    line = _Pipes(child)
    try:
        await line.begin()
        yield line
    finally:
        assert child.stdin is not None  # noqa: S101  (asked for)
        child.stdin.close()
        watching = asyncio.get_running_loop().run_in_executor(None, child.wait)
        watching.add_done_callback(lambda _: ended.set())
        await end_child(child, ended)


def _request(id: int, method: str, params: Mapping[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode()


def _result(answers: bytes, id: int) -> dict[str, Any] | None:
    """The result of the request with this id, if it is there. Raises NotTold for an error instead."""
    try:
        messages = read_server(answers, limit=len(answers)).messages
    except Malformed as error:
        raise NotTold(f"it answers with what strict reading refuses: {error}") from error
    for message in messages:
        if message.id is not None and message.id.text == str(id) and message.method is None:
            if isinstance(message.result, dict):
                return message.result
            raise NotTold(f"it answers with an error: {json.dumps(message.error, default=str)}")
    return None


class _Http:
    def __init__(self, upstream: HttpUpstream) -> None:
        self._upstream = upstream
        self._ids = count(1)
        self._headers: Headers = ()
        self._meta: dict[str, Any] = {}

    async def begin(self) -> None:
        """Initialise; a server that knows no such thing is asked without, in the modern revision."""
        hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT}
        try:
            result, arrival = await self._asked("initialize", hello)
        except NotTold:
            self._headers = (("MCP-Protocol-Version", MODERN),)
            self._meta = {f"{_META}protocolVersion": MODERN, f"{_META}clientInfo": _CLIENT,
                          f"{_META}clientCapabilities": {}}  # fmt: skip
            return
        sessions = [each for each in arrival.headers if each[0].lower() == "mcp-session-id"]
        self._headers = (("MCP-Protocol-Version", str(result.get("protocolVersion", LEGACY))), *sessions)
        await self.say("notifications/initialized")

    async def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One request."""
        return (await self._asked(method, params))[0]

    async def say(self, method: str) -> None:
        """One notification."""
        await self._post(json.dumps({"jsonrpc": "2.0", "method": method}).encode(), method)

    async def _asked(self, method: str, params: Mapping[str, Any]) -> tuple[dict[str, Any], Arrival]:
        id = next(self._ids)
        whole = {**params, "_meta": self._meta} if self._meta else params
        arrival, answers = await self._post(_request(id, method, whole), method)
        for each in answers:
            if (result := _result(each, id)) is not None:
                return result, arrival
        raise NotTold(f"it answers {method} with HTTP {arrival.status} and no result")

    async def _post(self, body: bytes, method: str) -> tuple[Arrival, list[bytes]]:
        named = (("Mcp-Method", method),) if self._meta else ()
        leg = self._upstream.leg()
        try:
            async with asyncio.timeout(ASK_SECONDS):
                headers = (*_POSTED, *self._headers, *named, *self._upstream.added_headers)
                arrival = await leg.request("POST", headers, body)
                return arrival, await _bodies(arrival)
        except TimeoutError as error:
            raise NotTold(f"it does not answer {method} within {ASK_SECONDS:.0f} s") from error
        except (UpstreamDown, BadAnswer) as error:
            raise NotTold(error.what) from error
        finally:
            await leg.close()


async def _bodies(arrival: Arrival) -> list[bytes]:
    if arrival.frames is None:
        return [arrival.body] if arrival.body and arrival.content_type == "application/json" else []
    return [frame.envelope.raw async for frame in arrival.frames if frame.envelope is not None]


class _Pipes:
    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._child = child
        self._ids = count(1)

    async def begin(self) -> None:
        """Initialise."""
        await self.ask("initialize", {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT})
        await self.say("notifications/initialized")

    async def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One request; lines that are no answer to it are passed over."""
        id = next(self._ids)
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._write(_request(id, method, params), method)
                while line := await asyncio.to_thread(self._line):
                    if line.lstrip()[:1] == b"{" and (result := _result(line.strip(), id)) is not None:
                        return result
        except TimeoutError as error:
            self._child.kill()
            raise NotTold(f"it does not answer {method} within {ASK_SECONDS:.0f} s") from error
        raise NotTold(_ENDED.format(method))

    async def say(self, method: str) -> None:
        """One notification."""
        await self._write(json.dumps({"jsonrpc": "2.0", "method": method}).encode(), method)

    async def _write(self, line: bytes, method: str) -> None:
        assert self._child.stdin is not None  # noqa: S101  (asked for)
        try:
            await asyncio.to_thread(self._child.stdin.write, line + b"\n")
        except BrokenPipeError as error:
            raise NotTold(_ENDED.format(method)) from error

    def _line(self) -> bytes:
        assert self._child.stdout is not None  # noqa: S101  (asked for)
        return self._child.stdout.readline()
