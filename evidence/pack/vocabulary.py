"""What a pack is made of: the names of its members, its lines, its manifest. Pure: values to bytes and back."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from evidence.canonical import canonical, read
from evidence.layout import LEDGER_KEYS_NAME, RECEIPTS_NAME, is_chain_name
from evidence.merkle import HASH_BYTES
from evidence.record import is_digest
from evidence.signing import exact_base64

FORMAT: Final = "agentgate/pack/v1"
SUFFIX: Final = ".agentgate"

MANIFEST: Final = "manifest.json"
CHECKPOINT: Final = "log/checkpoint"
LOG_KEYS: Final = "log/keys"
PROOFS: Final = "log/proofs.jsonl"
HEADERS: Final = "headers.tsv"
BODIES: Final = "bodies.tsv"
TEXTS: Final = "texts.jsonl"

_OF_A_CHAIN: Final = frozenset({HEADERS, BODIES, TEXTS, RECEIPTS_NAME, LEDGER_KEYS_NAME})
_OF_THE_LOG: Final = frozenset({CHECKPOINT, LOG_KEYS, PROOFS})
_BODY: Final = re.compile(rb"(selected|anchor)\t([1-9][0-9]{0,15})\t([^\t]+)")
_PROOF_MEMBERS: Final = {"chain", "seq", "index", "proof"}


class BadPack(ValueError):
    """A part of a pack that is in no form of ours; the text says how."""


def member_of(chain: str, name: str) -> str:
    """The name of a chain's member."""
    return f"chains/{chain}/{name}"


def is_member(name: str) -> bool:
    """Whether a pack can have a member of this name: no other is looked at, so that none leads anywhere."""
    if name == MANIFEST or name in _OF_THE_LOG:
        return True
    parts = name.split("/")
    return len(parts) == 3 and parts[0] == "chains" and is_chain_name(parts[1]) and parts[2] in _OF_A_CHAIN


def header_line(header: bytes) -> bytes:
    """The line of a header, its LF included; heads stand between them as in a segment."""
    return b"header\t%b\n" % header


@dataclass(frozen=True, slots=True)
class Body:
    """A body that is disclosed: `selected`, or an anchor that the check itself needs."""

    seq: int
    data: bytes
    selected: bool

    def line(self) -> bytes:
        """Its line, the LF included."""
        return b"%b\t%d\t%b\n" % (b"selected" if self.selected else b"anchor", self.seq, self.data)


def read_body(line: bytes) -> Body:
    """Read a line of bodies (without its LF). Raises BadPack."""
    found = _BODY.fullmatch(line)
    if found is None:
        raise BadPack("a line that is no body")
    return Body(int(found[2]), found[3], found[1] == b"selected")


@dataclass(frozen=True, slots=True)
class Texts:
    """What was sealed in one record, opened: by name its `salt` with `text` or `base64`, or what is `redacted`."""

    seq: int
    secrets: Mapping[str, Mapping[str, str]]

    def line(self) -> bytes:
        """Its line, the LF included."""
        return canonical({"seq": self.seq, "secrets": self.secrets}) + b"\n"


def read_texts(line: bytes) -> Texts:
    """Read a line of texts (without its LF). Raises BadPack."""
    members = _object(line, {"seq", "secrets"})
    seq, secrets = members["seq"], members["secrets"]
    if type(seq) is not int or not isinstance(secrets, dict):
        raise BadPack("texts that are of no record")
    for content in secrets.values():
        if not isinstance(content, dict) or set(content) not in ({"salt", "text"}, {"salt", "base64"}, {"redacted"}):
            raise BadPack("a text that is neither told with its salt nor redacted")
        if not all(isinstance(value, str) for value in content.values()):
            raise BadPack("a text that is none")
    return Texts(seq, secrets)


@dataclass(frozen=True, slots=True)
class Proof:
    """That the link of a record is leaf number `index` of the log."""

    chain: str
    seq: int
    index: int
    hashes: tuple[bytes, ...]

    def line(self) -> bytes:
        """Its line, the LF included."""
        proof = [base64.b64encode(each).decode() for each in self.hashes]
        return canonical({"chain": self.chain, "seq": self.seq, "index": self.index, "proof": proof}) + b"\n"


