"""The values that the steps of the path hand to each other, as far as the data plane defines them.

Proofs, each with one maker (`tests/structure` holds it):

    Passage     made by contain      a message that policy does not decide may pass: no order stops its caller
    Lease       made by lease        what the upstream's configuration adds to exactly these messages

The ports at the two ends of the path stand here as well: aiohttp and pipes stay behind them.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum
from typing import Final, Literal, Protocol

from msgspec import Struct

from policy.vocabulary import Caller, Decision, Permit, Transport
from proxy.wire.message import Envelope, Message, MessageId

MODERN = "2026-07-28"
"""The first stateless revision; every older one is called legacy."""

Headers = tuple[tuple[str, str], ...]

Key = tuple[Caller, str, str | None, str]
"""Whose message, upstream, session id, key of the message id: answers are found by it."""


NO_MESSAGE: Final = Envelope(b"", (), batch=False)
"""The envelope of a leg that carries no message (GET, DELETE, lines that nobody asked for)."""


class Exchange(Struct, frozen=True):
    """One envelope of a client, how it came, and what of its HTTP headers may go on.

    `session` is the client's own session id (raw; it goes into evidence only as a pseudonym). With `own` the envelope
    is a request of the sidecar's.
    """

    caller: Caller
    upstream: str
    transport: Transport
    era: str
    session: str | None
    envelope: Envelope
    headers: Headers = ()
    own: bool = False

    @property
    def modern(self) -> bool:
        """True where a closed response stream is a cancel and no session exists: never over HTTP+SSE."""
        return self.era >= MODERN and self.transport != "sse"

    def key(self, id: MessageId | None) -> Key:
        """What a message of this exchange with that id is remembered by."""
        return (self.caller, self.upstream, self.session, "" if id is None else id.key)


class Passage(Struct, frozen=True):
    """Proof that no order stopped the caller of a message which policy does not decide (lists, lifecycle, control)."""

    message: Message
    orders_number: int


Ticket = Permit | Passage
"""What one message needs to be forwarded."""


def always() -> None:
    """Nothing keeps a message back once it can be written."""


class Lease(Struct, frozen=True):
    """What goes upstream besides the message: headers from the upstream's own configuration.

    `still` is called right before the first byte is written, however long connecting took or a pipe was full; it raises
    Contained where an order came meanwhile. Never printed, never recorded.
    """

    tickets: tuple[Ticket, ...]
    headers: Headers
    still: Callable[[], object]

    def __repr__(self) -> str:
        return f"Lease(tickets={len(self.tickets)}, headers={[name for name, _ in self.headers]})"


class Reply(Struct, frozen=True):
    """A whole answer to the client. `body` is complete; `headers` have passed the allow-list."""

    status: int
    headers: Headers
    body: bytes


class Frame(Struct, frozen=True):
    """One piece of a stream from the upstream: the exact bytes, and the messages in it (None for comments and noise).

    `event_id`, `retry` and `event` are of the SSE event that carried it; a line of stdio has none of them.
    `endpoint` is what the first event of a legacy stream names. `replaced` is true where `raw` stands for an event that
    is not delivered.
    """

    raw: bytes
    envelope: Envelope | None
    carrier: Literal["sse", "line"] = "sse"
    event: str = "message"
    event_id: str | None = None
    endpoint: str | None = None
    retry: int | None = None
    replaced: bool = False


class Arrival(Struct, frozen=True):
    """What came back from the upstream: a whole body, or a stream of frames (then `body` is None)."""

    status: int
    headers: Headers
    content_type: str
    body: bytes | None
    frames: AsyncIterator[Frame] | None = None


class UpstreamLeg(Protocol):
    """Where a message goes on. Implementations: HTTP (`forward`), legacy SSE, a child's pipes (`stdio`)."""

    async def send(self, exchange: Exchange, lease: Lease) -> Arrival:
        """Forward the original bytes, if the lease `still` holds.

        Raises UpstreamDown (`written` tells whether a byte may have arrived), and what `still` raises.
        """
        ...

    async def cancel(self, exchange: Exchange, messages: Sequence[Message], reason: str) -> None:
        """Tell the upstream, in the way of the era, that nobody waits for these any more. Never raises."""
        ...

    async def tell(self, exchange: Exchange) -> None:
        """Send a request of the sidecar's own whose answer nobody waits for. Never raises."""
        ...

    async def close(self) -> None:
        """Give back what `send` opened; idempotent."""
        ...


class ClientLeg(Protocol):
    """Where an answer goes back. Every method waits while the client is slow (back-pressure), and raises ClientGone."""

    @property
    def begun(self) -> bool:
        """True once a first byte of an answer may have reached the client."""
        ...

    async def ask(self, raw: bytes) -> None:
        """Send one request of the sidecar's own, before anything of an answer: a stream may begin with it."""
        ...

    def hold(self) -> None:
        """The answer takes its time: whatever else the client sends is not to wait for it."""
        ...

    async def keep_alive(self) -> None:
        """Say on a stream that is open already that the answer is still to come; nothing anywhere else."""
        ...

    async def answer(self, reply: Reply) -> None:
        """Send one whole answer."""
        ...

    async def begin(self, status: int, headers: Headers) -> None:
        """Open a stream."""
        ...

    async def send(self, raw: bytes) -> None:
        """Send one frame of the stream."""
        ...

    async def end(self) -> None:
        """End the stream that `begin` opened."""
        ...


class ClientGone(Exception):
    """The client closed its end while it was being answered; raised by every method of a ClientLeg that writes."""


class Outcome(StrEnum):
    """How a call that was not refused ended (design, section 4)."""

    COMPLETED = "completed"
    FAILED = "failed"
    NOT_SENT = "not_sent"
    CANCELLED = "cancelled"
    KILLED = "killed"
    UNKNOWN = "unknown"


class Delivery(StrEnum):
    """What the caller got."""

    ANSWER = "answer"
    OWN_ERROR = "own_error"
    PARTIAL = "partial"
    NOTHING = "nothing"


class EffectAt(StrEnum):
    """What is known of the call's effect at the upstream."""

    NONE = "none"
    DONE = "done"
    UNKNOWN = "unknown"


class Ending(Struct, frozen=True):
    """The outcome of one call, as evidence holds it.

    `answer` is the upstream's answer (raw), None where there is none. `decision` is that on the answer, where policy
    has one.
    """

    outcome: Outcome
    delivery: Delivery
    effect: EffectAt
    reason: str
    status: int | None = None
    answer: bytes | None = None
    decision: Decision | None = None

    @property
    def texts(self) -> dict[str, bytes]:
        """What of it evidence seals, by name."""
        return {} if self.answer is None else {"result": self.answer}


class UpstreamDown(Exception):
    """The upstream cannot be reached, broke off, or broke the protocol.

    `written` is False if no byte of the call can have arrived.
    """

    def __init__(self, upstream: str, what: str, *, written: bool, code: str = "upstream_down") -> None:
        super().__init__(f"{upstream}: {what}")
        self.upstream = upstream
        self.what = what
        self.written = written
        self.code = code
