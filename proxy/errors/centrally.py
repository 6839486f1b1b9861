"""What central answers with, and its incidents. A sidecar has none of central's code: the words stand here."""

from typing import Final

from proxy.errors.entry import Entry, Family

_NO_AGENT: Final = "Nothing: no agent meets it."
_SIDECAR: Final = "The sidecar keeps its evidence, and says so in `/readyz`. "


def _answer(code: str, status: int | None, meaning: str, operator: str) -> Entry:
    return Entry(Family.CENTRAL, code, meaning, _NO_AGENT, operator, status=status)


def _incident(code: str, meaning: str, operator: str, status: int | None = None) -> Entry:
    return Entry(Family.INCIDENT, code, meaning, _NO_AGENT, operator, status=status)


ANSWERS: Final = (
    _answer(
        "bad_request",
        400,
        "The request asks for nothing that there is: a parameter that is unknown, given twice, or no value.",
        "`error` names the parameter and what it takes; docs/central.md has every question.",
    ),
    _answer(
        "bad_batch",
        400,
        "What a sidecar sent is no batch of evidence, and nothing of it was taken.",
        _SIDECAR + "Look for what changes bodies between the two; else report it with both versions.",
    ),
    _answer(
        "not_authenticated",
        401,
        "The token is missing or does not count: of nobody that is registered, for another request or central, not of "
        "this time, or by another key.",
        "Of a sidecar: register its `STATE/keys/identity.pub` in `sidecars.toml`, let `urls` be as sidecars write "
        "them, and set both clocks. Of a reader: `readers.toml` has the SHA-256 of its token.",
    ),
    _answer(
        "no_keys",
        403,
        "The reader may not have the wrapped data keys, without which the tenant's private key opens nothing.",
        "`wrapped_keys = true` of the reader in `readers.toml`, and a restart; or export without `--tenant-key`.",
    ),
    _answer(
        "not_found",
        404,
        "The log has no such file, record or tree: it never had, or does not have it yet.",
        "Ask for what `/log/checkpoint` says that there is; a record is in the log within `log.merge_seconds`.",
    ),
    _answer(
        "too_slow",
        408,
        "The body did not come in time, and nothing of it was taken.",
        _SIDECAR + "See to the line between the two, and to what stands in it.",
    ),
    _answer(
        "not_joined",
        409,
        "Between what is held of the chain and this batch records are missing, and the sidecar does not say so.",
        "Nothing: the sidecar asks for the position and goes on from there.",
    ),
    _answer(
        "erased",
        409,
        "What a pack has the text of was erased while it was made; it was not noted, and not handed out.",
        "Export again: what is erased is then not in it.",
    ),
    _answer(
        "too_large",
        413,
        "The batch has more bytes than central takes, packed or unpacked.",
        _SIDECAR + "Raise `batch_bytes` of central.",
    ),
    _answer(
        "unknown_type",
        415,
        "What was sent as a batch has another content type.",
        "Nothing, if no sidecar sent it; else let nothing between the two change its headers.",
    ),
    _answer(
        "internal",
        500,
        "Central itself failed; nothing was promised.",
        _SIDECAR + "Report it with what central's log says.",
    ),
    _answer(
        "log_broken",
        500,
        "The files of the log are not what its checkpoint says; no proof is given out of them.",
        "`agentgate central check` names the first that is wrong; bring the folder back from a copy.",
    ),
    _answer(
        "unavailable",
        503,
        "The database is away, full or too slow, or as many batches wait as may; it is tried again.",
        _SIDECAR + "See to the database; `/readyz` and `/metrics` of central say more.",
    ),
    _answer(
        "cannot_sign",
        503,
        "What was sent is kept, and no receipt can be signed for it now; it is tried again.",
        "`/readyz` of central names the key and what is wrong; docs/keys.md says how keys are exchanged.",
    ),
    _answer(
        "http",
        None,
        "The request fits no path or method that central has, or is too long.",
        "docs/central.md has every path.",
    ),
)

_KEPT: Final = "The batch is kept beside the ledger for whoever looks into it, and counts for nothing. "

INCIDENTS: Final = (
    _incident(
        "fork",
        "Another record is held in the place of one that came: the chain has two futures.",
        _KEPT + "Was the sidecar's folder brought back from a copy, or its key used twice? Move the chain's folder "
        "away, so that a new chain begins.",
        422,
    ),
    _incident(
        "signature",
        "A signed head of the batch does not verify.",
        _KEPT + "The records were changed, or another key signed them: `agentgate verify` on the sidecar says which.",
        422,
    ),
    _incident(
        "certificate",
        "The start of the chain is not certified by the identity that is registered for the sidecar.",
        _KEPT + "Compare `STATE/keys/identity.pub` of the sidecar with `sidecars.toml`.",
        422,
    ),
    _incident(
        "turn",
        "A record came out of its turn: no sidecar writes such a chain.",
        _KEPT + "`agentgate verify` on the sidecar's folder names the place; report it if nobody changed it.",
        422,
    ),
    _incident(
        "tenant",
        "Records, or a chain, of somebody else: another tenant or sidecar than the one that sent them.",
        _KEPT + "Compare `identity.tenant` of the sidecar with `sidecars.toml`, and whose folder it ships.",
        422,
    ),
    _incident(
        "gap",
        "The sidecar says that records are gone which central never had; the chain goes on behind them.",
        "`agentgate completeness` says which; the sidecar's disk or its operator may know why.",
    ),
    _incident(
        "clock",
        "The wall clock of the sidecar went back by more than a minute, or says no time.",
        "See to its clock. When central received a record, it says itself.",
    ),
    _incident(
        "lost",
        "The sidecar could not write so many records, and says so.",
        "See to its disk; the record of kind `loss` says of which kinds they were.",
    ),
    _incident(
        "rollback",
        "Somebody knows of a larger or another tree of the log than the database and the files have.",
        "Bring both back from copies of the same, later time; docs/log.md says what is compared.",
    ),
)
