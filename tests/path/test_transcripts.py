"""The path as transcripts: every line of a row must come, in its order, and nothing else."""

from pathlib import Path

import pytest

from tests.path.transcript import perform

ALLOWED = [
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json RESULT
        record outcome echo completed answer done ok
        client 200 RESULT
        """,
        id="whole-answer",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << comment
        client hears : ping
        << event PROGRESS
        client hears PROGRESS
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        record notice notifications notifications/progress=1
        """,
        id="stream",
    ),
    pytest.param(
        """
        >> BIG_ID
        record intent tools/call echo granted
        upstream BIG_ID
        << 200 json BIG_ID_RESULT
        record outcome echo completed answer done ok
        client 200 BIG_ID_RESULT
        """,
        id="an-id-beyond-doubles-is-text",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TOOL_ERROR
        record outcome echo failed answer unknown tool_error
        client 200 TOOL_ERROR
        """,
        id="the-tool-failed",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 400 json ERROR_NULL
        record outcome echo failed answer unknown rpc_error
        client 400 ERROR_NULL
        """,
        id="http-error-with-a-nameless-rpc-error",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 503 html sorry
        record outcome echo failed answer unknown http_status
        client 503 sorry
        """,
        id="http-error-without-a-message",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        """,
        id="a-task-goes-on",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json FORGED
        record outcome echo completed answer done ok
        client 200 {"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[],"_meta":{"theirs":1}}}
        """,
        id="no-upstream-speaks-in-our-name",
    ),
    pytest.param(
        """
        definitions unknown
        >> CALL
        upstream LIST_FETCHED
        << broken
        record notice definitions_fetched
        record intent tools/call echo granted
        upstream CALL
        << 200 json RESULT
        record outcome echo completed answer done ok
        client 200 RESULT
        """,
        id="definitions-that-cannot-be-had",
    ),
    pytest.param(
        """
        definitions unknown
        >> CALL
        upstream LIST_FETCHED
        << too_large
        record notice definitions_fetched
        record intent tools/call echo granted
        upstream CALL
        << 200 json RESULT
        record outcome echo completed answer done ok
        client 200 RESULT
        """,
        id="definitions-in-a-bad-answer",
    ),
    pytest.param(
        """
        >> LISTEN
        record intent subscriptions/listen subscriptions/listen granted
        upstream LISTEN
        << stream
        client begins 200
        << event PROGRESS
        client hears PROGRESS
        << end
        record outcome subscriptions/listen completed answer none stream_ended
        client ends
        record notice notifications notifications/progress=1
        """,
        id="a-subscription-ends-with-its-stream",
    ),
    pytest.param(
        """
        >> PING
        record notice message ping
        upstream PING
        << 200 json PONG
        client 200 PONG
        """,
        id="control-message",
    ),
    pytest.param(
        """
        >> PROGRESS
        record notice message notifications/progress
        upstream PROGRESS
        << 202
        client 202
        """,
        id="control-notification",
    ),
    pytest.param(
        """
        >> NOTE
        record intent no/such no/such granted
        upstream NOTE
        << 202
        record outcome no/such completed answer unknown accepted
        client 202
        """,
        id="unknown-notification-is-a-call",
    ),
    pytest.param(
        """
        >> NOTE
        record intent no/such no/such granted
        upstream NOTE
        << stream
        client begins 200
        << end
        record outcome no/such completed answer unknown accepted
        client ends
        """,
        id="unknown-notification-answered-by-a-stream",
    ),
    pytest.param(
        """
        >> PROGRESS era=2025-11-25
        record notice message notifications/progress
        upstream PROGRESS
        << 400 json ERROR_NULL
        client 400 ERROR_NULL
        """,
        id="refused-notification-keeps-its-status",
    ),
    pytest.param(
        """
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << 404 json ERROR_SERVER
        client 404 ERROR_SERVER
        """,
        id="session-gone-reaches-the-client",
    ),
]

REFUSED = [
    pytest.param(
        """
        deny echo
        >> CALL
        record refusal echo not_granted
        client 200 1 isError not_granted
        """,
        id="denied",
    ),
    pytest.param(
        """
        deny resources/read
        >> READ
        record refusal resources/read not_granted
        client 200 1 error -31403 not_granted
        """,
        id="denied-other-than-a-tool",
    ),
    pytest.param(
        """
        deny no/such
        >> NOTE
        record refusal no/such not_granted
        client 202
        """,
        id="denied-notification-is-dropped",
    ),
    pytest.param(
        """
        approval echo
        >> CALL
        record refusal echo approval_required
        client 200 1 isError approval_required
        """,
        id="approval-needed",
    ),
    pytest.param(
        """
        engine timeout
        >> CALL
        record refusal echo engine_timeout
        client 200 1 isError engine_timeout
        """,
        id="engine-timeout",
    ),
    pytest.param(
        """
        engine unavailable
        >> CALL
        record refusal echo engine_unavailable
        client 200 1 isError engine_unavailable
        """,
        id="engine-unavailable",
    ),
    pytest.param(
        """
        engine failed
        >> READ
        record refusal resources/read engine_failed
        client 200 1 error -31503 engine_failed
        """,
        id="engine-failed",
    ),
    pytest.param(
        """
        engine undefined
        >> CALL
        record refusal echo policy_undefined
        client 200 1 isError policy_undefined
        """,
        id="undefined",
    ),
    pytest.param(
        """
        engine malformed
        >> CALL
        record refusal echo policy_malformed
        client 200 1 isError policy_malformed
        """,
        id="malformed-decision",
    ),
    pytest.param(
        """
        engine unkept
        >> CALL
        record refusal echo obligation_unmet
        client 200 1 isError obligation_unmet
        """,
        id="obligation-unmet",
    ),
    pytest.param(
        """
        >> INEXACT
        record refusal echo number_not_exact
        client 200 1 isError number_not_exact
        """,
        id="number-not-exact",
    ),
    pytest.param(
        """
        !! quarantine
        >> CALL
        record refusal echo contained
        client 200 1 isError contained
        """,
        id="contained",
    ),
    pytest.param(
        """
        !! quarantine tool=echo
        >> CALL
        record refusal echo contained
        client 200 1 isError contained
        """,
        id="contained-tool",
    ),
    pytest.param(
        """
        !! quarantine agent=bob
        >> PING by=bob
        record notice refused ping contained
        client 200 4 error -31404 contained
        """,
        id="contained-caller-may-not-even-ping",
    ),
    pytest.param(
        """
        !! quarantine
        >> PROGRESS
        record notice refused notifications/progress contained
        client 202
        """,
        id="contained-notification",
    ),
    pytest.param(
        """
        in_flight 0
        >> CALL
        record refusal echo too_many_in_flight
        client 200 1 isError too_many_in_flight
        """,
        id="too-many-in-flight",
    ),
    pytest.param(
        """
        >> CALL session=not-mine
        record refusal echo session_not_found
        client 404 1 error -32600 session_not_found
        """,
        id="session-of-nobody",
    ),
    pytest.param(
        """
        >> PROGRESS session=not-mine
        record notice refused notifications/progress session_not_found
        client 404 None error -32600 session_not_found
        """,
        id="notification-in-a-session-of-nobody",
    ),
    pytest.param(
        """
        >> SAMPLED era=2025-11-25
        record notice refused result answer_to_nothing
        client 202
        """,
        id="answer-to-what-nobody-asked",
    ),
]

ORDERS = [
    pytest.param(
        """
        while asking kill
        >> CALL
        record intent tools/call echo granted
        record outcome echo killed own_error none contained
        client 200 1 isError contained
        """,
        id="kill-while-policy-thinks",
    ),
    pytest.param(
        """
        definitions unknown
        >> CALL
        upstream LIST_FETCHED
        << hang
        !! kill
        record refusal echo contained
        client 200 1 isError contained
        """,
        id="kill-while-definitions-are-fetched",
    ),
    pytest.param(
        """
        while asking quarantine
        >> CALL
        record intent tools/call echo granted
        record outcome echo not_sent own_error none contained
        client 200 1 isError contained
        """,
        id="quarantine-while-policy-thinks",
    ),
    pytest.param(
        """
        !! quarantine tool=drop
        >> BATCH era=2025-03-26
        record refusal echo contained
        record refusal drop batch_refused
        client 200 [1 isError contained, 2 isError contained]
        """,
        id="contained-tool-in-a-batch",
    ),
    pytest.param(
        """
        while intending gone
        >> BATCH era=2025-03-26
        record intent tools/call echo granted
        record intent tools/call drop granted
        record outcome echo not_sent nothing none client_gone
        record outcome drop not_sent nothing none client_gone
        """,
        id="a-client-that-leaves-before-a-batch-is-sent",
    ),
    pytest.param(
        """
        before sending quarantine
        >> CALL
        record intent tools/call echo granted
        record outcome echo not_sent own_error none contained
        client 200 1 isError contained
        """,
        id="quarantine-between-intent-and-sending",
    ),
    pytest.param(
        """
        before connecting quarantine
        >> CALL
        record intent tools/call echo granted
        record outcome echo not_sent own_error none contained
        client 200 1 isError contained
        """,
        id="quarantine-while-it-connects",
    ),
    pytest.param(
        """
        while intending kill
        >> CALL
        record intent tools/call echo granted
        record outcome echo killed own_error none contained
        client 200 1 isError contained
        """,
        id="kill-between-intent-and-sending",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! kill
        record outcome echo killed own_error unknown contained
        cancel 1
        client 200 1 isError contained
        """,
        id="kill-while-the-upstream-thinks",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event PROGRESS
        client hears PROGRESS
        !! kill tool=echo
        record outcome echo killed partial unknown contained
        cancel 1
        client hears 1 isError contained
        client ends
        record notice notifications notifications/progress=1
        """,
        id="kill-during-a-stream",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json RESULT
        !! quarantine
        record outcome echo completed answer done ok
        client 200 RESULT
        """,
        id="quarantine-lets-a-running-call-end",
    ),
    pytest.param(
        """
        >> PING
        record notice message ping
        upstream PING
        << hang
        !! kill
        cancel 4
        record notice refused ping contained
        client 200 4 error -31404 contained
        """,
        id="kill-of-a-control-message",
    ),
    pytest.param(
        """
        >> BATCH era=2025-03-26
        record intent tools/call echo granted
        record intent tools/call drop granted
        upstream BATCH
        << stream
        client begins 200
        << event RESULT2
        record outcome drop completed answer done ok
        client hears RESULT2
        !! kill
        record outcome echo killed partial unknown contained
        cancel 1
        client hears 1 isError contained
        client ends
        """,
        id="kill-of-half-a-batch",
    ),
]

