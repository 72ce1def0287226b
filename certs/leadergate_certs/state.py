"""What a rotation stands at: the authorities that callers shall trust, and the pair that replicas shall serve.

All of it lies in one Secret (:mod:`leadergate_certs.secret`), so that each step is one compare-and-swap.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from leadergate_certs.issue import BACKDATE, Authority, PrivateKey, ServingPair
from leadergate_certs.names import ServingNames

RETIRED_KEPT = 16
"""How many authorities that were dropped are remembered, to be taken out of bundles wherever they turn up again."""


class Request(StrEnum):
    """What a person asked for, ahead of its time."""

    LEAF = "leaf"
    CA = "ca"


class Phase(StrEnum):
    """How far a rotation is, as people are told it."""

    STEADY = "steady"
    SPREADING = "spreading"
    SETTLING = "settling"
    OVERLAPPING = "overlapping"


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of the certificate's DER, in lower-case hexadecimal."""
    return certificate.fingerprint(SHA256()).hex()


@dataclass(frozen=True)
class TrustedAuthority:
    """An authority that callers shall trust.

    ``key`` is there while leaves may be signed with it. ``trusted_since`` is when its certificate was first seen in
    every bundle, None before. ``leaves_end`` is when the last leaf that it has signed ends.
    """

    certificate: x509.Certificate
    key: PrivateKey | None = field(repr=False)
    trusted_since: datetime | None
    leaves_end: datetime

    @property
    def fingerprint(self) -> str:
        """See :func:`fingerprint`."""
        return fingerprint(self.certificate)

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def signer(self) -> Authority | None:
        """The authority to sign with, None without a key."""
        return Authority(self.certificate, self.key) if self.key is not None else None

    def issued(self, leaf: x509.Certificate) -> bool:
        """Whether it signed that certificate."""
        try:
            leaf.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True


@dataclass(frozen=True)
class State:
    """Where a rotation stands. ``authorities`` is newest first and one of them issued the ``pair``.

    ``retired`` are the fingerprints of authorities dropped before, newest first. Raises ValueError when no authority
    issued the pair.
    """

    authorities: tuple[TrustedAuthority, ...]
    pair: ServingPair
    retired: tuple[str, ...] = ()
    requested: Request | None = None

    def __post_init__(self) -> None:
        """Refuse a pair that none of the authorities issued."""
        if not any(authority.issued(self.pair.certificate) for authority in self.authorities):
            raise ValueError("the serving certificate was issued by none of the authorities")

    @property
    def newest(self) -> TrustedAuthority:
        """The authority that was made last."""
        return self.authorities[0]

    @property
    def issuer(self) -> TrustedAuthority:
        """The authority that issued the pair."""
        return next(authority for authority in self.authorities if authority.issued(self.pair.certificate))

    @property
    def switched(self) -> bool:
        """Whether the pair is of the newest authority."""
        return self.newest.issued(self.pair.certificate)

    @property
    def phase(self) -> Phase:
        """How far the rotation is."""
        if self.newest.trusted_since is None:
            return Phase.SPREADING
        if not self.switched:
            return Phase.SETTLING
        return Phase.OVERLAPPING if len(self.authorities) > 1 else Phase.STEADY

    @property
    def bundle(self) -> bytes:
        """What callers shall trust, as PEM, newest first."""
        return b"".join(authority.pem for authority in self.authorities)

    def with_authority(self, authority: Authority) -> State:
        """The state after a new authority was made; nobody is known to trust it yet."""
        made = TrustedAuthority(authority.certificate, authority.key, None, authority.certificate.not_valid_before_utc)
        return replace(self, authorities=(made, *self.authorities), requested=self._without(Request.CA))

    def with_trust(self, authority: TrustedAuthority, since: datetime | None) -> State:
        """The state after that authority was seen in every bundle, or found missing from one again (None)."""
        changed = replace(authority, trusted_since=since)
        same = authority.fingerprint
        return replace(self, authorities=tuple(changed if one.fingerprint == same else one for one in self.authorities))

    def with_pair(self, pair: ServingPair) -> State:
        """The state after a new pair was issued. Authorities older than its own will sign no more: their keys go."""
        end = pair.certificate.not_valid_after_utc
        authorities: list[TrustedAuthority] = []
        issued = False
        for one in self.authorities:
            if issued:
                authorities.append(replace(one, key=None))
            elif issued := one.issued(pair.certificate):
                authorities.append(replace(one, leaves_end=max(one.leaves_end, end)))
            else:
                authorities.append(one)
        return replace(self, authorities=tuple(authorities), pair=pair, requested=self._without(Request.LEAF))

    def without(self, authority: TrustedAuthority) -> State:
        """The state after an authority was dropped."""
        left = tuple(one for one in self.authorities if one.fingerprint != authority.fingerprint)
        return replace(self, authorities=left, retired=(authority.fingerprint, *self.retired)[:RETIRED_KEPT])

    def _without(self, answered: Request) -> Request | None:
        return None if self.requested is answered else self.requested


def first_state(authority: Authority, pair: ServingPair) -> State:
    """The state after the very first step: an authority that nobody trusts yet, and a pair of it."""
    end = pair.certificate.not_valid_after_utc
    return State((TrustedAuthority(authority.certificate, authority.key, None, end),), pair)


def issued_at(certificate: x509.Certificate) -> datetime:
    """When one of our certificates was made: validity begins a little earlier."""
    return certificate.not_valid_before_utc + BACKDATE


def names_of(certificate: x509.Certificate) -> ServingNames:
    """The names that a serving certificate bears."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = names.get_values_for_type(x509.IPAddress)
    return ServingNames.parse(dns=names.get_values_for_type(x509.DNSName), ips=[str(one) for one in addresses])
