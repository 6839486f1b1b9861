"""What a state folder keeps of signed bundles: the versions that were active, and the last good bundle of each place.

    policy-version.json     see `versions`
    bundles/DIGEST.tar.gz   the bundle that was last active of the file whose path, or the URL that, has this digest
    bundles/DIGEST.given.tar.gz
                            what the server at the URL gave last; nobody has looked at it yet

Promise: when `remember` has returned, both are on disk. The bundle is written first: after a crash in between, the next
start finds a bundle that is one version ahead, never none.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

from evidence.files import replace_file
from policy.archive import read_file
from policy.bundle_server import is_url, shown_url
from policy.engine import PolicyRefused
from policy.locking import locked
from policy.opening import Bundle, opened
from policy.trust import Trust
from policy.versions import FILE, read_versions

FOLDER: Final = "bundles"
_LOCK: Final = ".policy-version.lock"


def kept_at(state: Path, spec: str) -> Path:
    """Where the last good bundle is kept of the file or the URL that `spec` names."""
    return state / FOLDER / f"{_digest(spec)}.tar.gz"


def given_at(state: Path, spec: str) -> Path:
    """Where the bundle lies that the server at the URL `spec` gave last."""
    return state / FOLDER / f"{_digest(spec)}.given.tar.gz"


class Keeping:
    """What one state folder keeps of the bundle at one place. Several processes may keep at the same time."""

    def __init__(self, state: Path, spec: str) -> None:
        """Nothing is read or made yet."""
        self._state = state
        self._place = _place(spec)
        self._name = Path(self._place).name
        self._kept = kept_at(state, spec)

    def check(self, bundle: Bundle) -> None:
        """Raise PolicyRefused for a version that may not become active."""
        read_versions(self._state).check(bundle, self._place)

    def remember(self, bundle: Bundle) -> None:
        """Keep a bundle that has become active, if it is signed. Raises PolicyRefused where that cannot be done."""
        if bundle.signature is None:
            return
        try:
            with locked(self._state, _LOCK):
                before = read_versions(self._state)
                before.check(bundle, self._place)
                if not self._kept.exists() or self._kept.read_bytes() != bundle.packed:
                    self._kept.parent.mkdir(mode=0o700, exist_ok=True)
                    replace_file(self._kept, bundle.packed)
                if (after := before.after(bundle, self._place)) != before:
                    replace_file(self._state / FILE, after.as_json())
        except OSError as error:
            raise PolicyRefused((f"{self._state}: the active bundle cannot be kept: {error.strerror}",)) from error

    def last(self, trust: Trust) -> Bundle | None:
        """The kept bundle, verified anew and by its version still the active one; None if none is kept.

        Raises PolicyRefused.
        """
        if not self._kept.is_file():
            return None
        bundle = opened(self._name, read_file(self._kept), trust)
        if bundle.signature is None:
            return None
        self.check(bundle)
        return bundle


def _digest(spec: str) -> str:
    return hashlib.sha256(_place(spec).encode()).hexdigest()[:16]


def _place(spec: str) -> str:
    return shown_url(spec) if is_url(spec) else os.path.abspath(spec)
