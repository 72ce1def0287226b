"""What an elector tells: Events, metrics and log lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from leadergate_election.metrics import ElectionMetrics

from .conftest import CALM, Hall, until


def events_of(hall: Hall) -> list[dict[str, Any]]:
    """The Events of the hall, oldest first."""
    items: list[dict[str, Any]] = hall.cluster.get(f"/api/v1/namespaces/{hall.namespace}/events")["items"]
    return sorted(items, key=lambda item: int(item["metadata"]["resourceVersion"]))


async def test_each_change_of_leader_is_an_event_on_the_lease(hall: Hall) -> None:
    """Becoming leader and stopping are Events in client-go's words, about the Lease itself."""
    first = await hall.join("operator-0", with_events=True)
    await first.leads()
    second = await hall.join("operator-1", with_events=True)
    await second.follows("operator-0")
    await first.end()
    await second.leads()
    await second.end()
    found = events_of(hall)
    assert {event["message"] for event in found} == {
        "operator-0 became leader",
        "operator-0 stopped leading",
        "operator-1 became leader",
        "operator-1 stopped leading",
    }
    lease = hall.lease()["metadata"]
    for event in found:
        assert (event["type"], event["reason"]) == ("Normal", "LeaderElection")
        about = event["involvedObject"]
        assert (about["kind"], about["apiVersion"]) == ("Lease", "coordination.k8s.io/v1")
        assert (about["name"], about["uid"]) == (lease["name"], lease["uid"])
        assert event["source"]["component"] == "leadergate-elector"
        assert event["reportingInstance"] == event["message"].split()[0]
        assert event["firstTimestamp"] == event["lastTimestamp"]


async def test_events_that_cannot_be_written_harm_nobody(
    hall: Hall, until_logged: Callable[[str], Awaitable[str]]
) -> None:
    """Without the right to create Events the election goes on; the log tells what is missing."""
    group = "rbac.authorization.k8s.io/v1"
    rules = [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]}]
    metadata = {"namespace": hall.namespace, "name": "election"}
    hall.cluster.apply({"apiVersion": group, "kind": "Role", "metadata": metadata, "rules": rules})
    await hall.until_may_not("create", "", "events")
    member = await hall.join("operator-0", with_events=True)
    await member.leads()
    assert "grant create on events" in await until_logged("event_not_written")
    await member.end()
    assert events_of(hall) == []
    assert hall.spec()["holderIdentity"] == ""


async def test_metrics_bear_the_names_of_client_go(hall: Hall) -> None:
    """Who scrapes client-go's metrics finds the same here; ours have a prefix of their own."""
    registry = CollectorRegistry()
    metrics = ElectionMetrics(registry)

    def value(metric: str, **labels: str) -> float | None:
        return registry.get_sample_value(metric, {"name": "operator-lock", **labels})

    member = await hall.join("operator-0", metrics=metrics, start=False)
    assert value("leader_election_master_status") == 0
    assert value("leader_election_slowpath_total") == 0
    await member.end()  # it was never started
    member = await hall.join("operator-0", metrics=metrics)
    await member.leads()
    assert value("leader_election_master_status") == 1
    assert 0 < (value("leadergate_election_seconds_left") or 0) <= CALM["renew_deadline"]
    await until(lambda: (value("leadergate_election_requests_total", verb="update", outcome="ok") or 0) > 1, "renewals")
    assert value("leadergate_election_requests_total", verb="get", outcome="absent") == 1
    assert value("leadergate_election_requests_total", verb="create", outcome="ok") == 1
    assert value("leadergate_election_leaders_seen_total") == 1
    assert value("leader_election_slowpath_total") == 0
    await member.end()
    assert value("leader_election_master_status") == 0
    assert value("leadergate_election_seconds_left") == 0
    assert value("leadergate_election_terms_ended_total", reason="stopped") == 1
    for line in generate_latest(registry).decode().splitlines():
        assert line.startswith(("# ", "leader_election_", "leadergate_election_"))


async def test_log_tells_how_leadership_came_and_went(
    hall: Hall, until_logged: Callable[[str], Awaitable[str]]
) -> None:
    """The lines name the Lease, the identity, how the Lease was had, and why it was left."""
    member = await hall.join("operator-0")
    await member.leads()
    await member.end()
    log = await until_logged("released")
    for said in ("standing", "leading", "how=created", "new_leader", "holder=operator-0", "reason=stopped"):
        assert said in log
    assert f"lease={hall.namespace}/operator-lock" in log
    again = await hall.join("operator-1")
    await again.leads()
    assert "how=released" in await until_logged("identity=operator-1")
