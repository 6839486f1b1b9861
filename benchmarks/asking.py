"""Single requests of the 2026-07-28 form for the sections, on one kept-alive connection."""

import http.client
import json
import time
from collections.abc import Mapping
from contextlib import closing
from itertools import count
from typing import Any, Final

from benchmarks.exchange import REVISION, meta
from benchmarks.load import STALL_SECONDS, Target

_ids: Final = count(1)


def document(method: str, params: Mapping[str, Any]) -> bytes:
    """A request with an id of its own."""
    whole = {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": {**params, "_meta": meta()}}
    return json.dumps(whole).encode()


def headers(method: str, name: str | None = None) -> dict[str, str]:
    """The headers that belong to it."""
    given = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": REVISION,
        "Mcp-Method": method,
    }
    return given if name is None else {**given, "Mcp-Name": name}


class Asker:
    """One connection to one target."""

    def __init__(self, target: Target) -> None:
        self._path = target.path
        self._connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=4 * STALL_SECONDS)

    def ask(self, method: str, params: Mapping[str, Any]) -> tuple[float, bytes]:
        """Milliseconds from sending to the last byte, and the body."""
        body, begun = document(method, params), time.perf_counter()
        self._connection.request("POST", self._path, body=body, headers=headers(method, params.get("name")))
        with closing(self._connection.getresponse()) as answer:
            data = answer.read()
        return (time.perf_counter() - begun) * 1000, data

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
