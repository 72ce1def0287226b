"""Statuses that were rejected before a takeover, of operators that know nothing of leadergate, with the nudge."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.interop.catalogue import OPERATORS
from leadergate_lab.interop.fleet import Fleet
from leadergate_lab.interop.operators import Timings
from leadergate_lab.interop.outage import outage
from leadergate_lab.interop.place import CONFLICT_NUDGE, NUDGE, Setting

OBJECTS = 200
PROMISED_SECONDS = 10.0
CHANGES = 3
"""Each makes a Go follower's back-off longer, until it is past the promise: without the nudge this test fails."""


@pytest.mark.timeout(1800)  # the first run on a machine builds the programs
@pytest.mark.parametrize(
    ("name", "setting", "changes", "rejected"),
    [
        ("controller-runtime", NUDGE, CHANGES, OBJECTS // 2),
        ("client-go", NUDGE, CHANGES, OBJECTS // 2),
        # Kopf rests after a failure, and the script between its rounds: neither tries all before the takeover. Nor has
        # either a back-off that grows.
        ("kopf", CONFLICT_NUDGE, 0, 0),
        ("plain", NUDGE, 0, 0),
    ],
    ids=["controller-runtime", "client-go", "kopf", "plain"],
)
def test_all_statuses_are_right_soon_after_a_takeover(
    name: str, setting: Setting, changes: int, rejected: int, built: dict[str, Path], control_plane: ControlPlane
) -> None:
    """200 objects change while nobody leads and the followers are rejected; the new leader gets all right in 10 s."""
    operator = OPERATORS[name](built)
    with Fleet.running(control_plane, operator, objects=OBJECTS, timings=Timings(6, 4, 0.8), setting=setting) as fleet:
        for number in range(changes):
            fleet.change(fleet.names, f"https://example.org/change-{number}")
            fleet.until(lambda: not fleet.wrong(), "the statuses of the new specs")
        seen = outage(fleet, patience=6 * PROMISED_SECONDS)
        assert seen.in_outage > rejected
        assert seen.all_right
        assert seen.last < PROMISED_SECONDS
        verdict = fleet.judged()
        assert verdict.findings == []
        assert verdict.takeovers == 1
