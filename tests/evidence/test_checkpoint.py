"""Checkpoints and cosignatures: what the specifications publish, and every way in which a note can be off."""

import base64
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.checkpoint import (
    Checkpoint,
    Cosignature,
    NotWitnessed,
    Quorum,
    cosign,
    open_checkpoint,
    read_checkpoint,
)
from evidence.merkle import EMPTY_ROOT
from evidence.note import COSIGNATURE, ED25519, Signature, VerifierKey, read_note, read_verifier_key, write_note
from evidence.signing import BadSignature, sign_note

_ORIGIN: Final = "log.example/agentgate"
_TIME: Final = 1_800_000_000


def _key(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def _verifier(name: str, kind: int, seed: int) -> VerifierKey:
    return VerifierKey(name, kind, _key(seed).public_key().public_bytes_raw())


_LOG: Final = _verifier(_ORIGIN, ED25519, 1)
_WITNESSES: Final = tuple(_verifier(f"witness.example/{seed}", COSIGNATURE, seed) for seed in (2, 3, 4))
_CHECKPOINT: Final = Checkpoint(_ORIGIN, 7, b"\x07" * 32)
_SIGNED: Final = _LOG.signature(_key(1).sign(_CHECKPOINT.text().encode()))
_BY: Final = {seed: cosign(_CHECKPOINT.text(), f"witness.example/{seed}", _key(seed), _TIME) for seed in (2, 3, 4)}
_STRANGER: Final = _verifier("stranger.example", ED25519, 9).signature(b"\x00" * 64)


def _note(*signatures: Signature, text: str = _CHECKPOINT.text()) -> str:
    return write_note(text, signatures)


def _two_of_three() -> Quorum:
    return Quorum(2, _WITNESSES)


def test_a_checkpoint_is_read_as_it_was_signed() -> None:
    opened = open_checkpoint(_note(_SIGNED, _STRANGER, _BY[4], _BY[2]), _LOG, _two_of_three())
    assert opened.checkpoint == _CHECKPOINT
    assert opened.cosignatures == tuple(Cosignature(f"witness.example/{seed}", _TIME) for seed in (2, 4))


def test_one_signature_is_what_other_notes_have_too() -> None:
    assert _note(_SIGNED) == sign_note(_CHECKPOINT.text(), _ORIGIN, _key(1))


def test_the_published_example_is_read() -> None:
    # c2sp.org/tlog-cosignature; its keys are not published, their names and ids are in the note.
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 "
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    read = read_note(note)
    assert read_checkpoint(read.text).size == 20_852_163
    assert [(each.name, len(each.signed)) for each in read.signatures] == [
        ("example.com/behind-the-sofa", 64),
        ("witness.example.com/w1", 72),
    ]
    assert int.from_bytes(read.signatures[1].signed[:8]) == 1_679_315_147
    assert write_note(read.text, read.signatures) == note


def test_the_published_verifier_key_is_read() -> None:
    # The Go package golang.org/x/mod/sumdb/note documents this key.
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = read_verifier_key(text)
    assert (key.name, key.kind, key.id.hex(), key.text()) == ("PeterNeumann", ED25519, "c74f20a3", text)


def _other(text: str = _CHECKPOINT.text(), seed: int = 2, name: str = "witness.example/2") -> Signature:
    """A cosignature with the name and the key id of the first witness, and something about it that is not his."""
    made = cosign(text, name, _key(seed), _TIME)
    return _WITNESSES[0].signature(made.signed)


_OTHER_TREE: Final = Checkpoint(_ORIGIN, 7, b"\x08" * 32).text()
_OFF: Final = [
    pytest.param(_note(_STRANGER, _BY[2], _BY[3]), id="the-log-has-not-signed"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3], text=_OTHER_TREE), id="another-tree"),
    pytest.param(_note(_LOG.signature(b"\x00" * 64), _BY[2], _BY[3]), id="a-signature-that-does-not-hold"),
    pytest.param(_note(_SIGNED, _SIGNED, _BY[2], _BY[3]), id="the-log-signs-twice"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[2], _BY[3]), id="a-witness-signs-twice"),
    pytest.param(_note(_SIGNED, _other(_OTHER_TREE), _BY[3], _BY[4]), id="a-cosignature-of-another-tree"),
    pytest.param(_note(_SIGNED, _other(seed=5), _BY[3], _BY[4]), id="a-cosignature-by-another-key"),
    pytest.param(
        _note(_SIGNED, _WITNESSES[0].signature(bytes([1, *_BY[2].signed[1:]])), _BY[3], _BY[4]), id="another-time"
    ),
    pytest.param(
        _note(_SIGNED, _WITNESSES[0].signature(b"\xff" + _BY[2].signed[1:]), _BY[3], _BY[4]), id="after-the-last-second"
    ),
    pytest.param(_note(_SIGNED, _WITNESSES[0].signature(_BY[2].signed[8:]), _BY[3], _BY[4]), id="no-time"),
    pytest.param(_note(_SIGNED, _WITNESSES[0].signature(b"\x00"), _BY[3], _BY[4]), id="a-short-cosignature"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3])[:-1], id="no-line-end"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3]) + "\n", id="an-empty-line-at-the-end"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3]).replace("\n\n", "\n"), id="no-empty-line"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3]).replace("—", "-"), id="hyphen"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3]).replace("\n", "\r\n"), id="carriage-returns"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3]) + "— x\n", id="a-line-without-signature"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3]) + "— x AAAA\n", id="a-signature-shorter-than-a-key-id"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3]) + "— a+b AAAAAAA=\n", id="a-name-with-a-plus"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3]) + "— x AAAAAAB=\n", id="a-second-spelling-of-base64"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3]) + "— x \udcff\n", id="no-text"),
    pytest.param(_note(_SIGNED, _BY[2], _BY[3]) + "— x AAAAAAA=\n" * 20_000, id="a-note-without-end"),
    pytest.param("", id="nothing"),
]


