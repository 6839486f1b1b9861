"""Keys at rest and signers: what opens, what is refused and why, and that no failure passes for a signature."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.canonical import canonical
from evidence.key_files import (
    Passphrase,
    Protection,
    WrappingKey,
    make_wrapping_key,
    put_new,
    read_passphrase,
    read_wrapping_key,
)
from evidence.keys import KeyProblem
from evidence.note import ED25519
from evidence.signers import Ed25519FileSigner, Guarded, Purpose, SigningFailed, verifier_of
from evidence.signing import check

KEY: Final = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
NAME: Final = "central.example/log"
WORDS: Final = Passphrase(b"correct horse")
WRAPPING: Final = WrappingKey(b"\x08" * 32)
PROTECTIONS = [pytest.param(WORDS, id="passphrase"), pytest.param(WRAPPING, id="wrapping-key")]


def made(path: Path, protection: Protection = WRAPPING) -> Ed25519FileSigner:
    return Ed25519FileSigner.make(path, NAME, Purpose.LOG, KEY, protection)


def opened(path: Path, protection: Protection = WRAPPING) -> Ed25519FileSigner:
    return Ed25519FileSigner.open(path, NAME, Purpose.LOG, protection)


@pytest.mark.parametrize("protection", PROTECTIONS)
async def test_a_key_signs_as_it_did_before_it_was_put_away(tmp_path: Path, protection: Protection) -> None:
    path = tmp_path / "log.key"
    before, after = made(path, protection), opened(path, protection)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (after.public, after.key_id) == (before.public, verifier_of(before).id)
    check(after.public, await after.sign(b"statement"), b"statement")


@pytest.mark.parametrize("protection", PROTECTIONS)
def test_the_private_half_is_not_in_the_file(tmp_path: Path, protection: Protection) -> None:
    made(tmp_path / "one", protection)
    made(tmp_path / "two", protection)
    one, two = (json.loads((tmp_path / name).read_bytes()) for name in ("one", "two"))
    assert "BwcHBwcH" not in (tmp_path / "one").read_text()
    assert one["sealed"] != two["sealed"]
    assert one["protection"]["salt"] != two["protection"]["salt"]


def test_no_key_is_written_over(tmp_path: Path) -> None:
    made(tmp_path / "log.key")
    with pytest.raises(FileExistsError):
        made(tmp_path / "log.key")
    assert [path.name for path in tmp_path.iterdir()] == ["log.key"]


def _edit(**members: object) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        path.write_bytes(canonical(json.loads(path.read_bytes()) | members) + b"\n")

    return edit


def _other_protection(**members: object) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        document = json.loads(path.read_bytes())
        document["protection"] |= members
        path.write_bytes(canonical(document) + b"\n")

    return edit


def _moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _replaced(path: Path) -> None:
    path.unlink()
    Ed25519FileSigner.make(path, "other.example/log", Purpose.LOG, KEY, WRAPPING)


def _of_another_purpose(path: Path) -> None:
    path.unlink()
    Ed25519FileSigner.make(path, NAME, Purpose.RECEIPTS, KEY, WRAPPING)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda path: path.chmod(0o640), "chmod 600", id="group-reads"),
        pytest.param(lambda path: path.chmod(0o604), "chmod 600", id="others-read"),
        pytest.param(lambda path: os.chown(path, 12_345, -1), "belongs to user 12345", id="another-owner"),
        pytest.param(_moved, "log.key", id="a-link"),
        pytest.param(lambda path: path.unlink(), "No such file", id="gone"),
        pytest.param(_replaced, "is the key of other.example/log", id="replaced-by-another-name"),
        pytest.param(_of_another_purpose, "for receipts", id="replaced-by-another-purpose"),
        pytest.param(_edit(public="A" * 43 + "="), "does not open", id="another-public-key"),
        pytest.param(_edit(name="other.example/log"), "does not open", id="another-name"),
        pytest.param(_edit(sealed="AAAA"), "does not open", id="another-secret"),
        pytest.param(_edit(nonce="AAAAAAAAAAAAAAAA"), "does not open", id="another-nonce"),
        pytest.param(_edit(v=2), "version 1", id="a-later-version"),
        pytest.param(_edit(more=1), "lacks what a key file has", id="a-member-more"),
        pytest.param(_edit(protection=None), "restore|attribute", id="no-protection"),
        pytest.param(_other_protection(id="0" * 16), "under the wrapping key 0000", id="another-wrapping-key"),
        pytest.param(_other_protection(kind="none"), "passphrase", id="no-kind-of-protection"),
        pytest.param(_other_protection(salt="AAAA"), "salt", id="no-salt"),
        pytest.param(lambda path: path.write_bytes(b"\n"), "is no key file", id="empty"),
        pytest.param(lambda path: path.write_bytes(b"x" * 70_000), "more than", id="much-too-large"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-9]), "is no key file", id="cut-off"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_as_it_was_is_refused(tmp_path: Path, spoil: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "log.key"
    made(path)
    spoil(path)
    with pytest.raises(KeyProblem, match=said) as refused:
        opened(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("written", "given", "said"),
    [
        pytest.param(WORDS, Passphrase(b"incorrect horse"), "does not open", id="wrong-passphrase"),
        pytest.param(WORDS, WRAPPING, "is encrypted under a passphrase", id="a-wrapping-key-for-a-passphrase"),
        pytest.param(WRAPPING, WORDS, "is encrypted under a wrapping key", id="a-passphrase-for-a-wrapping-key"),
        pytest.param(WRAPPING, WrappingKey(b"\x09" * 32), "restore that", id="another-wrapping-key"),
    ],
)
def test_another_protection_does_not_open_it(tmp_path: Path, written: Protection, given: Protection, said: str) -> None:
    made(tmp_path / "log.key", written)
    with pytest.raises(KeyProblem, match=said):
        opened(tmp_path / "log.key", given)


@pytest.mark.parametrize("n", [1, 2**21, "many", None, True])
def test_a_file_cannot_ask_for_any_amount_of_memory(tmp_path: Path, n: object) -> None:
    made(tmp_path / "log.key", WORDS)
    _other_protection(n=n)(tmp_path / "log.key")
    with pytest.raises(KeyProblem, match="key derivation"):
        opened(tmp_path / "log.key", WORDS)


def _secret(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_secrets_are_read_from_files(tmp_path: Path) -> None:
    assert read_passphrase(_secret(tmp_path / "a", b"two words \n")) == Passphrase(b"two words ")
    assert read_passphrase(_secret(tmp_path / "b", b"group\r\n", 0o440)) == Passphrase(b"group")
    (tmp_path / "link").symlink_to("a")
    assert read_passphrase(tmp_path / "link") == Passphrase(b"two words ")
    first = make_wrapping_key(tmp_path / "wrapping.key")
    assert read_wrapping_key(tmp_path / "wrapping.key") == make_wrapping_key(tmp_path / "wrapping.key") == first
    assert "secret" not in repr(first)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        pytest.param(b"\n", 0o600, "is empty", id="empty"),
        pytest.param(b"words\n", 0o604, "chmod o=", id="everybody-reads"),
        pytest.param(None, 0, "No such file", id="gone"),
    ],
)
def test_a_passphrase_file_is_refused(tmp_path: Path, content: bytes | None, mode: int, said: str) -> None:
    if content is not None:
        _secret(tmp_path / "words", content, mode)
    with pytest.raises(KeyProblem, match=said):
        read_passphrase(tmp_path / "words")


@pytest.mark.parametrize("content", [b"AAAA\n", b"no base64\n", b""])
def test_what_is_no_wrapping_key_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(KeyProblem, match="head -c 32"):
        read_wrapping_key(_secret(tmp_path / "wrapping.key", content))


def test_a_draft_that_a_crash_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".log.key.0011223344556677").write_bytes(b"half")
    put_new(tmp_path / "log.key", b"whole")
    assert (tmp_path / "log.key").read_bytes() == b"whole"


@dataclass
class Failing:
    """A signer as one in a service may be: it does what the row says."""

    how: Callable[[], object]
    name: str = NAME
    key_id: bytes = b"\x01\x02\x03\x04"
    public: bytes = KEY.public_key().public_bytes_raw()
    purpose: Purpose = Purpose.LOG

    async def sign(self, statement: bytes) -> bytes:
        found = self.how()
        if isinstance(found, Exception):
            raise found
        if found is None:
            await asyncio.Event().wait()
        assert isinstance(found, bytes)
        return found


@pytest.mark.parametrize(
    ("how", "said"),
    [
        pytest.param(lambda: None, "has not signed within 0.05 s", id="no-answer"),
        pytest.param(lambda: OSError("no route"), "cannot sign: OSError: no route", id="away"),
        pytest.param(lambda: SigningFailed("the token is locked"), "the token is locked", id="its-own-words"),
        pytest.param(lambda: b"", "does not hold", id="nothing"),
        pytest.param(lambda: bytes(64), "does not hold", id="no-signature"),
        pytest.param(lambda: KEY.sign(b"something else"), "does not hold", id="of-something-else"),
    ],
)
async def test_a_signer_that_fails_is_told_and_gives_nothing(how: Callable[[], object], said: str) -> None:
    with pytest.raises(SigningFailed, match=said):
        await Guarded(Failing(how), 0.05).sign(b"statement")


async def test_a_guarded_signer_is_the_signer(tmp_path: Path) -> None:
    signer = made(tmp_path / "log.key")
    guarded = Guarded(signer)
    assert verifier_of(guarded) == verifier_of(signer)
    assert verifier_of(guarded).kind == ED25519
    assert await guarded.sign(b"statement") == KEY.sign(b"statement")


async def test_who_waits_for_a_signature_can_be_cancelled() -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(Guarded(Failing(lambda: None)).sign(b""))
        await asyncio.sleep(0)
        waiting.cancel()
    assert waiting.cancelled()