GONE = [
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record outcome echo cancelled nothing unknown client_gone
        """,
        id="modern",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event PROGRESS
        client hears PROGRESS
        << hang
        !! gone
        record outcome echo cancelled nothing unknown client_gone
        record notice notifications notifications/progress=1
        """,
        id="modern-mid-stream",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        !! breaks
        << event PROGRESS
        record outcome echo cancelled nothing unknown client_gone
        record notice notifications notifications/progress=1
        """,
        id="modern-noticed-by-writing",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        !! breaks
        << event RESULT
        record outcome echo completed answer done ok
        """,
        id="outcome-stands-before-the-bytes-fail",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record notice detached client_gone
        !! later 301
        record outcome echo unknown nothing unknown no_answer_in_time
        """,
        id="legacy-is-detached",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record notice detached client_gone
        !! kill
        record outcome echo killed nothing unknown contained
        """,
        id="kill-ends-a-detached-call",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record notice detached client_gone
        !! quarantine
        !! later 301
        record outcome echo unknown nothing unknown no_answer_in_time
        """,
        id="quarantine-lets-a-detached-call-end",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record notice detached client_gone
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="legacy-answer-turns-up-elsewhere",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record notice detached client_gone
        !! later 301
        >> PING era=2025-11-25
        record outcome echo unknown nothing unknown no_answer_in_time
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event RESULT
        record late echo
        client hears RESULT
        << event RESULT
        record notice unexpected_answer result
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="an-answer-after-five-minutes-is-late-and-delivered-once",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event RESULT id=7
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event RESULT id=7
        record notice replayed result
        client hears RESULT
        << event RESULT_OTHER id=8
        record notice unexpected_answer result
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="an-answer-that-was-lost-is-replayed-and-no-other-in-its-place",
    ),
    pytest.param(
        """
        hide drop
        >> LIST era=2025-11-25
        record notice message tools/list
        upstream LIST
        << stream
        client begins 200
        << event TOOLS id=7
        client hears TOOLS_SHOWN
        << end
        client ends
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event TOOLS id=7
        record notice replayed result
        client hears TOOLS_SHOWN
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="a-list-that-is-replayed-is-filtered-again",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event RESULT id=7
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        >> PING era=2025-11-25 by=bob
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event RESULT id=7
        record notice unexpected_answer result
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="cross-talk-a-replay-is-not-given-to-another-caller",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record notice detached client_gone
        >> PING era=2025-11-25 by=bob
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event RESULT
        record notice unexpected_answer result
        << event PONG
        client hears PONG
        << end
        client ends
        !! later 301
        record outcome echo unknown nothing unknown no_answer_in_time
        """,
        id="cross-talk-detached-answer-is-not-given-to-another-caller",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event PROGRESS id=7
        client hears PROGRESS
        << end
        client ends
        record notice detached upstream_closed
        record notice notifications notifications/progress=1
        !! later 301
        record outcome echo unknown nothing unknown no_answer_in_time
        """,
        id="legacy-resumable-stream-ends-early",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << end
        record outcome echo failed nothing unknown no_answer
        client ends
        """,
        id="legacy-stream-without-ids-ends-early",
    ),
    pytest.param(
        """
        while intending gone
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        record outcome echo not_sent nothing none client_gone
        """,
        id="legacy-before-sending",
    ),
    pytest.param(
        """
        while intending gone
        >> CALL
        record intent tools/call echo granted
        record outcome echo not_sent nothing none client_gone
        """,
        id="modern-before-sending",
    ),
    pytest.param(
        """
        while asking gone
        >> BATCH era=2025-03-26
        record refusal echo client_gone
        record refusal drop client_gone
        """,
        id="before-the-intent",
    ),
    pytest.param(
        """
        while refusing gone
        deny drop
        >> BATCH era=2025-03-26
        record refusal echo batch_refused
        record refusal drop not_granted
        """,
        id="while-a-batch-is-refused",
    ),
    pytest.param(
        """
        while ending gone
        >> BATCH era=2025-03-26
        record intent tools/call echo granted
        record intent tools/call drop granted
        upstream BATCH
        << down
        record outcome echo not_sent own_error none upstream_down
        record outcome drop not_sent own_error none upstream_down
        """,
        id="while-a-failed-batch-is-recorded",
    ),
]

FAILED = [
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << down
        record outcome echo not_sent own_error none upstream_down
        client 200 1 isError upstream_down
        """,
        id="upstream-down-before-writing",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << broken
        record outcome echo failed own_error unknown upstream_down
        client 200 1 isError upstream_down
        """,
        id="upstream-down-after-writing",
    ),
    pytest.param(
        """
        >> PING
        record notice message ping
        upstream PING
        << down
        record notice refused ping upstream_down
        client 200 4 error -32603 upstream_down
        """,
        id="upstream-down-for-a-ping",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << too_large
        record outcome echo failed own_error unknown too_large
        client 200 1 isError too_large
        """,
        id="answer-too-large",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json RESULT9
        record outcome echo failed own_error unknown unexpected_answer
        client 200 1 isError unexpected_answer
        """,
        id="response-smuggling-unknown-id",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json RESULTS
        record outcome echo failed own_error unknown unexpected_answer
        client 200 1 isError unexpected_answer
        """,
        id="response-smuggling-one-more-answer",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json RESULT_AND_MORE
        record outcome echo failed own_error unknown request_in_answer
        client 200 1 isError request_in_answer
        """,
        id="response-smuggling-request-as-answer",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 html RESULT
        record outcome echo failed own_error unknown no_answer
        client 200 1 isError no_answer
        """,
        id="response-smuggling-wrong-content-type",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 201 html RESULT
        record outcome echo failed own_error unknown no_answer
        client 200 1 isError no_answer
        """,
        id="response-smuggling-201",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json BROKEN
        record outcome echo failed own_error unknown malformed_answer
        client 200 1 isError malformed_answer
        """,
        id="json-differential-in-an-answer",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 202
        record outcome echo failed own_error unknown no_answer
        client 200 1 isError no_answer
        """,
        id="empty-answer",
    ),
    pytest.param(
        """
        >> PROGRESS
        record notice message notifications/progress
        upstream PROGRESS
        << 203 sse SAMPLE
        client 203
        """,
        id="response-smuggling-unread-body-after-a-notification",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event RESULT9
        record notice unexpected_answer result
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << event RESULT
        record notice unexpected_answer result
        << end
        client ends
        """,
        id="response-smuggling-in-a-stream",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << malformed
        record outcome echo failed partial unknown malformed_answer
        client hears 1 isError malformed_answer
        client ends
        """,
        id="malformed-event",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << end
        record outcome echo failed nothing unknown no_answer
        client ends
        """,
        id="stream-without-an-answer",
    ),
    pytest.param(
        """
        >> INIT era=2025-11-25
        record notice message initialize
        upstream INIT
        << 200 json INIT_RESULT session=s1
        client 200 INIT_RESULT
        >> CALL era=2025-11-25 by=bob
        record intent tools/call echo granted
        upstream CALL
        << 200 json RESULT session=s1
        record outcome echo failed own_error unknown session_not_found
        client 404 1 error -32600 session_not_found
        """,
        id="cross-talk-upstream-hands-a-session-to-another-caller",
    ),
]

