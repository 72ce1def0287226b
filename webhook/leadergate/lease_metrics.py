"""What reviews saw of each Lease, in Prometheus form: whether anybody holds it, and how old its renewal was.

Verdicts do not tell: while a dead leader's Lease runs out, followers are ``NotHolder`` before and after it has expired.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from leadergate.guard import LeaseReader
from leadergate.history import LeaseHistory
from leadergate.metrics import OTHER
from leadergate.model import LeaseAbsent, LeaseKey, LeaseView, Reading

# Longer than a scrape interval, and short enough that what is shown was so until just now.
FRESH_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    held: bool
    age: float | None


class LeaseMetrics(Collector):
    """Shows, for each gate, what the latest read of its Lease found, as long as that is fresh.

    Nothing is shown of a Lease that no review has asked for lately, or that could not be read: it is not known. Gates
    beyond the bound of labels have no gauge, for one gauge cannot speak of several Leases. ``clock`` is in seconds.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        label: Callable[[LeaseKey], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        registry.register(self)

    def saw(self, key: LeaseKey, reading: Reading) -> None:
        """A read ended with ``reading``."""
        gate = self._label(key)
        if gate == OTHER:
            return
        match reading:
            case LeaseView(lease, age, expired):
                self._seen[gate] = _Seen(self._clock(), bool(lease.holder) and not expired, age)
            case LeaseAbsent():
                self._seen[gate] = _Seen(self._clock(), held=False, age=None)

    def collect(self) -> Iterable[Metric]:
        """See the client library."""
        held, ages = self.describe()
        oldest = self._clock() - FRESH_SECONDS
        for gate, seen in list(self._seen.items()):
            if seen.at < oldest:
                del self._seen[gate]
                continue
            held.add_metric([gate], float(seen.held))
            if seen.age is not None:
                ages.add_metric([gate], seen.age)
        return [held, ages]

    def describe(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        """The names alone."""
        return (
            GaugeMetricFamily(
                "leadergate_lease_held",
                "1 when the latest read showed a holder that renews, 0 when the Lease was unheld, expired or not there;"
                f" absent when nobody asked in the last {FRESH_SECONDS:.0f} s.",
                labels=["gate"],
            ),
            GaugeMetricFamily(
                "leadergate_lease_renewal_age_seconds",
                "At the latest read: how long this process had known the Lease's renewal, which is so old at least.",
                labels=["gate"],
            ),
        )


@dataclass(frozen=True, slots=True)
class WatchedReader:
    """Reads through ``reader``, and tells ``metrics`` what was found."""

    reader: LeaseReader
    metrics: LeaseMetrics

    async def read(self, key: LeaseKey, deadline: float) -> Reading:
        """See :class:`LeaseReader`."""
        reading = await self.reader.read(key, deadline)
        self.metrics.saw(key, reading)
        return reading

    def history(self, key: LeaseKey) -> LeaseHistory:
        """See :class:`LeaseReader`."""
        return self.reader.history(key)
