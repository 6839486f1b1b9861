"""What the tests of packs are made of: a chain of two agents, the log that has it, packs, and their members to edit."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.checkpoint import Checkpoint, Quorum, cosign
from evidence.key_entry import Change, Event
from evidence.key_history import History, begun, continued, signed_entry, signers, text_of
from evidence.layout import LEDGER_KEYS_NAME, RECEIPTS_NAME, segment_name
from evidence.merkle import Edge, leaf_hash
from evidence.note import COSIGNATURE, ED25519, VerifierKey, read_note, write_note
from evidence.pack.archive import Archive
from evidence.pack.exporting import Exported, Order, export
from evidence.pack.packing import Packing
from evidence.pack.proving import LogFiles
from evidence.pack.report import PackReport
from evidence.pack.steps import Trust, check_pack
from evidence.pack.vocabulary import MANIFEST, Manifest, Selection
from evidence.receipt import receipt_line
from evidence.record import Kind
from evidence.signing import public_text, read_public
from evidence.tiles import Bundle, Tile, write_bundle, write_tile
from evidence.unsealing import Unsealer
from tests.vectors.evidence.generate import CHAIN, LEDGER, TENANT, Pen, identity, ledger_key

Members = dict[str, bytes]
EVERYTHING: Final = Selection()


def _key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def log_key(number: int = 1) -> Ed25519PrivateKey:
    """The key of a log; 1 is the right one."""
    return _key(0x50 + number)


def witness_key(number: int) -> Ed25519PrivateKey:
    """The key of a witness."""
    return _key(0x60 + number)


def _verifier(name: str, kind: int, key: Ed25519PrivateKey) -> VerifierKey:
    return VerifierKey(name, kind, key.public_key().public_bytes_raw())


LOG: Final = _verifier("central.example/log", ED25519, log_key())
WITNESSES: Final = tuple(_verifier(f"witness-{at}.example", COSIGNATURE, witness_key(at)) for at in (1, 2))
IDENTITY: Final = read_public(public_text(identity()))
TRUST: Final = Trust(IDENTITY, (LEDGER,), (LOG,), Quorum(1, WITNESSES))
"""All that a stranger can have from elsewhere, but for the digest."""


def history(name: str, *keys: Ed25519PrivateKey) -> History:
    """The first key signs since ever; each further one has been announced by the one before, and leads."""
    root = _verifier(name, ED25519, keys[0])
    found = begun(_entry(None, Change(Event.ROOT, root, _at(0)), *keys), root)
    for number, key in enumerate(keys[1:], 1):
        for event in (Event.ANNOUNCE, Event.ACTIVATE):
            change = Change(event, _verifier(name, ED25519, key), _at(number))
            found = continued(found, _entry(found, change, *keys))
    return found


def _at(number: int) -> str:
    return f"2026-09-21T14:13:{number:02d}.000000+00:00"


def _entry(before: History | None, change: Change, *keys: Ed25519PrivateKey) -> str:
    text = text_of(before, change)
    known = {_verifier(change.key.name, ED25519, key): key for key in keys}
    by = (change.key,) if before is None else signers(before, change)
    return signed_entry(text, [(key, known[key].sign(text.encode())) for key in by])


def story() -> Pen:
    """Two agents in two sessions, an approval, a refusal, an unknown outcome, a loss; a receipt over all of it."""
    pen = Pen()
    pen.start()
    intended(pen, "call-1", "billing-bot", "5e55")
    pen.write(Kind.APPROVAL, {"state": "asked", "approval": "appr-1"}, "call-2")
    pen.write(Kind.APPROVAL, {"state": "granted", "approval": "appr-1", "answer": "yes"})
    pen.write(Kind.APPROVAL, {"state": "spent", "approval": "appr-1"}, "call-2")
    intended(pen, "call-2", "billing-bot", "5e55")
    pen.outcome("call-1")
    pen.head()
    intended(pen, "call-3", "other-bot", "0ff1")
    pen.outcome("call-3", "failed")
    pen.write(Kind.REFUSAL, {**_subject("other-bot", "0ff1"), "refusal": {"code": "denied"}}, "call-4")
    pen.write(Kind.LOSS, {"lost": {"notice": 2}})
    pen.head()
    pen.start()
    pen.outcome("call-2", "unknown")
    pen.write(Kind.HEARTBEAT, {})
    pen.close()
    return pen


def _subject(agent: str, session: str) -> dict[str, Any]:
    return {
        "caller": {"tenant": "acme", "agent": agent, "workload": None, "user": None, "authn_method": "peer"},
        "session": session,
        "request": {"direction": "client", "method": "tools/call", "upstream": "files", "name": "read_file"},
        "decision": {
            "effect": "allow",
            "reason": "granted",
            "rules": ["grants"],
            "versions": {"policy": "starter-1", "data": "7"},
        },
    }


def intended(pen: Pen, call: str, agent: str, session: str, name: str = "read_file") -> None:
    """An intent."""
    subject = _subject(agent, session)
    body = {**subject, "request": {**subject["request"], "name": name}, "orders": 0}
    pen.write(Kind.INTENT, body, call, input=f'{{"path":"/srv/{call}"}}'.encode())


def last_of(pen: Pen) -> int:
    """The number of the last record."""
    assert pen.scribe is not None
    return pen.scribe.position.seq


def put(folder: Path, pen: Pen, chain: str = CHAIN, receipts: tuple[str, ...] | None = None) -> None:
    """Lay a chain into an evidence folder, with a receipt over its last record unless others are given."""
    place = folder / chain
    place.mkdir(parents=True)
    notes = (pen.receipt(last_of(pen)),) if receipts is None else receipts
    files = {**pen.files(), "receipts.tsv": b"".join(map(receipt_line, notes))}
    for name, content in files.items():
        (place / name).write_bytes(content)


@dataclass
class LogInMemory:
    """A log of less than a tile: strangers' leaves, then those of a chain."""

    leaves: list[bytes]
    signed_by: int = 1
    cosigned_by: tuple[int, ...] = (1, 2)
    keys: bytes | None = None

    @classmethod
    def of(cls, pen: Pen, strangers: int = 3) -> "LogInMemory":
        """Has all records of a chain."""
        links = [bytes.fromhex(pen.link(seq)) for seq in range(1, last_of(pen) + 1)]
        return cls([bytes([at]) * 32 for at in range(strangers)] + links)

    def note(self, size: int | None = None) -> str:
        """The checkpoint over the first `size` leaves."""
        leaves = self.leaves[:size]
        edge = Edge()
        for leaf in leaves:
            edge.append(leaf_hash(leaf))
        text = Checkpoint(LOG.name, len(leaves), edge.root()).text()
        signatures = [
            _verifier(LOG.name, ED25519, log_key(self.signed_by)).signature(log_key(self.signed_by).sign(text.encode()))
        ]
        signatures += [cosign(text, f"witness-{at}.example", witness_key(at), 1_790_000_100) for at in self.cosigned_by]
        return write_note(text, signatures)

    def get(self, path: str) -> bytes | None:
        """The file at a path."""
        width = len(self.leaves)
        return {
            "checkpoint": self.note().encode(),
            "keys/log": self.keys,
            Tile(0, 0, width).path: write_tile([leaf_hash(leaf) for leaf in self.leaves]),
            Bundle(0, width).path: write_bundle(self.leaves),
        }.get(path)


