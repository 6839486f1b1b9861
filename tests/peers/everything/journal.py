"""What really reached a server: one JSON line for each phase of each message, on disk before the server acts on it."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext


class Journal:
    """Middleware that writes `{phase, method, id, params}`; phases are received, then answered, failed or cancelled."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Writes before and after the rest of the server has seen the message."""
        self._write("received", ctx)
        try:
            result = await call_next(ctx)
        except asyncio.CancelledError:
            self._write("cancelled", ctx)
            raise
        except Exception:
            self._write("failed", ctx)
            raise
        self._write("answered", ctx)
        return result

    def _write(self, phase: str, ctx: ServerRequestContext[Any, Any]) -> None:
        line = {"phase": phase, "method": ctx.method, "id": ctx.request_id, "params": ctx.params}
        os.write(self._descriptor, json.dumps(line, default=str).encode() + b"\n")
