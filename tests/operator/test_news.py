"""Events about Redirects: for what people should know, once, and never for a rejection."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate_operator.events import News, news

from .conftest import CALM, Fleet, Gate


def status(verdict: str, reason: str) -> dict[str, Any]:
    """A status with that condition."""
    return {"conditions": [{"type": "Programmed", "status": verdict, "reason": reason, "message": "m"}]}


SERVING, CONFLICT, INVALID = status("True", "Serving"), status("False", "Conflict"), status("False", "Invalid")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, SERVING, None),
        ({}, CONFLICT, News("Warning", "Conflict", "m")),
        (SERVING, SERVING, None),
        (SERVING, INVALID, News("Warning", "Invalid", "m")),
        (CONFLICT, CONFLICT, None),
        (CONFLICT, INVALID, News("Warning", "Invalid", "m")),
        (CONFLICT, SERVING, News("Normal", "Serving", "m")),
        ({"conditions": None}, INVALID, News("Warning", "Invalid", "m")),
    ],
)
def test_what_is_news(before: dict[str, Any], after: dict[str, Any], told: News | None) -> None:
    """A Redirect that is not served, that is served again, and nothing that stays as it was."""
    assert news(before, after) == told


def test_events_tell_what_became_of_a_redirect_once(fleet: Fleet, gate: Gate) -> None:
    """Of all replicas the one whose status counts reports: a conflict, and its end. Rejections leave no Event."""
    gate.close()
    fleet.start(3, *CALM, "--resync-seconds", "0.3")
    leader = fleet.leader()
    fleet.create("older", "/same", "https://one.example")
    leader.until(lambda: bool(leader.writes("older", "accepted")), "the older one's status")
    fleet.create("younger", "/same", "https://two.example")
    fleet.until(lambda: len(fleet.events("younger")) == 1, "the conflict")
    fleet.delete("older")
    fleet.until(lambda: len(fleet.events("younger")) == 2, "the end of the conflict")
    before = len(leader.writes("younger", "accepted"))
    leader.until(lambda: len(leader.writes("younger", "accepted")) > before + 3, "more resyncs")
    followers = [replica for replica in fleet.replicas if replica is not leader]
    for follower in followers:
        follower.until(lambda one=follower: bool(one.writes("younger", "rejected")), "its rejection")  # type: ignore[misc]
    conflict, served = fleet.events("younger")
    assert [(event["type"], event["reason"]) for event in (conflict, served)] == [
        ("Warning", "Conflict"),
        ("Normal", "Serving"),
    ]
    assert "the older Redirect older has the path /same" in conflict["message"]
    assert conflict["involvedObject"]["uid"] == fleet.redirect("younger")["metadata"]["uid"]
    assert conflict["source"] == {"component": "redirect-operator", "host": leader.pod}
    assert fleet.events("older") == []


def test_a_change_of_leader_is_an_event_on_the_lease(fleet: Fleet) -> None:
    """In the name of the replica that began to lead."""
    fleet.start(1, *CALM)
    fleet.leader()
    fleet.until(lambda: bool(fleet.events("operator-lock")), "the Event")
    event = fleet.events("operator-lock")[0]
    assert (event["reason"], event["message"]) == ("LeaderElection", "pod-0 became leader")
    assert event["source"] == {"component": "redirect-operator", "host": "pod-0"}
