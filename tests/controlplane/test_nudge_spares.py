"""What is not nudged after a takeover: what is no longer stuck, never was, or may not be patched."""

from __future__ import annotations

import json

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import WebhookProcess
from leadergate_lab.writer import Writer

from .nudging import let_nudge, mark, note, outcomes, patches, reject, take_over, until_sent, watching
from .team import GROUP, Team, gathered


def test_what_is_no_longer_stuck_is_let_be(control_plane: ControlPlane, nudged: Team, one: WebhookProcess) -> None:
    """Admitted meanwhile, gone, about to go, or written by way of another replica of the webhook."""
    reject(nudged, "admitted", "gone", "going", "elsewhere", "stuck")
    assert nudged.leader.status(note(nudged, "admitted"), {"text": "wanted"}).ok
    finalizer = {"metadata": {"finalizers": ["test.leadergate.dev/hold"]}}
    assert nudged.follower.merge(note(nudged, "going"), finalizer).ok
    for name in ("gone", "going"):
        nudged.cluster.call("DELETE", note(nudged, name))
    nudged.ungate()
    assert nudged.leader.status(note(nudged, "elsewhere"), {"text": "the leader's"}).ok
    with watching(control_plane, nudged) as changes:
        take_over(nudged, "operator-1", 1)
        until_sent(one, nudged, 4)
    assert changes == {"stuck": 1}
    assert outcomes(one, nudged) == {"nudged": 1, "gone": 1, "moved-on": 2}
    assert one.metric("leadergate_stuck_objects", gate=f"{nudged.namespace}/lock") == 1


def test_what_others_wrote_makes_no_status_right(nudged: Team, one: WebhookProcess) -> None:
    """An object whose labels or spec changed since its rejection is nudged all the same."""
    reject(nudged, "labelled", "changed")
    assert nudged.follower.merge(note(nudged, "labelled"), {"metadata": {"labels": {"a": "b"}}}).ok
    assert nudged.follower.merge(note(nudged, "changed"), {"spec": {"text": "wanted more"}}).ok
    take_over(nudged, "operator-1", 1)
    until_sent(one, nudged, 2)
    assert outcomes(one, nudged) == {"nudged": 2}
    assert mark(nudged, "labelled")
    assert mark(nudged, "changed")


def test_which_rejections_leave_nothing_stuck(nudged: Team, one: WebhookProcess) -> None:
    """Dry runs, strangers, writes that would change nothing, and gates that do not enforce."""
    nudged.make("Note", "calm", f"{GROUP}/v1", spec={"text": "wanted"})
    calm = note(nudged, "calm")
    assert nudged.leader.status(calm, {"text": "right"}).ok
    assert nudged.follower.status(calm, {"text": "other"}, dryRun="All").cause == "NotHolder"
    assert nudged.follower.status(calm, {"text": "right"}).cause == "NotHolder"
    assert Writer(nudged.cluster.api).status(calm, {"text": "other"}).cause == "NotServiceAccount"
    assert one.metric("leadergate_stuck_objects", gate=f"{nudged.namespace}/lock") == 0
    nudged.ungate()
    for mode in ("warn", "audit"):
        nudged.gate(mode=mode)
    assert nudged.follower.status(calm, {"text": "other"}).ok
    assert one.metric("leadergate_stuck_objects", gate=f"{nudged.namespace}/lock") == 0
    assert nudged.records(pod="operator-1")[-1]["verdict"] == "Deny"


def test_off_by_default(
    control_plane: ControlPlane, webhook: WebhookProcess, nudged: Team, one: WebhookProcess
) -> None:
    """Without the flag nothing is patched, though it may: by the time at which another replica has nudged its own."""
    with gathered(control_plane, webhook) as team:
        let_nudge(team)
        team.gate()
        reject(team, "stuck")
        reject(nudged, "stuck")
        take_over(team, "operator-1", 1)
        take_over(nudged, "operator-1", 1)
        until_sent(one, nudged, 1)
    assert patches(team, 0) == []
    assert webhook.metric("leadergate_stuck_objects", gate=f"{team.namespace}/lock") == 1


def test_without_the_right_to_patch(control_plane: ControlPlane, one: WebhookProcess) -> None:
    """Each object is tried at the takeover, the log tells once what to grant, and a grant that comes late is seen."""
    with gathered(control_plane, one) as team:
        team.gate()
        reject(team, "n0", "n1", "n2")
        take_over(team, "operator-1", 1)
        until_sent(one, team, 3)
        let_nudge(team)
        wait_until(lambda: outcomes(one, team).get("nudged") == 3, what="all three were nudged", timeout=60)
    assert outcomes(one, team)["forbidden"] >= 3
    assert {event["responseStatus"]["code"] for event in patches(team, 6)} == {403, 200}
    lines = [json.loads(line) for line in one.process.stderr_path.read_text().splitlines()]
    (told,) = [
        line for line in lines if line["event"] == "nudge_forbidden" and line["lease"] == f"{team.namespace}/lock"
    ]
    assert (told["resource"], told["namespace"]) == (f"notes.{GROUP}", team.namespace)
    assert "cannot patch resource" in told["answer"]
    assert "grant the webhook's service account 'patch'" in told["remedy"]
