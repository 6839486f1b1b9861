"""Makes the evidence that other verifiers can be tried on, good and bad, and the tables of docs/evidence.md.

Keys, salts and nonces are fixed and public: they protect nothing. `--check` only compares.

    canonical.json               values and their canonical bytes
    keys.json                    all keys, so that boxes can be opened
    <name>/evidence/chain-…      an evidence folder
    <name>/expected.json         what a verifier says: ok, or the number of the step that fails; for a folder with
                                 receipts also what it says with the ledger's key (`witnessed`: records)
"""

import base64
import copy
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import structs

from evidence.canonical import Spelled, canonical
from evidence.chain import TURNS, Position, State, segment_body
from evidence.clock import Instant
from evidence.layout import segment_name
from evidence.note import ED25519, VerifierKey
from evidence.receipt import Receipt, receipt_line
from evidence.record import Entry, Kind, link_of, record_line
from evidence.report import STEPS, Step
from evidence.scribe import Scribe
from evidence.sealing import Recipient, Sealer
from evidence.signing import Certificate, public_text, sign_note

HERE: Final = Path(__file__).parent
DOCS: Final = HERE.parents[2] / "docs" / "evidence.md"
CHAIN: Final = "chain-00000000000000ff"
TENANT: Final = X25519PrivateKey.from_private_bytes(b"\x20" * 32)
DATA_KEY: Final = b"\x30" * 32
WRAPPED: Final = (
    "fryz3Ze7tdfI0cbFOkL7l0dpxdNId7f2pZweH8tX3yUO7mT6bSz/Yp3UXtj9zf8HG+pF8KN4zC6PIzh/cd2Ltd7AgsztDHEyRq2/9xmTss4="
)
"""HPKE draws its own randomness: this is DATA_KEY, wrapped once."""


class Fixed(Recipient):
    """Answers with what was wrapped once."""

    def wrap(self, data_key: bytes, info: bytes) -> bytes:
        """The wrapped key. Raises ValueError for any other data key."""
        if data_key != DATA_KEY:
            raise ValueError("only one data key was wrapped")
        return base64.b64decode(WRAPPED)


def counting() -> Callable[[int], bytes]:
    """The data key first, then bytes that count: no two salts or nonces are equal."""
    drawn = [DATA_KEY]
    state = [0]

    def draw(count: int) -> bytes:
        if drawn:
            return drawn.pop()
        state[0] += 1
        return state[0].to_bytes(count, "big")

    return draw


