"""The metrics after a known set of writes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import WebhookProcess
from leadergate_lab.writer import Writer

from .team import Team, gathered, serving


@pytest.fixture(scope="module")
def counted_webhook(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[WebhookProcess]:
    """A webhook that nobody else's writes reach."""
    with serving(control_plane, "counted-webhook") as counted:
        yield counted


@pytest.fixture
def counted(control_plane: ControlPlane, counted_webhook: WebhookProcess) -> Iterator[Team]:
    """A team under that webhook."""
    with gathered(control_plane, counted_webhook) as team:
        yield team


def test_reviews_rejections_and_takeovers(counted: Team) -> None:
    """Verdicts are counted by gate, mode, verdict and reason, rejections by standing, and each takeover once."""
    counted.gate()
    metric, gate = counted.webhook.metric, f"{counted.namespace}/lock"
    probes = metric("leadergate_reviews_total", gate=gate)
    text = {"text": "x"}
    assert counted.leader.status(counted.note, text).ok
    counted.settle()  # what follows changes nothing
    assert all(counted.leader.status(counted.note, text).ok for _ in range(3))
    assert not any(counted.follower.status(counted.note, text).ok for _ in range(3))
    counted.lead("operator-1")
    assert counted.follower.status(counted.note, text).ok
    assert not any(counted.leader.status(counted.note, text).ok for _ in range(2))
    counted.lead("operator-0")
    assert counted.leader.status(counted.note, text).ok
    counted.lead(None)
    assert not counted.follower.status(counted.note, text).ok

    def reviews(verdict: str, reason: str) -> float:
        return metric("leadergate_reviews_total", gate=gate, mode="enforce", verdict=verdict, reason=reason)

    def rejections(standing: str) -> float:
        return metric("leadergate_rejections_total", gate=gate, mode="enforce", standing=standing)

    assert reviews("Allow", "Holder") == 6
    assert reviews("Deny", "NotHolder") == 5
    assert reviews("Deny", "LeaseUnheld") == 1
    assert reviews("Deny", "NotServiceAccount") == probes
    assert metric("leadergate_reviews_total", gate=gate) == 12 + probes
    assert rejections("follower") == 3
    assert rejections("former-holder") == 3
    assert rejections("stranger") == probes
    assert metric("leadergate_takeovers_seen_total", gate=gate) == 2
    assert metric("leadergate_decision_seconds_count", gate=gate) == 12 + probes
    assert metric("leadergate_in_flight") == 0
    assert len(counted.records()) == 6 + probes


def test_reads_are_shared(counted: Team) -> None:
    """Every review is served by just one read, and reviews that come at once share reads."""
    counted.gate()
    metric = counted.webhook.metric

    def reads() -> tuple[float, float]:
        """Reviews that were served by reads, and reads."""
        shared = "leadergate_requests_per_lease_read"
        return metric(f"{shared}_sum"), metric(f"{shared}_count")

    served, made = reads()
    for _ in range(5):
        assert counted.leader.status(counted.note, {"text": "x"}, dryRun="All").ok
    assert reads() == (served + 5, made + 5)

    def burst_shares_reads() -> bool:
        reviewed = metric("leadergate_reviews_total")
        served, made = reads()
        writers = [counted.leader, counted.follower, Writer(counted.cluster.api)] * 10
        with ThreadPoolExecutor(len(writers)) as pool:
            list(pool.map(lambda writer: writer.status(counted.note, {"text": "x"}, dryRun="All"), writers))
        served_then, made_then = reads()
        assert served_then - served == metric("leadergate_reviews_total") - reviewed
        return made_then - made < served_then - served

    wait_until(burst_shares_reads, what="reviews that come at once share a read", timeout=30)
    assert metric("leadergate_lease_reads_total") == reads()[1]


def test_reads_by_outcome(counted: Team) -> None:
    """A Lease that is not there and one that may not be read are told apart."""
    counted.gate()
    metric = counted.webhook.metric
    counted.cluster.delete_lease(counted.namespace, "lock")
    assert counted.leader.status(counted.note, {"text": "x"}).cause == "LeaseNotFound"
    assert metric("leadergate_lease_reads_total", gate=f"{counted.namespace}/lock", outcome="absent") == 1
    counted.gate(lease="secret")
    assert metric("leadergate_lease_reads_total", gate=f"{counted.namespace}/secret", outcome="failed") >= 1


def test_whether_a_lease_is_held(counted: Team) -> None:
    """A Lease that has run out shows, though its followers are NotHolder as before; so does one that is given up."""
    counted.gate()
    held = partial(counted.webhook.metric, "leadergate_lease_held", gate=f"{counted.namespace}/lock")
    text = {"text": "x"}
    assert counted.leader.status(counted.note, text).ok
    assert held() == 1
    counted.lead("operator-0", duration=1)

    def ran_out() -> bool:
        assert counted.follower.status(counted.note, text).cause == "NotHolder"
        return held() == 0

    wait_until(ran_out, what="the gauge shows that nobody renews the Lease", timeout=30)
    assert counted.webhook.metric("leadergate_lease_renewal_age_seconds", gate=f"{counted.namespace}/lock") > 1
    counted.lead("operator-1")
    assert counted.follower.status(counted.note, text).ok
    assert held() == 1
    counted.lead(None)
    assert counted.follower.status(counted.note, text).cause == "LeaseUnheld"
    assert held() == 0