@dataclass
class Counter:
    """Where packs are made: an evidence folder, and the log that has it."""

    root: Path
    pen: Pen
    log: LogInMemory

    @classmethod
    def opened(cls, root: Path, pen: Pen | None = None) -> "Counter":
        """With one chain in the folder."""
        pen = pen or story()
        put(root / "evidence", pen)
        return cls(root, pen, LogInMemory.of(pen))

    def export(self, selection: Selection = EVERYTHING, name: str = "one", **changes: Any) -> tuple[Path, Exported]:
        """Make a pack with everything that it can have."""
        order = Order(
            selection,
            by="an auditor",
            at="2026-09-22T00:00:00.000000+00:00",
            agentgate="0",
            opener=Unsealer(TENANT),
            log=LogFiles(self.log.get),
        )
        target = self.root / f"{name}.agentgate"
        return target, export(self.root / "evidence", target, replace(order, **changes))

    def pack(self, selection: Selection = EVERYTHING, **changes: Any) -> bytes:
        """The bytes of a pack."""
        target, _ = self.export(selection, **changes)
        data = target.read_bytes()
        target.unlink()
        return data


def exchanged(root: Path) -> Counter:
    """Where the receipt and the checkpoint are by second keys, to which histories lead."""
    counter, second = Counter.opened(root), ledger_key(2)
    key = _verifier(LEDGER.name, ED25519, second)
    text = read_note(counter.pen.receipt(last_of(counter.pen))).text
    receipt = write_note(text, [key.signature(second.sign(text.encode()))])
    (root / "evidence" / CHAIN / RECEIPTS_NAME).write_bytes(receipt_line(receipt))
    (root / "evidence" / CHAIN / LEDGER_KEYS_NAME).write_bytes(history(LEDGER.name, ledger_key(), second).bytes())
    counter.log.signed_by = 2
    counter.log.keys = history(LOG.name, log_key(), log_key(2)).bytes()
    return counter


def later(root: Path) -> Counter:
    """Where the first segment of the chain was given up."""
    pen = Pen()
    pen.start()
    pen.call("call-1")
    pen.next_segment()
    pen.call("call-5")
    pen.close()
    counter = Counter.opened(root, pen)
    (root / "evidence" / CHAIN / segment_name(1)).unlink()
    return counter


def members_of(pack: bytes) -> Members:
    """The members of a pack by name."""
    archive = Archive(io.BytesIO(pack))
    return {name: b"".join(archive.blocks(name)) for name in archive.sizes}


def packed(
    members: Mapping[str, bytes],
    manifest: Callable[[Manifest], Manifest] = lambda told: told,
    *,
    compressed: bool = True,
) -> bytes:
    """A pack of these members, its digests made anew: what somebody writes who knows the format as well as we do."""
    file = io.BytesIO()
    packing = Packing(file, compressed=compressed)
    for name in sorted(set(members) - {MANIFEST}):
        packing.add(name, [members[name]])
    told = Manifest.read(members[MANIFEST])
    packing.end(manifest(replace(told, members=dict(packing.members))))
    return file.getvalue()


def checked(pack: bytes, trust: Trust = TRUST) -> PackReport:
    """What a check says."""
    return check_pack(io.BytesIO(pack), trust)