def identity(number: int = 1) -> Ed25519PrivateKey:
    """The key of an identity; 1 is the right one."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def incarnation_key(number: int) -> Ed25519PrivateKey:
    """The key of an incarnation."""
    return Ed25519PrivateKey.from_private_bytes(bytes([0x10 + number]) * 32)


def ledger_key(number: int = 1) -> Ed25519PrivateKey:
    """The key with which a ledger signs receipts; 1 is the right one."""
    return Ed25519PrivateKey.from_private_bytes(bytes([0x40 + number]) * 32)


LEDGER: Final = VerifierKey("central.example/receipts", ED25519, ledger_key().public_key().public_bytes_raw())


@dataclass(slots=True)
class Pen:
    """Writes a chain line by line, true or not."""

    sealer: Sealer = field(
        default_factory=lambda: Sealer(
            "acme", Fixed(TENANT.public_key()), lambda kind, text: f"{kind}-{text}", counting(), 4
        )
    )
    segments: list[list[bytes]] = field(default_factory=lambda: [[]])
    scribe: Scribe | None = None
    moment: int = 0
    life: int = 0

    def now(self) -> Instant:
        self.moment += 1
        return Instant(1_790_000_000_000_000_000 + self.moment * 1_000_000_000, self.moment * 1_000_000)

    def start(self, *, by: int = 1, certified_for: str = "gate", tenant: str = "acme") -> None:
        """A new incarnation; `by` is the identity, `certified_for` the sidecar in its certificate."""
        self.life += 1
        name, key = f"{self.life:032x}", incarnation_key(self.life)
        position = self.scribe.position if self.scribe else Position()
        self.scribe = Scribe(
            sidecar="gate", tenant=tenant, incarnation=name, key=key, sealer=self.sealer, position=position
        )
        certificate = Certificate(certified_for, name, public_text(key), tenant, "2026-09-21T14:13:20.000000+00:00")
        signature = identity(by).sign(certificate.statement())
        self.write(
            Kind.START,
            {
                "agentgate": "0",
                "identity": public_text(identity(by)),
                "incarnation_key": public_text(key),
                "certificate": {
                    "not_before": certificate.not_before,
                    "signature": base64.b64encode(signature).decode(),
                },
                "isolation": "uid",
                "last_receipt": None,
                "repaired_bytes": 0,
                "abandoned": [],
            },
        )

    def write(self, kind: Kind, body: Mapping[str, Any], call: str | None = None, **secrets: bytes) -> None:
        assert self.scribe is not None
        entry = Entry(kind, body, call=call, secrets=secrets, unit="session")
        self.segments[-1].append(self.scribe.write(entry, self.now()))

    def intent(self, call: str) -> None:
        body = {
            "caller": {"tenant": "acme", "agent": "billing-bot"},
            "request": {"method": "tools/call", "upstream": "files", "name": "read_file"},
            "decision": {"effect": "allow", "reason": "granted", "amount": Spelled("1e400"), "$n": 0.5},
        }
        self.write(Kind.INTENT, body, call, input=b'{"path":"/etc/motd"}', raw=b"\xff\x00")

    def outcome(self, call: str, result: str = "completed") -> None:
        body = {"outcome": result, "delivery": "answer", "effect": "done", "reason": ""}
        self.write(Kind.OUTCOME, body, call, result="grüß dich".encode())

    def call(self, call: str) -> None:
        self.intent(call)
        self.outcome(call)

    def head(self, *, key: int = 0, back: int = 0, link: str | None = None) -> None:
        """A signed head; `key` is another incarnation that signs, `back` how many records before the last it covers."""
        assert self.scribe is not None
        seq = self.scribe.position.seq - back
        found = Position(seq, link or self.link(seq))
        scribe = copy.copy(self.scribe)
        if key:
            scribe._key = incarnation_key(key)  # noqa: SLF001 - the forgery is the point
        self.segments[-1].append(scribe.head(found, self.now()))

    def next_segment(self, *open_calls: str) -> None:
        self.segments.append([])
        self.write(Kind.NOTICE, segment_body(open_calls))

    def close(self) -> None:
        self.write(Kind.CLOSE, {"reason": "drained"})
        self.head()

    def files(self) -> dict[str, bytes]:
        """The files of the chain by name."""
        files = {segment_name(number): b"".join(lines) for number, lines in enumerate(self.segments, 1)}
        return {**files, "keys.jsonl": b"".join(self.sealer.unwritten), "reserve": b"\0" * 64}

    def receipt(self, seq: int, *, by: int = 1, **changes: Any) -> str:
        """The ledger's note over record `seq`; `by` is the key that signs, `changes` are fields that are not true."""
        true = Receipt(
            sidecar="gate",
            tenant="acme",
            chain=self.link(1),
            incarnation=json.loads(self._fields(seq)[1])["incarnation"],
            position=Position(seq, self.link(seq)),
            log="central.example/log",
            at="2026-09-21T14:14:00.000000+00:00",
            merge_by="2026-09-21T14:15:00.000000+00:00",
        )
        return sign_note(replace(true, **changes).text(), LEDGER.name, ledger_key(by))

    def link(self, seq: int) -> str:
        """The link of record `seq`."""
        return self._fields(seq)[3].decode()

    def _fields(self, seq: int) -> list[bytes]:
        records = [line for lines in self.segments for line in lines if line.startswith(b"record")]
        return records[seq - 1].split(b"\n")[0].split(b"\t")


def good() -> Pen:
    """Two incarnations, two segments, a head that lags, a late result, an unknown outcome, a refusal."""
    pen = Pen()
    pen.start()
    pen.call("call-1")
    pen.head(back=1)
    pen.intent("call-2")
    pen.intent("call-3")
    pen.write(Kind.NOTICE, {"event": "detached"}, "call-3")
    pen.next_segment("call-2", "call-3")
    pen.outcome("call-3")
    pen.write(Kind.REFUSAL, {"refusal": {"code": "denied"}}, "call-4")
    pen.head()
    pen.start()
    pen.outcome("call-2", "unknown")
    pen.write(Kind.LATE, {"result": "came"}, "call-2")
    pen.write(Kind.HEARTBEAT, {})
    pen.close()
    return pen


