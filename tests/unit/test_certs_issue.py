"""What an authority and a serving certificate hold, extension by extension, and how long they verify."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import DNSName, IPAddress
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from leadergate_certs.issue import (
    BACKDATE,
    Authority,
    KeyAlgorithm,
    ServingPair,
    issue_authority,
    issue_serving_pair,
)
from leadergate_certs.names import IssueError, ServingNames

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
NAMES = ServingNames.parse(services=[("gate", "system")], dns=["Gate.Example.org"], ips=["127.0.0.1", "2001:db8::7"])
LONG_NAMES = ServingNames.parse(services=[("g" * 63, "n" * 63)])


def extensions(certificate: x509.Certificate) -> dict[type, tuple[bool, object]]:
    """Every extension's value and criticality, by its type."""
    return {type(one.value): (one.critical, one.value) for one in certificate.extensions}


def usages(certificate: x509.Certificate) -> set[str]:
    """The key usages that are set."""
    value = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment"]
    names += ["key_agreement", "key_cert_sign", "crl_sign"]
    return {name for name in names if getattr(value, name)}


def verify(authority: Authority, pair: ServingPair, name: DNSName | IPAddress, at: datetime) -> None:
    """Verify the chain as a client does; raises VerificationError."""
    store = Store([authority.certificate])
    PolicyBuilder().store(store).time(at).build_server_verifier(name).verify(pair.certificate, [])


@pytest.fixture(scope="module", name="authority")
def one_authority() -> Authority:
    """An authority made at NOW."""
    return issue_authority(NOW)


@pytest.fixture(scope="module", name="pair")
def one_pair(authority: Authority) -> ServingPair:
    """A serving pair of that authority, made at NOW."""
    return issue_serving_pair(authority, NAMES, NOW)


def test_authority_extensions(authority: Authority) -> None:
    """An authority bears just the extensions of a CA that signs leaves, critical where RFC 5280 says so."""
    certificate = authority.certificate
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key())
    found = extensions(certificate)
    assert found.pop(x509.BasicConstraints) == (True, x509.BasicConstraints(ca=True, path_length=0))
    assert found.pop(x509.KeyUsage)[0] is True
    assert usages(certificate) == {"key_cert_sign", "crl_sign"}
    assert found.pop(x509.SubjectKeyIdentifier) == (False, identifier)
    expected = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    assert found.pop(x509.AuthorityKeyIdentifier) == (False, expected)
    assert found == {}
    assert certificate.version is x509.Version.v3


