"""What rows are played against: sidecars with a recording upstream behind each, started once and kept for all rows.

open      policy allows everything, so that only the row's own refusal can keep a message back
strict    the starter policy, with a grant for one tool
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.attacks.pipes import Wrapped, wrapped
from tests.attacks.trail import Trail
from tests.attacks.upstream import Upstream, upstream
from tests.attacks.wire import Answer, exchange
from tests.peers.places import AGENTGATE
from tests.peers.processes import free_port, running
from tests.peers.sidecar import Folders, Sidecar

if TYPE_CHECKING:
    from tests.attacks.planes import Asking

ALICE, BOB, TWIN = "alice-canary-token", "bob-canary-token", "twin-canary-token"
"""Alice and Bob are of one tenant; the twin has Alice's name in another one."""

CANARY: Final = "canary-5ecr3t-of-the-upstream"
MESSAGE_BYTES: Final = 1 << 16
ANSWER_BYTES: Final = 1 << 16
HEADER_BYTES: Final = 4096
IN_FLIGHT: Final = 8
OPEN_STREAMS: Final = 4

_TOKENS: Final = {
    ALICE: ("acme", "alice", "alice@example.org"),
    BOB: ("acme", "bob", None),
    TWIN: ("beta", "alice", None),
}
_GRANTS: Final[list[dict[str, Any]]] = [
    {"tenant": "acme", "upstream": "files", "tool": "echo"},
    {"upstream": "files", "tool": "refund", "arguments": {"amount": {"max": 100, "min": 0}}, "closed": True},
    {"upstream": "files", "tool": "read", "arguments": {"path": {"under": ["/srv"]}}, "closed": True},
    {"upstream": "files", "method": "resources/read", "name": "file:///srv/*"},
]


COUNTING: Final = """package agentgate

default decision := {"effect": "deny", "reason": "not_listed"}

decision := {"effect": "deny", "reason": "too_many_denials"} if {
	input.session.denials - 0 >= 2
} else := {"effect": "allow", "reason": "listed"} if {
	input.call.name == "echo"
}

listing := {"hide": []}
"""


