"""Both kinds of gating, with a real webhook: who writes, what a rejection leads to, and what a takeover brings."""

from __future__ import annotations

import pytest

from .conftest import CALM, NEVER, Fleet, Gate, Replica

OFTEN = ("--resync-seconds", "0.2")


def resyncs_again(replica: Replica, redirect: str) -> None:
    """Wait until the leader has written a status some more times, each by a resync."""
    before = len(replica.writes(redirect, "accepted"))
    replica.until(lambda: len(replica.writes(redirect, "accepted")) >= before + 5, "five more resyncs")


@pytest.mark.parametrize("options", ["", "/code/409", "/code/429/retry-after/1"])
def test_a_rejection_is_told_once_and_not_retried(fleet: Fleet, gate: Gate, options: str) -> None:
    """A follower writes once for each generation, logs the reason at info, and waits: no warning, no second try."""
    gate.close(options)
    fleet.start(2, *CALM, *OFTEN)
    leader = fleet.leader()
    follower = next(replica for replica in fleet.replicas if replica is not leader)
    fleet.create("docs", "/docs", "https://one.example")
    for generation in (1, 2):
        follower.until(lambda count=generation: len(follower.writes("docs")) == count, "its rejection")  # type: ignore[misc]
        resyncs_again(leader, "docs")
        assert [line["generation"] for line in follower.writes("docs")] == [*range(1, generation + 1)]
        rejected = follower.writes("docs", "rejected")[-1]
        assert (rejected["level"], rejected["reason"]) == ("info", "NotHolder")
        assert leader.pod in rejected["message"]
        # The metrics count what the log, at this level, may leave out; the gate is asked twice about a write at times.
        assert follower.metric("leadergate_operator_status_writes_total", reason="NotHolder") == generation
        assert len(gate.rejections(follower.pod, "docs")) >= generation
        assert follower.get("/docs").status == 302
        fleet.change("docs", target="https://two.example")
    assert [line for line in follower.log() if line["level"] not in ("info", "debug")] == []
    assert follower.metric("workqueue_retries_total") == 0


def test_a_takeover_writes_what_was_rejected(fleet: Fleet, gate: Gate) -> None:
    """The leader goes; the follower's statuses, rejected before, are written without any change of the Redirects."""
    gate.close()
    fleet.start(2, *CALM, "--resync-seconds", str(NEVER))
    leader = fleet.leader()
    follower = next(replica for replica in fleet.replicas if replica is not leader)
    fleet.create("docs", "/docs", "https://one.example")
    follower.until(lambda: bool(follower.writes("docs", "rejected")), "its rejection")
    leader.process.freeze()
    fleet.change("docs", target="https://two.example")
    follower.until(lambda: len(follower.writes("docs", "rejected")) == 2, "the second rejection")
    fleet.run_out()
    follower.until(lambda: bool(follower.writes("docs", "accepted")), "the accepted write")
    status = fleet.redirect("docs")["status"]
    assert (status["writtenBy"], status["observedGeneration"]) == (follower.pod, 2)
    taken = follower.log("takeover")[-1]
    assert (taken["redirects"], taken["rejected_before"]) == (1, 1)
    assert follower.metric("leadergate_operator_takeovers_total") == 1
    leader.process.thaw()
    leader.until(lambda: not leader.health()["leading"], "it has learned of the takeover")
    assert fleet.redirect("docs")["status"]["writtenBy"] == follower.pod


def test_a_check_keeps_followers_from_writing(fleet: Fleet, gate: Gate) -> None:
    """The follower asks its elector and sends nothing, and counts that. After a takeover it writes."""
    gate.close()
    fleet.start(2, *CALM, "--status-gate", "both", "--resync-seconds", str(NEVER))
    leader = fleet.leader()
    follower = next(replica for replica in fleet.replicas if replica is not leader)
    fleet.create("docs", "/docs", "https://one.example")
    leader.until(lambda: bool(leader.writes("docs", "accepted")), "the leader's write")
    follower.until(
        lambda: follower.metric("leadergate_operator_status_writes_total", outcome="skipped") > 0, "a write left out"
    )
    assert follower.writes("docs") == []
    assert follower.get("/docs").status == 302
    leader.process.kill()
    fleet.run_out()
    follower.until(lambda: bool(follower.writes("docs", "accepted")), "its write after the takeover")
    assert gate.rejections(follower.pod, "docs") == []


def test_a_leader_that_is_rejected_says_so_and_tries_again(fleet: Fleet, gate: Gate) -> None:
    """A gate on a Lease that others hold is a mistake of the installation: warnings, and a pause that grows."""
    fleet.cluster.set_lease(fleet.namespace, "another", "somebody")
    gate.close(lease="another")
    replica = fleet.start(1, *CALM, "--resync-seconds", str(NEVER))[0]
    fleet.leader()
    fleet.create("docs", "/docs", "https://one.example")
    replica.until(lambda: len(replica.writes("docs", "rejected")) >= 3, "three rejections")
    rejections = replica.writes("docs", "rejected")[:3]
    assert [(line["level"], line["reason"]) for line in rejections] == [("warning", "NotHolder")] * 3
    assert [line["retry_seconds"] for line in rejections] == [0.25, 0.5, 1.0]


def test_a_gate_that_cannot_be_asked_is_a_failure(fleet: Fleet, gate: Gate) -> None:
    """With the webhook gone the write fails closed, is tried again with a growing pause, and comes right afterwards."""
    gate.close()
    replica = fleet.start(1, *CALM, "--resync-seconds", str(NEVER))[0]
    fleet.leader()
    gate.webhook.process.stop()
    fleet.create("docs", "/docs", "https://one.example")
    replica.until(lambda: len(replica.writes("docs", "failed")) >= 2, "two failures")
    failures = replica.writes("docs", "failed")[:2]
    assert [(line["level"], line["code"]) for line in failures] == [("warning", 500)] * 2
    assert "failed calling webhook" in failures[0]["message"]
    assert replica.metric("workqueue_retries_total") >= 2
    gate.webhook.start()
    replica.until(lambda: bool(replica.writes("docs", "accepted")), "the accepted write")


def test_without_a_gate_a_takeover_writes_all_the_same(fleet: Fleet) -> None:
    """Whoever becomes leader writes every status, its first leadership included."""
    replica = fleet.start(1, *CALM, "--resync-seconds", str(NEVER), "--status-gate", "client")[0]
    fleet.create("docs", "/docs", "https://one.example")
    replica.until(lambda: bool(replica.writes("docs", "accepted")), "the write")
    assert len(replica.writes("docs")) <= 2
