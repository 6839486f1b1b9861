"""Writes the file of a pack: members in the order of their names, the same bytes for the same content (and zlib)."""

import hashlib
import zipfile
from collections.abc import Iterable
from typing import IO, Final

from evidence.pack.vocabulary import MANIFEST, Manifest, Member

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


class TooLarge(ValueError):
    """More than a file of this format holds: 2 GiB a member."""


class Packing:
    """A pack that is being written; `members` is what it has so far."""

    def __init__(self, file: IO[bytes], *, compressed: bool = True) -> None:
        self._zip = zipfile.ZipFile(file, "w", allowZip64=False)
        self._method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
        self.members: dict[str, Member] = {}

    def add(self, name: str, blocks: Iterable[bytes]) -> None:
        """Write one member. Raises TooLarge, OSError, ValueError for a name out of order."""
        if self.members and name <= max(self.members):
            raise ValueError(f"{name} is written out of order")
        digest, size = hashlib.sha256(), 0
        try:
            with self._zip.open(self._info(name), "w") as member:
                for block in blocks:
                    digest.update(block)
                    size += len(block)
                    member.write(block)
        except (zipfile.LargeZipFile, RuntimeError) as error:
            raise TooLarge(f"{name} has more than 2 GiB: select less") from error
        self.members[name] = Member(size, digest.hexdigest())

    def end(self, manifest: Manifest) -> None:
        """Write the manifest, which is the last member, and the directory."""
        self.add(MANIFEST, [manifest.data()])
        try:
            self._zip.close()
        except zipfile.LargeZipFile as error:
            raise TooLarge("the pack has more than 2 GiB: select less") from error

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, _EPOCH)
        info.compress_type, info.create_system, info.external_attr = self._method, 3, 0o600 << 16
        return info
