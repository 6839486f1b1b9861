"""The numbers that go over the wire: JSON-RPC error codes, and HTTP statuses that AgentGate itself answers with."""

from typing import Final

from proxy.errors.entry import Entry, Family
from proxy.path.question import METHOD_NOT_FOUND, USER_REJECTED
from proxy.refusals import APPROVAL_NEEDED, CANNOT_DECIDE, CONTAINED, DENIED, INTERNAL, INVALID_PARAMS, INVALID_REQUEST
from proxy.wire.rules import HEADER_MISMATCH, PARSE_ERROR

_DATA: Final = "Read `data.code` of the error, or `_meta` of the result."
_LOOK_UP: Final = "`agentgate explain` with that code; `agentgate records --call REFERENCE` has the record."


def _rpc(number: int, meaning: str, agent: str = _DATA, operator: str = _LOOK_UP) -> Entry:
    return Entry(Family.RPC, str(number), meaning, agent, operator, rpc=number)


def _http(number: int, meaning: str, agent: str, operator: str) -> Entry:
    return Entry(Family.HTTP, str(number), meaning, agent, operator, status=number)


RPC: Final = (
    _rpc(DENIED, "Policy says no."),
    _rpc(CONTAINED, "An operator has stopped this agent, tool or tool server."),
    _rpc(APPROVAL_NEEDED, "A human must agree first."),
    _rpc(CANNOT_DECIDE, "No decision, no record, or no room: the call is refused."),
    _rpc(PARSE_ERROR, "The text could not be read in one way only."),
    _rpc(INVALID_REQUEST, "The message is not one that may stand here."),
    _rpc(INVALID_PARAMS, "What the request is about does not exist for this caller."),
    _rpc(HEADER_MISMATCH, "The headers of the request do not say what its body says."),
    _rpc(INTERNAL, "The tool server, or AgentGate itself, failed."),
    _rpc(
        METHOD_NOT_FOUND,
        "What a tool server gets for a request to the client that was not delivered (`roots/list`, others).",
        "Nothing: it goes to the tool server.",
        "The refusal's record has the reason.",
    ),
    _rpc(
        USER_REJECTED,
        "What a tool server gets for a sampling request that was not delivered.",
        "Nothing: it goes to the tool server.",
        "The refusal's record has the reason.",
    ),
)

_CLIENT: Final = "Send what HTTP/1.1 and MCP ask for."

HTTP: Final = (
    _http(
        202,
        "A notification or an answer of the client was taken; one that is refused is dropped.",
        "Nothing: it has no answer.",
        "`agentgate records` shows whether it was refused.",
    ),
    _http(
        400,
        "Strict reading refused the request (the body has the rule), or the HTTP parser did (plain text, counted in "
        "`/metrics`, not recorded).",
        _CLIENT,
        "Look at what stands between client and sidecar: a proxy that doubles Host or lengths is refused so.",
    ),
    _http(
        401,
        "The caller has no valid token, where tokens are configured, or is another user at the Unix socket.",
        "Send the token: `Authorization: Bearer TOKEN`.",
        "Look into `identity.tokens_file` for the SHA-256 of that token, and at `identity.agent_uid`.",
    ),
    _http(
        403,
        "The Host or the Origin is none of those that are served; at the admin listener, the same.",
        "Use the address that the operator gave.",
        "`hosts.names` and `hosts.origins` add to those that are served.",
    ),
    _http(
        404,
        "Nothing is served at this path (the body names the served ones), or the session is unknown.",
        "Use exactly the path that the operator gave; after `session_not_found` start a new session.",
        "Each upstream is served at `/NAME` and nowhere below; one alone at `/mcp`, too.",
    ),
    _http(
        405,
        "The method is not served here, or the client takes the sidecar for a forward proxy (CONNECT).",
        "Connect to the sidecar as to the tool server; do not set it as a proxy.",
        "Write the sidecar's URL into the client's list of servers, and take it out of `HTTPS_PROXY`.",
    ),
    _http(408, "The body did not come in time.", "Send it without long pauses.", "See `body_too_slow`."),
    _http(413, "The message is longer than the limit.", "Send less.", "See `too_large`."),
    _http(
        500,
        "The client went away while it was answered, or the HTTP server itself failed.",
        "Try again.",
        "The sidecar's log has what failed, if the client did not simply go.",
    ),
    _http(
        503,
        "A GET or DELETE is refused (the body has the code); on the admin listener, /readyz is not ready.",
        "Read `data.code` in the body.",
        "`problems` in /readyz says what is missing.",
    ),
    _http(
        505,
        "The request line says neither HTTP/1.1 nor HTTP/1.0.",
        "Speak HTTP/1.1.",
        "A proxy in front of the sidecar must not hand HTTP/2 on to it.",
    ),
)
