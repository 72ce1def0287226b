"""The gauges of what reviews saw of Leases."""

from __future__ import annotations

import pytest

from leadergate.history import LeaseHistory
from leadergate.lease_metrics import FRESH_SECONDS, LeaseMetrics, WatchedReader
from leadergate.metrics import MAX_GATES, Metrics
from leadergate.model import Lease, LeaseAbsent, LeaseKey, LeaseUnreadable, LeaseView, Reading

KEY = LeaseKey("shop", "operator")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def page(metrics: Metrics) -> list[str]:
    """The samples that speak of Leases' holders."""
    lines = metrics.text().decode().splitlines()
    return [line for line in lines if line.startswith(("leadergate_lease_held", "leadergate_lease_renewal"))]


def view(holder: str, *, expired: bool = False, age: float = 1.5) -> LeaseView:
    """A Lease as a read showed it."""
    return LeaseView(Lease(holder, "7"), age, expired)


@pytest.mark.parametrize(
    ("reading", "shown"),
    [
        (view("operator-0"), ["held 1.0", "renewal_age_seconds 1.5"]),
        (view("operator-0", expired=True, age=20), ["held 0.0", "renewal_age_seconds 20.0"]),
        (view(""), ["held 0.0", "renewal_age_seconds 1.5"]),
        (LeaseAbsent(), ["held 0.0"]),
        (LeaseUnreadable("gone"), []),
    ],
    ids=["held", "expired", "unheld", "absent", "unreadable"],
)
def test_what_a_read_shows(reading: Reading, shown: list[str]) -> None:
    """A holder that renews, or none; of what cannot be read, nothing."""
    metrics = Metrics()
    LeaseMetrics(metrics.registry, metrics.gate).saw(KEY, reading)
    expected = [f"leadergate_lease_{line}".replace(" ", '{gate="shop/operator"} ') for line in shown]
    assert page(metrics) == expected


def test_the_latest_read_counts() -> None:
    """And one that failed says nothing against the one before it."""
    metrics = Metrics()
    gauges = LeaseMetrics(metrics.registry, metrics.gate)
    for reading in (view("operator-0"), view(""), LeaseUnreadable("gone")):
        gauges.saw(KEY, reading)
    assert page(metrics)[0] == 'leadergate_lease_held{gate="shop/operator"} 0.0'


def test_what_is_old_is_not_shown() -> None:
    """It may be otherwise by now. The next read shows it again."""
    metrics, clock = Metrics(), Clock()
    gauges = LeaseMetrics(metrics.registry, metrics.gate, clock)
    gauges.saw(KEY, view("operator-0"))
    clock.now += FRESH_SECONDS
    assert len(page(metrics)) == 2
    clock.now += 1
    assert page(metrics) == []
    gauges.saw(KEY, view("operator-0"))
    assert len(page(metrics)) == 2


def test_gates_beyond_the_bound_have_none() -> None:
    """One gauge cannot speak of several Leases."""
    metrics = Metrics()
    gauges = LeaseMetrics(metrics.registry, metrics.gate)
    for number in range(MAX_GATES + 3):
        gauges.saw(LeaseKey("flood", f"lease-{number}"), LeaseAbsent())
    assert len(page(metrics)) == MAX_GATES
    assert not [line for line in page(metrics) if 'gate="other"' in line]


async def test_the_reader_is_watched() -> None:
    """Each reading is passed on as it is, and shown."""

    class Reader:
        async def read(self, key: LeaseKey, deadline: float) -> Reading:
            assert (key, deadline) == (KEY, 5.0)
            return view("operator-0")

        def history(self, key: LeaseKey) -> LeaseHistory:
            return history

    metrics, history = Metrics(), LeaseHistory(10, 600)
    watched = WatchedReader(Reader(), LeaseMetrics(metrics.registry, metrics.gate))
    assert await watched.read(KEY, 5.0) == view("operator-0")
    assert watched.history(KEY) is history
    assert page(metrics)[0] == 'leadergate_lease_held{gate="shop/operator"} 1.0'
