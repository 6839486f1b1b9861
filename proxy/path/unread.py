"""Records bytes that were refused before they were a message."""

from evidence.record import Entry, Kind
from policy.vocabulary import Caller
from proxy.gate import Gate
from proxy.path.bodies import caller_body
from proxy.refusals import Refusal


async def record_unread(gate: Gate, caller: Caller, upstream: str, refusal: Refusal, reference: str) -> None:
    """A notice for bytes that were refused before they were a message; nothing of them is quoted."""
    body = {
        "event": "refused",
        "caller": caller_body(gate.journals[caller.tenant], caller),
        "upstream": upstream,
        "refusal": {"code": refusal.code, "rule": refusal.rule, "order": None},
        "reference": reference,
    }
    await gate.journals[caller.tenant].append(Entry(Kind.NOTICE, body))
