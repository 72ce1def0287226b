"""Statuses that were rejected before a takeover, of operators that know nothing of leadergate, with the nudge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.interop.catalogue import OPERATORS
from leadergate_lab.interop.fleet import PATIENCE, Fleet
from leadergate_lab.interop.operators import GoOperator
from leadergate_lab.interop.outage import outage
from leadergate_lab.interop.place import CONFLICT_NUDGE, NUDGE, Setting

OBJECTS = 60


@pytest.mark.timeout(1800)  # the first run on a machine builds the programs
@pytest.mark.parametrize(
    ("name", "setting"),
    [("controller-runtime", NUDGE), ("client-go", NUDGE), ("kopf", CONFLICT_NUDGE), ("plain", NUDGE)],
    ids=["controller-runtime", "client-go", "kopf", "plain"],
)
def test_all_statuses_come_right_after_a_takeover(
    name: str, setting: Setting, built: dict[str, Path], control_plane: ControlPlane
) -> None:
    """All objects change while nobody leads and each follower is rejected at each; the new leader gets all right.

    Those in Go have a pause before the next attempt that is longer than this test, as after hours of rejections, and
    Kopf makes no other attempt: without the nudge their statuses would stay wrong.
    """
    operator = OPERATORS[name](built)
    if isinstance(operator, GoOperator):
        operator = replace(operator, flags=(*operator.flags, "--retry-pause=1h"))
    with Fleet.running(control_plane, operator, objects=OBJECTS, setting=setting) as fleet:
        seen = outage(fleet, patience=PATIENCE, until_all_rejected=True)
        assert seen.in_outage >= OBJECTS
        assert seen.all_right
        verdict = fleet.judged()
        assert verdict.findings == []
        assert verdict.takeovers == 1
