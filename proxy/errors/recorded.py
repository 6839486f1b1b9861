"""The words of evidence that are no refusals: why a call ended so, what a notice notes, why a chain was closed."""

from typing import Final

from proxy.errors.entry import Entry, Family

_ASK: Final = "Ask whether the call was executed before it is made again."
_NOTHING: Final = "Nothing."
_CALL: Final = "Nothing; `agentgate records --call ID --key FILE` shows the answer."
_AT_SERVER: Final = "Look at the tool server for the call's effect; the record cannot know it."


def _outcome(code: str, meaning: str, operator: str = _NOTHING, agent: str = _NOTHING) -> Entry:
    return Entry(Family.OUTCOME, code, meaning, agent, operator)


def _notice(code: str, meaning: str, operator: str = _NOTHING) -> Entry:
    return Entry(Family.NOTICE, code, meaning, _NOTHING, operator)


OUTCOMES: Final = (
    _outcome("ok", "The tool server answered with a result."),
    _outcome("input_required", "The result asks for input in a form that nobody can go on with."),
    _outcome("task", "The result names a task in a form that nobody can ask about."),
    _outcome("continued", "The call went on with another, whose intent names it, and ended as that one did."),
    _outcome(
        "not_continued",
        "The result asked for input, and nobody went on with the call within an hour, or too many were left open.",
    ),
    _outcome(
        "task_completed", "The task that the call went on as was completed; its result reached the client.", _CALL
    ),
    _outcome("task_failed", "The task that the call went on as failed at the tool server.", _CALL),
    _outcome("task_cancelled", "The task that the call went on as was cancelled at the tool server."),
    _outcome("accepted", "A notification, or the client's own answer, was taken; nothing answers it."),
    _outcome("delivered", "A request of the server reached the client."),
    _outcome("stream_ended", "A subscription ended with its stream."),
    _outcome(
        "rpc_error", "The tool server answered with a JSON-RPC error.", _CALL, "Read the error; it is the server's."
    ),
    _outcome("tool_error", "The tool itself said that it failed.", _CALL, "Read the result; it is the tool's."),
    _outcome(
        "http_status", "HTTP itself failed: the answer's status stands beside.", "Look at the tool server's log.", _ASK
    ),
    _outcome("no_answer", "The stream ended before the answer came.", _AT_SERVER, _ASK),
    _outcome("client_gone", "The client went away.", _AT_SERVER, _ASK),
    _outcome("client_cancelled", "The client cancelled the call.", _AT_SERVER, _NOTHING),
    _outcome(
        "drained", "The sidecar shut down before the answer came.", "Raise `limits.drain_seconds`. " + _AT_SERVER, _ASK
    ),
    _outcome(
        "no_answer_in_time",
        "A detached call was not answered within five minutes, or a task not within its time, or its caller left too "
        "many calls open.",
        _AT_SERVER,
        _ASK,
    ),
    _outcome("session_over", "The session of a detached call ended before its answer.", _AT_SERVER, _ASK),
    _outcome("contained", "A kill stopped the call.", _AT_SERVER, "Stop."),
    _outcome("found_open", "The process ended while the call was open; the next start wrote this.", _AT_SERVER, _ASK),
    _outcome(
        "not_acknowledged",
        "Central did not say in time that it holds the intent, and nothing was sent.",
        "As the refusal `not_acknowledged`.",
        "Try again later.",
    ),
    _outcome(
        "spool_failed",
        "The intent could not be made durable, and nothing was sent.",
        "As the refusal `spool_failed`.",
        "Try again later.",
    ),
)
"""A call that failed or was not sent on a refusal has the refusal's own code as its reason."""

