"""Signed notes and certificates: what holds, and every way in which it does not."""

import base64
import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from evidence.chain import Position
from evidence.signing import (
    BadSignature,
    Certificate,
    Head,
    check,
    exact_base64,
    open_note,
    public_text,
    read_head,
    read_public,
    sign_note,
    signer_name,
)

_KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
_PUBLIC = read_public(public_text(_KEY))
_OTHER = read_public(public_text(Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)))
_NAME = signer_name("ab" * 16)
_HEAD = Head("ab" * 16, Position(7, "c" * 64), "2026-09-21T00:00:00.000000+00:00")
_NOTE = sign_note(_HEAD.text(), _NAME, _KEY)


def test_a_head_is_read_as_it_was_signed() -> None:
    assert read_head(open_note(_NOTE, _NAME, _PUBLIC)) == _HEAD


def test_the_published_example_of_a_signed_note_opens() -> None:
    # The Go package golang.org/x/mod/sumdb/note documents this key and note.
    note = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    public = exact_base64("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
    assert open_note(note, "PeterNeumann", public).startswith("If you think")


@pytest.mark.parametrize(
    ("note", "name", "public"),
    [
        pytest.param(_NOTE.replace("\n7\n", "\n8\n"), _NAME, _PUBLIC, id="another-text"),
        pytest.param(_NOTE, signer_name("cd" * 16), _PUBLIC, id="another-name"),
        pytest.param(_NOTE, _NAME, _OTHER, id="another-key"),
        pytest.param(_NOTE + "\n", _NAME, _PUBLIC, id="a-line-more"),
        pytest.param(_NOTE[:-1], _NAME, _PUBLIC, id="no-line-end"),
        pytest.param(_NOTE.replace("\n\n", "\n"), _NAME, _PUBLIC, id="no-blank-line"),
        pytest.param(_NOTE.replace("—", "-"), _NAME, _PUBLIC, id="hyphen"),
        pytest.param("", _NAME, _PUBLIC, id="nothing"),
    ],
)
def test_a_note_that_does_not_hold(note: str, name: str, public: bytes) -> None:
    with pytest.raises(BadSignature):
        open_note(note, name, public)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_HEAD.text().replace("head/v1", "head/v2"), id="another-version"),
        pytest.param(_HEAD.text().replace("\n7\n", "\n07\n"), id="padded-number"),
        pytest.param(_HEAD.text().replace("\n7\n", "\n٧\n"), id="digits-of-another-script"),
        pytest.param(_HEAD.text().replace("\n7\n", "\n-7\n"), id="negative"),
        pytest.param(_HEAD.text() + "more\n", id="a-line-more"),
        pytest.param(_HEAD.text().replace("c" * 64, "C" * 64), id="upper-case-link"),
    ],
)
def test_a_text_that_is_no_head(text: str) -> None:
    with pytest.raises(BadSignature):
        read_head(text)


def test_a_certificate_covers_each_of_its_members() -> None:
    certificate = Certificate("gate", "i", public_text(_KEY), "acme", "now")
    signature = _KEY.sign(certificate.statement())
    check(_PUBLIC, signature, certificate.statement())
    for name in Certificate.__slots__:
        other = Certificate(**{each: getattr(certificate, each) for each in Certificate.__slots__} | {name: "x"})
        with pytest.raises(BadSignature):
            check(_PUBLIC, signature, other.statement())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("AAAA", id="short"),
        pytest.param(base64.b64encode(b"\x01" * 33).decode(), id="long"),
        pytest.param(base64.b64encode(b"\x01" * 32).decode()[:-1], id="no-padding"),
        pytest.param("é", id="no-ascii"),
    ],
)
def test_a_public_key_that_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        read_public(text)


def _spelled(text: bytes) -> bytes | None:
    """What base64 of the standard library makes of a text that is the one spelling of its bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if base64.b64encode(raw) == text else None


def _exact(text: bytes) -> bytes | None:
    try:
        return exact_base64(text)
    except ValueError:
        return None


def test_every_end_of_base64_has_one_spelling() -> None:
    for end in itertools.product(b"AQgwx+/=-_\\", repeat=4):
        for text in (bytes(end), b"QUJD" + bytes(end)):
            assert _exact(text) == _spelled(text), text


_PIECES = st.sampled_from([b"A", b"Q", b"/", b"+", b"=", b"\\u0041", b"\\u003d", b"\\/", b"\n", b'"', b"\xe9"])


@given(st.binary(max_size=12), st.lists(st.tuples(st.integers(0, 16), st.integers(0, 2), _PIECES), max_size=3))
def test_base64_is_read_as_the_standard_library_does(raw: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    text = base64.b64encode(raw)
    for place, taken, piece in edits:
        text = text[:place] + piece + text[place + taken :]
    assert _exact(text) == _spelled(text)
