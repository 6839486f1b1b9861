"""Put: one question to the engine, with what the active policy reads; whole where the policy changed under it."""

from collections.abc import Mapping
from typing import Any

from policy.decision import input_text
from policy.engine import Answer, EntryPoint, PolicyMoved
from proxy.gate import Gate


async def put(gate: Gate, entry: EntryPoint, values: Mapping[str, Any]) -> Answer:
    """The answer to `values` (see `policy.decision`). Raises CannotDecide.

    A policy that becomes active meanwhile may read more than the question has: it is put once more, with all.
    """
    try:
        return await gate.engine.ask(entry, input_text(gate.engine.reads.narrowed(values)))
    except PolicyMoved:
        return await gate.engine.ask(entry, input_text(values))
