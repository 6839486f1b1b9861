"""Header and body mismatch: nobody on the way may be led to decide by a header that is not what is executed."""

import base64
from collections.abc import Iterator

from tests.attacks.exchanges import HttpRow
from tests.attacks.gates import ALICE, BOB
from tests.path.messages import batch, call, request

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
CALL = request(1, "tools/call", name="echo", arguments={}, _meta=META)
REGION = request(1, "tools/call", name="echo", arguments={"region": "eu"}, _meta=META)
BREAKING = "eu\r\nAuthorization: Bearer stolen"
BROKEN = request(1, "tools/call", name="echo", arguments={"region": BREAKING}, _meta=META)
LIST = request(1, "tools/list", _meta=META)
READ = request(1, "resources/read", uri="file:///srv/a", _meta=META)
TASK = request(1, "tasks/get", taskId="t1", _meta=META)
LEGACY = call(1, "echo")
V, M, N = "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: echo"


def _wrapped(text: str) -> str:
    return "=?base64?" + base64.b64encode(text.encode()).decode() + "?="


_ROWS = [
    ("no-headers", CALL, [], "header_version"),
    ("no-version", CALL, [M, N], "header_version"),
    ("older-version", CALL, ["MCP-Protocol-Version: 2025-11-25", M, N], "header_version"),
    ("version-with-more", CALL, ["MCP-Protocol-Version: 2026-07-28-x", M, N], "header_version"),
    ("version-a-number-in-the-body", CALL.replace(b'"2026-07-28"', b"20260728"), [V, M, N], "header_version"),
    ("version-doubled", CALL, [V, V, M, N], "header_doubled"),
    ("no-method", CALL, [V, N], "header_method"),
    ("another-method", CALL, [V, "Mcp-Method: tools/list", N], "header_method"),
    ("method-in-capitals", CALL, [V, "Mcp-Method: Tools/Call", N], "header_method"),
    ("method-doubled", CALL, [V, M, "Mcp-Method: tools/list", N], "header_doubled"),
    ("method-doubled-in-one", CALL, [V, "Mcp-Method: tools/call, tools/list", N], "header_method"),
    ("method-encoded", CALL, [V, f"Mcp-Method: {_wrapped('tools/call')}", N], "header_method"),
    ("no-name", CALL, [V, M], "header_name"),
    ("another-name", CALL, [V, M, "Mcp-Name: drop"], "header_name"),
    ("name-in-capitals", CALL, [V, M, "Mcp-Name: ECHO"], "header_name"),
    ("name-doubled", CALL, [V, M, N, "Mcp-Name: drop"], "header_doubled"),
    ("name-doubled-same", CALL, [V, M, N, "mcp-name: echo"], "header_doubled"),
    ("name-doubled-in-one", CALL, [V, M, "Mcp-Name: echo, drop"], "header_name"),
    ("name-empty", CALL, [V, M, "Mcp-Name:"], "header_name"),
    ("name-quoted", CALL, [V, M, 'Mcp-Name: "echo"'], "header_name"),
    ("name-percent-encoded", CALL, [V, M, "Mcp-Name: %65cho"], "header_name"),
    ("name-not-ascii", CALL, [V, M, "Mcp-Name: \u00e9cho"], "header_malformed"),
    ("name-with-a-tab", CALL, [V, M, "Mcp-Name: ec\tho"], "header_malformed"),
    ("name-base64-empty", CALL, [V, M, "Mcp-Name: =?base64??="], "header_name"),
    ("name-base64-of-another", CALL, [V, M, f"Mcp-Name: {_wrapped('drop')}"], "header_name"),
    ("name-base64-unpadded", CALL, [V, M, "Mcp-Name: =?base64?ZWNobw?="], "header_base64"),
    ("name-base64-loose-bits", CALL, [V, M, "Mcp-Name: =?base64?ZWNobx==?="], "header_base64"),
    ("name-base64-with-a-blank", CALL, [V, M, "Mcp-Name: =?base64?ZWNo bw==?="], "header_base64"),
    ("name-base64-url-alphabet", CALL, [V, M, "Mcp-Name: =?base64?_-8=?="], "header_base64"),
    ("name-base64-not-utf-8", CALL, [V, M, "Mcp-Name: =?base64?/w==?="], "header_base64"),
    ("name-base64-twice", CALL, [V, M, f"Mcp-Name: {_wrapped(_wrapped('echo'))}"], "header_name"),
    ("uri-differs", READ, [V, "Mcp-Method: resources/read", "Mcp-Name: file:///srv/b"], "header_name"),
    ("task-named-by-another-member", TASK.replace(b'"taskId"', b'"name":"t2","taskId"'),
     [V, "Mcp-Method: tasks/get", "Mcp-Name: t2"], "header_name"),
    ("task-differs", TASK, [V, "Mcp-Method: tasks/get", "Mcp-Name: t2"], "header_name"),
    ("legacy-method-differs", LEGACY, ["Mcp-Method: ping"], "header_method"),
    ("legacy-name-differs", LEGACY, ["Mcp-Name: drop"], "header_name"),
    ("legacy-second-of-a-batch-differs", batch(LEGACY, call(2, "drop")), ["Mcp-Name: echo"], "header_name"),
    ("session-doubled", LEGACY, ["Mcp-Session-Id: a", "Mcp-Session-Id: b"], "header_doubled"),
    ("token-doubled", LEGACY, [f"Authorization: Bearer {ALICE}", f"Authorization: Bearer {BOB}"], "header_doubled"),
    ("token-doubled-same", LEGACY, [f"Authorization: Bearer {ALICE}"] * 2, "header_doubled"),
    ("event-id-doubled", LEGACY, ["Last-Event-ID: 1", "Last-Event-ID: 2"], "header_doubled"),
    ("param-differs", REGION, [V, M, N, "Mcp-Param-Region: us"], "header_param"),
    ("param-doubled", REGION, [V, M, N, "Mcp-Param-Region: eu", "mcp-param-region: us"], "header_doubled"),
    ("param-without-an-argument", CALL, [V, M, N, "Mcp-Param-Region: eu"], "header_param"),
    ("param-broken-base64", REGION, [V, M, N, "Mcp-Param-Region: =?base64?%%%?="], "header_base64"),
    ("param-breaks-the-line", REGION, [V, M, N, f"Mcp-Param-Region: {_wrapped(BREAKING)}"], "header_param"),
]  # fmt: skip
_FRAMED = [
    ("folded-name", ["Mcp-Name: ec\r\n ho"]),
    ("folded-param", ["Mcp-Param-Region: eu\r\n\tus"]),
    ("bare-cr", ["Mcp-Name: echo\rMcp-Method: x"]),
    ("bare-nul", ["Mcp-Name: echo\0"]),
    ("blank-before-the-colon", ["Mcp-Name : echo"]),
    ("blank-before-the-name", [" Mcp-Name: echo"]),
    ("no-colon", ["Mcp-Name"]),
    ("empty-header-name", [": echo"]),
]


