"""What became of the copies of records that go out as OpenTelemetry logs."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge


class Outcome(StrEnum):
    """What became of a copy.

    ``exported``: the collector took it. ``failed``: it was sent and the collector did not say that it took it.
    ``dropped``: never sent, since too many were waiting.
    """

    EXPORTED = "exported"
    DROPPED = "dropped"
    FAILED = "failed"


class OtlpMetrics:
    """Counts copies; ``waiting`` tells how many have no outcome yet."""

    def __init__(self, registry: CollectorRegistry, waiting: Callable[[], float]) -> None:
        records = Counter(
            "leadergate_otlp_records",
            "Copies of records for --otlp-endpoint, by outcome: exported, dropped, failed.",
            ["outcome"],
            registry=registry,
        )
        self._outcomes = {outcome: records.labels(outcome) for outcome in Outcome}
        gauge = Gauge(
            "leadergate_otlp_records_waiting", "Copies of records that have no outcome yet.", registry=registry
        )
        gauge.set_function(waiting)

    def copies(self, outcome: Outcome, count: int) -> None:
        """So many copies came to this. May be called from any thread."""
        self._outcomes[outcome].inc(count)
