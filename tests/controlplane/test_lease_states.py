"""What the gate says when the Lease names nobody, nobody alive, or may not be read."""

from __future__ import annotations

from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Answer

from .team import LEASE, Team


def _write(team: Team) -> Answer:
    return team.leader.status(team.note, {"text": "mine"})


def test_no_lease(team: Team) -> None:
    """Without the Lease nobody writes; once it exists, its holder does."""
    team.gate()
    team.cluster.delete_lease(team.namespace, LEASE)
    answer = _write(team)
    assert (answer.code, answer.cause) == (403, "LeaseNotFound")
    assert f"Lease {team.namespace}/lock does not exist, so nobody holds it" in answer.message
    assert team.records(pod="operator-0")[-1]["lease"] is None
    team.lead("operator-0")
    assert _write(team).ok


def test_no_holder(team: Team) -> None:
    """A released Lease, with an empty holder or none at all, lets nobody write until someone takes it."""
    team.gate()
    for nobody in ("", None):
        team.lead(nobody)
        answer = _write(team)
        assert (answer.code, answer.cause) == (403, "LeaseUnheld")
        assert f"nobody holds Lease {team.namespace}/lock" in answer.message
        team.lead("operator-0")
        assert _write(team).ok


def test_a_holder_that_stopped_renewing(team: Team) -> None:
    """After ``leaseDurationSeconds`` without a renewal the holder is rejected; renewed again, it writes."""
    team.gate()
    team.lead("operator-0", duration=2)
    assert _write(team).ok
    wait_until(lambda: not _write(team).ok, what="the Lease expires", timeout=30)
    answer = _write(team)
    assert (answer.code, answer.cause) == (403, "LeaseExpired")
    assert "still names it, but was not renewed" in answer.message
    assert "(leaseDurationSeconds is 2)" in answer.message
    record = team.records(pod="operator-0")[-1]
    assert record["lease"]["expired"] is True
    assert record["lease"]["observedAge"] > record["lease"]["durationSeconds"] == 2
    assert record["standing"] == "former-holder"
    team.lead("operator-0")
    assert _write(team).ok


def test_the_next_holder_need_not_wait(team: Team) -> None:
    """The write that follows a takeover is judged by the new holder, for both pods."""
    team.gate()
    for holder, other in ((team.follower, team.leader), (team.leader, team.follower)) * 5:
        team.lead("operator-1" if holder is team.follower else "operator-0")
        assert holder.status(team.note, {"text": "new"}).ok
        answer = other.status(team.note, {"text": "stale"})
        assert answer.cause == "NotHolder"
    assert team.text() == "new"
    record = team.records(pod="operator-1")[-1]
    assert record["standing"] == "former-holder"
    assert record["heldUntil"] is not None


def test_a_lease_without_duration(team: Team) -> None:
    """Without ``leaseDurationSeconds`` there is nothing that expiry could rest on: the holder writes."""
    team.lead("operator-0", duration=None)
    team.gate()
    assert _write(team).ok


def test_no_permission_to_read_the_lease(team: Team) -> None:
    """The write fails, and the client is told which permission the webhook lacks and for which Lease."""
    team.cluster.set_lease(team.namespace, "secret", "operator-0")
    name = team.gate(lease="secret")
    answer = _write(team)
    assert (answer.code, answer.reason) == (500, "InternalError")
    assert f'failed calling webhook "{name}"' in answer.message
    assert f"Lease {team.namespace}/secret cannot be read" in answer.message
    assert f"grant the webhook's service account 'get' on lease secret in namespace {team.namespace}" in answer.message
    record = team.records(pod="operator-0")[-1]
    assert (record["verdict"], record["reason"]) == ("Indeterminate", "LeaseUnreadable")
    assert record["lease"] is None
    team.webhook.grant(team.namespace, LEASE, "secret")
    wait_until(lambda: _write(team).ok, what="the permission is known to the API server", timeout=30)
