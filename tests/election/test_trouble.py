"""Electors in trouble: conflicts, refusals, a hung API server, no credentials, a blocked loop, a vanished Lease."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry

from leadergate_election.health import LeaderHealthzAdaptor
from leadergate_election.metrics import ElectionMetrics
from leadergate_lab.processes import free_port

from .conftest import BRISK, LEASE, Hall, Member, until
from .jail import jailed


async def test_change_by_hand_costs_no_leadership(hall: Hall) -> None:
    """A label put on the Lease makes the next renewal a conflict; the leader reads and renews at once."""
    registry = CollectorRegistry()
    member = await hall.join("operator-0", metrics=ElectionMetrics(registry))
    await member.leads()
    hall.patch(metadata={"labels": {"by": "hand"}})

    def conflicts() -> float:
        labels = {"name": "operator-lock", "verb": "update", "outcome": "conflict"}
        return registry.get_sample_value("leadergate_election_requests_total", labels) or 0.0

    await until(lambda: conflicts() == 1, "a conflict")
    renewed = hall.spec()["renewTime"]
    await until(lambda: hall.spec()["renewTime"] > renewed, "a renewal")
    assert registry.get_sample_value("leader_election_slowpath_total", {"name": "operator-lock"}) == 1
    assert hall.lease()["metadata"]["labels"] == {"by": "hand"}
    assert member.count("stopped") == 0


async def test_stolen_lease_ends_leadership(hall: Hall) -> None:
    """A leader that finds another's name stops at once, and stands again."""
    member = await hall.join("operator-0")
    await until(lambda: member.count("started") == 1, "the work begins")
    hall.patch(spec={"holderIdentity": "thief", "leaseDurationSeconds": 1})
    await until(lambda: member.count("stopped") == 1, "it stops")
    assert not member.elector.is_leader
    assert member.elector.leader == "thief"
    await until(lambda: member.count("started") == 2, "it leads again")
    assert [what for what, _ in member.told] == [
        "new leader operator-0",
        "started",
        "new leader thief",
        "stopped",
        "work ended",
        "new leader operator-0",
        "started",
    ]


async def test_lease_emptied_by_hand_makes_the_leader_resign(hall: Hall) -> None:
    """A leader whose name was taken out stops leading; then it may be elected anew."""
    member = await hall.join("operator-0")
    await member.leads()
    hall.patch(spec={"holderIdentity": ""})
    await until(lambda: member.count("stopped") == 1, "it stops")
    await member.leads()
    assert hall.spec()["leaseTransitions"] == 1


async def test_deleted_lease_is_made_again_by_its_leader(hall: Hall) -> None:
    """The leader of a Lease that was deleted makes it anew and leads on."""
    member = await hall.join("operator-0")
    await member.leads()
    hall.delete()
    await until(hall.there, "the Lease is back")
    assert hall.spec()["holderIdentity"] == "operator-0"
    assert member.count("stopped") == 0


async def test_deleted_lease_is_not_taken_before_it_would_have_expired(hall: Hall) -> None:
    """A follower that saw the Lease held does not use its deletion to take over early."""
    leader = await hall.join("operator-0", release_on_end=False, **BRISK)
    await leader.leads()
    follower = await hall.join("operator-1")
    await follower.follows("operator-0")
    await leader.end()
    left = hall.spec()
    hall.delete()
    await follower.leads()
    assert not leader.elector.is_leader
    taken, last = (datetime.fromisoformat(spec["renewTime"]) for spec in (hall.spec(), left))
    assert taken - last >= timedelta(seconds=BRISK["lease_duration"])


async def test_hung_api_server_ends_leadership_in_time(rough_hall: Hall) -> None:
    """When nothing answers, leadership is over at the renew deadline, before anyone else could take the Lease."""
    member = await rough_hall.join("operator-0", **BRISK)
    await until(lambda: member.count("started") == 1, "the work begins")
    rough_hall.server.freeze()
    try:
        assert member.elector.time_left <= BRISK["renew_deadline"] < BRISK["lease_duration"]
        await until(lambda: not member.elector.is_leader, "it leads no longer")
        await until(lambda: member.count("stopped") == 1, "it is told so")
        await until(lambda: member.count("work ended") == 1, "the work ends")
    finally:
        rough_hall.server.thaw()
    await until(lambda: member.count("started") == 2, "it leads again")
    # Nobody else had taken it: the same term in the Lease.
    assert rough_hall.spec()["leaseTransitions"] == 0


async def test_api_server_restart_is_survived(rough_hall: Hall) -> None:
    """Refused connections end the leadership of the time, not the election."""
    member = await rough_hall.join("operator-0", **BRISK)
    await member.leads()
    await asyncio.to_thread(rough_hall.server.kill)
    try:
        await until(lambda: member.count("stopped") == 1, "it stops")
    finally:
        await asyncio.to_thread(rough_hall.server.start)
    await member.leads()
    assert member.run is not None
    assert not member.run.done()


