"""The reasons that policy gives, and why it may have given none. The meanings stand in policy/reasons.py."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from policy.reasons import GATE_REASONS, POLICY_REASONS
from proxy.errors.entry import Entry, Family
from proxy.refusals import APPROVAL_NEEDED, CANNOT_DECIDE, CONTAINED, DENIED


class _Way(NamedTuple):
    """What can be done about a reason. `rpc` is the code of the refusal, None where nothing is refused."""

    rpc: int | None
    agent: str
    operator: str


_GO_ON: Final = "Go on without it, or ask the operator and give the reference."
_AGAIN_LATER: Final = "Try again later; if it stays so, give the operator the reference."
_NOTHING: Final = "Nothing."

_WAYS: Final[Mapping[str, _Way]] = {
    "granted": _Way(None, _NOTHING, "`agentgate policy list` shows the grant."),
    "approved": _Way(None, _NOTHING, "`agentgate approvals list --all` shows who has approved what."),
    "approval_required": _Way(
        APPROVAL_NEEDED,
        "Tell your user that a human must agree, with the approval's id, and repeat the identical call afterwards.",
        "`agentgate approvals list`, then `approve` or `reject`. Without an id nothing was asked: the sealed detail of "
        "the record says why.",
    ),
    "excepted": _Way(
        None, _NOTHING, "The decision in the record names the exception; `agentgate exceptions list` shows it."
    ),
    "read_only_trusted": _Way(
        None, _NOTHING, "Take `trusted` out of the upstream if its own word on what only reads must not count."
    ),
    "upstream_trusted": _Way(None, _NOTHING, "Take `trusted` out of the upstream if reading from it must be granted."),
    "follows_grant": _Way(None, _NOTHING, "`agentgate records --call ID` shows the call that it continues."),
    "observed": _Way(
        None, _NOTHING, "`agentgate policy denied` shows what the starter policy would refuse; then leave out observe."
    ),
    "denied_by_operator": _Way(
        DENIED,
        _GO_ON,
        "`agentgate policy list` shows the denial, which goes before every grant; an `allow` for the same "
        "upstream, method, name and agent takes its place.",
    ),
    "definition_changed": _Way(
        DENIED,
        _GO_ON,
        "The tool is not as it was pinned, or stands twice in the list: `agentgate policy pin UPSTREAM --check` shows "
        "how it differs, and without `--check` pins it as it is now, if the change is meant.",
    ),
    "argument_refused": _Way(
        DENIED,
        "Stay within the task as it was granted, or ask the operator and give the reference.",
        "`agentgate records --call REFERENCE --key FILE` shows the arguments, `agentgate policy list` the rules of "
        "the grant; one more `agentgate policy allow … --argument NAME=RULE:VALUE` allows what its rules say, too.",
    ),
    "method_unknown": _Way(
        DENIED,
        _GO_ON,
        "The method is in no revision of MCP that AgentGate knows: `agentgate policy allow UPSTREAM '*' --method "
        "METHOD` grants it, if the server needs it.",
    ),
    "not_granted": _Way(
        DENIED,
        _GO_ON,
        "If it should be allowed: `agentgate policy allow UPSTREAM NAME`, best with `--argument` rules. "
        "`agentgate policy denied` lists what was refused.",
    ),
    "contained": _Way(
        CONTAINED,
        "Stop. Nothing of this agent, tool or server goes on until the operator lifts the order.",
        "The record names the order; `agentgate release` with the same scope lifts it.",
    ),
    "obligation_unmet": _Way(
        CANNOT_DECIDE,
        _GO_ON,
        "The sealed detail of the record names the obligation. This sidecar keeps `durability`, `record`, `label`, "
        "`limit` and `redact` in the forms of docs/policy.md: correct it, or take it out of the policy.",
    ),
    "approval_rejected": _Way(
        DENIED,
        "Go on without it: the same call stays refused until that answer expires.",
        "`agentgate approvals list --all` shows who answered.",
    ),
    "approvals_failed": _Way(
        CANNOT_DECIDE,
        _AGAIN_LATER,
        "The sealed detail of the record says what is wrong with `approvals.db` in the state folder.",
    ),
    "limit_reached": _Way(
        DENIED,
        "Wait: the limit is counted over a time that passes.",
        "The sealed detail of the record has the limit's key; the policy sets its count and window.",
    ),
    "memory_failed": _Way(
        CANNOT_DECIDE,
        _AGAIN_LATER,
        "The sealed detail of the record says what is wrong with `memory.db` in the state folder: its disk, its owner, "
        "or another process that holds it. Moving it away forgets labels and limits.",
    ),
    "policy_undefined": _Way(
        CANNOT_DECIDE,
        _GO_ON,
        "Give `agentgate/decision` a `default` in the policy, so that it has a value for every input.",
    ),
    "policy_malformed": _Way(
        CANNOT_DECIDE,
        _GO_ON,
        "The sealed detail of the record says what is wrong with the value; docs/policy.md says what a decision is.",
    ),
    "exception_unfit": _Way(
        CANNOT_DECIDE,
        _GO_ON,
        "The sealed detail of the record says what the exception lacks. A policy finds those that count at "
        "`data.agentgate.exceptions`, compares `from` and `until` with `input.time`, and names one only where it "
        "allows by it: docs/policy.md has the rules.",
    ),
    "input_unfit": _Way(
        CANNOT_DECIDE,
        "Send text that is valid Unicode.",
        "Nothing: the call has no JSON text that policy could be asked with.",
    ),
    "engine_failed": _Way(
        CANNOT_DECIDE,
        _AGAIN_LATER,
        "/readyz and the sealed detail of the record say what failed: with OPA, its log, and whether it holds the "
        "active revision alone; else a rule of the policy that fails for this input.",
    ),
    "engine_timeout": _Way(
        CANNOT_DECIDE,
        _AGAIN_LATER,
        "Look for a rule that is slow for this input, or for a machine without time; `policy.budget_seconds` is the "
        "bound.",
    ),
    "engine_unavailable": _Way(
        CANNOT_DECIDE,
        _AGAIN_LATER,
        "Start OPA at `policy.opa_address`, with the bundle of this policy; /readyz says whether it is reached, or who "
        "else listens there (`policy.opa_uid` names the user id of an OPA that has its own).",
    ),
    "engine_inexact": _Way(
        CANNOT_DECIDE,
        _GO_ON,
        'Set `policy.engine = "opa"` for this policy: docs/adr has where the embedded engine is not exact.',
    ),
}


def decided() -> tuple[Entry, ...]:
    """One entry for each reason."""
    return tuple(
        _entry(code, meaning, _WAYS[code])
        for table in (POLICY_REASONS, GATE_REASONS)
        for code, meaning in table.items()
    )


def _entry(code: str, meaning: str, way: _Way) -> Entry:
    return Entry(_family(way), code, meaning, way.agent, way.operator, way.rpc, None if way.rpc is None else 200)


def _family(way: _Way) -> Family:
    if way.rpc is None:
        return Family.ALLOWED
    return Family.UNDECIDED if way.rpc == CANNOT_DECIDE else Family.DENIED