def of_a_ledger() -> Pen:
    """What central writes of its own: a hold, its release, a tombstone, an abandonment, each in a life of its own."""
    pen = Pen()
    hold = {"hold": "hold-1", "agent": "bot", "session": None, "from": None, "until": 1_790_000_000_000_000}
    asked = {"asked_by": "an operator", "reason": "ticket 17"}
    left = {
        "sidecar": "gate", "chain": "cd" * 32, "incarnation": "0" * 32, "seq": 7, "link": "ef" * 32,
        "heard_at": "2026-09-21T14:13:20.000000+00:00", "effect": "unknown", "calls": ["call-1"], "unnamed": 0,
    }  # fmt: skip
    destroyed = {"unit": "0" * 32, "keys": ["ab" * 32], "cause": "request", "packs": [], **asked}
    for kind, body in (
        (Kind.HOLD, {**hold, "state": "placed", **asked}),
        (Kind.HOLD, {"hold": "hold-1", "state": "released", **asked}),
        (Kind.TOMBSTONE, destroyed),
        (Kind.ABANDONMENT, left),
    ):
        pen.start()
        pen.write(kind, body)
        pen.close()
    return pen


def _begun() -> Pen:
    pen = Pen()
    pen.start()
    pen.call("call-1")
    return pen


def two_outcomes() -> Pen:
    pen = _begun()
    pen.outcome("call-1", "failed")
    pen.close()
    return pen


def outcome_without_intent() -> Pen:
    pen = _begun()
    pen.outcome("call-2")
    pen.close()
    return pen


def outcome_that_says(word: object) -> Pen:
    pen = _begun()
    pen.intent("call-2")
    assert pen.scribe is not None
    honest = pen.scribe
    pen.write(Kind.NOTICE, {"outcome": word}, "call-2")
    line = pen.segments[-1].pop()
    pen.segments[-1].append(_as_kind(line, "outcome", honest))
    pen.close()
    return pen


def loss_of_nothing() -> Pen:
    pen = _begun()
    pen.write(Kind.LOSS, {"reason": "disk"})
    pen.close()
    return pen


def _as_kind(line: bytes, kind: str, scribe: Scribe) -> bytes:
    """The same record under another kind, with a true link."""
    _, header, body, _ = line.rstrip(b"\n").split(b"\t")
    changed = header.replace(b'"kind":"notice"', f'"kind":"{kind}"'.encode())
    scribe.position = structs.replace(scribe.position, link=link_of(changed))
    return record_line(changed, body, scribe.position.link)


def certified_for_another_sidecar() -> Pen:
    pen = Pen()
    pen.start(certified_for="other")
    pen.close()
    return pen


def another_identity() -> Pen:
    pen = _begun()
    pen.start(by=2)
    pen.close()
    return pen


def another_tenant() -> Pen:
    pen = _begun()
    pen.start(tenant="umbrella")
    pen.close()
    return pen


def head_by_a_stranger() -> Pen:
    pen = _begun()
    pen.head(key=7)
    pen.close()
    return pen


def head_over_another_link() -> Pen:
    pen = _begun()
    pen.head(link="0" * 64)
    pen.close()
    return pen


def head_that_goes_back() -> Pen:
    pen = _begun()
    pen.head()
    pen.head(back=1)
    pen.close()
    return pen


def wrong_list_of_open_calls() -> Pen:
    pen = _begun()
    pen.intent("call-2")
    pen.next_segment()
    pen.outcome("call-2")
    pen.close()
    return pen


def written_after_the_close() -> Pen:
    pen = _begun()
    pen.close()
    pen.call("call-2")
    return pen


def _changed(name: str, old: bytes, new: bytes) -> Callable[[], dict[str, bytes]]:
    def files() -> dict[str, bytes]:
        found = good().files()
        assert old in found[name]
        return {**found, name: found[name].replace(old, new, 1)}

    return files


def _receipted(*receipts: Callable[[Pen], str], without: int = 0, cut: int = 0) -> Callable[[], dict[str, bytes]]:
    """The good chain with receipts; `without` its first segments, `cut` the lines at its end that are gone."""

    def files() -> dict[str, bytes]:
        pen = good()
        found = pen.files()
        for number in range(1, without + 1):
            del found[segment_name(number)]
        if cut:
            last = segment_name(len(pen.segments))
            found[last] = b"".join(found[last].splitlines(keepends=True)[:-cut])
        return {**found, "receipts.tsv": b"".join(receipt_line(receipt(pen)) for receipt in receipts)}

    return files


def _respelled(edit: Callable[[bytes], bytes]) -> Callable[[], dict[str, bytes]]:
    def files() -> dict[str, bytes]:
        found = _receipted(lambda pen: pen.receipt(8))()
        return {**found, "receipts.tsv": edit(found["receipts.tsv"])}

    return files