def read_proof(line: bytes) -> Proof:
    """Read a line of proofs (without its LF). Raises BadPack."""
    members = _object(line, _PROOF_MEMBERS)
    chain, seq, index, proof = (members[name] for name in ("chain", "seq", "index", "proof"))
    if not isinstance(chain, str) or type(seq) is not int or type(index) is not int or not isinstance(proof, list):
        raise BadPack("a proof of nothing")
    try:
        hashes = tuple(exact_base64(each) for each in proof)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadPack("a proof that is not made of hashes") from error
    if any(len(each) != HASH_BYTES for each in hashes):
        raise BadPack("a proof that is not made of hashes")
    return Proof(chain, seq, index, hashes)


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for: records must meet all that is given. `since` and `until` are in the form of `at`."""

    session: str | None = None
    agent: str | None = None
    call: str | None = None
    since: str | None = None
    until: str | None = None

    def as_json(self) -> dict[str, str]:
        """What is given, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def spans(self, at: str) -> bool:
        """Whether a time lies in it: from `since` on, and before `until`."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.as_json().items()) or "everything"


@dataclass(frozen=True, slots=True)
class Part:
    """One chain of a pack: its records from `first` to `last`, `selected` of them with their bodies."""

    name: str
    first: int
    last: int
    selected: int


@dataclass(frozen=True, slots=True)
class Member:
    """Size and SHA-256 (hex) of a member."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a pack says of itself: the word of who exported it, up to the digests."""

    tenant: str
    selection: Selection
    exported_at: str
    exported_by: str
    agentgate: str
    chains: Sequence[Part]
    members: Mapping[str, Member]

    def data(self) -> bytes:
        """Its bytes."""
        return canonical(
            {
                "format": FORMAT,
                "agentgate": self.agentgate,
                "tenant": self.tenant,
                "selection": self.selection.as_json(),
                "exported": {"at": self.exported_at, "by": self.exported_by},
                "chains": [asdict(part) for part in self.chains],
                "members": {name: asdict(member) for name, member in self.members.items()},
            }
        )

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read its bytes. Raises BadPack for anything that this version does not write."""
        names = {"format", "agentgate", "tenant", "selection", "exported", "chains", "members"}
        told = _object(data, names)
        if told["format"] != FORMAT:
            raise BadPack(f"this program reads {FORMAT}, and the manifest says {told['format']!r}")
        try:
            manifest = cls(
                told["tenant"],
                Selection(**told["selection"]),
                told["exported"]["at"],
                told["exported"]["by"],
                told["agentgate"],
                tuple(Part(**part) for part in told["chains"]),
                {name: Member(**member) for name, member in told["members"].items()},
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise BadPack("the manifest lacks a member, or has one too many") from error
        manifest._check()
        if manifest.data() != data:
            raise BadPack("the manifest has members that nobody writes")
        return manifest

    def _check(self) -> None:
        texts = [self.tenant, self.exported_at, self.exported_by, self.agentgate, *self.selection.as_json().values()]
        numbers = [number for part in self.chains for number in (part.first, part.last, part.selected)]
        numbers += [member.bytes for member in self.members.values()]
        if not all(isinstance(each, str) for each in (*texts, *(part.name for part in self.chains))):
            raise BadPack("the manifest has a text that is none")
        if not all(type(each) is int and each >= 0 for each in numbers):
            raise BadPack("the manifest has a number that is none")
        if not all(is_digest(member.sha256) for member in self.members.values()):
            raise BadPack("the manifest has a digest that is none")
        if [part.name for part in self.chains] != sorted({part.name for part in self.chains}) or not self.chains:
            raise BadPack("the manifest does not name each chain once, in their order")


def moment(text: str) -> str:
    """A time or date as somebody writes it, in the form of `at`; UTC where no zone is said. Raises ValueError."""
    found = datetime.fromisoformat(text)
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found.isoformat(timespec="microseconds")


def _object(data: bytes, names: set[str]) -> Mapping[str, Any]:
    try:
        found = read(data)
    except ValueError as error:
        raise BadPack(f"not canonical JSON: {error}") from error
    if not isinstance(found, dict) or found.keys() != names:
        raise BadPack(f"not an object of {', '.join(sorted(names))}")
    return found
