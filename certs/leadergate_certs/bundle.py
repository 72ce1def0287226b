"""What a ``caBundle`` shall hold, given what it holds: ours is added, and nothing of others is ever taken away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from leadergate_certs.issue import AUTHORITY_NAME
from leadergate_certs.state import State, fingerprint


def certificates(bundle: bytes) -> list[x509.Certificate]:
    """The certificates in a bundle; none when it holds nothing that can be read (a placeholder, an empty one)."""
    try:
        return x509.load_pem_x509_certificates(bundle)
    except ValueError:
        return []


def trusts(bundle: bytes, authority: x509.Certificate) -> bool:
    """Whether that authority is in the bundle."""
    return authority in certificates(bundle)


def wanted(bundle: bytes, state: State, now: datetime) -> bytes:
    """What the bundle shall hold: the state's authorities, and whatever others have put there.

    Taken out are authorities that the state has retired, and those of ours that have expired. A bundle that needs no
    change is returned as it is, whatever its order.
    """
    ours = [authority.certificate for authority in state.authorities]
    found = certificates(bundle)
    return _joined(bundle, found, ours, [one for one in found if one in ours or not _done_with(one, state, now)])


def added(bundle: bytes, authorities: Sequence[x509.Certificate]) -> bytes:
    """The bundle with these authorities in it, too; as it is when they are there."""
    found = certificates(bundle)
    return _joined(bundle, found, authorities, found)


def pem(authorities: Sequence[x509.Certificate]) -> bytes:
    """A bundle of these authorities and nothing else."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in authorities)


def _joined(
    bundle: bytes, found: list[x509.Certificate], ours: Sequence[x509.Certificate], kept: list[x509.Certificate]
) -> bytes:
    missing = [one for one in ours if one not in kept]
    if not missing and len(kept) == len(found):
        return bundle
    return pem([*missing, *kept])


def _done_with(certificate: x509.Certificate, state: State, now: datetime) -> bool:
    if fingerprint(certificate) in state.retired:
        return True
    return certificate.not_valid_after_utc < now and _made_by_us(certificate)


def _made_by_us(certificate: x509.Certificate) -> bool:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return certificate.subject == certificate.issuer and any(
        str(name.value).startswith(f"{AUTHORITY_NAME} ") for name in names
    )
