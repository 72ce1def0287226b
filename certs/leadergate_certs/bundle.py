"""What a ``caBundle`` shall hold, given what it holds: ours is added, and nothing of others is ever taken away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from leadergate_certs.issue import AUTHORITY_NAME
from leadergate_certs.state import State, fingerprint

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class _Block(NamedTuple):
    """A part of a bundle, as it stands there; ``certificate`` is None when it is none that can be read."""

    content: bytes
    certificate: x509.Certificate | None


def certificates(bundle: bytes) -> list[x509.Certificate]:
    """The certificates in a bundle; none when it holds nothing that can be read (a placeholder, an empty one)."""
    return [one.certificate for one in _blocks(bundle) if one.certificate is not None]


def trusts(bundle: bytes, authority: x509.Certificate) -> bool:
    """Whether that authority is in the bundle."""
    return authority in certificates(bundle)


def wanted(bundle: bytes, state: State, now: datetime) -> bytes:
    """What the bundle shall hold: the state's authorities, and whatever others have put there.

    Taken out are authorities that the state has retired, and those of ours that have expired; a block that cannot be
    read is somebody else's, and stays. A bundle that needs no change is returned as it is, whatever its order.
    """
    ours = [authority.certificate for authority in state.authorities]
    found = _blocks(bundle)
    kept = [
        one
        for one in found
        if one.certificate is None or one.certificate in ours or not _done_with(one.certificate, state, now)
    ]
    return _joined(bundle, found, ours, kept)


def added(bundle: bytes, authorities: Sequence[x509.Certificate]) -> bytes:
    """The bundle with these authorities in it, too; as it is when they are there."""
    found = _blocks(bundle)
    return _joined(bundle, found, authorities, found)


def pem(authorities: Sequence[x509.Certificate]) -> bytes:
    """A bundle of these authorities and nothing else."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in authorities)


def _joined(bundle: bytes, found: list[_Block], ours: Sequence[x509.Certificate], kept: list[_Block]) -> bytes:
    there = [one.certificate for one in kept]
    missing = [one for one in ours if one not in there]
    if not missing and len(kept) == len(found):
        return bundle
    return pem(missing) + b"".join(one.content + b"\n" for one in kept)


def _blocks(bundle: bytes) -> list[_Block]:
    """Each read by itself: one that is odd says nothing of the others."""
    return [_Block(content, _certificate(content)) for content in _BLOCK.findall(bundle)]


def _certificate(content: bytes) -> x509.Certificate | None:
    try:
        certificate = x509.load_pem_x509_certificate(content)
        # These are parsed as late as they are asked for.
        _ = certificate.subject, certificate.issuer, certificate.not_valid_after_utc
    except (ValueError, x509.InvalidVersion):
        return None
    return certificate


def _done_with(certificate: x509.Certificate, state: State, now: datetime) -> bool:
    if fingerprint(certificate) in state.retired:
        return True
    return certificate.not_valid_after_utc < now and _made_by_us(certificate)


def _made_by_us(certificate: x509.Certificate) -> bool:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return certificate.subject == certificate.issuer and any(
        str(name.value).startswith(f"{AUTHORITY_NAME} ") for name in names
    )
