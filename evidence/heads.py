"""The heads of a chain, held against the records that they sign. Pure."""

from typing import Final

from evidence.record import Header
from evidence.signing import KEY_ID_BYTES, BadSignature, Head, exact_base64, open_note, read_head, signer_name

_SIGNATURE_BYTES: Final = KEY_ID_BYTES + 64
"""Of a note: the key id and the signature itself."""


class Heads:
    """Walks along with the records of a chain.

    `signed` is the number of the last record that a head signs. `first` is the first record that is there: where the
    records before it are gone, so is the key of the incarnation that wrote on, until its next `start`; its heads count
    for nothing then, but must still be in their form and order. `unsigned` is how many of those there were.
    """

    def __init__(self) -> None:
        self.first = 1
        self.signed = 0
        self.unsigned = 0
        self._named = 0
        self._public: bytes | None = None
        self._links: dict[int, str] = {}

    def starts(self, public: bytes) -> None:
        """An incarnation begins, which signs with this key (raw)."""
        self._public = public

    def record(self, seq: int, link: str) -> None:
        """A record was found true."""
        self._links[seq] = link

    def take(self, note: str, last: Header | None) -> None:
        """A head that stands after the record `last`. Raises BadSignature."""
        if last is None:
            raise BadSignature("a head before the first record")
        signer = signer_name(last.incarnation)
        head = read_head(_unchecked(note, signer) if self._public is None else open_note(note, signer, self._public))
        if head.incarnation != last.incarnation:
            raise BadSignature("the head names another incarnation than its signer")
        self._check_place(head)
        for seq in range(max(self._named + 1, self.first), head.position.seq + 1):
            del self._links[seq]
        self._named = head.position.seq
        if self._public is None:
            self.unsigned += 1
        else:
            self.signed = head.position.seq

    def _check_place(self, head: Head) -> None:
        seq = head.position.seq
        if self._public is None and self._named < seq < self.first:
            return
        if self._links.get(seq) != head.position.link:
            raise BadSignature(f"the head over record {seq} does not name its link, or is not new")


def _unchecked(note: str, name: str) -> str:
    """The text of a note with one signature, by `name`, whose key nobody has."""
    text, _, line = note.rpartition("\n\n")
    prefix = f"\N{EM DASH} {name} "
    if not line.startswith(prefix) or not line.endswith("\n"):
        raise BadSignature(f"not a note signed by {name}")
    try:
        blob = exact_base64(line[len(prefix) : -1])
    except ValueError as error:
        raise BadSignature(f"the note's signature is {error}") from error
    if len(blob) != _SIGNATURE_BYTES:
        raise BadSignature("the note's signature is not that of an Ed25519 key")
    return f"{text}\n"
