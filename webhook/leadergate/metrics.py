"""What the webhook counts, in Prometheus form, on a registry of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.process_collector import ProcessCollector

from leadergate import __version__
from leadergate.model import Allow, Indeterminate, LeaseKey, Mode, Reason, Standing

CONTENT_TYPE = CONTENT_TYPE_LATEST
MAX_GATES = 256
OTHER = "other"
READ_OUTCOMES = ("found", "absent", "failed", "timeout")

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SHARED = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """The webhook's metrics. Every label has a bounded set of values.

    ``gate`` is the Lease's ``namespace/name``. Since anyone who reaches the port can name a Lease, only the first
    ``MAX_GATES`` gates get a label of their own; later ones are counted under ``other``.
    """

    def __init__(self) -> None:
        # The times at which each series began would double the page and tell nobody anything.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        registry = self.registry
        ProcessCollector(registry=registry)
        build = Gauge("leadergate_build_info", "1; the version is its label.", ["version"], registry=registry)
        build.labels(__version__).set(1)
        self._reviews = Counter(
            "leadergate_reviews",
            "Admission reviews answered with a verdict.",
            ["gate", "mode", "verdict", "reason"],
            registry=registry,
        )
        self._rejections = Counter(
            "leadergate_rejections",
            "Denials, by how the requester stands to the Lease.",
            ["gate", "mode", "standing"],
            registry=registry,
        )
        self._decision_seconds = Histogram(
            "leadergate_decision_seconds",
            "Seconds from the arrival of a review to its verdict, the Lease read included.",
            ["gate"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._lease_reads = Counter(
            "leadergate_lease_reads",
            f"Reads of Leases, by outcome: {', '.join(READ_OUTCOMES)}.",
            ["gate", "outcome"],
            registry=registry,
        )
        self._lease_read_seconds = Histogram(
            "leadergate_lease_read_seconds", "Seconds that a Lease read took.", buckets=_SECONDS, registry=registry
        )
        self._requests_per_read = Histogram(
            "leadergate_requests_per_lease_read",
            "Reviews that one Lease read served.",
            buckets=_SHARED,
            registry=registry,
        )
        self._takeovers = Counter(
            "leadergate_takeovers_seen", "Changes of holder that this process saw.", ["gate"], registry=registry
        )
        self._in_flight = Gauge("leadergate_in_flight", "Reviews being worked on now.", registry=registry)
        self._body_bytes = Gauge("leadergate_body_bytes", "Bytes of bodies held now.", registry=registry)
        self._overload = Counter(
            "leadergate_overload_rejections", "Calls answered 503 because too many were under way.", registry=registry
        )
        self._bad_calls = Counter(
            "leadergate_bad_calls", "Calls that were no admission review.", ["code"], registry=registry
        )
        self._failures = Counter(
            "leadergate_internal_failures", "Calls answered 503 because of a fault of the webhook.", registry=registry
        )
        self._records_lost = Counter(
            "leadergate_records_lost", "Records that could not be written.", ["mode"], registry=registry
        )
        for mode in Mode:
            self._records_lost.labels(mode)
        self._certificate_expiry = Gauge(
            "leadergate_serving_certificate_not_after_seconds",
            "When the serving certificate ends, in seconds since the epoch.",
            registry=registry,
        )
        self._certificate_faults = Counter(
            "leadergate_serving_certificate_faults",
            "Certificate files that were refused while the last good pair is kept.",
            registry=registry,
        )
        self._callers_refused = Counter(
            "leadergate_callers_refused",
            "Connections closed because the caller's certificate bears none of --client-names.",
            registry=registry,
        )
        self._gates: dict[LeaseKey, str] = {}
        self._begun: set[tuple[str, Mode]] = set()
        self._hot: dict[tuple[str, Mode, str, Reason], tuple[Counter, Histogram]] = {}

    def text(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self.registry)

    def gate(self, key: LeaseKey) -> str:
        """The label of a gate: its Lease, or ``other`` beyond the bound."""
        label = self._gates.get(key)
        if label is None:
            if len(self._gates) >= MAX_GATES:
                return OTHER
            label = self._gates[key] = str(key)
        return label

    def review(self, key: LeaseKey, mode: Mode, verdict: str, reason: Reason, seconds: float) -> None:
        """One verdict was reached."""
        series = (self.gate(key), mode, verdict, reason)
        hot = self._hot.get(series)
        if hot is None:
            self._begin(series[0], mode)
            # Looking labels up costs more than counting, and this is done for every review.
            hot = self._hot[series] = (self._reviews.labels(*series), self._decision_seconds.labels(series[0]))
        hot[0].inc()
        hot[1].observe(seconds)

    def _begin(self, gate: str, mode: Mode) -> None:
        """Show 0 for what has not happened yet: Prometheus sees no increase in a series that begins at 1."""
        if (gate, mode) in self._begun:
            return
        self._begun.add((gate, mode))
        self._reviews.labels(gate, mode, Allow.__name__, Reason.HOLDER)
        self._reviews.labels(gate, mode, Indeterminate.__name__, Reason.LEASE_UNREADABLE)
        self._takeovers.labels(gate)
        for outcome in READ_OUTCOMES:
            self._lease_reads.labels(gate, outcome)
        for standing in Standing:
            self._rejections.labels(gate, mode, standing)

    def watch_load(self, *, in_flight: Callable[[], float], body_bytes: Callable[[], float]) -> None:
        """Where the gauges of what is under way come from, whenever they are scraped."""
        self._in_flight.set_function(in_flight)
        self._body_bytes.set_function(body_bytes)

    def rejection(self, key: LeaseKey, mode: Mode, standing: Standing) -> None:
        """One denial."""
        self._rejections.labels(self.gate(key), mode, standing).inc()

    def lease_read(self, key: LeaseKey, outcome: str, seconds: float, requests: int) -> None:
        """One read ended."""
        self._lease_reads.labels(self.gate(key), outcome).inc()
        self._lease_read_seconds.observe(seconds)
        self._requests_per_read.observe(requests)

    def takeovers_seen(self, key: LeaseKey, count: int) -> None:
        """The holder changed."""
        self._takeovers.labels(self.gate(key)).inc(count)

    def overload(self) -> None:
        """A call was turned away because of load."""
        self._overload.inc()

    def bad_call(self, code: int) -> None:
        """A call was answered 4xx."""
        self._bad_calls.labels(str(code)).inc()

    def internal_failure(self) -> None:
        """A call met a fault of ours."""
        self._failures.inc()

    def record_lost(self, mode: Mode) -> None:
        """A record could not be written."""
        self._records_lost.labels(mode).inc()

    def certificate(self, not_after: datetime) -> None:
        """A certificate is being served."""
        self._certificate_expiry.set(not_after.timestamp())

    def caller_refused(self) -> None:
        """A caller was turned away for its certificate's names."""
        self._callers_refused.inc()

    def certificate_fault(self) -> None:
        """A changed certificate was refused."""
        self._certificate_faults.inc()
