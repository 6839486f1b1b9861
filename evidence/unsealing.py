"""Opens sealed boxes of records with a tenant's private key, for whoever reads them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from evidence.layout import KEYS_NAME
from evidence.sealing import CannotOpen, box_contents, commitment, read_key_line, unwrap, value_of
from evidence.signing import exact_base64
from evidence.tailing import Found, Unreadable


class Unsealer:
    """Opens sealed boxes with a tenant's private key."""

    def __init__(self, private: X25519PrivateKey) -> None:
        self._private = private
        self._sizes: dict[Path, int] = {}
        self._lines: dict[tuple[Path, str], Mapping[str, Any]] = {}
        self._data_keys: dict[tuple[Path, str], bytes] = {}

    def open(self, found: Found) -> dict[str, Any] | None:
        """Text by name: `{"base64": …}` for bytes that are none, `{"redacted": …}` for what is left of a text, null
        where only the commitment was kept.

        None if there is no box, or if it does not open: another tenant's, or erased.
        """
        opened = self.contents(found)
        return None if opened is None else {name: _readable(content) for name, content in opened.items()}

    def contents(self, found: Found) -> dict[str, Mapping[str, str]] | None:
        """As `open`, with the salts: what the box itself says. Raises Unreadable where that was not committed to."""
        if found.box is None:
            return None
        body, key_id = found.record.body, found.record.body["sealed"]["key"]
        try:
            opened = box_contents(found.box, self._data_key(found.chain, key_id), key_id, found.record.header.tenant)
        except CannotOpen:
            return None
        for name, content in opened.items():
            value = value_of(content)
            if value is not None and commitment(exact_base64(content["salt"]), value) != _committed(body, name):
                raise Unreadable(
                    f"{found.chain.name}, record {found.record.header.seq}: {name} is not what was committed"
                )
        return opened

    def unit(self, found: Found) -> str:
        """The erasure unit of a box that was opened."""
        return str(self._lines[found.chain, found.record.body["sealed"]["key"]]["unit"])

    def _data_key(self, chain: Path, key_id: str) -> bytes:
        place = (chain, key_id)
        if place not in self._data_keys:
            self._load(chain)
            if place not in self._lines:
                raise CannotOpen("the data key is erased")
            self._data_keys[place] = unwrap(self._lines[place], self._private)
        return self._data_keys[place]

    def _load(self, chain: Path) -> None:
        """Read the wrapped keys of a chain, and again when there are more."""
        path = chain / KEYS_NAME
        size = path.stat().st_size if path.exists() else 0
        if size != self._sizes.get(chain, 0):
            self._sizes[chain] = size
            self._lines.update(((chain, line["id"]), line) for line in _key_lines(path))


def _key_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            yield read_key_line(line)
        except ValueError as error:
            raise Unreadable(f"{path.parent.name}, {path.name}: {error}") from error


def _readable(content: Mapping[str, str]) -> Any:
    if "text" in content:
        return content["text"]
    return {name: content[name] for name in ("base64", "redacted") if name in content} or None


def _committed(body: Mapping[str, Any], name: str) -> Any:
    commitments = body.get("commitments")
    found = commitments.get(name) if isinstance(commitments, dict) else None
    return found.get("hmac") if isinstance(found, dict) else None
