"""How answers to a probe are judged."""

from __future__ import annotations

import pytest

from leadergate_election.operator_health import Judgement, Probe

WELL, ILL = "", "it answered 500"


@pytest.mark.parametrize(
    ("answers", "healthy"),
    [
        ([], False),
        ([ILL, ILL], False),
        ([WELL], True),
        ([WELL, ILL, ILL], True),
        ([WELL, ILL, ILL, ILL], False),
        ([WELL, ILL, ILL, WELL, ILL, ILL], True),
        ([WELL, ILL, ILL, ILL, WELL], True),
        ([ILL, WELL, ILL], True),
    ],
)
def test_judgement(answers: list[str], healthy: bool) -> None:
    """Nobody is well before the first success; after it, only three failures in a row make ill."""
    judgement = Judgement(tolerated=3)
    changes = [judgement.take(answer) for answer in answers]
    assert judgement.healthy is healthy
    assert sum(changes) % 2 == healthy, "each change is told"


@pytest.mark.parametrize(
    ("url", "period", "timeout", "failures", "named"),
    [
        ("127.0.0.1:8080/healthz", 1, 1, 3, "--while-healthy"),
        ("ftp://127.0.0.1/", 1, 1, 3, "--while-healthy"),
        ("http:///healthz", 1, 1, 3, "--while-healthy"),
        ("http://127.0.0.1/", 0, 1, 3, "--health-period"),
        ("http://127.0.0.1/", float("nan"), 1, 3, "--health-period"),
        ("http://127.0.0.1/", 1, -1, 3, "--health-timeout"),
        ("http://127.0.0.1/", 1, 1, 0, "--health-failures"),
    ],
)
def test_a_probe_that_cannot_work(url: str, period: float, timeout: float, failures: int, named: str) -> None:
    """It is refused, and the flag is named."""
    with pytest.raises(ValueError, match=named):
        Probe(url, period, timeout, failures)
