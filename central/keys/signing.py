"""The keys of one purpose as a running central uses them: taken up anew whenever their history has changed.

A key that cannot be read, or does not sign, is SigningFailed for whoever wants a signature, until it is mended; what
was taken up before is not used instead.
"""

import asyncio
from collections.abc import Sequence

from central.keys.folder import KeyFolder
from evidence.key_entry import BadHistory
from evidence.key_files import Protection
from evidence.key_history import History
from evidence.keys import KeyProblem
from evidence.note import Signature, VerifierKey, write_note
from evidence.signers import SECONDS, Guarded, Purpose, Signer, SigningFailed


class SigningKeys:
    """Signs under one name. `problem` says why the last signature was not made, or None."""

    def __init__(self, folder: KeyFolder, protection: Protection, seconds: float = SECONDS) -> None:
        self._folder, self._protection, self._seconds = folder, protection, seconds
        self._stamp: tuple[int, int, int] | None = None
        self._history: History | None = None
        self._signers: dict[VerifierKey, Signer] = {}
        self._taking_up = asyncio.Lock()
        self.name = folder.name
        self.problem: str | None = None

    async def start(self) -> None:
        """Take the keys up, so that a start finds what is wrong. Raises KeyProblem, OSError."""
        await self._take_up()

    async def known(self) -> Sequence[VerifierKey]:
        """Keys that have been active and are not revoked. Raises SigningFailed."""
        return (await self._taken_up()).believed()

    async def signing(self) -> Sequence[VerifierKey]:
        """Every key that signs a checkpoint now, the leading one first. Raises SigningFailed."""
        return (await self._taken_up()).leading[::-1]

    async def sign(self, statement: bytes) -> Sequence[Signature]:
        """The signatures of all keys that are active: who knows one of them need not know the others yet.

        Raises SigningFailed if one is missing.
        """
        keys = await self.signing()
        return [await self._signature(key, statement) for key in keys]

    async def since(self) -> str:
        """From when on the leading key signs: nothing that it signs is older. Raises SigningFailed."""
        history = await self._taken_up()
        standing = history.find(history.leader.id)
        return "" if standing is None or standing.active is None else standing.active

    async def note(self, text: str) -> str:
        """The note with the signature of the leading key. Raises SigningFailed."""
        key = (await self._taken_up()).leader
        return write_note(text, [await self._signature(key, text.encode())])

    async def _signature(self, key: VerifierKey, statement: bytes) -> Signature:
        try:
            signed = await self._signers[key].sign(statement)
        except SigningFailed as error:
            self.problem = str(error)
            raise
        self.problem = None
        return key.signature(signed)

    async def _taken_up(self) -> History:
        """The history as it stands, with a signer for each key that signs."""
        try:
            if self._history is None or self._folder.stamp() != self._stamp:
                async with self._taking_up:
                    await self._take_up()
        except (KeyProblem, BadHistory, OSError) as error:
            self.problem = str(error)
            raise SigningFailed(f"the keys of {self.name} cannot be taken up: {error}") from error
        assert self._history is not None  # noqa: S101  (`_take_up` gives one, or raises)
        return self._history

    async def _take_up(self) -> None:
        stamp = self._folder.stamp()
        if stamp == self._stamp:
            return
        history, signers = await asyncio.to_thread(self._read)
        self._history, self._stamp = history, stamp
        self._signers |= signers

    def _read(self) -> tuple[History, dict[VerifierKey, Signer]]:
        history = self._folder.history()
        if history is None:
            raise KeyProblem(f"{self._folder.folder}: the history is gone: restore it")
        if self._history is not None:
            history.refuse_older(self._history.pin)
        needed = history.leading if self._folder.purpose is Purpose.LOG else (history.leader,)
        signers = {key: self._signers.get(key) or self._opened(key) for key in needed}
        self._folder.publish(history)
        return history, signers

    def _opened(self, key: VerifierKey) -> Signer:
        return Guarded(self._folder.signer(key, self._protection), self._seconds)
