"""The metrics: their names, and labels that nobody outside can multiply."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from leadergate import __version__
from leadergate.metrics import MAX_GATES, READ_OUTCOMES, Metrics
from leadergate.model import LeaseKey, Mode, Reason, Standing

KEY = LeaseKey("shop", "operator")


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of the page by its name and labels, as a scraper reads them."""
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """One sample."""
    return samples(metrics)[name, tuple(sorted(labels.items()))]


def test_the_version_is_told() -> None:
    """So that replicas of two versions can be told apart."""
    assert value(Metrics(), "leadergate_build_info", version=__version__) == 1


def test_reviews_by_gate_mode_verdict_and_reason() -> None:
    """And how long the verdict took."""
    metrics = Metrics()
    metrics.review(KEY, Mode.WARN, "Deny", Reason.NOT_HOLDER, 0.02)
    metrics.review(KEY, Mode.WARN, "Deny", Reason.NOT_HOLDER, 0.03)
    labels = {"gate": "shop/operator", "mode": "warn", "verdict": "Deny", "reason": "NotHolder"}
    assert value(metrics, "leadergate_reviews_total", **labels) == 2
    assert value(metrics, "leadergate_decision_seconds_count", gate="shop/operator") == 2
    assert value(metrics, "leadergate_decision_seconds_bucket", gate="shop/operator", le="0.025") == 1


def test_what_has_not_happened_yet_is_0() -> None:
    """From the first review on: in a series that begins at 1 Prometheus sees no increase, and alerts miss it."""
    metrics = Metrics()
    metrics.review(KEY, Mode.ENFORCE, "Deny", Reason.NOT_HOLDER, 0.02)
    gate = {"gate": "shop/operator"}
    for standing in Standing:
        assert value(metrics, "leadergate_rejections_total", **gate, mode="enforce", standing=standing) == 0
    for outcome in READ_OUTCOMES:
        assert value(metrics, "leadergate_lease_reads_total", **gate, outcome=outcome) == 0
    for mode in Mode:
        assert value(metrics, "leadergate_records_lost_total", mode=mode) == 0
    assert value(metrics, "leadergate_takeovers_seen_total", **gate) == 0
    labels = {**gate, "mode": "enforce", "verdict": "Allow", "reason": "Holder"}
    assert value(metrics, "leadergate_reviews_total", **labels) == 0


def test_rejections_by_standing() -> None:
    """Routine followers apart from the split brain."""
    metrics = Metrics()
    metrics.rejection(KEY, Mode.ENFORCE, Standing.FORMER_HOLDER)
    labels = {"gate": "shop/operator", "mode": "enforce", "standing": "former-holder"}
    assert value(metrics, "leadergate_rejections_total", **labels) == 1


def test_lease_reads() -> None:
    """Reads made, their latency, and how many reviews each served."""
    metrics = Metrics()
    metrics.lease_read(KEY, "found", 0.004, 3)
    metrics.lease_read(KEY, "timeout", 2.0, 1)
    assert value(metrics, "leadergate_lease_reads_total", gate="shop/operator", outcome="found") == 1
    assert value(metrics, "leadergate_lease_reads_total", gate="shop/operator", outcome="timeout") == 1
    assert value(metrics, "leadergate_lease_read_seconds_sum") == pytest.approx(2.004)
    assert value(metrics, "leadergate_requests_per_lease_read_sum") == 4


def test_the_rest() -> None:
    """Takeovers, overload, bad calls, lost records, levels and the certificate."""
    metrics = Metrics()
    metrics.takeovers_seen(KEY, 2)
    metrics.overload()
    metrics.bad_call(413)
    metrics.record_lost(Mode.AUDIT)
    metrics.watch_load(in_flight=lambda: 5, body_bytes=lambda: 2048)
    metrics.certificate(datetime(2026, 3, 1, tzinfo=UTC))
    metrics.certificate_fault()
    assert value(metrics, "leadergate_takeovers_seen_total", gate="shop/operator") == 2
    assert value(metrics, "leadergate_overload_rejections_total") == 1
    assert value(metrics, "leadergate_bad_calls_total", code="413") == 1
    assert value(metrics, "leadergate_records_lost_total", mode="audit") == 1
    assert value(metrics, "leadergate_in_flight") == 5
    assert value(metrics, "leadergate_body_bytes") == 2048
    assert value(metrics, "leadergate_serving_certificate_not_after_seconds") == 1772323200
    assert value(metrics, "leadergate_serving_certificate_faults_total") == 1


def test_only_so_many_gates_get_a_label() -> None:
    """Whoever reaches the port may name any Lease: beyond the bound all are counted together, and none is lost."""
    metrics = Metrics()
    metrics.review(KEY, Mode.ENFORCE, "Allow", Reason.HOLDER, 0.001)
    for number in range(MAX_GATES + 50):
        key = LeaseKey("flood", f"lease-{number}")
        metrics.review(key, Mode.ENFORCE, "Allow", Reason.HOLDER, 0.001)
        metrics.rejection(key, Mode.ENFORCE, Standing.STRANGER)
        metrics.lease_read(key, "absent", 0.001, 1)
        metrics.takeovers_seen(key, 1)
    metrics.review(KEY, Mode.ENFORCE, "Allow", Reason.HOLDER, 0.001)
    found = samples(metrics)
    for name in ("reviews", "rejections", "lease_reads", "takeovers_seen"):
        counted = {labels: count for (sample, labels), count in found.items() if sample == f"leadergate_{name}_total"}
        gates = {dict(labels)["gate"] for labels in counted}
        assert len(gates) <= MAX_GATES + 1
        assert "other" in gates
        assert sum(counted.values()) == MAX_GATES + 50 + 2 * (name == "reviews")
    labels = {"gate": "shop/operator", "mode": "enforce", "verdict": "Allow", "reason": "Holder"}
    assert value(metrics, "leadergate_reviews_total", **labels) == 2


def test_each_instance_counts_by_itself() -> None:
    """No registry is shared, so two programs in one process do not mix."""
    one, other = Metrics(), Metrics()
    one.overload()
    assert value(other, "leadergate_overload_rejections_total") == 0


def test_no_series_tells_when_it_began() -> None:
    """Those would double the page."""
    metrics = Metrics()
    metrics.overload()
    assert not [name for name, _ in samples(metrics) if name.endswith("_created")]
