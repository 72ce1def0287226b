"""After a takeover: what is nudged, how often and how fast, on a real API server."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import datetime

from leadergate.nudger import IN_FLIGHT
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import WebhookProcess, status_rule

from .conftest import NUDGES_PER_SECOND
from .nudging import ANNOTATION, let_nudge, mark, note, outcomes, patches, reject, take_over, until_sent, watching
from .team import GROUP, Team, gathered

OBJECTS = 100


def test_each_stuck_object_is_nudged_once(nudged: Team, one: WebhookProcess) -> None:
    """A hundred objects, no faster than was set, though no review comes after the takeover."""
    names = [f"n{number}" for number in range(OBJECTS)]
    reject(nudged, *names)
    gate = f"{nudged.namespace}/lock"
    assert one.metric("leadergate_stuck_objects", gate=gate, orphaned="false") == OBJECTS
    take_over(nudged, "operator-1", 1)
    until_sent(one, nudged, OBJECTS)
    assert one.metric("leadergate_nudges_total", gate=gate, outcome="nudged") == OBJECTS
    assert one.metric("leadergate_stuck_objects", gate=gate, orphaned="true") == OBJECTS
    sent = patches(nudged, OBJECTS)
    assert Counter(event["objectRef"]["name"] for event in sent) == Counter(names)
    assert {mark(nudged, name).rpartition("/")[0] for name in names} == {"operator-1/1"}
    moments = sorted(datetime.fromisoformat(event["requestReceivedTimestamp"]) for event in sent)
    # The first ones may have come late and all at once: the exact rate is proved on a clock of the test's own.
    assert (moments[-1] - moments[0]).total_seconds() > OBJECTS / NUDGES_PER_SECOND / 2
    new_leader = nudged.follower
    assert new_leader.status(note(nudged, "n0"), {"text": "wanted"}).ok
    assert one.metric("leadergate_stuck_objects", gate=gate) == OBJECTS - 1


def test_two_replicas_change_an_object_once(
    control_plane: ControlPlane, nudged: Team, one: WebhookProcess, two: WebhookProcess
) -> None:
    """Both have seen every rejection; whoever comes second finds the first one's mark and lets the object be."""
    nudged.webhook = two
    nudged.gate()
    names = [f"n{number}" for number in range(20)]
    reject(nudged, *names)
    with watching(control_plane, nudged) as changes:
        take_over(nudged, "operator-1", 1)
        until_sent(one, nudged, 20)
        until_sent(two, nudged, 20)
    assert changes == Counter(names)
    assert {mark(nudged, name).rpartition("/")[0] for name in names} == {"operator-1/1"}
    total = Counter(outcomes(one, nudged)) + Counter(outcomes(two, nudged))
    assert total == {"nudged": 20, "already": 20}
    by_object = Counter(event["objectRef"]["name"] for event in patches(nudged, 40))
    # A lost race costs one patch that is refused and one that looks and changes nothing.
    assert set(by_object.values()) <= {2, 3}


def test_another_takeover_nudges_what_is_still_stuck(
    control_plane: ControlPlane, nudged: Team, one: WebhookProcess
) -> None:
    """Under a mark of its own, and nothing else."""
    reject(nudged, "one", "two")
    take_over(nudged, "operator-1", 1)
    until_sent(one, nudged, 2)
    assert nudged.follower.status(note(nudged, "one"), {"text": "wanted"}).ok
    with watching(control_plane, nudged) as changes:
        take_over(nudged, "operator-2", 2)
        until_sent(one, nudged, 3)
    assert changes == {"two": 1}
    assert mark(nudged, "one").startswith("operator-1/1/")
    assert mark(nudged, "two").startswith("operator-2/2/")


def test_a_replica_finds_out_what_another_one_has_admitted(nudged: Team, one: WebhookProcess) -> None:
    """The write that a nudge brought about did not pass by here: the object counts as stuck until it is looked at."""
    gate = f"{nudged.namespace}/lock"
    reject(nudged, "right", "wrong")
    nudged.ungate()
    take_over(nudged, "operator-1", 1)
    until_sent(one, nudged, 2)
    assert nudged.follower.status(note(nudged, "right"), {"text": "wanted"}).ok
    assert one.metric("leadergate_stuck_objects", gate=gate, orphaned="true") == 2
    wait_until(
        lambda: one.metric("leadergate_stuck_objects", gate=gate) == 1, what="the object is looked at", timeout=60
    )
    # Two nudges, and a look at each of the two.
    assert [event["objectRef"]["name"] for event in patches(nudged, 4)].count("right") == 2


def test_the_end_of_the_process_ends_the_nudging(control_plane: ControlPlane, webhook: WebhookProcess) -> None:
    """From SIGTERM on no more are sent, though it serves on for seconds in which dozens would have been."""
    flags = ["--drain-seconds", "3", "--nudge", "--nudge-per-second", "10"]
    leaving = WebhookProcess(control_plane, name="leaving-webhook", flags=flags)
    leaving.start()
    with gathered(control_plane, leaving) as team:
        let_nudge(team)
        team.gate()
        reject(team, *(f"n{number}" for number in range(45)))
        take_over(team, "operator-1", 1)
        until_sent(leaving, team, 1)
        leaving.process.signal(signal.SIGTERM)
        leaving.process.wait_until(lambda: leaving.plain("/readyz")[0] == 503, what="it is leaving", timeout=30)
        sent = len(patches(team, 1))
        wait_until(lambda: not leaving.process.running, what="the drain is over", timeout=30)
        # Those that were under way may have gone out.
        assert len(patches(team, 1)) <= sent + IN_FLIGHT


def test_a_resource_of_kubernetes_itself(nudged: Team, one: WebhookProcess) -> None:
    """An Ingress, which the API server encodes from a type of its own, is known again by its status."""
    nudged.make("Ingress", "web", "networking.k8s.io/v1", spec={"defaultBackend": {"resource": BACKEND}})
    ingress = f"/apis/networking.k8s.io/v1/namespaces/{nudged.namespace}/ingresses/web"
    nudged.gate(
        rules=[status_rule("networking.k8s.io", "v1", "ingresses")],
        probe=lambda: nudged.follower.status(ingress, {"loadBalancer": {}}, dryRun="All"),
    )
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}
    assert nudged.follower.status(ingress, status).cause == "NotHolder"
    assert nudged.follower.merge(ingress, {"metadata": {"labels": {"a": "b"}}}).ok
    take_over(nudged, "operator-1", 1)
    until_sent(one, nudged, 1)
    assert outcomes(one, nudged) == {"nudged": 1}
    assert nudged.cluster.get(ingress)["metadata"]["annotations"][ANNOTATION].startswith("operator-1/1/")


BACKEND = {"apiGroup": GROUP, "kind": "Note", "name": "note"}
