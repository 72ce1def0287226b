"""Judges a certificate and its key, as bytes: may a server serve this pair now?

No files, no clock, no sockets. Whether callers trust the certificate, and whether it bears the right names,
is not judged here, since only callers know that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

_BEGIN_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


class CertificateFault(Exception):
    """A pair of files cannot be served: which file, what is wrong, what to do. Never shows key material."""

    def __init__(self, file: Path, problem: str, remedy: str) -> None:
        """Join the three parts into one message."""
        super().__init__(f"{file}: {problem}; {remedy}")
        self.file = file
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True)
class PairBytes:
    """What both files held, read as one pair."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class ValidPair:
    """A pair that may be served until `not_after`. `pem` holds its key, then the leaf, then the rest."""

    pem: bytes = field(repr=False)
    not_after: datetime


def validate(pair: PairBytes, now: datetime, *, cert_file: Path, key_file: Path) -> ValidPair:
    """Return what may be served of `pair` at `now`.

    The leaf must come first in the chain, be within its dates and belong to the key. The file names serve
    the message alone. Raises `CertificateFault`.
    """
    chain = _parse_chain(pair.certificate, cert_file)
    key = _parse_key(pair.key, key_file)
    _check_match(key, chain, cert_file, key_file)
    leaf = chain[0]
    if now < leaf.not_valid_before_utc:
        raise CertificateFault(
            cert_file,
            f"is not valid before {leaf.not_valid_before_utc.isoformat()}",
            "check this machine's clock, or wait",
        )
    if now > leaf.not_valid_after_utc:
        raise CertificateFault(
            cert_file, f"expired at {leaf.not_valid_after_utc.isoformat()}", "issue a new certificate"
        )
    # Written anew from what was parsed, so that nothing else in the files can reach the TLS library: a second
    # key beside the certificate, for one.
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
    return ValidPair(pem, leaf.not_valid_after_utc)


def _parse_chain(content: bytes, file: Path) -> list[x509.Certificate]:
    remedy = "write the leaf and then its intermediates, as PEM"
    try:
        chain = x509.load_pem_x509_certificates(content)
    except (ValueError, x509.InvalidVersion):
        raise CertificateFault(file, "holds no certificate that can be read", remedy) from None
    if len(chain) != content.count(_BEGIN_CERTIFICATE):
        # The parser passes over a block without an end, as a file that is being written has it.
        raise CertificateFault(file, "ends within a certificate", remedy)
    return chain


def _parse_key(content: bytes, file: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(content, password=None)
    except TypeError:
        raise CertificateFault(file, "is encrypted", "write the key without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateFault(file, "holds no private key that can be read", "write the key as PEM, whole") from None


def _check_match(key: PrivateKeyTypes, chain: list[x509.Certificate], cert_file: Path, key_file: Path) -> None:
    try:
        public_keys = [certificate.public_key() for certificate in chain]
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateFault(
            cert_file, "holds a public key of an unknown kind", "issue an ECDSA P-256 or RSA 2048 pair"
        ) from None
    own = key.public_key()
    if own == public_keys[0]:
        return
    if own in public_keys:
        raise CertificateFault(cert_file, "does not begin with the leaf", "write the leaf first")
    raise CertificateFault(
        key_file,
        f"is not the key of the first certificate in {cert_file}",
        "replace both files together, by a pair of one issue",
    )
