"""A sidecar that writes evidence and ships it, as the tests of the ledger need it: true to the format, or not."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from central.registry import Sidecar
from evidence.batch import Batch, read_batch, write_batch
from evidence.chain import Position, segment_body
from evidence.clock import Instant
from evidence.record import Entry, Kind
from evidence.scribe import Scribe
from evidence.sealing import Recipient, Sealer
from evidence.signing import Certificate, public_text

TENANT_KEY: Final = X25519PrivateKey.from_private_bytes(b"\x20" * 32)
SECOND: Final = 1_000_000


class Remembered(Recipient):
    """HPKE draws its own randomness: the same key is wrapped once, so that equal chains are equal."""

    _wrapped: ClassVar[dict[tuple[bytes, bytes], bytes]] = {}

    def wrap(self, data_key: bytes, info: bytes) -> bytes:
        """The wrapped key."""
        if (data_key, info) not in self._wrapped:
            self._wrapped[data_key, info] = super().wrap(data_key, info)
        return self._wrapped[data_key, info]


def _counting(life: int) -> Callable[[int], bytes]:
    state = [life << 32]

    def draw(count: int) -> bytes:
        state[0] += 1
        return state[0].to_bytes(count, "big")

    return draw


@dataclass(slots=True)
class Gate:
    """One sidecar with one chain. Each line is kept; `batch` ships what was written since the last one.

    `unix_us` and `boot_us` are its clocks; each record moves both by one second. `unit` is whose key seals what it
    writes.
    """

    name: str = "gate-1"
    tenant: str = "acme"
    identity: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
    unix_us: int = 1_790_000_000 * SECOND
    boot_us: int = 0
    lines: list[tuple[int, bytes]] = field(default_factory=list)
    keys: list[tuple[int, bytes]] = field(default_factory=list)
    links: list[str] = field(default_factory=lambda: [Position().link])
    shipped: int = 0
    _shipped_lines: int = 0
    _lives: int = 0
    _scribe: Scribe | None = None
    _sealer: Sealer | None = None
    unit: str = "session-1"

    @property
    def registered(self) -> Sidecar:
        return Sidecar(self.name, self.tenant, self.identity.public_key().public_bytes_raw())

    @property
    def chain(self) -> str:
        return self.links[1]

    def position(self, seq: int | None = None) -> Position:
        """The position of a record; the last by default."""
        seq = len(self.links) - 1 if seq is None else seq
        return Position(seq, self.links[seq])

    def start(self, **changed: Any) -> "Gate":
        """A new life; `changed` are members of the start that are not as they should be."""
        self._lives += 1
        name, key = f"{self._lives:032x}", Ed25519PrivateKey.from_private_bytes(bytes([0x10 + self._lives]) * 32)
        self._sealer = Sealer(
            self.tenant,
            Remembered(TENANT_KEY.public_key()),
            lambda kind, text: f"{kind}-{text}",
            _counting(self._lives),
            4,
        )
        self._scribe = Scribe(
            sidecar=self.name, tenant=self.tenant, incarnation=name, key=key, sealer=self._sealer,
            position=self.position(),
        )  # fmt: skip
        certificate = Certificate(self.name, name, public_text(key), self.tenant, "2026-09-21T14:13:20.000000+00:00")
        signature = base64.b64encode(self.identity.sign(certificate.statement())).decode()
        body: dict[str, Any] = {
            "identity": public_text(self.identity),
            "incarnation_key": public_text(key),
            "certificate": {"not_before": certificate.not_before, "signature": signature},
            "isolation": "uid",
            "last_receipt": None,
            "repaired_bytes": 0,
            "abandoned": [],
            "agentgate": "0",
        }
        return self.write(Kind.START, {**body, **changed})

    def write(self, kind: Kind, body: Mapping[str, Any], call: str | None = None, **secrets: bytes) -> "Gate":
        assert self._scribe is not None
        assert self._sealer is not None
        self.unix_us += SECOND
        self.boot_us += SECOND
        entry = Entry(kind, body, call=call, secrets=secrets, unit=self.unit)
        line = self._scribe.write(entry, Instant(self.unix_us * 1000, self.boot_us))
        self.links.append(self._scribe.position.link)
        seq = len(self.links) - 1
        self.lines.append((seq, line))
        self.keys += [(seq, key) for key in self._sealer.unwritten]
        self._sealer.unwritten.clear()
        return self

    def intent(self, call: str) -> "Gate":
        body = {
            "caller": {"tenant": self.tenant, "agent": "billing-bot"},
            "request": {"method": "tools/call", "upstream": "files", "name": "read_file"},
            "decision": {"effect": "allow", "reason": "granted"},
        }
        return self.write(Kind.INTENT, body, call, input=b'{"path":"/etc/motd"}')

    def outcome(self, call: str, outcome: Any = "completed") -> "Gate":
        return self.write(Kind.OUTCOME, {"outcome": outcome, "delivery": "answer"}, call, result=b"hello")

    def calls(self, *names: str) -> "Gate":
        for name in names:
            self.intent(name).outcome(name)
        return self

    def heartbeat(self) -> "Gate":
        return self.write(Kind.HEARTBEAT, {"open_calls": 0})

    def segment(self, *open_calls: str) -> "Gate":
        return self.write(Kind.NOTICE, segment_body(open_calls))

    def close(self) -> "Gate":
        return self.write(Kind.CLOSE, {"reason": "test"})

    def head(self, *, back: int = 0, link: str | None = None) -> "Gate":
        assert self._scribe is not None
        seq = len(self.links) - 1
        covered = Position(seq - back, link or self.links[seq - back])
        self.lines.append((seq, self._scribe.head(covered, Instant(self.unix_us * 1000, self.boot_us))))
        return self

    def batch(self) -> Batch:
        """What was not shipped yet."""
        lines = self.lines[self._shipped_lines :]
        batch = self._made(self.shipped, lines)
        self.shipped, self._shipped_lines = len(self.links) - 1, len(self.lines)
        return batch

    def part(self, after: int, until: int | None = None, *, gap: bool = False) -> Batch:
        """The records after one up to another (the last), with all heads that stand there: what a sender sends."""
        last = len(self.links) - 1 if until is None else until
        lines = [(seq, line) for seq, line in self.lines if after < seq <= last or (seq == after and b"head\t" in line)]
        return self._made(after, lines, gap=gap)

    def _made(self, after: int, lines: list[tuple[int, bytes]], *, gap: bool = False) -> Batch:
        until = max([after, *(seq for seq, _ in lines)])
        return read_batch(
            write_batch(
                sidecar=self.name,
                tenant=self.tenant,
                chain=self.chain,
                after=self.position(after),
                gap=gap,
                keys=[key for seq, key in self.keys if after < seq <= until],
                lines=[line for _, line in lines],
            )
        )

    def fork(self) -> "Gate":
        """The same past, and another future."""
        return Gate(
            self.name, self.tenant, self.identity, self.unix_us + 1, self.boot_us, list(self.lines), list(self.keys),
            list(self.links), self.shipped, self._shipped_lines, self._lives, self._copied_scribe(), self._sealer,
        )  # fmt: skip

    def _copied_scribe(self) -> Scribe | None:
        if self._scribe is None:
            return None
        copied = object.__new__(Scribe)
        copied.__dict__.update(self._scribe.__dict__)
        return copied
