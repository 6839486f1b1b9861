"""The keys of one purpose on disk.

    <key id>.key     a private key, encrypted (evidence/key_files.py)
    history.tsv      what became of each key (evidence/key_history.py): what stands here is so
    lock             held by whoever changes something

and a copy of the history among the static files of the log, which is published, and is never ahead of it. A key file
whose key the history does not know was made and not announced: the next one who needs a new key takes it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.files import replace_file
from evidence.key_entry import BadHistory
from evidence.key_files import Protection
from evidence.key_history import History, read_history, root_of
from evidence.keys import KeyProblem
from evidence.note import VerifierKey
from evidence.signers import Ed25519FileSigner, Purpose, verifier_of

HISTORY: Final = "history.tsv"
_LOCK: Final = "lock"
_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """Where the keys that sign as `name` lie. All of it blocks; raises KeyProblem, OSError."""

    folder: Path
    name: str
    purpose: Purpose
    published: Path | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one who changes something; waits for others. Makes the folder."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def history(self) -> History | None:
        """What stands there, held to what was published; None where there is nothing yet."""
        own, published = self._read(self.folder / HISTORY), None
        if self.published is not None:
            published = self._read(self.published)
        if published is None:
            return own
        if own is None:
            raise KeyProblem(
                f"{self.folder / HISTORY} is gone, and {self.published} says that there was one: bring the folder back"
            )
        try:
            own.refuse_older(published.pin)
        except BadHistory as error:
            raise KeyProblem(
                f"{self.folder / HISTORY} does not go on from what was published in {self.published} ({error}): it is "
                "an older copy, or that of another central. Bring the newest folder of keys back."
            ) from error
        return own

    def stamp(self) -> tuple[int, int, int]:
        """Changes whenever the history does."""
        found = (self.folder / HISTORY).stat()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def keep(self, history: History) -> None:
        """The history is this one from now on: on the disk, then published."""
        replace_file(self.folder / HISTORY, history.bytes(), mode=_MODE)
        self.publish(history)

    def publish(self, history: History) -> None:
        """Bring the published copy to this history, if it is not there."""
        path, content = self.published, history.bytes()
        if path is None or (path.exists() and path.read_bytes() == content):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content, mode=_MODE)

    def signer(self, key: VerifierKey, protection: Protection) -> Ed25519FileSigner:
        """The signer of this key."""
        path = self._path(key)
        found = Ed25519FileSigner.open(path, self.name, self.purpose, protection)
        if verifier_of(found) != key:
            raise KeyProblem(f"{path}: holds another key than {key.text()}: restore the file")
        return found

    def put(self, private: Ed25519PrivateKey, protection: Protection) -> Ed25519FileSigner:
        """Put a private key here."""
        key = VerifierKey(self.name, self.purpose.kind, private.public_key().public_bytes_raw())
        if self._path(key).exists():
            return self.signer(key, protection)
        return Ed25519FileSigner.make(self._path(key), self.name, self.purpose, private, protection)

    def new(self, protection: Protection, history: History | None) -> Ed25519FileSigner:
        """A key that the history does not know: one that was made and never announced, or a new one."""
        known = set() if history is None else {each.key.id.hex() for each in history.keys}
        for path in self.files():
            if path.stem not in known:
                return Ed25519FileSigner.open(path, self.name, self.purpose, protection)
        return self.put(Ed25519PrivateKey.generate(), protection)

    def files(self) -> list[Path]:
        """The key files, in a fixed order."""
        return sorted(self.folder.glob("*.key"))

    def _path(self, key: VerifierKey) -> Path:
        return self.folder / f"{key.id.hex()}.key"

    def _read(self, path: Path) -> History | None:
        try:
            data = path.read_bytes()
            history = read_history(data, root_of(data))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise KeyProblem(f"{path}: {error}: restore the file") from error
        if history.root.name != self.name:
            raise KeyProblem(
                f"{path}: is the history of the keys of {history.root.name}, and the configuration says {self.name}: "
                "give `log.origin` back its name, or begin with another state folder"
            )
        return history
