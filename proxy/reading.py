"""Read messages without stalling other calls: long ones are parsed on a thread."""

import asyncio
from typing import Final

from proxy.refusals import BadAnswer
from proxy.wire.message import Envelope, read_client, read_server
from proxy.wire.rules import Malformed

LONG_BYTES: Final = 256 << 10
"""From here on parsing takes some milliseconds, which every other call would wait for."""


async def read_request(raw: bytes, *, limit: int, depth: int) -> Envelope:
    """What a client sent. Raises Malformed."""
    if len(raw) < LONG_BYTES or len(raw) > limit:
        return read_client(raw, limit=limit, max_depth=depth)
    return await asyncio.to_thread(read_client, raw, limit=limit, max_depth=depth)


async def read_answer(raw: bytes, *, limit: int) -> Envelope:
    """What a server sent. Raises BadAnswer."""
    try:
        if len(raw) < LONG_BYTES or len(raw) > limit:
            return read_server(raw, limit=limit)
        return await asyncio.to_thread(read_server, raw, limit=limit)
    except Malformed as malformed:
        raise BadAnswer("malformed_answer", f"{malformed.rule}: {malformed.what}") from malformed
