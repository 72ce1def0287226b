"""What is put into a caBundle, and what is left in it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from leadergate_certs.bundle import added, certificates, pem, trusts, wanted
from leadergate_certs.issue import Authority, issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_certs.state import State, first_state

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
NAMES = ServingNames.parse(ips=["127.0.0.1"])


@pytest.fixture(name="first", scope="module")
def the_first_authority() -> Authority:
    """The one that the state begins with."""
    return issue_authority(NOW)


@pytest.fixture(name="second", scope="module")
def the_second_authority() -> Authority:
    """The one that follows it."""
    return issue_authority(NOW)


@pytest.fixture(name="both", scope="module")
def a_state_of_both(first: Authority, second: Authority) -> State:
    """During a rotation."""
    return first_state(first, issue_serving_pair(first, NAMES, NOW)).with_authority(second)


@pytest.fixture(name="over", scope="module")
def a_state_after_it(both: State, second: Authority) -> State:
    """The first one is retired."""
    return both.with_pair(issue_serving_pair(second, NAMES, NOW)).without(both.authorities[1])


def of_others(name: str = "their CA", *, lifetime: timedelta = timedelta(days=3650)) -> Authority:
    """An authority that is none of ours."""
    return issue_authority(NOW, common_name=name, lifetime=lifetime)


@pytest.mark.parametrize("bundle", [b"", b"\n", b"placeholder", b"-----BEGIN CERTIFICATE-----\njunk\n"])
def test_a_bundle_of_nothing_is_filled(both: State, first: Authority, second: Authority, bundle: bytes) -> None:
    """Newest first; whatever is no certificate goes."""
    assert wanted(bundle, both, NOW) == second.certificate_pem + first.certificate_pem


def test_what_others_trust_stays(both: State, first: Authority, second: Authority) -> None:
    """Behind ours, and byte for byte when nothing of ours is missing, whatever its order."""
    theirs = of_others()
    assert certificates(wanted(theirs.certificate_pem, both, NOW)) == [
        second.certificate,
        first.certificate,
        theirs.certificate,
    ]
    mixed = b"# a remark\n" + pem([first.certificate, theirs.certificate, second.certificate])
    assert wanted(mixed, both, NOW) == mixed


def test_what_was_retired_goes_wherever_it_turns_up(over: State, first: Authority, second: Authority) -> None:
    """From a manifest that is older than the rotation, for instance."""
    theirs = of_others()
    old = pem([theirs.certificate, first.certificate])
    assert certificates(wanted(old, over, NOW)) == [second.certificate, theirs.certificate]


def test_what_expired_goes_if_it_is_ours(over: State, second: Authority) -> None:
    """A stranger's expired certificate is not ours to take away, even one that only looks like ours."""
    later = NOW + timedelta(days=2)
    ours = issue_authority(NOW, lifetime=timedelta(days=1))
    theirs = of_others(lifetime=timedelta(days=1))
    alike = of_others("leadergatekeeper", lifetime=timedelta(days=1))
    bundle = pem([ours.certificate, theirs.certificate, alike.certificate])
    assert certificates(wanted(bundle, over, NOW))[1:] == [ours.certificate, theirs.certificate, alike.certificate]
    assert certificates(wanted(bundle, over, later)) == [second.certificate, theirs.certificate, alike.certificate]


def test_nothing_is_written_twice(both: State) -> None:
    """What was written needs no further change: no replica ever undoes another's work."""
    once = wanted(pem([of_others().certificate]), both, NOW)
    assert wanted(once, both, NOW) == once


def test_trusts(first: Authority, second: Authority) -> None:
    """Only what is in the bundle itself."""
    bundle = pem([first.certificate])
    assert trusts(bundle, first.certificate)
    assert not trusts(bundle, second.certificate)
    assert not trusts(b"", first.certificate)


def test_by_hand_nothing_goes(first: Authority, second: Authority) -> None:
    """``added`` takes nothing out, and changes nothing that is there."""
    bundle = added(pem([first.certificate]), [second.certificate])
    assert certificates(bundle) == [second.certificate, first.certificate]
    assert added(bundle, [first.certificate]) == bundle


@pytest.mark.parametrize("odd", ["junk", "another version"])
def test_what_cannot_be_read_stays_and_says_nothing_of_the_rest(both: State, first: Authority, odd: str) -> None:
    """An API server takes such blocks; one of them must neither cost others their trust nor stop a rotation."""
    theirs = of_others().certificate_pem
    version = bytes.fromhex("a003020102"), bytes.fromhex("a003020101")
    der = {"junk": bytes(3), "another version": of_others().certificate.public_bytes(Encoding.DER).replace(*version, 1)}
    block = ssl.DER_cert_to_PEM_cert(der[odd]).encode()
    bundle = theirs + block + first.certificate_pem
    filled = wanted(bundle, both, NOW)
    assert filled == both.newest.pem + bundle
    assert wanted(filled, both, NOW) == filled
    assert trusts(filled, first.certificate)