@dataclass(slots=True)
class Gate:
    """One sidecar, its upstream, and the trail of its evidence."""

    sidecar: Sidecar
    admin_port: int
    upstream: Upstream
    trail: Trail
    answers: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where agents connect."""
        return self.sidecar.port

    @property
    def folders(self) -> Folders:
        """State and evidence."""
        return self.sidecar.folders

    def fresh(self) -> None:
        """Before a row: nothing has reached the upstream, and older records are set aside."""
        self.upstream.fresh()
        self.trail.more()

    def raw(self, *pieces: bytes, method: str = "POST", pause: float = 0.0) -> Answer:
        """Bytes on a connection of their own."""
        found = exchange(self.port, pieces, method=method, pause=pause)
        self.answers.append(found.body)
        return found

    def ask(
        self,
        body: bytes = b"",
        *headers: str,
        method: str = "POST",
        path: str = "/files",
        token: str = ALICE,
    ) -> Answer:
        """One request with what it needs; `-Name` among the headers leaves one out."""
        return self.raw(request(method, path, body, headers, port=self.port, token=token), method=method)


def request(
    method: str, path: str, body: bytes = b"", headers: Sequence[str] = (), *, port: int, token: str = ALICE
) -> bytes:
    """A request with Host, token and framing, unless `headers` say otherwise (`-Name` leaves one out)."""
    named = {line.partition(":")[0].strip().lower() for line in headers}
    given = {"Host": f"127.0.0.1:{port}", "Authorization": f"Bearer {token}", "Connection": "close"}
    if method == "POST":
        given |= {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if not named & {"content-length", "transfer-encoding"}:
        given["Content-Length"] = str(len(body))
    lines = [f"{name}: {value}" for name, value in given.items() if not named & {name.lower(), f"-{name.lower()}"}]
    lines += [line for line in headers if not line.startswith("-")]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines]).encode("latin-1") + b"\r\n\r\n" + body


class Gates:
    """The sidecars, each started when the first row asks for it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._numbers = count(1)

    @cached_property
    def open(self) -> Gate:
        """Policy allows everything."""
        return self._stack.enter_context(self.gate(policy="observe"))

    @cached_property
    def strict(self) -> Gate:
        """The starter policy with a few grants."""
        return self._stack.enter_context(self.gate(policy="starter", grants=_GRANTS))

    @cached_property
    def stopping(self) -> Gate:
        """Policy allows everything, and operators give orders."""
        return self._stack.enter_context(self.gate())

    @cached_property
    def stopped(self) -> Gate:
        """Policy allows everything, and one agent has been killed."""
        from tests.attacks.stopping import give

        gate = self._stack.enter_context(self.gate())
        give(gate, "kill", "--agent", "alice")
        return gate

    @cached_property
    def trusting(self) -> Gate:
        """The starter policy without a grant; the second upstream is trusted."""
        return self._stack.enter_context(self.gate(policy="starter", lines="trusted = true\n"))

    @cached_property
    def evidence(self) -> Folders:
        """What a sidecar left that has ended, after calls of which some were refused."""
        from tests.attacks.auditing import make

        return make(self)

    @cached_property
    def erring(self) -> Gate:
        """A policy that answers as a tool's name says, badly."""
        from tests.attacks.planes import write

        folder = self.folder()
        write(folder)
        return self._stack.enter_context(self.gate(policy=str(folder)))

    @cached_property
    def finding(self) -> Gate:
        """What only reads is allowed, unless something looks odd in its definition."""
        from tests.attacks.finding import folder_of

        return self._stack.enter_context(self.gate(policy=str(folder_of(self))))

    @cached_property
    def asking(self) -> "Asking":
        """A sidecar that asks a real OPA."""
        from tests.attacks.planes import asking

        return self._stack.enter_context(asking(self))

    @cached_property
    def authorizing(self) -> "Asking":
        """A sidecar that asks a real OPA, which answers questions only."""
        from tests.attacks.planes import asking

        return self._stack.enter_context(asking(self, "--authorization"))

    @cached_property
    def signing(self) -> Gate:
        """A policy from a signed bundle, of version 7."""
        from tests.attacks.bundles import signing
        from tests.policy.tampering import good

        return self._stack.enter_context(signing(self, good()))

    @cached_property
    def obliging(self) -> Gate:
        """A policy whose answers oblige the sidecar."""
        from tests.attacks.obliging import write

        folder = self.folder()
        write(folder)
        return self._stack.enter_context(self.gate(policy=str(folder)))

    def _deciding(self, policy: str) -> Gate:
        folder = self.folder()
        (folder / "policy.rego").write_text(policy)
        return self._stack.enter_context(self.gate(policy=str(folder)))

    @cached_property
    def deciding(self) -> Gate:
        """A policy that decides answers, too."""
        from tests.attacks.obliging import RESULTS

        return self._deciding(RESULTS)

    @cached_property
    def questioned(self) -> Gate:
        """A policy that lets servers ask their questions but for sampling, and looks at the answers."""
        from tests.attacks.inputs import POLICY

        return self._deciding(POLICY)

    @cached_property
    def pinned(self) -> Gate:
        """The tools of one upstream are pinned."""
        from tests.attacks.pinning import pinned

        return self._stack.enter_context(pinned(self, []))

    @cached_property
    def counting(self) -> Gate:
        """A policy of its own, which looks at how often the caller was denied."""
        return self._deciding(COUNTING)

    @cached_property
    def observing(self) -> Wrapped:
        """A wrap whose policy allows everything."""
        return self._stack.enter_context(wrapped(self.folder()))

    @cached_property
    def granting(self) -> Wrapped:
        """A wrap with the starter policy and a grant for one tool."""
        grants = [{"upstream": "files", "tool": "echo"}]
        return self._stack.enter_context(wrapped(self.folder(), policy="starter", grants=grants))

    def folder(self) -> Path:
        """A new folder."""
        made = self._folder / f"gate-{next(self._numbers)}"
        made.mkdir()
        return made

    @contextmanager
    def gate(
        self,
        *,
        policy: str = "observe",
        grants: Sequence[Mapping[str, Any]] = (),
        folder: Path | None = None,
        more: Sequence[str] = (),
        lines: str = "",
        sole: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[Gate]:
        """One more, for a row that needs its own; `lines` are added to its configuration, `sole` leaves tokens out."""
        place = folder or self.folder()
        admin = free_port()
        with upstream() as behind:
            settings = _settings(place, admin, behind.url, sole=sole) + lines
            (place / "agentgate.toml").write_text(settings)
            folders = Folders.under(place)
            if grants:
                (folders.state / "grants.json").write_text(json.dumps({"version": 1, "grants": list(grants)}))
            port = free_port()
            command: list[str | Path] = [
                AGENTGATE,
                "sidecar",
                "-c",
                place / "agentgate.toml",
                "--listen",
                f"127.0.0.1:{port}",
            ]
            command += ["--policy", policy, *folders.flags(), *more]
            log = place / "sidecar.log"
            with running(command, log=log, ready=_ready_at(admin), environment=environment) as program:
                yield Gate(Sidecar(program, port, folders), admin, behind, Trail(folders.evidence))


def _ready_at(port: int) -> Callable[[], bool]:
    ask = f"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()

    def ready() -> bool:
        try:
            return exchange(port, [ask], method="GET").status == 200
        except OSError:
            return False

    return ready


def _settings(folder: Path, admin: int, url: str, *, sole: bool) -> str:
    secret, tokens = folder / "secret", folder / "tokens.toml"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    tokens.write_text("".join(_holder(token, *who) for token, who in _TOKENS.items()))
    tokens.chmod(0o600)
    identity = "" if sole else f'[identity]\ntokens_file = "{tokens}"\n'
    return (
        f'admin = "127.0.0.1:{admin}"\n{identity}'
        f"[limits]\nmessage_bytes = {MESSAGE_BYTES}\nanswer_bytes = {ANSWER_BYTES}\nheader_bytes = {HEADER_BYTES}\n"
        f"in_flight = {IN_FLIGHT}\nopen_streams = {OPEN_STREAMS}\n"
        f'[upstreams.files]\nurl = "{url}"\nheaders.set.X-Api-Key = "@{secret}"\n'
        f'[upstreams.other]\nurl = "{url}"\n'
    )


def _holder(token: str, tenant: str, agent: str, user: str | None) -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    named = f'user = "{user}"\n' if user else ""
    return f'[[tokens]]\nsha256 = "{digest}"\ntenant = "{tenant}"\nagent = "{agent}"\n{named}'