def test_serving_extensions(authority: Authority, pair: ServingPair) -> None:
    """A leaf bears just the extensions of a TLS server, critical where RFC 5280 says so."""
    certificate = pair.certificate
    own = x509.SubjectKeyIdentifier.from_public_key(pair.key.public_key())
    issuer = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key())
    found = extensions(certificate)
    assert found.pop(x509.BasicConstraints) == (True, x509.BasicConstraints(ca=False, path_length=None))
    assert found.pop(x509.KeyUsage)[0] is True
    assert usages(certificate) == {"digital_signature"}
    server_auth = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    assert found.pop(x509.ExtendedKeyUsage) == (False, server_auth)
    assert found.pop(x509.SubjectAlternativeName) == (
        False,
        x509.SubjectAlternativeName(
            [
                x509.DNSName("gate.system.svc"),
                x509.DNSName("gate.system.svc.cluster.local"),
                x509.DNSName("gate.example.org"),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                x509.IPAddress(ipaddress.ip_address("2001:db8::7")),
            ]
        ),
    )
    assert found.pop(x509.SubjectKeyIdentifier) == (False, own)
    expected = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer)
    assert found.pop(x509.AuthorityKeyIdentifier) == (False, expected)
    assert found == {}
    [common_name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common_name.value == "gate.system.svc"


def test_names_are_critical_without_a_subject(authority: Authority) -> None:
    """A name too long for a common name leaves the subject empty, and then the names are critical."""
    long = issue_serving_pair(authority, LONG_NAMES, NOW).certificate
    assert list(long.subject) == []
    assert extensions(long)[x509.SubjectAlternativeName][0] is True


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_every_algorithm_verifies(algorithm: KeyAlgorithm) -> None:
    """Each kind of key makes a pair that verifies, and only RSA leaves may encipher keys."""
    authority = issue_authority(NOW, algorithm=algorithm)
    pair = issue_serving_pair(authority, LONG_NAMES, NOW, algorithm=algorithm)
    verify(authority, pair, DNSName(LONG_NAMES.first), NOW)
    if algorithm is KeyAlgorithm.ECDSA_P256:
        assert isinstance(pair.key, ec.EllipticCurvePrivateKey)
        assert isinstance(pair.key.curve, ec.SECP256R1)
        assert usages(pair.certificate) == {"digital_signature"}
    else:
        assert isinstance(pair.key, rsa.RSAPrivateKey)
        assert f"rsa-{pair.key.key_size}" == algorithm
        assert usages(pair.certificate) == {"digital_signature", "key_encipherment"}


@pytest.mark.parametrize(
    "name",
    [
        DNSName("gate.system.svc"),
        DNSName("gate.system.svc.cluster.local"),
        DNSName("gate.example.org"),
        IPAddress(ipaddress.ip_address("127.0.0.1")),
        IPAddress(ipaddress.ip_address("2001:db8::7")),
    ],
)
def test_verifies_within_its_dates(authority: Authority, pair: ServingPair, name: DNSName | IPAddress) -> None:
    """Under every name the leaf verifies from its first second to its last, and not a second beyond."""
    second = timedelta(seconds=1)
    first, last = NOW - BACKDATE, NOW + timedelta(days=90)
    for at in (first, NOW, NOW + timedelta(days=45), last):
        verify(authority, pair, name, at)
    for at in (first - second, last + second, NOW + timedelta(days=3650)):
        with pytest.raises(VerificationError, match="not valid at validation time"):
            verify(authority, pair, name, at)


def test_wrong_name_and_wrong_authority_do_not_verify(authority: Authority, pair: ServingPair) -> None:
    """Neither another name nor another authority, made at the same moment, verifies the leaf."""
    with pytest.raises(VerificationError):
        verify(authority, pair, DNSName("other.system.svc"), NOW)
    with pytest.raises(VerificationError):
        verify(authority, pair, IPAddress(ipaddress.ip_address("127.0.0.2")), NOW)
    with pytest.raises(VerificationError):
        verify(issue_authority(NOW), pair, DNSName("gate.system.svc"), NOW)


def test_default_dates(authority: Authority, pair: ServingPair) -> None:
    """Ten years for an authority, ninety days for a leaf, both begun five minutes ago."""
    assert authority.certificate.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert authority.certificate.not_valid_after_utc == NOW + timedelta(days=3650)
    assert pair.certificate.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert pair.certificate.not_valid_after_utc == NOW + timedelta(days=90)


def test_leaf_never_outlives_its_authority() -> None:
    """A leaf's dates are cut to the authority's on both sides."""
    authority = issue_authority(NOW, lifetime=timedelta(days=10), backdate=timedelta(0))
    pair = issue_serving_pair(authority, NAMES, NOW + timedelta(days=1))
    assert pair.certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc
    early = issue_serving_pair(authority, NAMES, NOW, backdate=timedelta(hours=1))
    assert early.certificate.not_valid_before_utc == authority.certificate.not_valid_before_utc


@pytest.mark.parametrize("days", [-1, 10, 11])
def test_authority_out_of_its_dates_signs_nothing(days: int) -> None:
    """An authority that is not valid yet, or no more, is refused by name."""
    authority = issue_authority(NOW, lifetime=timedelta(days=10))
    with pytest.raises(IssueError, match=r"authority: CN=leadergate [0-9a-f]{8} is valid from .* new authority"):
        issue_serving_pair(authority, NAMES, NOW + timedelta(days=days))


def test_serials_and_subjects_differ(authority: Authority) -> None:
    """No two certificates share a serial, nor two authorities a subject; serials are positive and fit."""
    authorities = [issue_authority(NOW) for _ in range(8)]
    leaves = [issue_serving_pair(authority, NAMES, NOW) for _ in range(8)]
    serials = [one.certificate.serial_number for one in [*authorities, *leaves]]
    assert len(set(serials)) == len(serials)
    assert all(2**64 < serial < 2**159 for serial in serials)  # RFC 5280: at most 20 octets, as signed
    assert len({one.certificate.subject for one in authorities}) == len(authorities)


def test_repr_shows_no_key(authority: Authority, pair: ServingPair) -> None:
    """Neither a repr nor a string of an issued pair mentions its key."""
    for one in (authority, pair):
        for text in (repr(one), str(one), f"{one}"):
            assert "key" not in text.lower()


def test_pem_round_trip(pair: ServingPair) -> None:
    """The PEM forms read back as the same certificate and its key."""
    assert x509.load_pem_x509_certificate(pair.certificate_pem) == pair.certificate
    key = load_pem_private_key(pair.key_pem, password=None)
    assert key.public_key() == pair.certificate.public_key()


@pytest.mark.parametrize(
    ("now", "settings", "message"),
    [
        (NOW.replace(tzinfo=None), {}, "now: 2031-05-06T07:08:09 has no time zone"),
        (NOW, {"lifetime": timedelta(0)}, "lifetime: 0:00:00 is too short"),
        (NOW, {"lifetime": timedelta.max}, "lifetime: .* ends after the year 9999"),
        (NOW, {"backdate": timedelta(seconds=-1)}, "backdate: .* is out of range"),
        (NOW, {"backdate": timedelta(days=2)}, "backdate: 2 days, 0:00:00 is out of range"),
    ],
)
def test_impossible_settings(authority: Authority, now: datetime, settings: dict[str, timedelta], message: str) -> None:
    """A setting that makes no sense is refused, by name and value, for authority and leaf alike."""
    with pytest.raises(IssueError, match=message):
        issue_authority(now, **settings)  # type: ignore[arg-type]
    with pytest.raises(IssueError, match=message):
        issue_serving_pair(authority, NAMES, now, **settings)  # type: ignore[arg-type]


def test_authority_name_must_fit() -> None:
    """An authority without a subject would break RFC 5280, so a name too long is refused."""
    issue_authority(NOW, common_name="x" * 55)
    with pytest.raises(IssueError, match=r"common_name: 'x+' is too long"):
        issue_authority(NOW, common_name="x" * 56)