BATCHES = [
    pytest.param(
        """
        >> BATCH era=2025-03-26
        record intent tools/call echo granted
        record intent tools/call drop granted
        upstream BATCH
        << 200 json RESULTS
        record outcome drop completed answer done ok
        record outcome echo completed answer done ok
        client 200 RESULTS
        """,
        id="answers-in-one-array",
    ),
    pytest.param(
        """
        deny drop
        >> BATCH era=2025-03-26
        record refusal echo batch_refused
        record refusal drop not_granted
        client 200 [1 isError not_granted, 2 isError not_granted]
        """,
        id="one-denied-refuses-all",
    ),
    pytest.param(
        """
        >> BATCH era=2025-03-26
        record intent tools/call echo granted
        record intent tools/call drop granted
        upstream BATCH
        << 200 json RESULTS_TWICE
        record outcome echo failed own_error unknown no_answer
        record outcome drop failed own_error unknown no_answer
        client 200 [1 isError no_answer, 2 isError no_answer]
        """,
        id="an-answer-is-missing",
    ),
    pytest.param(
        """
        >> MIXED era=2025-03-26
        record intent tools/call echo granted
        record notice message tools/call tools/list notifications/progress
        upstream MIXED
        << 200 json MIXED_RESULTS
        record outcome echo completed answer done ok
        client 200 MIXED_RESULTS
        """,
        id="calls-lists-and-notifications",
    ),
    pytest.param(
        """
        hide drop
        >> MIXED era=2025-03-26
        record intent tools/call echo granted
        record notice message tools/call tools/list notifications/progress
        upstream MIXED
        << stream
        client begins 200
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << event TOOLS
        client hears TOOLS_SHOWN
        << end
        client ends
        """,
        id="streamed-with-a-filtered-list",
    ),
]

