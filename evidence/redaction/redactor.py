"""The redactor that a process uses: the detectors, the choice of modes and a tenant's key, together."""

from collections.abc import Mapping, Sequence
from typing import Final

from evidence.redaction.choosing import Choices, Mode, Rule
from evidence.redaction.detectors import Detector
from evidence.redaction.documents import Documents
from evidence.redaction.finding import Finder
from evidence.redaction.loading import built_in
from evidence.redaction.replacing import Place, Replacer, Tokens

HOISTED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "input": (("call",), ("call", "params")),
    "message": (("params",),),
}
"""Members that pointers of rules leave out, by the name of a secret of evidence: `/arguments/…` is the same in both."""


class Redactor:
    """Redacts the texts of one tenant. It has no state of its own."""

    def __init__(
        self,
        key: bytes,
        tenant: str,
        *,
        detectors: Sequence[Detector] | None = None,
        rules: Sequence[Rule] = (),
        mode: Mode = "mask",
    ) -> None:
        finder = Finder(built_in() if detectors is None else detectors)
        self._replacer = Replacer(finder, Choices(rules, mode), Tokens(key, tenant))
        self._documents = Documents(self._replacer)

    def document(self, raw: bytes, *, tool: str = "", name: str = "") -> bytes:
        """A JSON text (or, where it is none, a plain one) without what is secret in it.

        `tool` is `upstream/name`; `name` says which secret of evidence it is, for the pointers of rules.
        """
        return self._documents.redacted(raw, Place(tool=tool), hoist=HOISTED.get(name, ()))

    def text(self, text: str, *, tool: str = "") -> str:
        """A plain text without what is secret in it."""
        return self._documents.text_redacted(text.encode("utf-8", "surrogatepass"), Place(tool=tool)).decode(
            "utf-8", "surrogatepass"
        )
