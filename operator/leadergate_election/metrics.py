"""What an elector counts, in Prometheus form: under client-go's names where it has them, else under our prefix."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ElectionMetrics:
    """The metrics of all electors of a process. ``name`` is the Lease's name, as in client-go.

    Make one for a registry: a registry refuses a second set of the same names.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._status = Gauge(
            "leader_election_master_status",
            "1 while this process leads, else 0.",
            ["name"],
            registry=registry,
        )
        self._slowpath = Counter(
            "leader_election_slowpath",
            "Renewals that had to read the Lease first.",
            ["name"],
            registry=registry,
        )
        self._requests = Counter(
            "leadergate_election_requests",
            "Requests for the Lease: ok, absent, conflict, throttled, refused, failed, timeout or unreachable.",
            ["name", "verb", "outcome"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "leadergate_election_request_seconds",
            "Seconds that a request for the Lease took, whatever became of it.",
            ["name", "verb"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._terms = Counter(
            "leadergate_election_terms_ended",
            "Times that this process stopped leading, by reason: stopped, expired, lost, failed.",
            ["name", "reason"],
            registry=registry,
        )
        self._leaders = Counter(
            "leadergate_election_leaders_seen",
            "Leaders that this process saw begin, itself included.",
            ["name"],
            registry=registry,
        )
        self._left = Gauge(
            "leadergate_election_seconds_left",
            "Seconds that this process leads on without another renewal; 0 while it does not lead.",
            ["name"],
            registry=registry,
        )

    def watch(self, name: str, *, leads: Callable[[], bool], left: Callable[[], float]) -> None:
        """Where the gauges come from, whenever they are scraped."""
        self._status.labels(name).set_function(leads)
        self._left.labels(name).set_function(left)
        self._slowpath.labels(name)
        self._leaders.labels(name)

    def slowpath(self, name: str) -> None:
        """A leader had to read the Lease before it could renew."""
        self._slowpath.labels(name).inc()

    def request(self, name: str, verb: str, outcome: str, seconds: float) -> None:
        """A request ended."""
        self._requests.labels(name, verb, outcome).inc()
        self._request_seconds.labels(name, verb).observe(seconds)

    def term_ended(self, name: str, reason: str) -> None:
        """This process stopped leading."""
        self._terms.labels(name, reason).inc()

    def leader_seen(self, name: str) -> None:
        """Somebody new leads."""
        self._leaders.labels(name).inc()