SERVER = [
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event SAMPLE
        record intent server's sampling/createMessage sampling/createMessage granted
        record outcome sampling/createMessage completed answer unknown delivered
        client hears SAMPLE
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        >> SAMPLED era=2025-11-25
        record intent sampling/createMessage sampling/createMessage granted
        upstream SAMPLED
        << 202
        record outcome sampling/createMessage completed answer unknown accepted
        client 202
        >> SAMPLED era=2025-11-25
        record notice refused result answer_to_nothing
        client 202
        """,
        id="request-allowed-and-answered-once",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event SAMPLE
        record intent server's sampling/createMessage sampling/createMessage granted
        record outcome sampling/createMessage completed answer unknown delivered
        client hears SAMPLE
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        >> SAMPLED era=2025-11-25 by=bob
        record notice refused result answer_to_nothing
        client 202
        >> SAMPLED_ERROR era=2025-11-25
        record intent sampling/createMessage sampling/createMessage granted
        upstream SAMPLED_ERROR
        << 202
        record outcome sampling/createMessage completed answer unknown accepted
        client 202
        """,
        id="cross-talk-only-who-was-asked-may-answer",
    ),
    pytest.param(
        """
        deny client:sampling/createMessage
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event SAMPLE
        record intent server's sampling/createMessage sampling/createMessage granted
        record outcome sampling/createMessage completed answer unknown delivered
        client hears SAMPLE
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        >> SAMPLED era=2025-11-25
        record refusal sampling/createMessage not_granted
        client 202
        upstream q error -1
        << 202
        >> SAMPLED era=2025-11-25
        record notice refused result answer_to_nothing
        client 202
        """,
        id="answer-of-the-client-denied-and-the-server-told",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event SAMPLE
        record intent server's sampling/createMessage sampling/createMessage granted
        record outcome sampling/createMessage completed answer unknown delivered
        client hears SAMPLE
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        >> SAMPLED_INEXACT era=2025-11-25
        record refusal sampling/createMessage number_not_exact
        client 202
        upstream q error -1
        << 202
        """,
        id="answer-of-the-client-not-exact-and-the-server-told",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event SAMPLE
        record intent server's sampling/createMessage sampling/createMessage granted
        record outcome sampling/createMessage completed answer unknown delivered
        client hears SAMPLE
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        !! quarantine
        >> SAMPLED era=2025-11-25
        record refusal sampling/createMessage contained
        client 202
        """,
        id="nothing-is-told-for-a-client-that-is-contained",
    ),
    pytest.param(
        """
        deny client:elicitation/create
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event ELICIT
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        client hears ELICIT
        << event PING_Q
        record notice question_id_in_use ping
        << event SAMPLE
        record notice question_id_in_use sampling/createMessage
        << event ELICIT
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        client hears ELICIT
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        >> ELICITED era=2025-11-25
        record refusal elicitation/create not_granted
        client 202
        upstream {"jsonrpc":"2.0","id":"q","result":{"resultType":"complete","action":"decline"}}
        << 202
        """,
        id="no-second-question-under-the-id-of-one-that-is-open",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event PING_Q
        client hears PING_Q
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        >> PONG_Q era=2025-11-25
        record notice message result
        upstream PONG_Q
        << 202
        client 202
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event SAMPLE
        record intent server's sampling/createMessage sampling/createMessage granted
        record outcome sampling/createMessage completed answer unknown delivered
        client hears SAMPLE
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        """,
        id="an-id-is-free-again-once-it-is-answered",
    ),
    pytest.param(
        """
        deny elicitation/create
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << 200 json URL_NEEDED
        record refusal elicitation/create not_granted
        record outcome echo failed own_error unknown not_granted
        client 200 1 isError not_granted
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << 200 json URL_NEEDED_TWIN
        record refusal elicitation/create not_granted
        record outcome echo failed own_error unknown not_granted
        client 200 1 isError not_granted
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << 400 json URL_NEEDED
        record refusal elicitation/create not_granted
        record outcome echo failed own_error unknown not_granted
        client 400 1 isError not_granted
        """,
        id="elicitation-inside-an-error-denied",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << 200 json URL_NEEDED
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        record outcome echo failed answer unknown rpc_error
        client 200 URL_NEEDED
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << 200 json URL_NEEDED_BADLY
        record outcome echo failed own_error unknown malformed_input_requests
        client 200 1 isError malformed_input_requests
        """,
        id="elicitation-inside-an-error-allowed",
    ),
    pytest.param(
        """
        deny sampling/createMessage
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event SAMPLE
        record refusal sampling/createMessage not_granted
        upstream q error -1
        << 202
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        """,
        id="sampling-denied",
    ),
    pytest.param(
        """
        deny roots/list
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event ROOTS
        record refusal roots/list not_granted
        upstream q error -32601
        << 202
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        """,
        id="roots-denied",
    ),
    pytest.param(
        """
        deny elicitation/create
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event ELICIT
        record refusal elicitation/create not_granted
        upstream {"jsonrpc":"2.0","id":"q","result":{"resultType":"complete","action":"decline"}}
        << 202
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        """,
        id="elicitation-denied",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event SAMPLE
        record notice request_in_modern sampling/createMessage
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        """,
        id="requests-have-no-place-in-modern-streams",
    ),
    pytest.param(
        """
        deny sampling/createMessage
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event SAMPLE_NOTE
        record refusal sampling/createMessage not_granted
        << event RESULT
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        """,
        id="request-dressed-as-a-notification",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS_TWO
        record intent server's elicitation/create elicitation/create granted
        record intent server's sampling/createMessage sampling/createMessage granted
        record outcome elicitation/create completed answer unknown delivered
        record outcome sampling/createMessage completed answer unknown delivered
        record notice input_required
        client 200 ASKS_TWO
        """,
        id="input-requests-allowed",
    ),
    pytest.param(
        """
        deny sampling/createMessage
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS_TWO
        record refusal elicitation/create batch_refused
        record refusal sampling/createMessage not_granted
        record outcome echo failed own_error unknown not_granted
        client 200 1 isError not_granted
        """,
        id="one-denied-input-request-withholds-the-result",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS_BADLY
        record outcome echo failed own_error unknown malformed_input_requests
        client 200 1 isError malformed_input_requests
        """,
        id="malformed-input-requests",
    ),
    pytest.param(
        """
        sole caller
        deny sampling/createMessage
        >> GET_TASK
        record intent tasks/get tasks/get granted
        upstream GET_TASK
        << 200 json TASK_ASKS
        record refusal sampling/createMessage not_granted
        record outcome tasks/get failed own_error unknown not_granted
        client 200 1 error -31403 not_granted
        """,
        id="input-requests-of-a-task",
    ),
    pytest.param(
        """
        deny sampling/createMessage
        >> PING
        record notice message ping
        upstream PING
        << 200 json PONG_ASKS
        record refusal sampling/createMessage not_granted
        record notice withheld result not_granted
        client 200 4 error -31403 not_granted
        """,
        id="input-requests-in-an-answer-that-nobody-decided",
    ),
    pytest.param(
        """
        deny sampling/createMessage
        >> LISTEN
        record intent subscriptions/listen subscriptions/listen granted
        upstream LISTEN
        << stream
        client begins 200
        << event TASK_NOTE
        record refusal sampling/createMessage not_granted
        record notice withheld notifications/tasks not_granted
        << end
        record outcome subscriptions/listen completed answer none stream_ended
        client ends
        """,
        id="input-requests-in-a-notification",
    ),
]

LISTS = [
    pytest.param(
        """
        >> LIST
        record notice message tools/list
        upstream LIST
        << 200 json TOOLS_PUBLIC
        client 200 TOOLS_PUBLIC
        """,
        id="a-policy-that-hides-nothing-touches-nothing",
    ),
    pytest.param(
        """
        hide nothing
        >> LIST era=2025-11-25
        record notice message tools/list
        upstream LIST
        << 200 json TOOLS
        client 200 TOOLS
        """,
        id="legacy-untouched-where-nothing-is-hidden",
    ),
    pytest.param(
        """
        hide nothing
        >> LIST
        record notice message tools/list
        upstream LIST
        << 200 json TOOLS_PUBLIC
        client 200 TOOLS_PRIVATE
        """,
        id="modern-becomes-private",
    ),
    pytest.param(
        """
        hide drop
        >> LIST era=2025-11-25
        record notice message tools/list
        upstream LIST
        << 200 json TOOLS
        client 200 TOOLS_SHOWN
        """,
        id="hidden-items-are-cut",
    ),
    pytest.param(
        """
        engine timeout
        >> LIST era=2025-11-25
        record notice message tools/list
        upstream LIST
        << 200 json TOOLS
        client 200 TOOLS_NONE
        """,
        id="engine-failure-empties",
    ),
    pytest.param(
        """
        engine undefined
        >> LIST era=2025-11-25
        record notice message tools/list
        upstream LIST
        << 200 json TOOLS
        client 200 TOOLS_NONE
        """,
        id="undefined-empties",
    ),
    pytest.param(
        """
        hide drop
        >> LIST era=2025-11-25
        record notice message tools/list
        upstream LIST
        << 200 json TOOLS_AS_OBJECT
        record notice withheld result malformed_list
        client 200 3 error -32603 malformed_list
        """,
        id="a-list-that-is-none",
    ),
]

SPOOL = [
    pytest.param(
        """
        spool full
        >> CALL
        record refusal echo no_room
        client 200 1 isError no_room
        """,
        id="no-room",
    ),
    pytest.param(
        """
        spool fails intent
        >> CALL
        client 200 1 isError spool_failed
        """,
        id="the-intent-cannot-be-written",
    ),
    pytest.param(
        """
        spool fails refusal
        deny echo
        >> CALL
        client 200 1 isError spool_failed
        """,
        id="the-refusal-cannot-be-written",
    ),
    pytest.param(
        """
        spool fails notice
        >> PING
        client 200 4 error -31503 spool_failed
        """,
        id="the-notice-cannot-be-written",
    ),
    pytest.param(
        """
        spool fails outcome
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json RESULT
        client 200 1 isError outcome_unrecorded
        record outcome echo completed answer done ok
        """,
        id="the-outcome-cannot-be-written-yet",
    ),
    pytest.param(
        """
        spool fails outcome
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event RESULT
        client hears 1 isError outcome_unrecorded
        record outcome echo completed answer done ok
        client ends
        """,
        id="the-outcome-of-a-stream-cannot-be-written-yet",
    ),
]


TASKS = [
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_WORKING
        record outcome tasks/get completed answer done ok
        client 200 T1_WORKING
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_DONE
        record outcome echo completed answer done task_completed
        record outcome tasks/get completed answer done ok
        client 200 T1_DONE
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_DONE
        record outcome tasks/get completed answer done ok
        client 200 T1_DONE
        """,
        id="a-task-is-open-until-its-result-is-polled",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_TOOL_ERROR
        record outcome echo failed answer unknown tool_error
        record outcome tasks/get completed answer done ok
        client 200 T1_TOOL_ERROR
        """,
        id="a-task-whose-tool-failed",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_FAILED
        record outcome echo failed answer unknown task_failed
        record outcome tasks/get completed answer done ok
        client 200 T1_FAILED
        """,
        id="a-task-that-failed",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> CANCEL_T1
        record intent tasks/cancel tasks/cancel granted continues
        upstream CANCEL_T1
        << 200 json T1_CANCELLED
        record outcome echo cancelled answer unknown task_cancelled
        record outcome tasks/cancel completed answer done ok
        client 200 T1_CANCELLED
        """,
        id="a-task-that-is-cancelled",
    ),
    pytest.param(
        """
        >> TASK_CALL era=2025-11-25
        record intent tools/call echo granted
        upstream TASK_CALL
        << 200 json TASK_V1
        record notice task
        client 200 TASK_V1
        >> GET_T1 era=2025-11-25
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_DONE_V1
        record outcome tasks/get completed answer done ok
        client 200 T1_DONE_V1
        >> RESULT_T1 era=2025-11-25
        record intent tasks/result tasks/result granted continues
        upstream RESULT_T1
        << 200 json T1_PAYLOAD
        record outcome echo completed answer done task_completed
        record outcome tasks/result completed answer done ok
        client 200 T1_PAYLOAD
        """,
        id="the-older-form-ends-with-its-payload",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK_V1_LIKE
        record outcome echo completed answer done ok
        client 200 TASK_V1_LIKE
        """,
        id="a-task-that-nobody-asked-for-is-a-result",
    ),
    pytest.param(
        """
        >> TASK_CALL era=2025-11-25
        record intent tools/call echo granted
        upstream TASK_CALL
        << stream
        client begins 200
        << event TASK_V1
        record notice task
        client hears TASK_V1
        << event TASK_V1_NOTE
        record outcome echo failed answer unknown task_failed
        client hears TASK_V1_NOTE
        << end
        client ends
        record notice notifications notifications/tasks/status=1
        """,
        id="a-notification-ends-a-task",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> LISTEN by=bob
        record intent subscriptions/listen subscriptions/listen granted
        upstream LISTEN
        << stream
        client begins 200
        << event TASK_V2_NOTE
        record notice withheld notifications/tasks task_not_found
        << end
        record outcome subscriptions/listen completed answer none stream_ended
        client ends
        """,
        id="cross-talk-a-notification-about-the-task-of-another-caller",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> GET_T1 by=bob
        record refusal tasks/get task_not_found
        client 200 2 error -32602 task_not_found
        >> CANCEL_T1 by=bob
        record refusal tasks/cancel task_not_found
        client 200 2 error -32602 task_not_found
        """,
        id="cross-talk-the-task-of-another-caller-does-not-exist",
    ),
    pytest.param(
        """
        >> GET_T1
        record refusal tasks/get task_not_found
        client 200 2 error -32602 task_not_found
        """,
        id="a-task-that-nobody-saw-begin-is-nobodys",
    ),
    pytest.param(
        """
        sole caller
        >> GET_T1
        record intent tasks/get tasks/get granted
        upstream GET_T1
        << 200 json T1_DONE
        record outcome tasks/get completed answer done ok
        client 200 T1_DONE
        """,
        id="a-sole-caller-keeps-tasks-from-before",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> CALL by=bob
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record outcome echo failed own_error unknown task_not_found
        client 200 1 isError task_not_found
        """,
        id="a-task-is-not-handed-over",
    ),
    pytest.param(
        """
        while noting taken t1
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        record outcome echo failed own_error unknown task_not_found
        client 200 1 isError task_not_found
        """,
        id="a-task-is-not-handed-over-while-that-is-noted",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T2_DONE
        record outcome tasks/get failed own_error unknown foreign_task
        client 200 2 error -32603 foreign_task
        """,
        id="an-answer-about-another-task",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        !!! kill
        tell tasks/cancel
        record outcome echo killed nothing unknown contained
        """,
        id="kill-ends-a-task",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        !!! kill tool=echo
        tell tasks/cancel
        record outcome echo killed nothing unknown contained
        >> GET_T1
        record refusal tasks/get contained
        client 200 2 error -31404 contained
        >> CANCEL_T1
        record intent tasks/cancel tasks/cancel granted continues
        upstream CANCEL_T1
        << 200 json T1_CANCELLED
        record late echo
        record outcome tasks/cancel completed answer done ok
        client 200 T1_CANCELLED
        """,
        id="kill-of-a-tool-stops-what-drives-its-task",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        !!! kill tool=add
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_WORKING
        record outcome tasks/get completed answer done ok
        client 200 T1_WORKING
        """,
        id="kill-of-another-tool-leaves-a-task",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        !!! quarantine tool=echo
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_WORKING
        record outcome tasks/get completed answer done ok
        client 200 T1_WORKING
        """,
        id="quarantine-of-a-tool-lets-its-task-end",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << hang
        !! kill tool=echo
        tell tasks/cancel
        record outcome echo killed nothing unknown contained
        record outcome tasks/get killed own_error unknown contained
        cancel 2
        client 200 2 error -31404 contained
        """,
        id="kill-of-a-tool-stops-what-waits-for-its-task",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        !!! kill tool=echo
        tell tasks/cancel
        record outcome echo killed nothing unknown contained
        >> PING
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event TASK_V2_NOTE
        record late echo
        record notice withheld notifications/tasks contained
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="kill-of-a-tool-keeps-back-what-is-told-of-its-task",
    ),
    pytest.param(
        """
        >> TASK_CALL era=2025-11-25
        record intent tools/call echo granted
        upstream TASK_CALL
        << 200 json TASK_V1
        record notice task
        client 200 TASK_V1
        !!! kill tool=echo
        tell tasks/cancel
        record outcome echo killed nothing unknown contained
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event ELICIT_T1
        record refusal elicitation/create contained
        upstream {"jsonrpc":"2.0","id":"q","result":{"resultType":"complete","action":"decline"}}
        << 202
        << event PROGRESS_T1
        << event ELICIT
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        client hears ELICIT
        << event PONG
        client hears PONG
        << end
        client ends
        record notice notifications contained=1
        """,
        id="kill-of-a-tool-keeps-back-the-questions-of-its-task",
    ),
    pytest.param(
        """
        >> TASK_CALL era=2025-11-25
        record intent tools/call echo granted
        upstream TASK_CALL
        << 200 json TASK_V1
        record notice task
        client 200 TASK_V1
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event ELICIT_T1
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        client hears ELICIT_T1
        << event PONG
        client hears PONG
        << end
        client ends
        !!! kill tool=echo
        tell tasks/cancel
        record outcome echo killed nothing unknown contained
        >> ELICITED era=2025-11-25
        record refusal elicitation/create contained
        client 202
        upstream {"jsonrpc":"2.0","id":"q","result":{"resultType":"complete","action":"decline"}}
        << 202
        """,
        id="kill-of-a-tool-keeps-back-the-answers-to-its-task",
    ),
    pytest.param(
        """
        sole caller
        !! kill tool=echo
        >> GET_T1
        record refusal tasks/get contained
        client 200 2 error -31404 contained
        """,
        id="kill-of-a-tool-stops-a-task-that-nobody-saw-begin",
    ),
    pytest.param(
        """
        !! kill tool=add
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> TASKS
        record notice message tasks/list
        upstream TASKS
        << 200 json TASKS_ALL
        client 200 TASKS_MINE
        !!! kill tool=echo
        tell tasks/cancel
        record outcome echo killed nothing unknown contained
        >> TASKS
        record notice message tasks/list
        upstream TASKS
        << 200 json TASKS_ALL
        client 200 TASKS_NONE
        """,
        id="kill-of-a-tool-takes-its-tasks-off-the-list",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << stream
        client begins 200
        << event RESULT id=7
        record outcome echo completed answer done ok
        client hears RESULT
        << end
        client ends
        !!! kill tool=echo
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event RESULT id=7
        record notice withheld result contained
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="kill-of-a-tool-keeps-back-what-is-sent-again",
    ),
    pytest.param(
        """
        while noting:task kill tool=echo
        >> TASK_CALL era=2025-11-25
        record intent tools/call echo granted
        upstream TASK_CALL
        << hang
        !! gone
        record notice detached client_gone
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event TASK_V1
        record notice task
        record outcome echo killed nothing unknown contained
        tell tasks/cancel
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="kill-of-a-tool-that-comes-while-its-call-becomes-a-task",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record notice detached client_gone
        !! later 301
        >> PING era=2025-11-25
        record outcome echo unknown nothing unknown no_answer_in_time
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event PONG
        client hears PONG
        << end
        client ends
        !!! kill tool=echo
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event RESULT
        record notice unexpected_answer result
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="kill-of-a-tool-stops-an-answer-that-nobody-waits-for-any-more",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        !! later 604801
        record outcome echo unknown nothing unknown no_answer_in_time
        >> GET_T1
        record refusal tasks/get task_not_found
        client 200 2 error -32602 task_not_found
        """,
        id="a-task-is-forgotten",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> TASKS
        record notice message tasks/list
        upstream TASKS
        << 200 json TASKS_ALL
        client 200 TASKS_MINE
        >> TASKS by=bob
        record notice message tasks/list
        upstream TASKS
        << 200 json TASKS_ALL
        client 200 TASKS_NONE
        """,
        id="a-list-of-tasks-shows-ones-own",
    ),
    pytest.param(
        """
        >> TASK_CALL era=2025-11-25
        record intent tools/call echo granted
        upstream TASK_CALL
        << hang
        !! gone
        record notice detached client_gone
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event TASK_V1
        record notice task
        client hears TASK_V1
        << event PONG
        client hears PONG
        << end
        client ends
        >> GET_T1 era=2025-11-25 by=bob
        record refusal tasks/get task_not_found
        client 200 2 error -32602 task_not_found
        >> RESULT_T1 era=2025-11-25
        record intent tasks/result tasks/result granted continues
        upstream RESULT_T1
        << 200 json T1_PAYLOAD
        record outcome echo completed answer done task_completed
        record outcome tasks/result completed answer done ok
        client 200 T1_PAYLOAD
        """,
        id="a-detached-call-goes-on-as-a-task",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record notice detached client_gone
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event TASK
        record notice task
        client hears TASK
        << event PONG
        client hears PONG
        << end
        client ends
        !!! kill
        tell tasks/cancel
        record outcome echo killed nothing unknown contained
        """,
        id="kill-ends-the-task-of-a-detached-call",
    ),
    pytest.param(
        """
        >> TASK_CALL era=2025-11-25
        record intent tools/call echo granted
        upstream TASK_CALL
        << hang
        !! gone
        record notice detached client_gone
        !! later 301
        >> PING era=2025-11-25
        record outcome echo unknown nothing unknown no_answer_in_time
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event TASK_V1
        record notice task
        client hears TASK_V1
        << event PONG
        client hears PONG
        << end
        client ends
        >> GET_T1 era=2025-11-25 by=bob
        record refusal tasks/get task_not_found
        client 200 2 error -32602 task_not_found
        >> RESULT_T1 era=2025-11-25
        record intent tasks/result tasks/result granted continues
        upstream RESULT_T1
        << 200 json T1_PAYLOAD
        record late echo
        record outcome tasks/result completed answer done ok
        client 200 T1_PAYLOAD
        """,
        id="a-task-that-is-named-after-five-minutes-ends-late",
    ),
    pytest.param(
        """
        >> TASK_CALL era=2025-11-25
        record intent tools/call echo granted
        upstream TASK_CALL
        << hang
        !! gone
        record notice detached client_gone
        !! later 301
        >> PING era=2025-11-25
        record outcome echo unknown nothing unknown no_answer_in_time
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event TASK_V1
        record notice task
        client hears TASK_V1
        << event PONG
        client hears PONG
        << end
        client ends
        !!! kill
        tell tasks/cancel
        """,
        id="kill-cancels-a-task-whose-call-has-its-outcome",
    ),
    pytest.param(
        """
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record notice detached client_gone
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event TASK_V1_LIKE
        record outcome echo completed answer done ok
        client hears TASK_V1_LIKE
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="a-late-task-that-nobody-asked-for-is-a-result",
    ),
    pytest.param(
        """
        >> CALL by=bob
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> CALL era=2025-11-25
        record intent tools/call echo granted
        upstream CALL
        << hang
        !! gone
        record notice detached client_gone
        >> PING era=2025-11-25
        record notice message ping
        upstream PING
        << stream
        client begins 200
        << event TASK
        record outcome echo failed own_error unknown task_not_found
        client hears 1 isError task_not_found
        << event PONG
        client hears PONG
        << end
        client ends
        """,
        id="cross-talk-a-late-answer-names-the-task-of-another-caller",
    ),
    pytest.param(
        """
        two tenants
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> CALL by=stranger
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record outcome echo failed own_error unknown task_not_found
        client 200 1 isError task_not_found
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_DONE
        record outcome echo completed answer done task_completed
        record outcome tasks/get completed answer done ok
        client 200 T1_DONE
        """,
        id="cross-talk-a-task-is-not-handed-over-to-another-tenant",
    ),
    pytest.param(
        """
        two tenants
        >> CALL by=stranger
        record intent tools/call echo granted
        upstream CALL
        << 200 json TASK
        record notice task
        client 200 TASK
        >> GET_T1
        record refusal tasks/get task_not_found
        client 200 2 error -32602 task_not_found
        >> LISTEN
        record intent subscriptions/listen subscriptions/listen granted
        upstream LISTEN
        << stream
        client begins 200
        << event TASK_V2_NOTE
        record notice withheld notifications/tasks task_not_found
        << end
        record outcome subscriptions/listen completed answer none stream_ended
        client ends
        """,
        id="cross-talk-a-notification-about-the-task-of-another-tenant",
    ),
]


