"""Gateway bypass: whatever is not a configured path, a known leg and a granted call is denied."""

import json
from collections.abc import Iterator
from typing import Any

from tests.attacks.exchanges import HttpRow
from tests.path.messages import call, notification, request

CALL = call(1, "echo")
TOKEN = "/files/-/0123456789abcdef0123456789abcdef"

_ROUTES = {
    "root": "/",
    "star": "*",
    "unknown": "/unknown",
    "sole-path": "/mcp",
    "trailing-slash": "/files/",
    "below": "/files/tools",
    "double-slash": "//files",
    "dots": "/files/../files",
    "dots-outwards": "/other/../files",
    "dot": "/./files",
    "encoded": "/%66iles",
    "encoded-slashes": "/files%2f-%2ftoken",
    "encoded-dots": "/%2e%2e/files",
    "query": "/files?x=1",
    "fragment": "/files#x",
    "semicolon": "/files;x=1",
    "capitals": "/FILES",
    "nul": "/files%00",
    "backslash": "/files\\",
    "absolute-form": "http://127.0.0.1/files",
    "absolute-form-elsewhere": "http://169.254.169.254/latest/meta-data",
    "metrics": "/metrics",
    "ready": "/readyz",
    "well-known": "/.well-known/oauth-protected-resource",
    "sse": "/sse",
    "messages": "/messages",
    "legacy-of-nobody": "/nobody/-/token",
}
_METHODS = ("GET", "POST", "DELETE", "PUT", "OPTIONS", "PATCH", "HEAD")
_NO_LEG = ("PUT", "PATCH", "HEAD", "TRACE", "PROPFIND", "MKCOL", "LOCK", "SEARCH", "PURGE")
"""Methods that no path has."""

_SUBJECTS: dict[str, dict[str, Any]] = {
    "resources/read": {"uri": "file:///etc/passwd"},
    "resources/subscribe": {"uri": "file:///etc/passwd"},
    "prompts/get": {"name": "any"},
    "completion/complete": {"ref": {"type": "ref/prompt", "name": "any"}, "argument": {"name": "a", "value": "b"}},
    "subscriptions/listen": {"notifications": {"resourceSubscriptions": ["file:///etc/passwd"]}},
    "tasks/update": {"taskId": "t", "inputResponses": {}},
    "sampling/createMessage": {"messages": []},
    "elicitation/create": {"message": "?"},
    "roots/list": {},
}
_UNBEGUN = ("task_not_found", "`tasks/update` of a task that the agent has not begun: policy is not asked")
_UNKNOWN = (
    "tools/run", "tools/call ", " tools/call", "tools/call/", "Tools/Call", "TOOLS/CALL", "tools.call", "tools/call\0",
    "tools/c\u0430ll", "tools/call\u200b", "resources/write", "rpc.discover", "notifications/call", "admin/reload", "_",
)  # fmt: skip


_TWO_SUBJECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "read-with-a-granted-name": ("resources/read", {"name": "file:///srv/a", "uri": "file:///etc/passwd"}),
    "read-with-a-granted-uri-second": ("resources/read", {"uri": "file:///etc/passwd", "name": "file:///srv/a"}),
    "read-by-name-alone": ("resources/read", {"name": "file:///srv/a"}),
    "subscribe-with-a-granted-name": ("resources/subscribe", {"name": "file:///srv/a", "uri": "file:///etc/passwd"}),
    "call-by-uri": ("tools/call", {"uri": "echo"}),
    "call-by-task": ("tools/call", {"taskId": "echo"}),
    "call-with-a-granted-uri": ("tools/call", {"name": "drop", "uri": "echo"}),
    "call-by-a-number-and-a-uri": ("tools/call", {"name": 1, "uri": "echo"}),
    "complete-with-a-granted-name": (
        "completion/complete",
        {
            "ref": {"type": "ref/resource", "name": "file:///srv/a", "uri": "file:///etc/{x}"},
            "argument": {"name": "x", "value": ""},
        },
    ),
    "complete-with-a-granted-uri": (
        "completion/complete",
        {"ref": {"type": "ref/prompt", "name": "any", "uri": "file:///srv/a"}, "argument": {"name": "x", "value": ""}},
    ),
}
"""Two members that name something, of which policy may only believe the one that the server goes by."""


