"""Writes what docs/path.md takes from the code: the path itself, the methods, the refusals, the strict rules.

    python scripts/generate_path.py           rewrite the marked parts
    python scripts/generate_path.py --check   exit 1 if they are not what the code says

A part stands between `<!-- made: NAME -->` and `<!-- end: NAME -->`.
"""

import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from evidence.journal import NoRoom
from policy.containment import Contained, Order, Scope
from policy.decision import ApprovalNeeded, ApprovalRejected, Denied, LimitReached, ObligationUnmet
from policy.engine import EngineTimeout
from policy.methods import CLIENT_METHODS, SERVER_METHODS
from policy.reasons import POLICY_REASONS
from policy.vocabulary import Decision, Effect
from proxy import pipeline, refusals
from proxy.refusals import (
    BadAnswer,
    Busy,
    NoSuchApproval,
    NoSuchSession,
    NoSuchTask,
    NumberNotExact,
    Refusal,
    explain,
    message_answer,
)
from proxy.vocabulary import UpstreamDown
from proxy.wire.message import Message, read_client
from proxy.wire.rules import Malformed, Rule, rules_table
from scripts.made_page import keep

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "path.md"
REFERENCE: Final = "5d493adb2ca231199eb60e395b19e0f1"


def _decision(effect: Effect, reason: str) -> Decision:
    message = POLICY_REASONS[reason]
    return Decision("2951f2cd6c319f1d6940b76f9ba00f3c", effect, reason, message, (), {}, "embedded", {}, signed=False)


SAMPLES: Final[Mapping[str, Exception]] = {
    "Malformed": Malformed(Rule.DUPLICATE_KEY),
    "NumberNotExact": NumberNotExact(("100.00000000000000000001",)),
    "Contained": Contained(Order(7, "kill", Scope(agent="demo"), "", "", "")),
    "Denied": Denied(_decision("deny", "not_granted")),
    "ApprovalNeeded": ApprovalNeeded(_decision("require_approval", "approval_required")),
    "ApprovalRejected": ApprovalRejected(_decision("require_approval", "approval_required"), "0"),
    "ObligationUnmet": ObligationUnmet(_decision("allow", "granted"), "redact"),
    "LimitReached": LimitReached(_decision("allow", "granted"), "pay"),
    "CannotDecide": EngineTimeout(""),
    "NotRecorded": NoRoom(""),
    "Busy": Busy("too_many_in_flight", ""),
    "NoSuchSession": NoSuchSession(),
    "NoSuchTask": NoSuchTask(),
    "NoSuchApproval": NoSuchApproval(),
    "UpstreamDown": UpstreamDown("files", "", written=False),
    "BadAnswer": BadAnswer("unexpected_answer", ""),
}
"""One of each kind that refusals.py names; the page has one row for each, and a kind without a sample fails here."""


def path() -> str:
    """The lines of the path, as they run."""
    source = textwrap.dedent(inspect.getsource(pipeline._Passing.along))  # noqa: SLF001  (the very lines are quoted)
    return f"```python\n{source}```\n"


def messages() -> str:
    """Every method of every revision, and how a message of it is treated in either direction."""
    rows = [
        f"| `{method}` | {CLIENT_METHODS.get(method, '')} | {SERVER_METHODS.get(method, '')} |\n"
        for method in dict.fromkeys((*CLIENT_METHODS, *SERVER_METHODS))
    ]
    return "| method | from the client | from the server |\n| --- | --- | --- |\n" + "".join(rows)


def refused() -> str:
    """Each kind of refusal, and what the client gets for it."""
    head = "| raised | when | code, such as | JSON-RPC | HTTP | `tools/call` gets | other requests get |\n"
    return head + "| --- " * 7 + "|\n" + "".join(_refusal_row(kind, when) for kind, when in _kinds())


def _kinds() -> Iterator[tuple[str, str]]:
    """The rows of the docstring of refusals.py: kind and meaning."""
    rows = re.findall(r"^    (\w+) {2,}\w+ {2,}(\S.*?) {2,}", refusals.__doc__ or "", re.MULTILINE)
    if {kind for kind, _ in rows} != SAMPLES.keys():
        raise SystemExit("proxy/refusals.py names other kinds than scripts/generate_path.py has samples of")
    yield from rows


def _refusal_row(kind: str, when: str) -> str:
    refusal = explain(SAMPLES[kind])
    called, read = (_shape(refusal, method) for method in ("tools/call", "resources/read"))
    return f"| `{kind}` | {when} | `{refusal.code}` | {refusal.rpc} | {refusal.status} | {called} | {read} |\n"


def _shape(refusal: Refusal, method: str) -> str:
    answer = json.loads(message_answer(_request(method), refusal, REFERENCE) or b"{}")
    return "a result, `isError`" if "result" in answer else f"an error, {answer['error']['code']}"


def examples() -> str:
    """A denial in both forms, whole."""
    refusal = explain(SAMPLES["Denied"])
    return "".join(_example(method, refusal) for method in ("tools/call", "resources/read"))


def _example(method: str, refusal: Refusal) -> str:
    answer = json.loads(message_answer(_request(method), refusal, REFERENCE) or b"{}")
    return f"`{method}`:\n\n```json\n{json.dumps(answer, indent=2)}\n```\n\n"


def _request(method: str) -> Message:
    raw = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}).encode()
    return read_client(raw, limit=len(raw)).messages[0]


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "path": path,
    "messages": messages,
    "refusals": refused,
    "examples": examples,
    "rules": rules_table,
}


def made(text: str) -> str:
    """The page with every marked part made anew."""
    for name, part in PARTS.items():
        begin, end = f"<!-- made: {name} -->\n", f"<!-- end: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise SystemExit(f"{PAGE.name} has no part {name}")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{part()}{end}{rest.partition(end)[2]}"
    return text


def main() -> int:
    """Exit code 1 with --check if the page differs."""
    return keep(PAGE, made(PAGE.read_text("utf-8")))


if __name__ == "__main__":
    sys.exit(main())
