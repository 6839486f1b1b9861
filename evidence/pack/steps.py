"""The steps of a check of a pack in their order. Pure: the file is handed in."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from evidence.checkpoint import NOBODY, NotWitnessed, Opened, Quorum, open_checkpoint_by, read_checkpoint
from evidence.fault import Fault
from evidence.key_history import root_of
from evidence.merkle import BadProof, check_inclusion, leaf_hash
from evidence.note import VerifierKey, read_note
from evidence.pack.archive import Archive, BadArchive
from evidence.pack.checking import Faulty, Lines, PartCheck
from evidence.pack.report import PackReport, PartReport, Step
from evidence.pack.vocabulary import (
    BODIES,
    CHECKPOINT,
    HEADERS,
    LOG_KEYS,
    MANIFEST,
    PROOFS,
    BadPack,
    Manifest,
    Proof,
    member_of,
    read_proof,
)
from evidence.record import BadLine
from evidence.signing import BadSignature
from evidence.witnessing import Ledger

_MANIFEST_BYTES: Final = 1 << 22
_CHECKPOINT_BYTES: Final = 1 << 18
_HISTORY_BYTES: Final = 1 << 20
_BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Trust:
    """What a stranger has from elsewhere: the identity, keys of ledgers, logs and witnesses, the pack's SHA-256."""

    identity: bytes | None = None
    receipt_keys: Sequence[VerifierKey | Ledger] = ()
    log_keys: Sequence[VerifierKey | Ledger] = ()
    quorum: Quorum = NOBODY
    digest: str | None = None


def check_pack(file: BinaryIO, trust: Trust) -> PackReport:
    """Check a pack up to its end or its first fault. Raises OSError."""
    report = PackReport(
        _digest(file),
        pinned=trust.identity is not None,
        receipt_keys=len(trust.receipt_keys),
        log_keys=len(trust.log_keys),
        witness_keys=len(trust.quorum.witnesses),
        digest_given=trust.digest is not None,
    )
    try:
        _PackCheck(file, trust, report).run()
    except Faulty as faulty:
        report.fault = faulty.fault
    except BadArchive as error:
        report.fault = Fault(Step.FILE, str(error))
    except BadLine as error:
        report.fault = Fault(Step.HEADERS, str(error))
    return report


