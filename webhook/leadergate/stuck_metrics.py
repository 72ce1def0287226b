"""What is stuck and what was nudged, in Prometheus form."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from leadergate.model import LeaseKey
from leadergate.nudge import Outcome
from leadergate.stuck import StuckCount


class StuckMetrics(Collector):
    """Counts nudges, and asks for what is stuck whenever it is scraped.

    ``label`` gives a gate's label, ``counts`` what is stuck now, ``forgotten`` how many there was no
    room for. A gate that once had stuck objects goes on to show 0, so that an alert ends.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        label: Callable[[LeaseKey], str],
        counts: Callable[[], Iterable[StuckCount]],
        forgotten: Callable[[], int],
    ) -> None:
        self._label = label
        self._counts = counts
        self._forgotten = forgotten
        self._seen: set[str] = set()
        self._nudges = Counter("leadergate_nudges", "Nudges by outcome.", ["gate", "outcome"], registry=registry)
        registry.register(self)

    def nudge(self, lease: LeaseKey, outcome: Outcome) -> None:
        """One nudge has come to its end."""
        self._nudges.labels(self._label(lease), outcome).inc()

    def collect(self) -> Iterable[Metric]:
        """See the client library."""
        objects, ages = self._gauges()
        found: dict[tuple[str, str], tuple[int, float]] = {}
        for count in self._counts():
            gate = self._label(count.lease)
            self._seen.add(gate)
            series = gate, "true" if count.orphaned else "false"
            known = found.get(series, (0, 0.0))
            found[series] = known[0] + count.objects, max(known[1], count.age)
        for gate in sorted(self._seen):
            for orphaned in ("false", "true"):
                number, age = found.get((gate, orphaned), (0, 0.0))
                objects.add_metric([gate, orphaned], number)
                ages.add_metric([gate, orphaned], age)
        forgotten = CounterMetricFamily(
            "leadergate_stuck_forgotten", "Stuck objects forgotten because there were more than --stuck-objects."
        )
        forgotten.add_metric([], self._forgotten())
        return [objects, ages, forgotten]

    def describe(self) -> Iterable[Metric]:
        """The names alone: nothing is counted yet when they are registered."""
        return self._gauges()

    @staticmethod
    def _gauges() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        labels = ["gate", "orphaned"]
        return (
            GaugeMetricFamily(
                "leadergate_stuck_objects",
                "Objects whose last rejection is newer than their last admitted write, as far as this process saw;"
                " orphaned: rejected before the last takeover.",
                labels=labels,
            ),
            GaugeMetricFamily(
                "leadergate_stuck_age_seconds", "For how long the oldest of them has been stuck.", labels=labels
            ),
        )
