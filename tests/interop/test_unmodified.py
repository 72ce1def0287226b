"""Go operators that know nothing of leadergate, three replicas each, all of which write every status."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.interop import operators
from leadergate_lab.interop.fleet import Fleet, pods
from leadergate_lab.interop.operators import GoOperator

from .conftest import kept, writers

OBJECTS = 5

Make = Callable[[dict[str, Path]], GoOperator]

# The first run on a machine builds the programs.
pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.parametrize(
        "make",
        [operators.controller_runtime, operators.only_generations, operators.client_go],
        ids=["controller-runtime", "generation-changed-predicate", "client-go"],
    ),
]


def test_the_leaders_writes_go_through_and_when_it_is_killed_its_successors(
    make: Make, built: dict[str, Path], control_plane: ControlPlane
) -> None:
    """All replicas write; only the leader's writes are committed, each follower is told so, and one takes over."""
    with Fleet.running(control_plane, make(built), objects=OBJECTS) as fleet:
        leader, followers = fleet.leader, fleet.followers
        fleet.change(fleet.names, "https://example.org/second")
        fleet.until(lambda: not fleet.wrong(), "the statuses of the new specs")
        fleet.until(lambda: pods(followers) == {r["requester"]["pod"] for r in fleet.denials()}, "both are rejected")
        assert writers(fleet) == {leader.pod}
        assert {record["standing"] for record in fleet.denials()} == {"follower"}
        for follower in followers:
            assert any("Lease" in line and leader.pod in line for line in follower.log())
        leader.process.kill()
        fleet.until(lambda: fleet.holder not in ("", leader.pod), "a takeover")
        successor = fleet.leader
        fleet.change(fleet.names, "https://example.org/third")
        fleet.until(lambda: not fleet.wrong(), "the statuses of the new specs")
        verdict = kept(fleet)
        assert verdict.takeovers == 1
        assert set(verdict.by_pod) == {leader.pod, successor.pod}


def test_a_thawed_leader_overwrites_nothing(make: Make, built: dict[str, Path], control_plane: ControlPlane) -> None:
    """Frozen while another took over, it exits when it is thawed; what it still tries to write is rejected."""
    with Fleet.running(control_plane, make(built), objects=OBJECTS) as fleet:
        frozen = fleet.leader
        frozen.process.freeze()
        # What it will find in its watch when it wakes up, before it has found that it leads no more.
        fleet.change(fleet.names, "https://example.org/second")
        fleet.until(lambda: fleet.holder not in ("", frozen.pod), "a takeover")
        fleet.change(fleet.names, "https://example.org/third")
        fleet.until(lambda: not fleet.wrong(), "the statuses of the new specs")
        before = len(fleet.denials(frozen.pod))
        frozen.process.thaw()
        fleet.until(lambda: not frozen.process.running, "the former leader has ended")
        stale = fleet.denials(frozen.pod)[before:]
        assert {record["standing"] for record in stale} <= {"former-holder"}
        assert kept(fleet).takeovers == 1
        assert not fleet.wrong()
