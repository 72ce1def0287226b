"""Rotations under a constant load of status writes: no write fails, and no caller that dials anew is turned away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_certs.state import Phase, Request, first_state
from leadergate_lab.certs.stage import CertStage
from leadergate_lab.processes import wait_until

from .outcome import ADMITTED, went_well


def test_a_leaf_is_renewed(lasting: CertStage) -> None:
    """Both replicas serve the new one, of the same authority; the bundle is not touched."""
    before, bundle = lasting.state(), lasting.bundle()
    assert before is not None
    with lasting.load() as load, lasting.dialer() as dialer:
        load.wait_admitted(ADMITTED)
        lasting.ask(Request.LEAF)
        after = lasting.wait_state(lambda state: state.pair.certificate != before.pair.certificate, what="a new leaf")
        new = after.pair.certificate
        wait_until(lambda: _der(new) in dialer.leaves, what="the new leaf is served", timeout=30)
        went_well(load, dialer)
    assert after.newest.fingerprint == before.newest.fingerprint
    assert after.requested is None
    assert lasting.bundle() == bundle


def test_an_authority_is_replaced(lasting: CertStage) -> None:
    """The new one is trusted before a leaf of it is served, and the old one goes in the end."""
    before = lasting.state()
    assert before is not None
    with lasting.load() as load, lasting.dialer() as dialer:
        load.wait_admitted(ADMITTED)
        after = lasting.rotate_ca()
        dialer.leaves.clear()
        went_well(load, dialer)
        assert dialer.leaves == {_der(after.pair.certificate)}
    assert [one.fingerprint for one in after.authorities] != [one.fingerprint for one in before.authorities]
    assert before.newest.fingerprint in after.retired


def test_replicas_that_act_at_once_do_not_get_in_each_others_way(lasting: CertStage) -> None:
    """Each step is made once, whoever makes it, rotation after rotation."""
    changes = ("MakeAuthority", "IssueLeaf", "DropAuthority")

    def steps() -> list[float]:
        return [lasting.metric("leadergate_certificate_steps_total", step=change) for change in changes]

    wanted = [made + 3 for made in steps()]
    with lasting.load() as load, lasting.dialer() as dialer:
        for _ in range(3):
            lasting.rotate_ca()
        went_well(load, dialer)
    # Who has made the last one counts it when it has the answer, which may be after the others have heard of it.
    wait_until(lambda: steps() >= wanted, what=f"{changes} are counted three times each", timeout=30)
    assert steps() == wanted


def test_what_nears_its_end_is_renewed_by_itself(set_up: Callable[..., CertStage]) -> None:
    """A leaf that was issued long ago is renewed at once when replicas start, and its authority replaced."""
    stage = set_up()
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


def test_short_lives_are_renewed_again_and_again(set_up: Callable[..., CertStage]) -> None:
    """Leaves of 12 seconds and authorities of 36: several of the former come and go, and one of the latter."""
    stage = set_up(flags=["--certs-leaf-lifetime", "12s", "--certs-authority-lifetime", "36s"])
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


def test_metrics_tell_when_certificates_end(lasting: CertStage) -> None:
    """The leaf that is served, what the Secret holds, the phase, and what was done."""
    state = lasting.state()
    assert state is not None
    leaf = state.pair.certificate.not_valid_after_utc.timestamp()
    authority = state.newest.certificate.not_valid_after_utc.timestamp()
    ends = {"leaf": leaf, "authority": authority, "first-authority-to-end": authority}
    for replica in lasting.replicas:
        metric = replica.metric
        assert metric("leadergate_serving_certificate_not_after_seconds") == leaf

        def knows(metric: Callable[..., float] = metric) -> bool:
            return (
                metric("leadergate_certificate_phase", phase="steady") == 1
                and {which: metric("leadergate_certificate_not_after_seconds", which=which) for which in ends} == ends
                and metric("leadergate_certificate_authorities") == 1
                and metric("leadergate_certificate_untrusting_configurations") == 0
            )

        wait_until(knows, what="it tells what the Secret holds", timeout=30)
    assert lasting.metric("leadergate_certificate_steps_total", step="MakeFirst") == 1
    assert lasting.metric("leadergate_certificate_injections_total") >= 1


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