NOTICES: Final = (
    _notice("message", "Messages that are no calls (lists, lifecycle, notifications) were forwarded."),
    _notice("stream", "A client opened a stream (GET)."),
    _notice("delete", "A client ended its session (DELETE)."),
    _notice("refused", "Something that is no call was refused; `refusal` has the code."),
    _notice("withheld", "A message of the tool server was held back; `refusal` has the code."),
    _notice(
        "unexpected_answer",
        "The tool server answered what nobody asked; the answer was dropped.",
        "If it comes often, report it to the tool server's author.",
    ),
    _notice("replayed", "The tool server sent an answer again that the client had asked for again."),
    _notice(
        "request_in_modern",
        "The tool server sent a request where its revision (2026-07-28) has none; it was dropped.",
        "Report it to the tool server's author.",
    ),
    _notice(
        "question_id_in_use",
        "The tool server asked something under the id of another question that is not answered yet; it was dropped.",
        "Report it to the tool server's author: ids are unique in a session.",
    ),
    _notice(
        "notifications",
        "So many notifications of the tool server reached the client (`counts`); of those under `unread_event` and "
        "`contained` none did.",
    ),
    _notice("metadata", "The client asked where tokens for an OAuth-protected tool server come from."),
    _notice("input_required", "The call asks its client for input; its outcome comes with that of the next request."),
    _notice("approval_answer", "The client answered what the sidecar had asked it about an approval."),
    _notice("task", "The call goes on as a task at the tool server; its outcome comes later."),
    _notice(
        "late_elsewhere",
        "The result turned up of a call (`continues`) that another chain holds; it could not be recorded there.",
        "Look for the call in the chains beside this one: its outcome there is `unknown`.",
    ),
    _notice("detached", "A call went on without a stream; its answer may come elsewhere."),
    _notice("definitions_fetched", "The sidecar asked for the list of tools itself, to know a tool's definition."),
    _notice(
        "definitions_differ",
        "A list of tools is not as it was pinned: `tools` says how each differs, `vanished` what is not there, "
        "`findings` what looks odd in those that differ.",
        "Read the sealed difference (`agentgate records --key`); if the change is meant, pin it anew with "
        "`agentgate policy pin`.",
    ),
    _notice(
        "definition_findings",
        "Something looks odd in the definitions of a list of tools; noted where the policy reads findings.",
        "Read those definitions (`agentgate policy pin` shows them beside their findings, docs/policy.md says what "
        "each code is); policy decides what comes of it.",
    ),
    _notice("policy_activated", "A policy became active."),
    _notice(
        "policy_refused",
        "What the files of the policy say now cannot become active; the one before, or the last good bundle, stays.",
        "`problems` of the record says why, and so does `agentgate policy check`.",
    ),
    _notice(
        "policy_server_failed",
        "The server of the policy (`server`) gives nothing: `problem` says why; what it gave last decides.",
        "See to the server, or to the sidecar's token and authorities for it; `/readyz` says how long ago it answered.",
    ),
    _notice("policy_server_back", "The server of the policy answers again."),
    _notice(
        "exceptions",
        "Exceptions came into effect (`loaded`), or are there no more (`gone`); `refused` says which do not count, and "
        "why.",
        "`agentgate exceptions list` shows them; reasons and rules for arguments are sealed (`records --key`).",
    ),
    _notice(
        "keys_erased",
        "Central has destroyed data keys of this chain, and so does the sidecar: nobody can read what they sealed.",
        "Nothing: the tombstone in central's own chain says who asked, and why.",
    ),
    _notice(
        "central_behind_receipt",
        "Central holds less of the chain than it gave a receipt for: it was brought back from an older copy, or lost "
        "records. What is still here is shipped again.",
        "Ask whoever runs central; `receipts.tsv` in the chain's folder is the proof.",
    ),
    _notice("segment", "A new file of the chain begins; the calls that are open there are listed."),
)

REASONS: Final = (
    Entry(Family.REASON, "upstream_closed", "Of `detached`: the tool server ended the stream.", _NOTHING, _NOTHING),
    Entry(Family.REASON, "client_gone", "Of `detached`: the client ended the stream.", _NOTHING, _NOTHING),
    Entry(Family.REASON, "stopped", "Of `close`: the process ended in order.", _NOTHING, _NOTHING),
    Entry(
        Family.REASON,
        "recovered",
        "Of `close`: another process ended the open calls of a chain left behind.",
        _NOTHING,
        _NOTHING,
    ),
    Entry(
        Family.REASON,
        "spool_failed",
        "Of `loss`: so many records of these kinds could not be written.",
        _NOTHING,
        "As the refusal `spool_failed`.",
    ),
)
