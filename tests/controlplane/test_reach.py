"""What a gate's rules reach: other versions of the API, wildcards, large objects, objects made a moment ago."""

from __future__ import annotations

from leadergate_lab.webhook import status_rule
from leadergate_lab.writer import Form

from .team import GROUP, Team

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}


def test_another_version_of_the_api_is_no_way_around(team: Team) -> None:
    """A rule for one version also catches the same object written through another one (``matchPolicy: Equivalent``)."""
    team.make("HorizontalPodAutoscaler", "x", "autoscaling/v2", spec={"scaleTargetRef": TARGET, "maxReplicas": 3})
    v1, v2 = (
        f"/apis/autoscaling/{version}/namespaces/{team.namespace}/horizontalpodautoscalers/x"
        for version in ("v1", "v2")
    )
    team.gate(
        rules=[status_rule("autoscaling", "v2", "horizontalpodautoscalers")],
        probe=lambda: team.follower.status(v2, {"currentReplicas": 1}, dryRun="All"),
    )
    for path in (v1, v2):
        assert team.leader.status(path, {"currentReplicas": 2}).ok
        answer = team.follower.status(path, {"currentReplicas": 3})
        assert (answer.code, answer.cause) == (403, "NotHolder")
    assert team.cluster.get(v1)["status"]["currentReplicas"] == 2


def test_all_statuses_of_a_group(team: Team) -> None:
    """``*/status`` guards the status of every resource of its groups, and nothing but the status."""
    team.gate(rules=[status_rule(GROUP, "*", "*")])
    assert team.follower.status(team.note, {"text": "mine"}).cause == "NotHolder"
    answer = team.follower.merge(team.note, {"spec": {"text": "wish"}})
    assert answer.ok
    assert answer.warnings == ()


def test_a_large_object(team: Team) -> None:
    """An object near etcd's limit comes twice in a review, old and new: it is judged like any other."""
    team.gate()
    filler = "x" * (1 << 20)
    assert team.follower.merge(team.note, {"spec": {"text": filler}}).ok
    assert team.leader.status(team.note, {"text": "large"}, Form.PUT).ok
    answer = team.follower.status(team.note, {"text": "mine"}, Form.PUT)
    assert (answer.code, answer.cause) == (403, "NotHolder")
    record = team.records(pod="operator-1")[-1]
    assert len(str(record)) < 4096
    assert team.text() == "large"


def test_a_first_status(team: Team) -> None:
    """A fresh object's first status is guarded like every later one, and cannot be smuggled in when it is created."""
    team.gate()
    body = {"apiVersion": f"{GROUP}/v1", "kind": "Note", "metadata": {"name": "fresh"}, "status": {"text": "mine"}}
    answer = team.follower.send("POST", team.note.removesuffix("/note"), body)
    assert answer.ok
    assert "status" not in answer.body
    fresh = team.note.removesuffix("note") + "fresh"
    assert team.follower.status(fresh, {"text": "mine"}).cause == "NotHolder"
    assert team.leader.status(fresh, {"text": "first"}).ok


def test_a_status_that_does_not_change(team: Team) -> None:
    """A write that would change nothing is judged too: a follower learns that it is none of its business."""
    team.gate()
    assert team.leader.status(team.note, {"text": "same"}).ok
    assert team.follower.status(team.note, {"text": "same"}).cause == "NotHolder"
