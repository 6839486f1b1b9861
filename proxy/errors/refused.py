"""What the sidecar refuses by itself, and what it keeps back of a tool server's answers."""

from typing import Final

from proxy.errors.entry import Entry, Family
from proxy.refusals import CANNOT_DECIDE, INTERNAL, INVALID_PARAMS, INVALID_REQUEST

_LATER: Final = "Try again later."
_TELL: Final = "Give the operator the reference; the same call may have the same answer."
_ASK_BACK: Final = "Ask whether the call was executed before it is made again, and give the operator the reference."
_SERVER: Final = "Report it to the tool server's author; the sealed detail of the record says what was met."


def _busy(code: str, meaning: str, operator: str, agent: str = _LATER) -> Entry:
    return Entry(Family.HELD, code, meaning, agent, operator, CANNOT_DECIDE, 200)


def _bad_answer(code: str, meaning: str, operator: str = _SERVER, agent: str = _ASK_BACK) -> Entry:
    return Entry(Family.UPSTREAM, code, meaning, agent, operator, INTERNAL, 200)


HELD: Final = (
    _busy(
        "too_many_in_flight",
        "As many calls, or as many streams, are under way as the configuration lets be.",
        "Raise `limits.in_flight` or `limits.open_streams`, or find out who holds so many: /metrics counts them.",
    ),
    _busy(
        "too_many_approvals",
        "The caller has as many approvals waiting as one may have.",
        "Answer them, or let them expire: `agentgate approvals list`.",
    ),
    _busy(
        "draining",
        "The sidecar is shutting down and takes nothing new.",
        "Nothing; it ends after `limits.drain_seconds`.",
    ),
    _busy(
        "id_in_use",
        "Another request with this id is under way on the same stream, and answers are told apart by ids.",
        "Nothing; the client gives two requests one id.",
        "Give each request of a session an id of its own.",
    ),
    _busy(
        "not_recorded",
        "The record is not in the chain.",
        "/readyz and the sidecar's log say why. Nothing is forwarded unrecorded.",
    ),
    _busy(
        "no_room",
        "Too little space is left on the disk of the evidence folder for the intent and its outcome.",
        "Free space there, or lower `evidence.min_free_bytes`; /readyz says how much is missing. Chains that "
        "nobody writes any more may be moved to another place, each as a whole.",
    ),
    _busy(
        "not_acknowledged",
        "Central has not said in time that it holds the intent, which this call demands; nothing was sent.",
        "/readyz says why central does not take evidence. `central.acknowledge_seconds` is how long is waited; policy "
        "or `evidence.durability` says for which calls.",
    ),
    _busy(
        "spool_failed",
        "The file system refuses the record, or somebody changed the files of the chain.",
        "/readyz says what failed: a full, read-only or broken disk, or files that were cut or removed. After a change "
        "by others restart, so that another chain is begun, and keep the old one: `agentgate verify` says where.",
    ),
    _busy(
        "outcome_unrecorded",
        "The call reached the tool server, but its outcome could not be recorded, and the answer is withheld.",
        "As `spool_failed`; the call's outcome is written as soon as the disk takes it, else at the next start.",
        _ASK_BACK,
    ),
    Entry(
        Family.HELD,
        "session_not_found",
        "The session is over, or another caller's; the two look alike on purpose.",
        "Start a new session with `initialize`.",
        "Nothing, unless it comes often: a session belongs to the caller who began it.",
        INVALID_REQUEST,
        404,
    ),
    Entry(
        Family.HELD,
        "task_not_found",
        "The task is forgotten, or another caller's; the two look alike on purpose.",
        "Call the tool again, if its result is still wanted.",
        "Nothing, unless it comes often: a task belongs to the caller whose call began it.",
        INVALID_PARAMS,
        200,
    ),
    Entry(
        Family.HELD,
        "approval_unknown",
        "The request brings back a state that the sidecar has not sealed for this caller, upstream and method, or no "
        "answer to what it asked.",
        "Make the call anew, without `requestState` and `inputResponses`.",
        "Look at the agent if it comes often: clients hand back the state that they were given.",
        INVALID_PARAMS,
        200,
    ),
    Entry(
        Family.HELD,
        "body_too_slow",
        "The body of the request did not come in time.",
        "Send the whole body without long pauses.",
        "Look at the network between the client and the sidecar; a body has 60 seconds.",
        INVALID_REQUEST,
        408,
    ),
    Entry(
        Family.HELD,
        "internal_error",
        "AgentGate failed inside, and refused the call.",
        _TELL,
        "The sidecar's log has the place (`unforeseen …`), the sealed detail of the record the error: report both.",
        INTERNAL,
        200,
    ),
    Entry(
        Family.HELD,
        "client_gone",
        "The client went away before the call was forwarded; nobody was left to answer.",
        "Wait for the answer before the connection is closed.",
        "Nothing, unless it comes often: then the client's time limit is shorter than what is waited for.",
    ),
    Entry(
        Family.HELD,
        "batch_refused",
        "Another call of the same batch was refused, and a batch goes on whole or not at all.",
        "Send calls one by one, so that each is answered by itself.",
        "The refusal beside it has the reason.",
    ),
)