class _PackCheck:
    def __init__(self, file: BinaryIO, trust: Trust, report: PackReport) -> None:
        self._file, self._trust, self._report = file, trust, report
        self._links: dict[tuple[str, int], str] = {}
        self._shown: set[str] = set()

    def run(self) -> None:
        if self._trust.digest not in (None, self._report.digest):
            raise _faulty(Step.FILE, f"the SHA-256 of the file is {self._report.digest}, not the one that was given")
        archive = Archive(self._file)
        self._report.done = Step.FILE
        manifest = self._manifest(archive)
        self._report.done = Step.MANIFEST
        proofs = self._proofs(archive)
        for part in manifest.chains:
            wanted = frozenset(seq for chain, seq in proofs if chain == part.name)
            check = PartCheck(part.name, archive, manifest, self._trust.identity, self._trust.receipt_keys, wanted)
            self._report.parts.append(check.report)
            check.run()
            self._report.receipts += check.report.chain.receipts
            self._shown |= check.shown
            self._links.update(((part.name, seq), link) for seq, link in check.links.items())
        # One pass over a chain takes these steps together, so none is at its end before the last chain is.
        self._report.done = Step.RECEIPTS
        opened = self._checkpoint(archive)
        self._report.done = Step.CHECKPOINT
        self._inclusion(proofs, opened)
        self._report.done = Step.INCLUSION
        self._selection(manifest)
        self._report.done = Step.SELECTION

    def _manifest(self, archive: Archive) -> Manifest:
        """Everything that the manifest names is here, and nothing else."""
        try:
            manifest = Manifest.read(archive.whole(MANIFEST, _MANIFEST_BYTES))
        except BadPack as error:
            raise _faulty(Step.MANIFEST, str(error), MANIFEST) from error
        self._report.manifest = manifest
        sizes = {name: size for name, size in archive.sizes.items() if name != MANIFEST}
        if set(sizes) != set(manifest.members):
            odd = sorted(set(sizes) ^ set(manifest.members))[0]
            raise _faulty(Step.MANIFEST, "is in the file or in the manifest, and not in both", odd)
        for name, told in manifest.members.items():
            digest = hashlib.sha256()
            for block in archive.blocks(name):
                digest.update(block)
            if sizes[name] != told.bytes or digest.hexdigest() != told.sha256:
                raise _faulty(Step.MANIFEST, "does not have the size and digest that the manifest names", name)
        chains = {part.name for part in manifest.chains}
        wanted = {member_of(chain, name) for chain in chains for name in (HEADERS, BODIES)}
        if not wanted <= set(sizes) or {name.split("/")[1] for name in sizes if name.startswith("chains/")} != chains:
            raise _faulty(Step.MANIFEST, "the chains that the manifest names are not those that are here", MANIFEST)
        return manifest

    def _proofs(self, archive: Archive) -> Mapping[tuple[str, int], Proof]:
        found: dict[tuple[str, int], Proof] = {}
        last = ("", 0)
        lines = Lines(archive, PROOFS)
        for line in lines:
            try:
                proof = read_proof(line.removesuffix(b"\n"))
            except BadPack as error:
                raise _faulty(Step.INCLUSION, str(error), PROOFS, lines.line) from error
            if not line.endswith(b"\n") or (proof.chain, proof.seq) <= last:
                raise _faulty(Step.INCLUSION, "a proof without its end, or out of order", PROOFS, lines.line)
            last = proof.chain, proof.seq
            found[last] = proof
        self._report.proofs = len(found)
        return found

    def _checkpoint(self, archive: Archive) -> Opened | None:
        """The checkpoint, signed by a given key of its log if there is one, else held to its form."""
        if CHECKPOINT not in archive.sizes:
            if self._trust.log_keys or self._trust.quorum.needed:
                what = "the pack has no checkpoint: export it with --log, or leave --log-key out and rest on receipts"
                raise _faulty(Step.CHECKPOINT, f"a log's key was given, and {what}")
            return None
        try:
            text = archive.whole(CHECKPOINT, _CHECKPOINT_BYTES).decode()
            checkpoint = read_checkpoint(read_note(text).text)
            opened = Opened(checkpoint, ())
            if self._trust.log_keys:
                opened = _opened(text, checkpoint.origin, self._trust, self._log_keys(archive))
        except NotWitnessed as error:
            raise _faulty(Step.CHECKPOINT, str(error), CHECKPOINT) from error
        except (BadSignature, UnicodeDecodeError) as error:
            raise _faulty(Step.CHECKPOINT, str(error), CHECKPOINT) from error
        self._report.checkpoint, self._report.cosignatures = opened.checkpoint, opened.cosignatures
        return opened

    def _log_keys(self, archive: Archive) -> list[VerifierKey]:
        """The keys that were given, with those that the log's own history leads to from there. Raises BadSignature."""
        known = [Ledger.known(key) for key in self._trust.log_keys]
        if LOG_KEYS in archive.sizes:
            data = archive.whole(LOG_KEYS, _HISTORY_BYTES)
            root = root_of(data).root
            known = [each.learned(data) if each.pin.root == root else each for each in known]
        return list(dict.fromkeys(key for each in known for key in each.history.believed()))

    def _inclusion(self, proofs: Mapping[tuple[str, int], Proof], opened: Opened | None) -> None:
        parts: Mapping[str, PartReport] = {part.chain.chain: part for part in self._report.parts}
        if proofs and opened is None:
            raise _faulty(Step.INCLUSION, "there are proofs, and no checkpoint that they lead to", PROOFS)
        for line, (place, proof) in enumerate(proofs.items(), 1):
            link = self._links.get(place)
            if link is None or opened is None:
                raise _faulty(Step.INCLUSION, "a proof for a record that is not here", PROOFS, line, proof.seq)
            tree, leaf = opened.checkpoint, leaf_hash(bytes.fromhex(link))
            try:
                check_inclusion(proof.index, tree.size, leaf, proof.hashes, tree.root)
            except BadProof as error:
                raise _faulty(Step.INCLUSION, str(error), PROOFS, line, proof.seq) from error
            if self._trust.log_keys:
                part = parts[proof.chain]
                part.proved, part.proved_seq = part.proved + 1, max(part.proved_seq, proof.seq)
        if self._trust.log_keys and (without := [name for name, part in parts.items() if not part.proved]):
            what = "export it again when the log has it, or leave --log-key out and rest on receipts"
            raise _faulty(Step.INCLUSION, f"a log's key was given, and no proof is of {without[0]}: {what}")

    def _selection(self, manifest: Manifest) -> None:
        if manifest.selection.call is not None and manifest.selection.call not in self._shown:
            raise _faulty(Step.SELECTION, f"the call {manifest.selection.call} that was asked for is not here")
        for told, part in zip(manifest.chains, self._report.parts, strict=True):
            span = (part.first.seq if part.first else 0, part.last.seq if part.last else 0)
            if (told.first, told.last) != span or told.selected != part.selected:
                what = f"the manifest says records {told.first} to {told.last}, {told.selected} selected; here are "
                raise _faulty(Step.SELECTION, f"{what}{span[0]} to {span[1]}, {part.selected} selected", MANIFEST)


def _opened(text: str, origin: str, trust: Trust, keys: Sequence[VerifierKey]) -> Opened:
    """Raises BadSignature, NotWitnessed."""
    mine = [key for key in keys if key.name == origin]
    if not mine:
        raise BadSignature(f"the checkpoint is of the log {origin}, and no key of that log was given")
    return open_checkpoint_by(text, mine, trust.quorum)


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()


def _faulty(
    step: Step, what: str, member: str | None = None, line: int | None = None, seq: int | None = None
) -> Faulty:
    return Faulty(Fault(step, what, None, member, line, seq))
