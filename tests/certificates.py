"""Certificates for tests: an issuer of our own, and what it issued to this machine, as long as it was meant to last."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Issuer:
    """Issues certificates into a folder; TLS asks the wall clock, so that they last from long ago to far ahead."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Issuer of the tests")])
        self.file = folder / "issuer.pem"
        told = _builder(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), True
        )
        usage = {name: name in ("key_cert_sign", "crl_sign") for name in _USAGES}
        told = told.add_extension(x509.KeyUsage(**usage), True).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), False
        )
        self.file.write_bytes(told.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, address: str = "127.0.0.1", ended: bool = False) -> Issued:
        """Return a certificate for an address; one that has `ended` did so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        told = _builder(subject, self._name, key, ends=datetime(2021, 1, 1, tzinfo=UTC) if ended else _FAR)
        told = told.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), False)
        told = told.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
        made = told.sign(self._key, hashes.SHA256())
        files = Issued(certificate=self._folder / f"{name}.pem", key=self._folder / f"{name}.key")
        files.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files


_FAR = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=365 * 60)
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def _builder(subject, issuer, key, *, ends=_FAR):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(ends)
    )
