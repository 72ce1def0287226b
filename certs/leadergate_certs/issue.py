"""Makes a certificate authority and the webhook's serving pair.

No clock and no files: the moment is an argument, the result is a value. Keys and serials are random. Which
extension is critical follows RFC 5280, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from leadergate_certs.names import IssueError, ServingNames

AUTHORITY_NAME = "leadergate"
"""How the subject of each of our authorities begins, unless another name is given."""

AUTHORITY_LIFETIME = timedelta(days=3650)
SERVING_LIFETIME = timedelta(days=90)
BACKDATE = timedelta(minutes=5)
"""How far validity begins before `now`, for verifiers whose clocks run behind ours."""

_LONGEST_COMMON_NAME = 64  # ub-common-name, RFC 5280 appendix A.1
_LONGEST_BACKDATE = timedelta(days=1)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class KeyAlgorithm(StrEnum):
    """The key to make. RSA costs the server far more CPU per handshake; choose it only where policy asks."""

    ECDSA_P256 = "ecdsa-p256"
    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"

    def generate(self) -> PrivateKey:
        """Make a new private key of this kind."""
        if self is KeyAlgorithm.ECDSA_P256:
            return ec.generate_private_key(ec.SECP256R1())
        return rsa.generate_private_key(public_exponent=65537, key_size=int(self.removeprefix("rsa-")))


@dataclass(frozen=True)
class _Issued:
    """A certificate and its private key; the key never shows in a repr."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key as unencrypted PKCS #8 PEM: for a Secret or a file of mode 0600, nothing else."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Authority(_Issued):
    """A certificate authority that signs serving certificates and nothing below it."""


@dataclass(frozen=True)
class ServingPair(_Issued):
    """The certificate and key that a webhook serves with."""


def issue_authority(
    now: datetime,
    *,
    common_name: str = AUTHORITY_NAME,
    lifetime: timedelta = AUTHORITY_LIFETIME,
    backdate: timedelta = BACKDATE,
    algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256,
) -> Authority:
    """Make a self-signed authority, valid from `now - backdate` to `now + lifetime`.

    The subject ends in the first digits of the key's identifier, so that two authorities trusted at once
    never share a name and no verifier tries the wrong one. Raises `IssueError` on impossible settings.
    """
    _check_time(now, lifetime, backdate)
    key = algorithm.generate()
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    subject = _common_name(f"{common_name} {key_identifier.digest.hex()[:8]}")
    if not list(subject):
        raise IssueError(
            f"common_name: {common_name!r} is too long; expected at most {_LONGEST_COMMON_NAME - 9} letters"
        )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - backdate)
        .not_valid_after(_end(now, lifetime))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(key_identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_identifier), critical=False)
        .sign(key, SHA256())
    )
    return Authority(certificate, key)


def issue_serving_pair(
    authority: Authority,
    names: ServingNames,
    now: datetime,
    *,
    lifetime: timedelta = SERVING_LIFETIME,
    backdate: timedelta = BACKDATE,
    algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256,
) -> ServingPair:
    """Make a serving pair for `names`, valid from `now - backdate` to `now + lifetime`.

    Its dates are cut to the authority's: a leaf that outlives its issuer would break before it says so.
    Raises `IssueError` when the authority is not valid at `now`, or a setting is impossible.
    """
    _check_time(now, lifetime, backdate)
    issuer = authority.certificate
    if not issuer.not_valid_before_utc <= now < issuer.not_valid_after_utc:
        raise IssueError(
            f"authority: {issuer.subject.rfc4514_string()} is valid from "
            f"{issuer.not_valid_before_utc.isoformat()} to {issuer.not_valid_after_utc.isoformat()}, "
            f"not at {now.isoformat()}; make a new authority"
        )
    key = algorithm.generate()
    subject = _common_name(names.first)
    issuer_key_identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - backdate, issuer.not_valid_before_utc))
        .not_valid_after(min(_end(now, lifetime), issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            # An RSA key may also be used to encrypt a session key, in TLS 1.2 without forward secrecy.
            _key_usage(digital_signature=True, key_encipherment=isinstance(key, rsa.RSAPrivateKey)),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([*map(x509.DNSName, names.dns), *map(x509.IPAddress, names.addresses)]),
            critical=not list(subject),
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key_identifier),
            critical=False,
        )
        .sign(authority.key, SHA256())
    )
    return ServingPair(certificate, key)


def _check_time(now: datetime, lifetime: timedelta, backdate: timedelta) -> None:
    if now.tzinfo is None:
        raise IssueError(f"now: {now.isoformat()} has no time zone; give it one, best UTC")
    if lifetime < timedelta(seconds=1):
        raise IssueError(f"lifetime: {lifetime} is too short; expected at least one second")
    if not timedelta(0) <= backdate <= _LONGEST_BACKDATE:
        raise IssueError(f"backdate: {backdate} is out of range; expected zero to {_LONGEST_BACKDATE}")


def _end(now: datetime, lifetime: timedelta) -> datetime:
    try:
        return now + lifetime
    except OverflowError:
        raise IssueError(f"lifetime: {lifetime} ends after the year 9999; give a shorter one") from None


def _common_name(text: str) -> x509.Name:
    """Return a subject of one common name, or the empty one where the text is too long for the field."""
    if len(text) > _LONGEST_COMMON_NAME:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _key_usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_encipherment=key_encipherment,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