@asynccontextmanager
async def _failing_writes(hall: Hall) -> AsyncIterator[None]:
    """Each write to a Lease of this namespace asks a webhook that is not there, and so fails with 500."""
    name = hall.namespace
    here = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    entry = {
        "name": "nobody.leadergate.dev",
        "clientConfig": {"url": f"https://127.0.0.1:{free_port()}/"},
        "namespaceSelector": here,
        "rules": [
            {
                "apiGroups": ["coordination.k8s.io"],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["leases"],
            }
        ],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [entry],
    }
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    hall.cluster.apply(configuration)
    try:
        yield
    finally:
        hall.cluster.call("DELETE", f"{path}/{name}")


async def test_server_errors_are_survived(hall: Hall) -> None:
    """While each write is answered 500 leadership ends; afterwards there is a leader again."""
    member = await hall.join("operator-0", **BRISK)
    await member.leads()
    async with _failing_writes(hall):
        await until(lambda: member.count("stopped") == 1, "it stops")
        assert not member.elector.is_leader
    await member.leads()


async def test_throttling_is_survived(hall: Hall) -> None:
    """While every request is answered 429 leadership ends in time; afterwards there is a leader again."""
    registry = CollectorRegistry()
    member = await hall.join("operator-0", metrics=ElectionMetrics(registry), **BRISK)
    await member.leads()
    async with jailed(hall):
        await until(lambda: member.count("stopped") == 1, "it stops")
        labels = {"name": "operator-lock", "verb": "update", "outcome": "throttled"}
        assert registry.get_sample_value("leadergate_election_requests_total", labels)
    await member.leads()


class Refusals:
    """Counts the requests of an elector that were refused."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.metrics = ElectionMetrics(self._registry)

    def count(self) -> float:
        """How many so far; each of its attempts begins with one."""
        labels = {"name": "operator-lock", "verb": "get", "outcome": "refused"}
        return self._registry.get_sample_value("leadergate_election_requests_total", labels) or 0.0


async def test_lost_credentials_are_survived(hall: Hall) -> None:
    """With a token that the API server does not take (401) nobody leads; when the file has a good one, it does."""
    folder = hall.mount("operator-0")
    good = (folder / "token").read_text()
    (folder / "token").write_text("not a token")
    refused = Refusals()
    member = await hall.join("operator-0", folder=folder, metrics=refused.metrics)
    await until(lambda: refused.count() >= 3, "three attempts")
    assert not member.elector.is_leader
    (folder / "token").write_text(good)
    await member.leads()


async def test_missing_rights_are_told(hall: Hall, until_logged: Callable[[str], Awaitable[str]]) -> None:
    """A 403 is logged with the API server's own words, and not again at each try."""
    hall.cluster.call("DELETE", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{hall.namespace}/rolebindings/election")
    await hall.until_may_not("get", "coordination.k8s.io", "leases", LEASE)
    refused = Refusals()
    await hall.join("operator-0", metrics=refused.metrics)
    said = 'cannot get resource "leases"'
    await until_logged(said)
    await until(lambda: refused.count() >= 4, "four attempts")
    assert (await until_logged(said)).count(said) == 1


def _in_a_thread(
    hall: Hall, block: threading.Event, blocked: threading.Event, over: threading.Event
) -> tuple[threading.Thread, list[Member]]:
    """An elector on a loop of its own, whose work blocks that loop when told to, and says when it does."""
    members: list[Member] = []

    async def stall(member: Member) -> None:
        await asyncio.to_thread(block.wait, 60)
        blocked.set()
        over.wait(60)

    async def take_part() -> None:
        # By these it loses no Lease before it is blocked.
        member = await hall.join("operator-0", work=stall, lease_duration=5, renew_deadline=4)
        members.append(member)
        await until(lambda: member.count("stopped") > 0, "it stops")
        member.stop.set()
        assert member.run is not None
        await member.run
        await member.connection.close()
        hall.members.remove(member)

    return threading.Thread(target=lambda: asyncio.run(take_part())), members


def test_blocked_loop_does_not_lead_on(blocking_hall: Hall) -> None:
    """Work that blocks the event loop keeps the elector from stopping, yet whoever asks hears that it leads no more."""
    block, blocked, over = threading.Event(), threading.Event(), threading.Event()
    thread, members = _in_a_thread(blocking_hall, block, blocked, over)
    thread.start()
    try:
        while not (members and members[0].elector.is_leader):
            time.sleep(0.01)
        elector = members[0].elector
        health, patient = LeaderHealthzAdaptor(elector, timeout=0.5), LeaderHealthzAdaptor(elector, timeout=3600)
        assert health.check() == ""
        block.set()
        assert blocked.wait(60)
        while elector.is_leader:
            time.sleep(0.01)
        assert members[0].count("stopped") == 0
        while not health.check():
            time.sleep(0.01)
        assert (elector.expired_for or 0) >= 0.5
        assert "has not stopped leading" in health.check()
        assert str(elector.settings) in health.check()
        assert patient.check() == ""
    finally:
        over.set()
        thread.join(60)
    assert members[0].count("stopped") >= 1
    assert health.check() == ""