ROWS: Final[Mapping[str, tuple[Callable[[], dict[str, bytes]], Step | None]]] = {
    "good": (lambda: good().files(), None),
    "of-a-ledger": (lambda: of_a_ledger().files(), None),
    "erased": (lambda: {**good().files(), "keys.jsonl": b""}, None),
    "torn": (lambda: {**good().files(), "records-00000002.tsv": good().files()["records-00000002.tsv"][:-30]}, None),
    "changed-body": (_changed("records-00000001.tsv", b'"granted"', b'"guessed"'), Step.LINES),
    "changed-key": (_changed("keys.jsonl", b"session", b"sessiom"), Step.BOXES),
    "a-segment-is-missing": (
        lambda: {name: data for name, data in good().files().items() if name != "records-00000001.tsv"},
        Step.FILES,
    ),
    "something-in-the-reserve": (lambda: {**good().files(), "reserve": b"\0\0x"}, Step.FILES),
    "a-stray-file": (lambda: {**good().files(), "notes.txt": b"hello\n"}, Step.FILES),
    "two-outcomes": (lambda: two_outcomes().files(), Step.CALLS),
    "outcome-without-intent": (lambda: outcome_without_intent().files(), Step.CALLS),
    "unknown-word-as-outcome": (lambda: outcome_that_says("splendid").files(), Step.CALLS),
    "a-list-as-outcome": (lambda: outcome_that_says(["completed"]).files(), Step.CALLS),
    "a-loss-of-nothing": (lambda: loss_of_nothing().files(), Step.LINES),
    "wrong-list-of-open-calls": (lambda: wrong_list_of_open_calls().files(), Step.CALLS),
    "certified-for-another-sidecar": (lambda: certified_for_another_sidecar().files(), Step.KEYS),
    "another-identity": (lambda: another_identity().files(), Step.KEYS),
    "another-tenant": (lambda: another_tenant().files(), Step.LINKS),
    "written-after-the-close": (lambda: written_after_the_close().files(), Step.LINKS),
    "head-by-a-stranger": (lambda: head_by_a_stranger().files(), Step.HEADS),
    "head-over-another-link": (lambda: head_over_another_link().files(), Step.HEADS),
    "head-that-goes-back": (lambda: head_that_goes_back().files(), Step.HEADS),
}
"""Each evidence folder, and the step at which a verifier stops; None where it finds nothing wrong."""


@dataclass(frozen=True, slots=True)
class Receipted:
    """A folder with receipts: the step that fails without the ledger's key, and with it; else what is witnessed."""

    files: Callable[[], dict[str, bytes]]
    without_key: Step | None
    with_key: Step | None
    witnessed: int = 0


OTHER: Final = "f" * 64

RECEIPTED: Final[Mapping[str, Receipted]] = {
    "witnessed": Receipted(_receipted(lambda pen: pen.receipt(14)), None, None, 14),
    "witnessed-in-part": Receipted(_receipted(lambda pen: pen.receipt(3), lambda pen: pen.receipt(8)), None, None, 8),
    "begins-with-its-second-segment": Receipted(_receipted(lambda pen: pen.receipt(6), without=1), Step.FILES, None, 0),
    "begins-later-and-witnessed-in-part": Receipted(
        _receipted(lambda pen: pen.receipt(3), lambda pen: pen.receipt(9), without=1), Step.FILES, None, 3
    ),
    "begins-after-what-is-witnessed": Receipted(
        _receipted(lambda pen: pen.receipt(5), without=1), Step.FILES, Step.FILES
    ),
    "begins-after-another-record": Receipted(
        _receipted(lambda pen: pen.receipt(6, position=Position(6, OTHER)), without=1), Step.FILES, Step.RECEIPTS
    ),
    "receipt-by-a-stranger": Receipted(_receipted(lambda pen: pen.receipt(14, by=2)), None, Step.RECEIPTS),
    "receipt-over-another-record": Receipted(
        _receipted(lambda pen: pen.receipt(8, position=Position(8, OTHER))), None, Step.RECEIPTS
    ),
    "receipts-over-two-records": Receipted(
        _receipted(lambda pen: pen.receipt(8), lambda pen: pen.receipt(8, position=Position(8, OTHER))),
        None,
        Step.RECEIPTS,
    ),
    "receipt-over-a-tail-that-is-cut-off": Receipted(
        _receipted(lambda pen: pen.receipt(14), cut=2), None, Step.RECEIPTS
    ),
    "receipt-of-another-sidecar": Receipted(
        _receipted(lambda pen: pen.receipt(8, sidecar="door")), None, Step.RECEIPTS
    ),
    "receipt-of-another-tenant": Receipted(
        _receipted(lambda pen: pen.receipt(8, tenant="umbrella")), None, Step.RECEIPTS
    ),
    "receipt-of-another-chain": Receipted(_receipted(lambda pen: pen.receipt(8, chain=OTHER)), None, Step.RECEIPTS),
    "receipt-of-another-incarnation": Receipted(
        _receipted(lambda pen: pen.receipt(8, incarnation="a" * 32)), None, Step.RECEIPTS
    ),
    "receipt-over-no-record": Receipted(
        _receipted(lambda pen: pen.receipt(8, position=Position(0, "0" * 64))), None, Step.RECEIPTS
    ),
    "receipt-spelled-otherwise": Receipted(
        _respelled(lambda data: data.replace(b"central", b"\\u0063entral", 1)), Step.RECEIPTS, Step.RECEIPTS
    ),
    "receipt-without-end": Receipted(_respelled(lambda data: data[:-1]), Step.RECEIPTS, Step.RECEIPTS),
}
"""Each evidence folder with receipts."""

