"""Which headers pass, in both directions."""

import pytest

from proxy.wire.headers import forwarded, returned

NOTHING: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    "name",
    ["Accept", "Content-Type", "MCP-Protocol-Version", "Mcp-Session-Id", "Mcp-Method", "Mcp-Name", "mcp-param-region",
     "Last-Event-ID", "Origin", "User-Agent", "traceparent", "tracestate", "baggage"],
)  # fmt: skip
def test_forwarded_by_default(name: str) -> None:
    assert forwarded([(name, "x")], extra=NOTHING, passthrough_auth=False) == [(name, "x")]


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Cookie", "Host", "Connection", "Transfer-Encoding", "Content-Length", "Content-Encoding", "TE",
     "Upgrade", "Proxy-Authorization", "Accept-Encoding", "X-Forwarded-For", "Expect", "X-Api-Key"],
)  # fmt: skip
def test_not_forwarded_by_default(name: str) -> None:
    assert forwarded([(name, "x")], extra=NOTHING, passthrough_auth=False) == []


def test_authorization_passes_by_its_own_setting_only() -> None:
    given = [("Authorization", "Bearer x")]
    assert forwarded(given, extra=frozenset(("authorization",)), passthrough_auth=False) == []
    assert forwarded(given, extra=NOTHING, passthrough_auth=True) == given


def test_configured_headers_pass_but_never_those_of_one_connection() -> None:
    given = [("X-Team", "a"), ("Transfer-Encoding", "chunked"), ("x-team", "b")]
    extra = frozenset(("x-team", "transfer-encoding"))
    assert forwarded(given, extra=extra, passthrough_auth=False) == [("X-Team", "a"), ("x-team", "b")]
    assert returned(given, extra=extra) == [("X-Team", "a"), ("x-team", "b")]


def test_headers_that_connection_names_are_dropped() -> None:
    given = [("Connection", "close, Mcp-Name"), ("Mcp-Name", "x"), ("Mcp-Method", "y")]
    assert forwarded(given, extra=NOTHING, passthrough_auth=False) == [("Mcp-Method", "y")]


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        pytest.param("Content-Type", True, id="content type"),
        pytest.param("Mcp-Session-Id", True, id="session"),
        pytest.param("Cache-Control", True, id="cache"),
        pytest.param("X-Accel-Buffering", True, id="buffering"),
        pytest.param("WWW-Authenticate", True, id="challenge"),
        pytest.param("Retry-After", True, id="retry"),
        pytest.param("Allow", True, id="allow"),
        pytest.param("Access-Control-Allow-Origin", True, id="cors"),
        pytest.param("Set-Cookie", False, id="cookie"),
        pytest.param("Server", False, id="server"),
        pytest.param("Content-Encoding", False, id="encoding"),
        pytest.param("Location", False, id="redirect"),
    ],
)
def test_returned_by_default(name: str, passes: bool) -> None:  # noqa: FBT001
    assert returned([(name, "x")], extra=NOTHING) == ([(name, "x")] if passes else [])


@pytest.mark.parametrize(
    ("given", "passes"),
    [
        pytest.param("text/event-stream", "text/event-stream", id="none"),
        pytest.param("Text/Event-Stream; Charset=UTF-8", "Text/Event-Stream; Charset=UTF-8", id="utf-8-as-spelled"),
        pytest.param('application/json;charset="utf-8"; x=y', 'application/json;charset="utf-8"; x=y', id="quoted"),
        pytest.param("text/event-stream; charset=utf-7", "text/event-stream", id="utf-7"),
        pytest.param("Text/Event-Stream ;CHARSET=UTF-16; x=y", "text/event-stream", id="utf-16"),
        pytest.param("text/event-stream; charset=utf-8; charset=utf-7", "text/event-stream", id="two"),
        pytest.param("text/event-stream; charset*=utf-7''x", "text/event-stream", id="extended"),
        pytest.param("text/event-stream; charset = utf-7", "text/event-stream", id="blanks"),
    ],
)
def test_no_other_charset_is_returned(given: str, passes: str) -> None:
    assert returned([("content-type", given)], extra=NOTHING) == [("content-type", passes)]
