"""Operators in Python that have no election and know nothing of leadergate: our sidecar stands for each replica."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.interop import sidecars
from leadergate_lab.interop.fleet import Fleet, pods
from leadergate_lab.interop.place import CONFLICT_NUDGE, PLAIN, Setting
from leadergate_lab.interop.sidecars import SidecarOperator

from .conftest import kept, writers

OBJECTS = 5
NOTHING: Mapping[str, Path] = {}

Make = Callable[[Mapping[str, Path]], SidecarOperator]

# Kopf tries a write that was answered 403 again for 54 s, so it gets the gate that suits it (docs/operators.md).
pytestmark = pytest.mark.parametrize(
    ("make", "setting"), [(sidecars.kopf, CONFLICT_NUDGE), (sidecars.plain, PLAIN)], ids=["kopf", "plain"]
)


def provoke(fleet: Fleet, happened: Callable[[], bool], what: str) -> None:
    """Change all specs until something has happened, and wait for the statuses.

    Once may not do: a follower may find that the leader was quicker, and then has nothing to write.
    """
    turn = itertools.count()

    def tried() -> bool:
        if not fleet.wrong():
            fleet.change(fleet.names, f"https://example.org/turn-{next(turn)}")
        return happened()

    fleet.until(tried, what)
    fleet.until(lambda: not fleet.wrong(), "the statuses of the last specs")


def test_the_leaders_writes_go_through_and_when_it_is_killed_its_successors(
    make: Make, setting: Setting, control_plane: ControlPlane
) -> None:
    """All replicas write; only those of the pod whose sidecar leads are committed, be it killed as a whole."""
    with Fleet.running(control_plane, make(NOTHING), objects=OBJECTS, setting=setting) as fleet:
        leader, followers = fleet.leader, fleet.followers
        before = len(fleet.denials())
        provoke(fleet, lambda: len(fleet.denials()) > before, "followers are rejected")
        assert writers(fleet) == {leader.pod}
        assert {record["requester"]["pod"] for record in fleet.denials()[before:]} <= pods(followers)
        leader.process.kill()
        fleet.until(lambda: fleet.holder not in ("", leader.pod), "a takeover")
        successor = fleet.leader
        fleet.change(fleet.names, "https://example.org/by-the-successor")
        fleet.until(lambda: not fleet.wrong(), "the statuses of the new specs")
        verdict = kept(fleet)
        assert verdict.takeovers == 1
        assert set(verdict.by_pod) == {leader.pod, successor.pod}


def test_a_thawed_leader_overwrites_nothing(make: Make, setting: Setting, control_plane: ControlPlane) -> None:
    """Frozen while another took over, it goes on as if nothing had been; what it writes is rejected."""
    with Fleet.running(control_plane, make(NOTHING), objects=OBJECTS, setting=setting) as fleet:
        frozen = fleet.leader
        frozen.process.freeze()
        fleet.until(lambda: fleet.holder not in ("", frozen.pod), "a takeover")
        fleet.change(fleet.names, "https://example.org/second")
        fleet.until(lambda: not fleet.wrong(), "the statuses of the new specs")
        before = len(fleet.denials(frozen.pod))
        frozen.process.thaw()
        provoke(fleet, lambda: len(fleet.denials(frozen.pod)) > before, "what the former leader writes is rejected")
        assert {record["standing"] for record in fleet.denials(frozen.pod)[before:]} == {"former-holder"}
        assert kept(fleet).takeovers == 1


def test_a_pod_that_ends_hands_over(make: Make, setting: Setting, control_plane: ControlPlane) -> None:
    """The operator ends first and its sidecar after it, which releases the Lease: nobody waits for it to expire."""
    with Fleet.running(control_plane, make(NOTHING), objects=OBJECTS, setting=setting) as fleet:
        leader = fleet.leader
        provoke(fleet, lambda: bool(fleet.denials()), "followers are rejected")
        leader.process.stop()
        fleet.until(lambda: fleet.holder not in ("", leader.pod), "a takeover")
        released = [
            change for change in fleet.recorder.changes(fleet.leases) if not change.now["spec"]["holderIdentity"]
        ]
        assert len(released) == 1
        kept(fleet)
