"""Operators that know nothing of leadergate, three replicas each, all of which write every status.

Those in Go elect their leader themselves. Those in Python have no election: our sidecar stands for each replica. Each
operator lives once, from its first leader to its last one, since it is starting replicas that takes the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.interop import operators, sidecars
from leadergate_lab.interop.fleet import PATIENCE, Fleet
from leadergate_lab.interop.operators import Operator
from leadergate_lab.interop.place import CONFLICT_NUDGE, PLAIN, Setting

from .conftest import be_killed_and_succeeded, kept, lead_alone, overtake, provoke

OBJECTS = 5

Make = Callable[[Mapping[str, Path]], Operator]


@pytest.mark.timeout(1800)  # the first run on a machine builds the programs
@pytest.mark.parametrize(
    "make",
    [operators.controller_runtime, operators.only_generations, operators.client_go],
    ids=["controller-runtime", "generation-changed-predicate", "client-go"],
)
def test_operators_that_elect_their_leader(make: Make, built: dict[str, Path], control_plane: ControlPlane) -> None:
    """The leader's writes alone go through, and each follower is told so.

    Frozen while another took over, it exits when it is thawed; what it still tries to write is rejected. When the other
    one is killed, the third one's writes go through.
    """
    with Fleet.running(control_plane, make(built), objects=OBJECTS) as fleet:
        first, followers = fleet.leader, fleet.followers
        lead_alone(fleet)
        for follower in followers:
            fleet.until(
                lambda one=follower: any("Lease" in line and first.pod in line for line in one.log()),  # type: ignore[misc]
                f"{follower.pod} says why it was rejected",
            )
        overtake(fleet)
        before = len(fleet.denials(first.pod))
        first.process.thaw()
        fleet.until(lambda: not first.process.running, "the former leader has ended")
        assert {record["standing"] for record in fleet.denials(first.pod)[before:]} <= {"former-holder"}
        assert not fleet.wrong()
        be_killed_and_succeeded(fleet)
        verdict = kept(fleet)
        assert verdict.takeovers == 2
        assert set(verdict.by_pod) == {replica.pod for replica in fleet.replicas}


# Kopf tries a write that was answered 403 again for 54 s, so it gets the gate that suits it (docs/operators.md).
@pytest.mark.parametrize(
    ("make", "setting"), [(sidecars.kopf, CONFLICT_NUDGE), (sidecars.plain, PLAIN)], ids=["kopf", "plain"]
)
def test_operators_with_the_sidecar(make: Make, setting: Setting, control_plane: ControlPlane) -> None:
    """The writes of the pod whose sidecar leads alone go through.

    Frozen while another took over, it goes on as if nothing had been, and what it writes is rejected. When a pod ends,
    its operator does so first, and its sidecar releases the Lease after it: nobody waits for it to expire. When one is
    killed as a whole, the last one's writes go through.
    """
    with Fleet.running(control_plane, make({}), objects=OBJECTS, setting=setting) as fleet:
        first = fleet.leader
        lead_alone(fleet)
        overtake(fleet)
        before = len(fleet.denials(first.pod))
        first.process.thaw()
        provoke(fleet, {first.pod}, "https://example.org/it-is-awake")
        assert {record["standing"] for record in fleet.denials(first.pod)[before:]} == {"former-holder"}
        second = fleet.leader
        second.process.stop(PATIENCE)
        fleet.until(lambda: fleet.holder not in ("", second.pod), "a takeover")
        leases = [change.now["spec"]["holderIdentity"] for change in fleet.recorder.changes(fleet.leases)]
        assert leases.count("") == 1
        be_killed_and_succeeded(fleet)
        assert kept(fleet).takeovers == 3
