"""The Secret that holds a rotation's state: what its keys mean, read and written.

========== =====================================================================================
key        value
========== =====================================================================================
tls.crt    the certificate to serve, PEM
tls.key    its private key, PEM
ca.crt     what callers shall trust: the authorities' certificates, newest first, PEM
ca.key     private keys of those authorities that may still sign, PEM, in any order
state.json what cannot be seen from the certificates: since when each is trusted, and what was retired
========== =====================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from leadergate_certs.issue import PrivateKey, ServingPair
from leadergate_certs.state import Request, State, TrustedAuthority, fingerprint, names_of

CERTIFICATE = "tls.crt"
KEY = "tls.key"
AUTHORITIES = "ca.crt"
AUTHORITY_KEYS = "ca.key"
STATE = "state.json"
KEYS = (CERTIFICATE, KEY, AUTHORITIES, AUTHORITY_KEYS, STATE)

_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----\n?", re.DOTALL)


class Unusable(ValueError):
    """The Secret does not hold a state; the message says which key is at fault, and never shows its value."""


class FromLaterVersion(Exception):
    """The Secret was written by a version of ours that knows more: it is in order, and not to be mended by this one."""


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class _Trust(_Model):
    fingerprint: str
    trusted_since: AwareDatetime | None = None
    leaves_end: AwareDatetime


class _Remembered(_Model):
    version: int = 1
    authorities: list[_Trust]
    retired: list[str] = []


def encode(state: State) -> dict[str, bytes]:
    """The Secret's data for this state, without the request, which is an annotation."""
    remembered = _Remembered(
        authorities=[
            _Trust(fingerprint=one.fingerprint, trusted_since=one.trusted_since, leaves_end=one.leaves_end)
            for one in state.authorities
        ],
        retired=list(state.retired),
    )
    return {
        CERTIFICATE: state.pair.certificate_pem,
        KEY: state.pair.key_pem,
        AUTHORITIES: state.bundle,
        AUTHORITY_KEYS: b"".join(_pem(one.key) for one in state.authorities if one.key is not None),
        STATE: remembered.model_dump_json(by_alias=True, indent=2).encode() + b"\n",
    }


def decode(data: Mapping[str, bytes], requested: str | None = None) -> State:
    """The state that the Secret's data holds; ``requested`` is the text of the request's annotation.

    An authority without a private key is read as one that cannot sign, and so is each of them where there are no keys
    at all. Raises :class:`Unusable`, and :class:`FromLaterVersion` for what is not to be touched.
    """
    missing = [key for key in KEYS if key != AUTHORITY_KEYS and not data.get(key)]
    if missing:
        raise Unusable(f"{', '.join(missing)}: missing or empty")
    authorities = _certificates(data, AUTHORITIES)
    pair = _pair(data)
    keys = [_private_key(block, AUTHORITY_KEYS) for block in _PRIVATE_KEY.findall(data.get(AUTHORITY_KEYS, b""))]
    try:
        remembered = _Remembered.model_validate_json(data[STATE])
    except ValidationError as error:
        raise Unusable(f"{STATE}: {error.error_count()} faults, the first: {error.errors()[0]['msg']}") from None
    if remembered.version != 1:
        raise FromLaterVersion(
            f"{STATE}: version {remembered.version} is unknown, as a later leadergate wrote it; upgrade this one, too"
        )
    trust = {one.fingerprint: one for one in remembered.authorities}
    try:
        return State(
            tuple(_authority(one, keys, trust.get(fingerprint(one))) for one in authorities),
            pair,
            tuple(remembered.retired),
            Request(requested) if requested in set(Request) else None,
        )
    except ValueError as error:
        raise Unusable(f"{CERTIFICATE}: {error}") from None


def _authority(certificate: x509.Certificate, keys: list[PrivateKey], trust: _Trust | None) -> TrustedAuthority:
    own = certificate.public_key()
    key = next((key for key in keys if key.public_key() == own), None)
    since: datetime | None = trust.trusted_since if trust else None
    # Of an authority that state.json does not know, as much is assumed as may be: leaves up to its own end.
    return TrustedAuthority(certificate, key, since, trust.leaves_end if trust else certificate.not_valid_after_utc)


def _pair(data: Mapping[str, bytes]) -> ServingPair:
    certificate, key = _certificates(data, CERTIFICATE)[0], _private_key(data[KEY], KEY)
    if key.public_key() != certificate.public_key():
        raise Unusable(f"{KEY}: is not the key of {CERTIFICATE}")
    try:
        names_of(certificate)
    except (ValueError, x509.ExtensionNotFound):
        raise Unusable(f"{CERTIFICATE}: bears no names that a client could look for") from None
    return ServingPair(certificate, key)


def _certificates(data: Mapping[str, bytes], key: str) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(data[key])
        for certificate in found:
            certificate.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise Unusable(f"{key}: holds no certificates that can be read") from None
    return found


def _private_key(content: bytes, name: str) -> PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unusable(f"{name}: holds no private key that can be read") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Unusable(f"{name}: is neither an elliptic-curve nor an RSA key")
    return key


def _pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
