"""Who a sidecar or a reader is: one row for each way of being somebody else."""

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.authentication import NotAuthenticated, reader_of, signed_by
from central.readers import ReadersProblem, read_readers
from central.registry import Registry, Sidecar

KEY: Final = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
OTHER: Final = Ed25519PrivateKey.from_private_bytes(b"2" * 32)
URL: Final = "https://central.example"
REGISTRY: Final = Registry(
    {
        "gate-1": Sidecar("gate-1", "acme", KEY.public_key().public_bytes_raw()),
        "gate-2": Sidecar("gate-2", "rival", OTHER.public_key().public_bytes_raw()),
    }
)
BODY: Final = b"batch"


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "iss": "gate-1",
        "aud": URL,
        "tenant": "acme",
        "htm": "POST",
        "htu": "/v1/evidence/batches",
        "sha256": hashlib.sha256(BODY).hexdigest(),
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in {**whole, **changed}.items() if value is not None}


def asked(authorization: str) -> Sidecar:
    return signed_by(authorization, REGISTRY, {URL}, method="POST", path="/v1/evidence/batches").over(BODY)


def signed(given: Mapping[str, Any], key: Any = KEY, algorithm: str = "EdDSA") -> str:
    return "Bearer " + jwt.encode(dict(given), key, algorithm=algorithm)


def test_a_registered_sidecar() -> None:
    assert asked(signed(claims())).id == "gate-1"


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="nothing"),
        pytest.param("Basic Z2F0ZS0xOng=", id="basic"),
        pytest.param("Bearer x", id="no-jwt"),
        pytest.param(signed(claims(), OTHER), id="key-of-another"),
        pytest.param(signed(claims(iss="gate-2")), id="name-of-another"),
        pytest.param(signed(claims(iss="gate-3")), id="unknown"),
        pytest.param(signed(claims(iss=None)), id="nameless"),
        pytest.param(signed(claims(aud="https://other.example")), id="for-another-central"),
        pytest.param(signed(claims(aud=None)), id="for-nobody"),
        pytest.param(signed(claims(tenant="rival")), id="tenant-of-another"),
        pytest.param(signed(claims(tenant=None)), id="no-tenant"),
        pytest.param(signed(claims(htm="GET")), id="for-another-method"),
        pytest.param(signed(claims(htu="/v1/evidence/chains/x/position")), id="for-another-path"),
        pytest.param(signed(claims(sha256="0" * 64)), id="for-another-body"),
        pytest.param(signed(claims(sha256=None)), id="for-any-body"),
        pytest.param(signed(claims(exp=1_000_000_000)), id="expired"),
        pytest.param(signed(claims(iat=int(time.time()) + 3600, exp=int(time.time()) + 3660)), id="of-the-future"),
        pytest.param(signed(claims(exp=int(time.time()) + 86_400)), id="for-a-day"),
        pytest.param(signed(claims(exp=None)), id="for-ever"),
        pytest.param(signed(claims(), "", "none"), id="unsigned"),
        pytest.param(signed(claims(), KEY.public_key().public_bytes_raw(), "HS256"), id="hmac-by-the-public-key"),
        pytest.param(signed(claims()) + "x", id="signature-changed"),
    ],
)
def test_nobody(authorization: str) -> None:
    with pytest.raises(NotAuthenticated) as raised:
        asked(authorization)
    assert authorization[7:] not in str(raised.value) or len(authorization) < 9


def readers(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "readers.toml"
    path.write_text(text)
    return path


def test_a_reader_has_one_tenant(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"t" * 32).hexdigest()
    found = read_readers(readers(tmp_path, f'[readers.auditor]\ntenant = "acme"\ntoken_sha256 = "{digest}"\n'))
    assert reader_of("Bearer " + "t" * 32, found).tenant == "acme"
    for wrong in ("", "Bearer ", "Bearer " + "t" * 31, "Bearer " + digest):
        with pytest.raises(NotAuthenticated):
            reader_of(wrong, found)


def test_everything_that_is_wrong_with_readers(tmp_path: Path) -> None:
    digest = "a" * 64
    text = f"""
    other = 1
    [readers.a]
    tenant = "acme"
    token_sha256 = "{digest}"
    [readers.b]
    tenant = "acme"
    token_sha256 = "{digest}"
    [readers.c]
    tenant = "acme"
    token = "plain"
    [readers.d]
    tenant = ""
    token_sha256 = "{"b" * 64}"
    [readers.e]
    tenant = "acme"
    token_sha256 = "B"
    [readers.f]
    tenant = "acme"
    token_sha256 = "{"c" * 64}"
    wrapped_keys = "yes"
    """
    with pytest.raises(ReadersProblem) as raised:
        read_readers(readers(tmp_path, text))
    said = str(raised.value)
    assert all(
        part in said
        for part in ("other: there is no such key", "readers.b", "readers.c", "readers.d", "readers.e", "readers.f")
    )
    assert "plain" not in said