def rows() -> Iterator[HttpRow]:
    """Every row of the class."""
    for route, path in _ROUTES.items():
        for method in _METHODS:
            if (path, method) != ("*", "OPTIONS"):
                status = 400 if path == "*" else 404
                yield HttpRow(f"bypass/{route}-{method.lower()}", status, body=_body(method), method=method, path=path)
    yield HttpRow("bypass/star-options", 404, method="OPTIONS", path="*")
    for method in _NO_LEG:
        for leg, path in (("upstream", "/files"), ("message-endpoint", TOKEN)):
            yield HttpRow(f"bypass/{leg}-{method.lower()}", 405, method=method, path=path)
    for method in ("GET", "DELETE"):
        yield HttpRow(f"bypass/message-endpoint-{method.lower()}", 405, method=method, path=TOKEN)
    yield HttpRow("bypass/message-endpoint-of-nobody", 404, "session_not_found", body=CALL, path=TOKEN, recorded=False)
    yield HttpRow("bypass/connect", 405, method="CONNECT", path="evil.example:443", headers=["Host: evil.example:443"])
    yield from _tokens()
    yield from _methods()


def _body(method: str) -> bytes:
    return CALL if method == "POST" else b""


def _tokens() -> Iterator[HttpRow]:
    """Nobody is anonymous where tokens are configured."""
    for name, headers in (
        ("no-token", ["-Authorization"]),
        ("wrong-token", ["Authorization: Bearer wrong"]),
        ("empty-token", ["Authorization: Bearer "]),
        ("token-without-scheme", ["Authorization: alice-canary-token"]),
        ("another-scheme", ["Authorization: Basic YWxpY2UtY2FuYXJ5LXRva2Vu"]),
        ("hash-for-token", ["Authorization: Bearer 6b9df6f2a4e1a6b7"]),
        ("token-in-the-query", ["-Authorization", "X-Token: alice-canary-token"]),
    ):
        for method, path in (("POST", "/files"), ("GET", "/files"), ("DELETE", "/files"), ("POST", TOKEN)):
            leg = "message-endpoint" if path == TOKEN else method.lower()
            yield HttpRow(f"bypass/{leg}-{name}", 401, body=_body(method), headers=headers, method=method, path=path)


def _methods() -> Iterator[HttpRow]:
    """Every method that policy decides, known or not: the starter policy says no."""
    for method, params in _SUBJECTS.items():
        body = request(1, method, **params)
        code, said = _UNBEGUN if method == "tasks/update" else ("not_granted", "")
        yield HttpRow(f"bypass/method-{method}", 200, code, body=body, gate="strict", said=said)
    for number, method in enumerate(_UNKNOWN):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": "echo"}}).encode()
        yield HttpRow(f"bypass/unknown-method-{number + 1}", 200, "method_unknown", body=body, gate="strict")
    for name, body in (
        ("call", notification("tools/call", name="drop", arguments={})),
        ("unknown", notification("no/such")),
        ("read", notification("resources/read", uri="file:///etc/passwd")),
    ):
        yield HttpRow(f"bypass/denied-notification-{name}", 202, body=body, gate="strict")
    for name, (method, given) in _TWO_SUBJECTS.items():
        yield HttpRow(f"bypass/{name}", 200, "not_granted", body=request(1, method, **given), gate="strict")
    for name, spelled in (("list", b'["echo"]'), ("nothing", b"{}"), ("a-number", b'{"name":1}')):
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%b}' % spelled
        yield HttpRow(f"bypass/call-by-{name}", 200, "not_granted", body=body, gate="strict")
    yield HttpRow("bypass/another-upstream", 200, "not_granted", body=CALL, path="/other", gate="strict")
    yield HttpRow("bypass/passes-granted", 200, body=CALL, gate="strict", arrives=[CALL], passes=True)
