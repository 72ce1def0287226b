"""All statuses that were rejected come right after a takeover."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.demo.takeover import SampleOperator
from leadergate_lab.interop.fleet import PATIENCE, Fleet
from leadergate_lab.interop.outage import outage

OBJECTS = 60


def test_all_statuses_come_right_after_a_takeover(control_plane: ControlPlane) -> None:
    """The leader is killed and all specs change: the follower is rejected, takes over, and writes all of them.

    It tries none of them again by itself: what comes right does so by the takeover.
    """
    operator = SampleOperator(("--write-timeout", "60"))
    with Fleet.running(control_plane, operator, objects=OBJECTS) as fleet:
        seen = outage(fleet, patience=PATIENCE, until_all_rejected=True)
        lines = [json.loads(line) for line in fleet.leader.log() if line.endswith("}")]
        verdict = fleet.judged()
    assert seen.in_outage >= OBJECTS
    assert seen.all_right
    assert verdict.findings == []
    assert verdict.takeovers == 1
    told = Counter((line["redirect"], line["generation"]) for line in lines if line.get("outcome") == "rejected")
    assert set(told.values()) == {1}
    assert [line for line in lines if line["level"] not in ("info", "debug")] == []


def test_the_command_tells_how_it_is_called() -> None:
    """``--help`` names the options; a number that makes no sense is refused."""
    command = [sys.executable, "-m", "leadergate_lab.demo.takeover"]
    told = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "--objects" in told.stdout
    refused = subprocess.run([*command, "--lease", "0.5"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "at least 3 whole seconds" in refused.stderr
