"""Two hundred statuses that were rejected are right within seconds of a takeover."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.demo.takeover import SampleOperator
from leadergate_lab.interop.fleet import Fleet
from leadergate_lab.interop.operators import Timings
from leadergate_lab.interop.outage import outage

OBJECTS = 200
PROMISED_SECONDS = 10.0


def test_all_statuses_are_right_within_seconds_of_a_takeover(control_plane: ControlPlane) -> None:
    """The leader is killed and all specs change: the follower is rejected, takes over, and writes all of them."""
    timings = Timings(lease=6, renew=4, retry=1)
    with Fleet.running(control_plane, SampleOperator(), objects=OBJECTS, timings=timings) as fleet:
        seen = outage(fleet, patience=60)
        lines = [json.loads(line) for line in fleet.leader.log() if line.endswith("}")]
        verdict = fleet.judged()
    assert seen.rejections >= OBJECTS
    assert seen.all_right
    assert seen.last < PROMISED_SECONDS
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
