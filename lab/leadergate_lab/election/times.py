"""How long a takeover takes, after a release and after a kill: ``python -m leadergate_lab.election.times``.

Three processes stand on many Leases at once. The one that leads them all is ended, by SIGTERM or SIGKILL, and for each
Lease the time until another process leads is taken from the ledgers. So one round has as many samples as there are
Leases; each elector has a jitter of its own.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.table import Table

from leadergate_election.clock import now
from leadergate_lab.assets import ensure
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.election.stage import Candidate, Stage
from leadergate_lab.processes import wait_until

PATIENCE = 120.0
SETTLE_PERIODS = 5


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds until the next leader, one for each Lease."""

    case: str
    seconds: list[float]


class Clockwork:
    """A stage on which every Lease is led by the first candidate, while two more stand."""

    def __init__(self, stage: Stage, timing: Sequence[str], retry_period: float) -> None:
        self.stage = stage
        self._timing = [*timing, "--retry-period", str(retry_period)]
        self._retry_period = retry_period

    def take(self, case: str, *, kill: bool) -> Times:
        """End the leader once, and take the times."""
        first = self.stage.candidate(f"{case}-0", *self._timing)
        first.start()
        leases = set(self.stage.leases)
        self._await(lambda: first.leads_now() == leases, f"{first.identity} leads")
        others = [self.stage.candidate(f"{case}-{number}", *self._timing) for number in (1, 2)]
        for other in others:
            other.start()
        for other in others:
            self._await(partial(self._knows, other), f"{other.identity} knows the leaders")
        # By now all have just looked. After some more periods, each with its jitter, they look at any time.
        time.sleep(SETTLE_PERIODS * self._retry_period)
        ended = first.kill() if kill else self._release(first)
        self._await(lambda: self._next(others, ended).keys() == leases, "others lead")
        seconds = [at - ended for at in self._next(others, ended).values()]
        for other in others:
            other.stop()
        return Times(case, seconds)

    def _knows(self, candidate: Candidate) -> bool:
        return candidate.knows() == set(self.stage.leases)

    @staticmethod
    def _release(candidate: Candidate) -> float:
        began = now()
        candidate.stop()
        return began

    @staticmethod
    def _next(others: Sequence[Candidate], ended: float) -> dict[str, float]:
        """When each Lease had its next leader."""
        found: dict[str, float] = {}
        for belief in (belief for other in others for belief in other.claims()):
            if belief.start > ended:
                found[belief.lease] = min(belief.start, found.get(belief.lease, belief.start))
        return found

    @staticmethod
    def _await(condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, what=what, timeout=PATIENCE)


def table(measured: Sequence[Times]) -> Table:
    """What was measured."""
    made = Table(title="seconds until another process leads")
    for column in ("the leader's end", "takeovers", "median", "90 %", "shortest", "longest"):
        made.add_column(column, justify="left" if column == "the leader's end" else "right")
    for times in measured:
        ordered = sorted(times.seconds)
        tail = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
        figures = (statistics.median(ordered), tail, ordered[0], ordered[-1])
        made.add_row(times.case, str(len(ordered)), *(f"{figure:.2f}" for figure in figures))
    return made


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leases", type=int, default=20)
    parser.add_argument("--lease-duration", default="15")
    parser.add_argument("--renew-deadline", default="10")
    parser.add_argument("--retry-period", type=float, default=2.0)
    options = parser.parse_args()
    timing = ["--lease-duration", options.lease_duration, "--renew-deadline", options.renew_deadline]
    measured = []
    with ControlPlane.start(ensure()) as plane:
        for case, kill in (("release", False), ("kill", True)):
            leases = [f"lease-{number}" for number in range(options.leases)]
            with Stage(plane, f"times-{case}", leases) as stage:
                measured.append(Clockwork(stage, timing, options.retry_period).take(case, kill=kill))
    Console().print(table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
