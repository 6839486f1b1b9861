"""The values that the steps of the path hand to each other, as far as policy defines them.

Each proof has exactly one maker, and `tests/structure` holds it to that:

    Caller      made by identify     who is verified to be calling
    Call        made by parse        one message that policy decides
    Clearance   made by containment  proof that no order applies
    Permit      made by decision     proof that policy allowed exactly this call
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from policy.obligations import Obligations

AuthnMethod = Literal["mtls", "jwt", "peer", "static"]
Direction = Literal["client", "server"]
Transport = Literal["http", "sse", "stdio"]
Effect = Literal["allow", "deny", "require_approval"]
Isolation = Literal["none", "uid", "container", "host"]
Pinned = Literal["unpinned", "same", "changed", "new", "renamed", "duplicate"]


class Caller(Struct, frozen=True):
    """A verified identity. `workload` is a SPIFFE ID where there is one; `user` is None if nobody vouches for one."""

    tenant: str
    agent: str
    workload: str | None
    user: str | None
    authn_method: AuthnMethod


class Definition(Struct, frozen=True):
    """What an upstream claims a tool to be; `digest` is `sha256:` + hex over the canonical form of all of it.

    `findings` are codes of what looks odd in it (`policy.findings`), sorted.
    """

    digest: str
    annotations: Mapping[str, Any]
    pinned: Pinned = "unpinned"
    findings: tuple[str, ...] = ()


class Call(Struct, frozen=True):
    """One message that policy decides (design, section 4).

    `id` is ours (32 hex digits) and names the call in evidence; `era` is the MCP revision by whose
    rules the message is handled, `protocol_version` what the message itself claims; `name` is
    params.name, .uri, .taskId or the completion reference, else None; `params` is the whole params
    value as parsed (None when absent) and `arguments` its `arguments` member, if any. `continues` is the id of the call
    that goes on with this one (its task is polled, its round of input is answered), `task_tool` the mark of the tool
    that the task runs which it is about (`tool_mark`), None for a call about no task; policy is told neither.
    """

    id: str
    caller: Caller
    session: str | None
    direction: Direction
    transport: Transport
    era: str
    protocol_version: str | None
    method: str
    upstream: str
    name: str | None
    params: Any
    arguments: Any
    definition: Definition | None = None
    continues: str | None = None
    task_tool: str | None = None


class SessionView(Struct, frozen=True):
    """What policy may know of a caller's past; kept for each verified caller, narrowed by `id`."""

    id: str | None
    calls: int = 0
    denials: int = 0
    labels: tuple[str, ...] = ()
    recent: tuple[Mapping[str, Any], ...] = ()


class SidecarView(Struct, frozen=True):
    """What policy may know of the sidecar: how old its orders are, and how well it is separated from the agent."""

    id: str
    stale_seconds: int
    isolation: Isolation


class Clearance(Struct, frozen=True):
    """Proof that no order applied to this caller and call when the orders stood at `orders_number`."""

    call: str
    orders_number: int


class Decision(Struct, frozen=True):
    """A well-formed answer of policy, with the versions that produced it.

    `versions` has the keys policy, data, exceptions, pins (None where there is none). `message` may
    quote arguments and therefore never enters evidence in the clear. `shadow` is what another policy
    would have said (dry run).
    """

    id: str
    effect: Effect
    reason: str
    message: str
    rules: tuple[str, ...]
    obligations: Mapping[str, Any]
    engine: str
    versions: Mapping[str, str | None]
    signed: bool
    shadow: Mapping[str, Any] | None = None
    exception: str | None = None


class Permit(Struct, frozen=True):
    """Proof that policy allowed `call`; the only thing that commit, lease and forward accept."""

    call: Call
    clearance: Clearance
    decision: Decision
    obligations: Obligations


class Listed(Struct, frozen=True):
    """One item of a list as policy sees it: `name` is the name, or the uri or template of a resource."""

    name: str
    definition: Mapping[str, Any] = field(default_factory=dict)
