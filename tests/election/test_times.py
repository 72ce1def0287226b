"""The measurement of takeovers measures takeovers."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.election.stage import Stage
from leadergate_lab.election.times import Clockwork, Times, table

TIMING = ["--lease-duration", "4", "--renew-deadline", "3"]
LEASES = ["one", "two"]


def test_release_and_kill_are_measured(control_plane: ControlPlane, unique: Callable[[str], str]) -> None:
    """Each Lease gives one time; after a kill it is no shorter than what is left of the Lease."""

    def measured(case: str) -> Times:
        with Stage(control_plane, unique("times"), LEASES) as stage:
            times = Clockwork(stage, TIMING, 0.3).take(case, kill=case == "kill")
            assert [finding.text for lease in LEASES for finding in stage.verdict(lease).findings] == []
        return times

    with ThreadPoolExecutor() as pool:
        released, killed = pool.map(measured, ("release", "kill"))
    assert len(released.seconds) == len(killed.seconds) == 2
    assert min(released.seconds) > 0
    # The last renewal was up to a retry period old, and on a busy machine somewhat more.
    assert min(killed.seconds) > 2


def test_table_has_the_figures() -> None:
    """Median, tail and extremes of each case."""
    said = io.StringIO()
    Console(file=said, width=120).print(table([Times("kill", [float(number) for number in range(1, 21)])]))
    row = next(line for line in said.getvalue().splitlines() if "kill" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["kill", "20", "10.50", "19.00", "1.00", "20.00"]
