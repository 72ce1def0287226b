"""The Go programs of this folder, built once, and what is asked of every operator and of every history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leadergate_lab.demo.summary import writer
from leadergate_lab.history import Verdict
from leadergate_lab.interop.fleet import Fleet, pods
from leadergate_lab.interop.programs import binaries
from leadergate_lab.interop.replica import Replica


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest) -> dict[str, Path]:
    """The binaries by program. Builds them if it must, for minutes, and shows that it does."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        return binaries()
    with capture.global_and_fixture_disabled():
        return binaries()


def change(fleet: Fleet, target: str) -> None:
    """Change all specs, and wait for the statuses."""
    fleet.change(fleet.names, target)
    fleet.until(lambda: not fleet.wrong(), "the statuses of the new specs")


def provoke(fleet: Fleet, tried: set[str], target: str) -> list[dict[str, Any]]:
    """Change all specs, and have these pods rejected, which do not lead; returns the gate's records of rejections.

    The leader stands still until they have tried. Else it may be the quicker one, and who finds a status right has
    nothing to write.
    """
    leader, before = fleet.leader, len(fleet.denials())
    leader.process.freeze()
    fleet.change(fleet.names, target)
    fleet.until(lambda: tried <= {record["requester"]["pod"] for record in fleet.denials()[before:]}, "rejections")
    leader.process.thaw()
    fleet.until(lambda: not fleet.wrong(), "the statuses of the new specs")
    return fleet.denials()[before:]


def lead_alone(fleet: Fleet) -> None:
    """All replicas write; the leader's writes alone are committed, and the others are rejected."""
    leader, followers = fleet.leader, fleet.followers
    rejections = provoke(fleet, pods(followers), "https://example.org/second")
    assert {pod for one in fleet.recorder.changes(fleet.redirects) if (pod := writer(one))} == {leader.pod}
    assert {record["requester"]["pod"] for record in rejections} == pods(followers)
    assert {record["standing"] for record in rejections} == {"follower"}


def be_killed_and_succeeded(fleet: Fleet) -> None:
    """The leader is killed as a whole, and its successor writes."""
    leader = fleet.leader
    leader.process.kill()
    successor = fleet.succeeded(leader)
    change(fleet, "https://example.org/by-the-last-one")
    statuses = fleet.recorder.standing(fleet.redirects).values()
    assert {one["status"]["writtenBy"] for one in statuses} == {successor.pod}


def overtake(fleet: Fleet) -> Replica:
    """Freeze the leader, and have another one take over and write every status anew; returns the frozen one."""
    frozen = fleet.leader
    frozen.process.freeze()
    # What it will find in its watch when it wakes up, before it has found that it leads no more.
    fleet.change(fleet.names, "https://example.org/while-it-stands-still")
    fleet.succeeded(frozen)
    change(fleet, "https://example.org/by-the-successor")
    return frozen


def kept(fleet: Fleet) -> Verdict:
    """The verdict on the fleet's history: nothing was broken, and there was something to break."""
    verdict = fleet.judged()
    assert verdict.findings == []
    assert verdict.committed >= len(fleet.names)
    assert fleet.denials()
    return verdict
