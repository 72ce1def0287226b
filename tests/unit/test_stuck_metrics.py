"""The gauges of what is stuck: what they show, and labels that nobody outside can multiply."""

from __future__ import annotations

from leadergate.metrics import MAX_GATES, OTHER, Metrics
from leadergate.model import LeaseKey
from leadergate.nudge import Outcome
from leadergate.stuck import StuckCount
from leadergate.stuck_metrics import StuckMetrics

KEY = LeaseKey("shop", "operator")


def page(metrics: Metrics) -> list[str]:
    """The samples that speak of what is stuck or nudged."""
    lines = metrics.text().decode().splitlines()
    return [line for line in lines if line.startswith(("leadergate_stuck", "leadergate_nudges"))]


def test_what_is_stuck_by_gate() -> None:
    """Orphaned or not; a gate that has nothing stuck any more shows 0, so that an alert ends."""
    metrics, counts = Metrics(), [StuckCount(KEY, orphaned=True, objects=3, age=7.5)]
    StuckMetrics(metrics.registry, metrics.gate, lambda: counts, lambda: 5)
    expected = [
        'leadergate_stuck_objects{gate="shop/operator",orphaned="false"} 0.0',
        'leadergate_stuck_objects{gate="shop/operator",orphaned="true"} 3.0',
        'leadergate_stuck_age_seconds{gate="shop/operator",orphaned="false"} 0.0',
        'leadergate_stuck_age_seconds{gate="shop/operator",orphaned="true"} 7.5',
        "leadergate_stuck_forgotten_total 5.0",
    ]
    assert page(metrics) == expected
    counts.clear()
    assert page(metrics) == [line.replace("} 3.0", "} 0.0").replace("} 7.5", "} 0.0") for line in expected]


def test_gates_beyond_the_bound_are_one() -> None:
    """Their objects are added up, and the oldest of them all tells the age."""
    metrics = Metrics()
    counts = [StuckCount(LeaseKey("shop", f"l{number}"), False, 2, float(number)) for number in range(MAX_GATES + 3)]
    counts[-1], counts[-2] = counts[-2], counts[-1]
    StuckMetrics(metrics.registry, metrics.gate, lambda: counts, lambda: 0)
    lines = [line for line in page(metrics) if f'gate="{OTHER}",orphaned="false"' in line]
    assert [line.rpartition(" ")[2] for line in lines] == ["6.0", f"{MAX_GATES + 2}.0"]
    assert len(page(metrics)) == 4 * (MAX_GATES + 1) + 1


def test_nudges_by_outcome() -> None:
    """Each is counted when it has come to its end."""
    metrics = Metrics()
    counted = StuckMetrics(metrics.registry, metrics.gate, list, lambda: 0)
    counted.nudge(KEY, Outcome.MOVED_ON)
    assert 'leadergate_nudges_total{gate="shop/operator",outcome="moved-on"} 1.0' in page(metrics)
