"""An event store in memory, so that streams can be resumed."""

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import JSONRPCMessage


class Events(EventStore):
    """Every event of every stream, numbered from 1 over all of them."""

    def __init__(self) -> None:
        self._events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Keeps one event; its id is its number."""
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Sends what the same stream had after that event; None for an id that was never given."""
        number = int(last_event_id) if last_event_id.isdecimal() else 0
        if not 1 <= number <= len(self._events):
            return None
        stream_id = self._events[number - 1][0]
        for later, (stream, message) in enumerate(self._events[number:], number + 1):
            if stream == stream_id and message is not None:
                await send_callback(EventMessage(message, str(later)))
        return stream_id
