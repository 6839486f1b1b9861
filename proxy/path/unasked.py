"""Unasked: what a server says that answers no exchange under way, on a GET stream or a pipe."""

from proxy.gate import Gate
from proxy.path.judge import Judge
from proxy.path.record import Recording
from proxy.vocabulary import Exchange, Frame


async def judge_unasked(gate: Gate, exchange: Exchange, frame: Frame, hearing: Recording) -> bytes | None:
    """What of one frame may go to the client; the records of it are durable when this returns.

    Each frame has a recording of its own, so that a long stream holds on to none; notifications are counted by
    `hearing`. Whoever ends this in the middle leaves no call open.
    """
    record = Recording(gate, exchange, hearing=hearing)
    try:
        verdict = await Judge(gate, exchange, record, ()).frame(frame, 200)
        for call, ending in verdict.endings:
            await record.ended(call, ending)
    except BaseException:
        record.cut_off()
        raise
    return verdict.raw