VALUES: Final[Mapping[str, Any]] = {
    "the sample of RFC 8785, 3.2.2": {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    },
    "the keys of RFC 8785, 3.2.3": {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    },
    "sorted by UTF-16 units": {"\ufb33": 1, "\U0001f600": 2, "a": 3},
    "numbers": [0, -0.0, 1.0, 1e21, 1e-7, 333333333.33333329, 5e-324, 9007199254740992],
    "a number that no double holds": {"amount": Spelled("100.00000000000000000001")},
    "keys that look like ours": {"$n": "1", "$$": 2},
    "escapes": '\x00\x1f"\\/\u2028\x7f€',
    "nothing": [None, True, False, {}, [], ""],
}


def _spelled(value: Any) -> Any:
    if isinstance(value, Spelled):
        return {"spelled": value.spelling}
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    return value


def canonical_rows() -> bytes:
    """canonical.json; a value {"spelled": text} there is a number that keeps its spelling."""
    rows = [
        {"name": name, "value": _spelled(value), "canonical": canonical(value).decode()}
        for name, value in VALUES.items()
    ]
    return (json.dumps(rows, indent=2) + "\n").encode()


def keys() -> bytes:
    """keys.json: everything in base64."""

    def text(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    known = {
        "identity_public": public_text(identity()),
        "tenant_private": text(TENANT.private_bytes_raw()),
        "tenant_public": text(TENANT.public_key().public_bytes_raw()),
        "data_key": text(DATA_KEY),
        "receipt_key": LEDGER.text(),
    }
    return (json.dumps(known, indent=2) + "\n").encode()


def wanted() -> dict[Path, bytes]:
    """Every file by its path, with its content."""
    files = {HERE / "canonical.json": canonical_rows(), HERE / "keys.json": keys()}
    for name, (make, step) in ROWS.items():
        for file, data in make().items():
            files[HERE / name / "evidence" / CHAIN / file] = data
        expected = _verdict(step)
        files[HERE / name / "expected.json"] = (json.dumps(expected) + "\n").encode()
    for name, row in RECEIPTED.items():
        for file, data in row.files().items():
            files[HERE / name / "evidence" / CHAIN / file] = data
        expected = _verdict(row.without_key) | {"with_receipt_key": _verdict(row.with_key)}
        if row.with_key is None:
            expected["with_receipt_key"] |= {"witnessed": row.witnessed}
        files[HERE / name / "expected.json"] = (json.dumps(expected) + "\n").encode()
    return files


def _verdict(step: Step | None) -> dict[str, Any]:
    return {"ok": step is None, "step": step and int(step)}


def tables() -> dict[str, str]:
    """The parts of docs/evidence.md that are drawn from the code, by the name of their place."""
    kinds = sorted({kind for _, kind in TURNS})
    head = "| a call that is | " + " | ".join(kinds) + " |\n|" + " --- |" * (len(kinds) + 1)
    rows = [
        f"| {state.value} | "
        + " | ".join(TURNS[state, kind].value if (state, kind) in TURNS else "" for kind in kinds)
        + " |"
        for state in State
    ]
    steps = [f"{int(step)}. {text}" for step, text in STEPS.items()]
    return {"turns": "\n".join([head, *rows]), "steps": "\n".join(steps)}


def document() -> str:
    """docs/evidence.md with its tables as they are now."""
    text = DOCS.read_text()
    for name, table in tables().items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        first, last = text.index(begin) + len(begin), text.index(end)
        text = text[:first] + table + text[last:]
    return text


def main() -> int:
    """Write or compare everything; 1 if something differs."""
    stale = []
    for path, data in {**wanted(), DOCS: document().encode()}.items():
        if "--check" in sys.argv:
            stale += [path.name] if not path.exists() or path.read_bytes() != data else []
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    sys.stderr.write("".join(f"{name} differs: make it again\n" for name in stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