UPSTREAM: Final = (
    _bad_answer(
        "upstream_down",
        "The tool server cannot be reached, or broke off.",
        "Start the tool server; look at the upstream's `url`, `ca_file` and `fingerprint`, and at the network. "
        "The record says whether a byte of the call can have arrived.",
        _ASK_BACK,
    ),
    _bad_answer("malformed_answer", "The tool server's answer would be refused by strict reading."),
    _bad_answer(
        "too_large",
        "The answer is longer than the limit.",
        "Raise `limits.answer_bytes`, if answers of that size are meant.",
        "Ask for less at once; the call may have been executed.",
    ),
    _bad_answer("no_answer", "The answer leaves requests unanswered."),
    _bad_answer("unexpected_answer", "The answer is to an id that was not asked, or the second one to the same id."),
    _bad_answer("request_in_answer", "The body of the answer holds a request or a notification of the server."),
    _bad_answer("malformed_input_requests", "The requests of the server inside its result have no proper form."),
    _bad_answer(
        "task_unredactable", "The call is to be answered with values redacted, and its answer was a task, which is not."
    ),
    _bad_answer("foreign_task", "The answer is about another task than was asked for."),
    _bad_answer("malformed_list", "The list in the result is no array, so that nothing can be cut out of it."),
    _bad_answer(
        "doubled_content_type", "The answer has two Content-Type headers; two readers could take it for two things."
    ),
    _bad_answer("doubled_session_id", "The answer has two Mcp-Session-Id headers; two readers could take either."),
    _bad_answer("interim_status", "The answer has a status below 200, which ends no exchange."),
    _bad_answer("encoded_answer", "The answer is compressed, although it was asked for as it is."),
    _bad_answer("no_stream", "A GET is answered with a body that is no event stream."),
    _bad_answer("second_endpoint", "A legacy stream names its endpoint twice."),
    _bad_answer(
        "foreign_endpoint",
        "A legacy stream names an endpoint of another origin than the configured URL; requests go nowhere else.",
        "Configure the URL at which the server is really reached, so that its endpoint has the same origin.",
        _TELL,
    ),
    _bad_answer(
        "foreign_resource",
        "The metadata that the tool server gives speaks of another resource behind this sidecar; a client would ask "
        "for a token of that one and show it to this server.",
        _SERVER,
        _TELL,
    ),
    _bad_answer(
        "foreign_metadata",
        "A 401 or 403 names metadata of another origin than the configured URL. It is not fetched there, but at the "
        "usual places of the configured origin; counted in `/metrics`, and the answer is delivered.",
        "Configure the URL by which the server knows itself, or let the server name a place of its own.",
        "Nothing: go on with the metadata that is there.",
    ),
    _bad_answer(
        "unclear_challenge",
        "A WWW-Authenticate header names metadata in a way that two readers read differently. The header is taken "
        "out; counted in `/metrics`, and the answer is delivered.",
        "Report it to the tool server's author: RFC 9110, section 11.6.1, has the grammar.",
        "Nothing: look for the metadata in the usual places.",
    ),
    _bad_answer(
        "answer_to_nothing",
        "The client answers a request that no server has made, or that was answered before.",
        "Nothing, unless it comes often: then the client repeats its answers.",
        "Answer each request of the server once, in the session in which it came.",
    ),
)
