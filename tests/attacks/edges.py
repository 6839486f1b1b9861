"""Header and body mismatch at the edges of a name: which blanks are part of it, and which are not."""

from collections.abc import Iterator
from typing import Final

from tests.attacks.exchanges import HttpRow
from tests.attacks.mirrors import CALL, META, M, N, V
from tests.path.messages import request

BLANK: Final = request(1, "tools/call", name="echo ", arguments={}, _meta=META)
_AROUND: Final = {"a-blank-behind": "echo ", "blanks-before": "   echo", "tabs-around": "\techo\t"}
"""Blanks and tabs around the value of a header are no part of it (RFC 9110, section 5.5)."""


def _utf8(line: str) -> str:
    """A line that goes out as UTF-8."""
    return line.encode().decode("latin-1")


_ROWS: Final = [
    ("name-with-a-no-break-space-behind", CALL, _utf8("Mcp-Name: echo\u00a0"), "header_edge_space"),
    ("name-with-an-em-space-before", CALL, _utf8("Mcp-Name: \u2003echo"), "header_edge_space"),
    ("name-with-a-blank-in-the-body", BLANK, N, "header_name"),
    ("name-with-a-blank-in-both", BLANK, "Mcp-Name: echo ", "header_name"),
]


def rows() -> Iterator[HttpRow]:
    """Every row."""
    for name, body, line, code in _ROWS:
        yield HttpRow(f"mirror/{name}", 400, code, body=body, headers=[V, M, line])
    for name, value in _AROUND.items():
        yield HttpRow(
            f"mirror/passes-name-with-{name}",
            200,
            body=CALL,
            headers=[V, M, f"Mcp-Name:{value}"],
            arrives=[CALL],
            passes=True,
        )
    wrapped = "Mcp-Name: =?base64?ZWNobyA=?="
    yield HttpRow(
        "mirror/passes-a-blank-as-base64", 200, body=BLANK, headers=[V, M, wrapped], arrives=[BLANK], passes=True
    )