@pytest.mark.parametrize("note", _OFF)
def test_a_note_that_is_off(note: str) -> None:
    with pytest.raises(BadSignature) as refused:
        open_checkpoint(note, _LOG, _two_of_three())
    assert not isinstance(refused.value, NotWitnessed)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    text = Checkpoint("log.example/other", 7, b"\x07" * 32).text()
    with pytest.raises(BadSignature, match=r"of the log log.example/other, not of"):
        open_checkpoint(_note(_LOG.signature(_key(1).sign(text.encode())), text=text), _LOG)


def test_a_witness_is_no_log() -> None:
    """A key of a cosigner does not sign checkpoints as a log, whatever its name is."""
    witness = _verifier(_ORIGIN, COSIGNATURE, 1)
    with pytest.raises(BadSignature):
        open_checkpoint(_note(witness.signature(_key(1).sign(_CHECKPOINT.text().encode()))), witness)


@pytest.mark.parametrize(
    ("needed", "found", "lines"),
    [
        pytest.param(2, 1, [_BY[3]], id="one-of-two"),
        pytest.param(1, 0, [], id="none-of-one"),
        pytest.param(1, 0, [_STRANGER], id="a-stranger-does-not-count"),
        pytest.param(3, 2, [_BY[2], _BY[4]], id="two-of-three"),
    ],
)
def test_too_few_witnesses(needed: int, found: int, lines: list[Signature]) -> None:
    with pytest.raises(NotWitnessed) as refused:
        open_checkpoint(_note(_SIGNED, *lines), _LOG, Quorum(needed, _WITNESSES))
    assert (refused.value.needed, refused.value.found) == (needed, found)


@pytest.mark.parametrize(
    ("needed", "witnesses"),
    [
        pytest.param(4, _WITNESSES, id="more-than-there-are"),
        pytest.param(-1, _WITNESSES, id="fewer-than-none"),
        pytest.param(1, (_LOG,), id="a-key-of-another-kind"),
        pytest.param(2, (_WITNESSES[0], _verifier("w.example", COSIGNATURE, 2)), id="one-key-under-two-names"),
    ],
)
def test_a_quorum_that_makes_no_sense(needed: int, witnesses: tuple[VerifierKey, ...]) -> None:
    with pytest.raises(ValueError, match="witness"):
        Quorum(needed, witnesses)


_ROOT: Final = base64.b64encode(b"\x07" * 32).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"a\n07\n{_ROOT}\n", id="padded-number"),
        pytest.param(f"a\n-7\n{_ROOT}\n", id="negative"),
        pytest.param(f"a\n٧\n{_ROOT}\n", id="digits-of-another-script"),
        pytest.param(f"a\n{1 << 63}\n{_ROOT}\n", id="more-leaves-than-a-tree-has"),
        pytest.param(f"a\n{'9' * 5000}\n{_ROOT}\n", id="a-number-without-end"),
        pytest.param(f"a\n0\n{_ROOT}\n", id="an-empty-tree-with-a-root"),
        pytest.param(f"a\n7\n{_ROOT[:-4]}\n", id="a-short-root"),
        pytest.param(f"a\n7\n{_ROOT}", id="no-line-end"),
        pytest.param("a\n7\n", id="no-root"),
        pytest.param(f"\n7\n{_ROOT}\n", id="no-origin"),
        pytest.param(f"a\n7\n{_ROOT}\n\n", id="an-empty-extension"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_text_that_is_no_checkpoint(text: str) -> None:
    with pytest.raises(BadSignature):
        read_checkpoint(text)


@pytest.mark.parametrize(
    "checkpoint",
    [
        pytest.param(Checkpoint("a", 0, EMPTY_ROOT), id="the-empty-tree"),
        pytest.param(Checkpoint("a", (1 << 63) - 1, b"\x07" * 32), id="the-largest"),
        pytest.param(Checkpoint("a", 7, b"\x07" * 32, ("more", "and more")), id="extensions"),
    ],
)
def test_a_checkpoint_is_its_text(checkpoint: Checkpoint) -> None:
    assert read_checkpoint(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_LOG.text().replace(_LOG.id.hex(), "00000000"), id="another-key-id"),
        pytest.param(_LOG.text().replace(_LOG.id.hex(), _LOG.id.hex().upper()), id="upper-case"),
        pytest.param(_LOG.text().replace("log.example", "log.example.example"), id="another-name"),
        pytest.param(VerifierKey("x", 2, b"\x01" * 32).text(), id="another-kind"),
        pytest.param(VerifierKey("x", 1, b"\x01" * 31).text(), id="a-short-key"),
        pytest.param(VerifierKey("", 1, b"\x01" * 32).text(), id="no-name"),
        pytest.param(VerifierKey("a b", 1, b"\x01" * 32).text(), id="a-name-with-a-blank"),
        pytest.param("x", id="a-word"),
        pytest.param("x+00000000", id="no-key"),
        pytest.param("x+00000000+", id="an-empty-key"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_text_that_is_no_verifier_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"key|base64"):
        read_verifier_key(text)


def test_a_verifier_key_is_its_text() -> None:
    for key in (_LOG, *_WITNESSES):
        assert read_verifier_key(key.text()) == key
