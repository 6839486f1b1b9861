"""Lease: what the upstream's configuration adds to exactly the messages that hold a ticket."""

from collections.abc import Callable

from proxy.gate import Gate
from proxy.vocabulary import Exchange, Lease, Ticket, always


def lend(gate: Gate, exchange: Exchange, tickets: tuple[Ticket, ...], still: Callable[[], object] = always) -> Lease:
    """The lease for one forwarding, while it `still` may be.

    Every message of the envelope must hold a ticket, else ValueError (a defect).
    """
    if len(tickets) != len(exchange.envelope.messages):
        raise ValueError(f"{len(exchange.envelope.messages)} messages, {len(tickets)} tickets")
    return Lease(tickets, gate.upstreams[exchange.upstream].added_headers, still)
