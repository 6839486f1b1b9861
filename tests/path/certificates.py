"""A private authority and a server's certificate of its own, for upstreams over TLS."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NOT_BEFORE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_NOT_AFTER = datetime.datetime(2046, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Issued:
    """A server's context, the PEM file of who vouches for it, and the SHA-256 of its certificate (hex)."""

    context: ssl.SSLContext
    authority: Path
    fingerprint: str


class Authority:
    """A private authority; what it issues lies in its folder as NAME.pem and NAME.key."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.file = folder / f"{name}.pem"
        self._folder, self._name, self._key = folder, name, ec.generate_private_key(ec.SECP256R1())
        self.file.write_bytes(_pem(_certificate(name, self._key, name, self._key, authority=True)))

    def issue(self, name: str, *, not_after: datetime.datetime = _NOT_AFTER) -> x509.Certificate:
        """A certificate for a client by its name, or for a server by its address."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, key, self._name, self._key, authority=False, not_after=not_after)
        (self._folder / f"{name}.pem").write_bytes(_pem(made))
        (self._folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return made

    def server(self, *, clients_of: "Authority | None" = None) -> Issued:
        """A server at 127.0.0.1; it demands a certificate that `clients_of` has issued, if that is given."""
        fingerprint = self.issue("127.0.0.1").fingerprint(hashes.SHA256()).hex()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "127.0.0.1.pem", self._folder / "127.0.0.1.key")
        if clients_of is not None:
            context.load_verify_locations(clients_of.file)
            context.verify_mode = ssl.CERT_REQUIRED
        return Issued(context, self.file, fingerprint)


def issue(folder: Path) -> Issued:
    """A new authority, and a certificate by it for 127.0.0.1."""
    return Authority(folder).server()


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
    not_after: datetime.datetime = _NOT_AFTER,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(name)]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(made: x509.Certificate) -> bytes:
    return made.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
