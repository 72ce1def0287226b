"""Events about rejections, in Prometheus form."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

from leadergate.model import LeaseKey


class EventOutcome(StrEnum):
    """What became of an Event that was due. The strings are stable: metric labels."""

    SENT = "sent"
    FORBIDDEN = "forbidden"
    FAILED = "failed"
    """A passing fault, or no answer. Here, as when forbidden or dropped, a later Event tells what this one told."""
    REFUSED = "refused"
    """The API server will never take it, as when its namespace is gone or going; the log tells what it told."""
    DROPPED = "dropped"
    """Too many were waiting to be sent."""


class EventMetrics:
    """Counts Events and what makes none. ``label`` gives a gate's label, ``waiting`` how many rejections are untold."""

    def __init__(
        self, registry: CollectorRegistry, label: Callable[[LeaseKey], str], waiting: Callable[[], float]
    ) -> None:
        self._label = label
        self._events = Counter(
            "leadergate_rejection_events",
            "Kubernetes Events about rejections, by outcome.",
            ["gate", "outcome"],
            registry=registry,
        )
        self._suppressed = Counter(
            "leadergate_rejection_events_suppressed",
            "Rejections by former holders and strangers without an Event of their own; a later one tells their number.",
            ["gate"],
            registry=registry,
        )
        Gauge(
            "leadergate_rejection_events_waiting",
            "Rejections that no Event has told yet.",
            registry=registry,
        ).set_function(waiting)

    def event(self, gate: LeaseKey, outcome: EventOutcome) -> None:
        """One Event has come to its end."""
        self._events.labels(self._label(gate), outcome).inc()

    def suppressed(self, gate: LeaseKey) -> None:
        """One rejection was folded into a later Event."""
        self._suppressed.labels(self._label(gate)).inc()
