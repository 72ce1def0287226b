"""Rotations under a constant load of status writes: no write fails, and no caller that dials anew is turned away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_certs.state import Phase, Request, first_state
from leadergate_lab.certs.dialer import Dialer
from leadergate_lab.certs.load import StatusLoad
from leadergate_lab.certs.stage import CertStage
from leadergate_lab.processes import wait_until

ADMITTED = 40
DIALLED = 10


def went_well(load: StatusLoad, dialer: Dialer) -> None:
    """Enough was tried, and nothing failed."""
    load.wait_admitted(ADMITTED)
    dialer.wait_succeeded(DIALLED)
    assert not load.failures, load.told()
    assert not dialer.failures, dialer.told()


def test_a_leaf_is_renewed(stage: CertStage) -> None:
    """Both replicas serve the new one, of the same authority; the bundle is not touched."""
    before, bundle = stage.state(), stage.bundle()
    assert before is not None
    with stage.load() as load, stage.dialer() as dialer:
        load.wait_admitted(ADMITTED)
        stage.ask(Request.LEAF)
        after = stage.wait_state(lambda state: state.pair.certificate != before.pair.certificate, what="a new leaf")
        new = after.pair.certificate
        wait_until(lambda: _der(new) in dialer.leaves, what="the new leaf is served", timeout=30)
        went_well(load, dialer)
    assert after.newest.fingerprint == before.newest.fingerprint
    assert after.requested is None
    assert stage.bundle() == bundle


def test_an_authority_is_replaced(stage: CertStage) -> None:
    """The new one is trusted before a leaf of it is served, and the old one goes in the end."""
    before = stage.state()
    assert before is not None
    with stage.load() as load, stage.dialer() as dialer:
        load.wait_admitted(ADMITTED)
        after = stage.rotate_ca()
        dialer.leaves.clear()
        went_well(load, dialer)
        assert dialer.leaves == {_der(after.pair.certificate)}
    assert [one.fingerprint for one in after.authorities] != [one.fingerprint for one in before.authorities]
    assert before.newest.fingerprint in after.retired


def test_replicas_that_act_at_once_do_not_get_in_each_others_way(stage: CertStage) -> None:
    """Each step is made once, whoever makes it, rotation after rotation."""
    changes = ("MakeAuthority", "IssueLeaf", "DropAuthority")
    before = {change: stage.metric("leadergate_certificate_steps_total", step=change) for change in changes}
    with stage.load() as load, stage.dialer() as dialer:
        for _ in range(3):
            stage.rotate_ca()
        went_well(load, dialer)
    for change in changes:
        assert stage.metric("leadergate_certificate_steps_total", step=change) - before[change] == 3, change


def test_what_nears_its_end_is_renewed_by_itself(set_up: object) -> None:
    """A leaf that was issued long ago is renewed at once when replicas start, and its authority replaced."""
    assert callable(set_up)
    stage: CertStage = set_up()
    long_ago = datetime.now(UTC) - timedelta(days=3649)
    authority = issue_authority(long_ago)
    recently = datetime.now(UTC) - timedelta(days=89, hours=23, minutes=59)
    old = first_state(authority, issue_serving_pair(authority, ServingNames.parse(ips=["127.0.0.1"]), recently))
    stage.put_state(old)
    stage.start()
    stage.gate()
    with stage.load() as load, stage.dialer() as dialer:
        new = stage.wait_state(
            lambda state: state.phase is Phase.STEADY and state.newest.fingerprint != old.newest.fingerprint,
            what="leaf and authority are replaced",
        )
        went_well(load, dialer)
    assert new.pair.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=89)
    assert new.newest.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=3649)


def test_short_lives_are_renewed_again_and_again(set_up: object) -> None:
    """Leaves of twelve seconds and authorities of forty: several of each come and go."""
    assert callable(set_up)
    stage: CertStage = set_up(flags=["--certs-leaf-lifetime", "12s", "--certs-authority-lifetime", "40s"])
    stage.start()
    stage.gate()
    first = stage.state()
    assert first is not None
    with stage.load() as load, stage.dialer() as dialer:
        stage.wait_state(
            lambda state: state.phase is Phase.STEADY and first.newest.fingerprint in state.retired,
            what="the first authority is retired",
            timeout=90,
        )
        went_well(load, dialer)
    assert stage.metric("leadergate_certificate_steps_total", step="IssueLeaf") >= 3


def _der(certificate: object) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    assert isinstance(certificate, x509.Certificate)
    return certificate.public_bytes(Encoding.DER)
