"""Whether a TLS client that trusts a bundle, as the API server does, accepts a certificate."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not accepted: ``why`` follows the certificate in a sentence, ``cause`` is names, dates, chain or other.

    ``sure`` is False where certificates between this one and the bundle's, which nobody looked at, may mend it.
    """

    cause: str
    why: str
    sure: bool = True


def refusal(
    leaf: x509.Certificate,
    trusted: Sequence[x509.Certificate],
    host: str,
    now: datetime,
    between: Sequence[x509.Certificate] = (),
) -> Refused | None:
    """Why ``leaf`` would be refused for ``host``, None when it is accepted.

    ``between`` are certificates that are served with it, as far as they are known.
    What only a verifier stricter than the API server's (Go, crypto/x509) would say is no refusal.
    """
    if not trusted:
        return Refused("chain", "cannot be trusted, as nothing is")
    if _accepted(leaf, trusted, host, now, between):
        return None
    return _dates(leaf, now) or _chain(leaf, trusted, now) or _names(leaf, host) or _purpose(leaf)


def _accepted(
    leaf: x509.Certificate,
    trusted: Sequence[x509.Certificate],
    host: str,
    now: datetime,
    between: Sequence[x509.Certificate],
) -> bool:
    try:
        policy = PolicyBuilder().store(Store(list(trusted))).time(now)
        policy.build_server_verifier(_subject(host)).verify(leaf, list(between))
    except (VerificationError, ValueError):
        return False
    return True


def _subject(host: str) -> x509.DNSName | x509.IPAddress:
    """The two are matched differently (RFC 5280, 4.2.1.6)."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _dates(leaf: x509.Certificate, now: datetime) -> Refused | None:
    if now > leaf.not_valid_after_utc:
        return Refused("dates", f"expired at {leaf.not_valid_after_utc:%F %T} UTC")
    if now < leaf.not_valid_before_utc:
        return Refused("dates", f"is not valid before {leaf.not_valid_before_utc:%F %T} UTC")
    return None


def _chain(leaf: x509.Certificate, trusted: Sequence[x509.Certificate], now: datetime) -> Refused | None:
    if leaf in trusted:
        return None
    issuers = [one for one in trusted if _issued(one, leaf)]
    if any(one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in issuers):
        return None
    if issuers:
        return Refused("chain", "was issued by an authority of the caBundle that is not valid now")
    by = leaf.issuer.rfc4514_string()
    if any(_may_have_below(one) for one in trusted):
        why = f"was issued by {by}, which is not in the caBundle; whether certificates served with it lead there"
        return Refused("chain", f"{why} was not looked at", sure=False)
    return Refused("chain", f"was issued by {by}, which is not in the caBundle")


def _issued(authority: x509.Certificate, leaf: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _may_have_below(authority: x509.Certificate) -> bool:
    """Whether it may sign authorities in turn (RFC 5280, 4.2.1.9)."""
    try:
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return constraints.ca and constraints.path_length != 0


def _names(leaf: x509.Certificate, host: str) -> Refused | None:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return Refused("names", f"bears no subject alternative name, and is needed for {host}")
    addresses = [str(one) for one in found.get_values_for_type(x509.IPAddress)]
    names = [one.lower() for one in found.get_values_for_type(x509.DNSName)]
    try:
        fit = str(ipaddress.ip_address(host)) in addresses
    except ValueError:
        wild = f"*.{host.lower().partition('.')[2]}"
        fit = host.lower() in names or wild in names
    return None if fit else Refused("names", f"is for {', '.join([*names, *addresses]) or 'nobody'}, not for {host}")


def _purpose(leaf: x509.Certificate) -> Refused | None:
    try:
        usages = list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except (x509.ExtensionNotFound, ValueError):
        return None
    if ExtendedKeyUsageOID.SERVER_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages:
        return None
    return Refused("other", "is not meant for servers (extended key usage)")