ROUNDS = [
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS_STATE
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        record notice input_required
        client 200 ASKS_STATE
        >> GOES_ON
        record intent tools/call echo granted continues
        upstream GOES_ON
        << 200 json RESULT2
        record outcome echo completed answer done ok
        record outcome echo completed answer done continued
        client 200 RESULT2
        """,
        id="a-round-of-input-ends-with-the-call-that-goes-on",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        record notice input_required
        client 200 ASKS
        >> GOES_ON_BARE
        record intent tools/call echo granted continues
        upstream GOES_ON_BARE
        << 200 json RESULT2
        record outcome echo completed answer done ok
        record outcome echo completed answer done continued
        client 200 RESULT2
        """,
        id="a-round-without-a-state-is-known-by-its-questions",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS_STATE
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        record notice input_required
        client 200 ASKS_STATE
        >> GOES_ON by=bob
        record intent tools/call echo granted
        upstream GOES_ON
        << 200 json RESULT2
        record outcome echo completed answer done ok
        client 200 RESULT2
        >> GOES_ON_FORGED
        record intent tools/call echo granted
        upstream GOES_ON_FORGED
        << 200 json RESULT2
        record outcome echo completed answer done ok
        client 200 RESULT2
        !!! later 3601
        record outcome echo cancelled answer unknown not_continued
        """,
        id="cross-talk-nobody-else-goes-on-with-a-call",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS_STATE
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        record notice input_required
        client 200 ASKS_STATE
        !!! later 3000
        >> GOES_ON
        record intent tools/call echo granted continues
        upstream GOES_ON
        << 200 json ASKS_AGAIN
        record notice input_required
        client 200 ASKS_AGAIN
        !!! later 3000
        >> GOES_ON_AGAIN
        record intent tools/call echo granted continues
        upstream GOES_ON_AGAIN
        << 200 json TOOL_ERROR
        record outcome echo failed answer unknown tool_error
        record outcome echo failed answer unknown continued
        record outcome echo failed answer unknown continued
        client 200 TOOL_ERROR
        """,
        id="many-rounds-end-together",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS_STATE
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        record notice input_required
        client 200 ASKS_STATE
        >> GOES_ON
        record intent tools/call echo granted continues
        upstream GOES_ON
        << 200 json ASKS_AGAIN
        record notice input_required
        client 200 ASKS_AGAIN
        >> GOES_ON_AGAIN
        record intent tools/call echo granted continues
        upstream GOES_ON_AGAIN
        << 200 json ASKS_STATE
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        record notice input_required
        client 200 ASKS_STATE
        !!! later 3601
        record outcome echo cancelled answer unknown not_continued
        record outcome echo cancelled answer unknown continued
        record outcome echo cancelled answer unknown continued
        """,
        id="many-rounds-that-nobody-goes-on-with",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS_STATE
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        record notice input_required
        client 200 ASKS_STATE
        !!! kill
        record outcome echo killed nothing unknown contained
        """,
        id="kill-ends-a-round",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS_STATE
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        record notice input_required
        client 200 ASKS_STATE
        >> CALL_ECHO2
        record intent tools/call echo granted
        upstream CALL_ECHO2
        << 200 json ASKS_STATE_2
        record notice input_required
        client 200 ASKS_STATE_2
        !!! later 3599
        >> GOES_ON
        record intent tools/call echo granted continues
        upstream GOES_ON
        << 200 json RESULT2
        record outcome echo completed answer done ok
        record outcome echo completed answer done continued
        client 200 RESULT2
        !!! later 2
        record outcome echo cancelled answer unknown not_continued
        """,
        id="two-calls-with-one-state-end-one-by-one",
    ),
    pytest.param(
        """
        >> CALL
        record intent tools/call echo granted
        upstream CALL
        << 200 json ASKS_STATE
        record intent server's elicitation/create elicitation/create granted
        record outcome elicitation/create completed answer unknown delivered
        record notice input_required
        client 200 ASKS_STATE
        >> GOES_ON
        record intent tools/call echo granted continues
        upstream GOES_ON
        << stream
        client begins 200
        << event T_FROM_GOES_ON
        record notice task
        client hears T_FROM_GOES_ON
        << end
        client ends
        !!! later 7200
        >> GET_T1
        record intent tasks/get tasks/get granted continues
        upstream GET_T1
        << 200 json T1_DONE
        record outcome echo completed answer done task_completed
        record outcome echo completed answer done continued
        record outcome tasks/get completed answer done ok
        client 200 T1_DONE
        """,
        id="a-round-whose-call-became-a-task-waits-for-the-task",
    ),
]


@pytest.mark.parametrize(
    "text", [*ALLOWED, *REFUSED, *ORDERS, *GONE, *FAILED, *BATCHES, *SERVER, *LISTS, *SPOOL, *TASKS, *ROUNDS]
)
async def test_transcript(text: str, tmp_path: Path) -> None:
    came, expected = await perform(text, tmp_path)
    assert came == expected