def rows() -> Iterator[HttpRow]:
    """Every row of the class."""
    yield HttpRow("mirror/the-schema-is-learned", 200, body=LEGACY, arrives=[LEGACY], passes=True)
    for name, body, headers, code in _ROWS:
        yield HttpRow(f"mirror/{name}", 400, code, body=body, headers=headers)
    for name, headers in _FRAMED:
        yield HttpRow(f"mirror/{name}", 400, body=CALL, headers=[V, M, *headers])
    both = [f"Authorization: Bearer {ALICE}", f"Authorization: Bearer {BOB}"]
    for method in ("GET", "DELETE"):
        yield HttpRow(f"mirror/token-doubled-on-{method.lower()}", 400, "header_doubled", headers=both, method=method)
    same = [V, M, N, f"Mcp-Param-Region: {_wrapped(BREAKING)}"]
    yield HttpRow(
        "mirror/passes-a-line-break-as-base64-only", 200, body=BROKEN, headers=same, arrives=[BROKEN], passes=True
    )
    yield HttpRow(
        "mirror/passes-base64",
        200,
        body=CALL,
        headers=[V, M, f"Mcp-Name: {_wrapped('echo')}"],
        arrives=[CALL],
        passes=True,
    )
    yield HttpRow(
        "mirror/passes-a-list", 200, body=LIST, headers=[V, "Mcp-Method: tools/list"], arrives=[LIST], passes=True
    )
