"""Rows that are one HTTP exchange: what an agent sends, what the upstream answers, what must come of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tests.attacks.gates import ALICE, Gate, Gates, request
from tests.attacks.row import PRINTED, check_refusal, refusals_in, shown
from tests.attacks.trail import recorded
from tests.attacks.upstream import Reply
from tests.attacks.wire import Answer, exchange

ANY: Final = "any"
"""A code of a row where one of several rules refuses first, and each of them is right."""

DRIP_SECONDS: Final = 0.0005

BESIDE: Final = 60
"""Characters that are shown of a body beside the headers that the row is about."""

UNNAMED: Final = frozenset(("host_missing", "host_not_allowed", "origin_not_allowed"))
"""Codes of refusals that come before anybody is identified: there is no chain that they could be recorded in."""


@dataclass(frozen=True, slots=True)
class HttpRow:
    """One exchange. `code` None: HTTP itself refuses, without a JSON-RPC answer that is ours.

    `raw` replaces the whole request (`%PORT%` stands for the sidecar's port), `dripped` sends it byte by byte;
    `answer` is what the upstream gives, `kind` the Content-Type that comes back, `arrives` the bodies that reach the
    upstream, in order; `lacks` must not stand in what comes back, `notes` must stand in a record; `alone` means that
    nothing follows the answer on its connection, `recorded` that evidence has the refusal.
    """

    name: str
    status: int
    code: str | None = None
    body: bytes = b""
    headers: Sequence[str] = ()
    method: str = "POST"
    path: str = "/files"
    token: str = ALICE
    raw: bytes = b""
    dripped: bool = False
    gate: Literal["open", "strict", "questioned"] = "open"
    answer: Reply | None = None
    arrives: Sequence[bytes] = ()
    returns: bytes | None = None
    kind: str | None = None
    lacks: Sequence[bytes] = ()
    alone: bool = False
    admin: bool = False
    recorded: bool = True
    notes: str = ""
    passes: bool = False
    said: str = ""

    @property
    def sent(self) -> str:
        """What is sent, from the bytes themselves where no words are given."""
        if self.said:
            return self.said
        if self.raw:
            return shown(self.raw)
        lines = " ".join(_line(line) for line in self.headers)
        if self.method == "POST" and self.path == "/files":
            body = shown(self.body, BESIDE if lines else PRINTED) if self.body else "an empty body"
            return " ".join(filter(None, (lines, body)))
        return " ".join(filter(None, (f"`{self.method} {self.path}`", lines)))

    @property
    def expected(self) -> str:
        """What must come of it, from the fields themselves."""
        parts = ["nothing" if self.status == 0 else f"HTTP {self.status}"]
        if self.code:
            parts.append("refused" if self.code == ANY else f"`{self.code}`")
        if self.kind:
            parts.append(f"as `{self.kind}`")
        if self.notes:
            parts.append(f"noted as `{self.notes}`")
        if self.lacks:
            parts.append("without " + ", ".join(shown(each) for each in self.lacks))
        if not self.passes:
            parts.append("arrives as it was sent" if self.arrives else "nothing arrives")
        parts += [f"then {shown(each)} arrives" for each in self.arrives[1:]]
        return ", ".join(parts)

    def play(self, gates: Gates) -> None:
        """Send it, and look at both ends and at the evidence."""
        gate: Gate = getattr(gates, self.gate)
        gate.fresh()
        if self.answer is not None:
            gate.upstream.answers(self.answer)
        found = self._exchange(gate)
        assert found.status == self.status, found
        assert gate.upstream.bodies == list(self.arrives)
        assert self.kind in (None, found.headers.get("content-type"))
        if self.returns is not None:
            assert found.body == self.returns
        assert [each for each in self.lacks if each in found.body] == []
        assert not self.alone or found.rest == b""
        self._check_code(gate, found)

    def _exchange(self, gate: Gate) -> Answer:
        port = gate.admin_port if self.admin else gate.port
        headers = [line.replace("%PORT%", str(port)) for line in self.headers]
        whole = request(self.method, self.path, self.body, headers, port=port, token=self.token)
        whole = self.raw.replace(b"%PORT%", b"%d" % port) or whole
        pieces = [whole[at : at + 1] for at in range(len(whole))] if self.dripped else [whole]
        found = exchange(port, pieces, method=self.method, pause=DRIP_SECONDS if self.dripped else 0.0)
        gate.answers.append(found.body)
        return found

    def _check_code(self, gate: Gate, found: Answer) -> None:
        """The answer names the code, and so does the evidence, under the same reference."""
        refused = refusals_in(found.body)
        records = gate.trail.more()
        assert self.notes in str(records), records
        if self.code is None:
            assert refused == [], found
            return
        assert refused, found
        code = refused[0]["code"] if self.code == ANY else self.code
        for each in refused:
            check_refusal(each, code)
        assert not self.recorded or code in UNNAMED or recorded(records, refused[0]["reference"], code)


def _line(line: str) -> str:
    return f"without `{line[1:]}`" if line.startswith("-") else shown(line.encode("latin-1"))
