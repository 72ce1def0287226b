"""Electors on a real API server: how they take, keep and hand over the Lease, and what is written to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadergate_lab.apicall import call
from leadergate_lab.controlplane import ControlPlane

from .conftest import BRISK, LEASE, Hall, Member, until

MICROTIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


async def test_first_elector_makes_the_lease(hall: Hall) -> None:
    """It creates the Lease in its name, with its duration, no transitions, and the time in UTC."""
    member = await hall.join("operator-0")
    await member.leads()
    spec = hall.spec()
    assert spec["holderIdentity"] == "operator-0"
    assert spec["leaseDurationSeconds"] == 60
    assert spec["leaseTransitions"] == 0
    assert MICROTIME.fullmatch(spec["renewTime"])
    assert MICROTIME.fullmatch(spec["acquireTime"])
    assert abs(datetime.now(UTC) - datetime.fromisoformat(spec["renewTime"])) < timedelta(minutes=1)
    assert member.elector.leader == "operator-0"
    await until(lambda: member.count("started") == 1, "the work begins")
    assert [what for what, _ in member.told] == ["new leader operator-0", "started"]


async def test_renewals_keep_what_belongs_to_the_term(hall: Hall) -> None:
    """Renewals move the renew time alone."""
    member = await hall.join("operator-0")
    await member.leads()
    first = hall.spec()
    await until(lambda: hall.spec()["renewTime"] > first["renewTime"], "a renewal")
    assert hall.spec() == {**first, "renewTime": hall.spec()["renewTime"]}


async def test_follower_knows_the_leader(hall: Hall) -> None:
    """The one that waits is told who leads, once, and does not lead."""
    leader = await hall.join("operator-0")
    await leader.leads()
    follower = await hall.join("operator-1")
    await follower.follows("operator-0")
    await until(lambda: hall.spec()["renewTime"] > hall.spec()["acquireTime"], "a renewal")
    assert not follower.elector.is_leader
    assert follower.elector.time_left == 0.0
    assert [what for what, _ in follower.told] == ["new leader operator-0"]


async def test_release_hands_over(hall: Hall) -> None:
    """At its end the leader releases the Lease; the next one takes it an hour before it would have expired."""
    leader = await hall.join("operator-0", lease_duration=3600)
    await leader.leads()
    follower = await hall.join("operator-1", lease_duration=3600)
    await follower.follows("operator-0")
    before = hall.spec()
    await leader.end()
    assert not leader.elector.is_leader
    await follower.leads()
    after = hall.spec()
    assert after["holderIdentity"] == "operator-1"
    assert after["leaseTransitions"] == before["leaseTransitions"] + 1
    assert after["acquireTime"] > before["acquireTime"]
    assert after["acquireTime"] <= after["renewTime"]
    assert leader.count("stopped") == 1
    await until(lambda: follower.count("new leader operator-1") == 1, "it is told of itself")


async def test_released_lease_is_as_client_go_leaves_it(hall: Hall) -> None:
    """No holder, one second, transitions kept."""
    member = await hall.join("operator-0")
    await member.leads()
    await member.end()
    spec = hall.spec()
    assert spec["holderIdentity"] == ""
    assert spec["leaseDurationSeconds"] == 1
    assert spec["leaseTransitions"] == 0
    assert spec["acquireTime"] == spec["renewTime"]
    assert member.elector.leader is None


async def test_release_can_be_forbidden(hall: Hall) -> None:
    """With ``release_on_end`` off the Lease stays as it is, and expires by itself."""
    member = await hall.join("operator-0", release_on_end=False, **BRISK)
    await member.leads()
    await member.end()
    assert hall.spec()["holderIdentity"] == "operator-0"
    other = await hall.join("operator-1")
    await other.leads()
    assert hall.spec()["leaseTransitions"] == 1


async def test_gone_leader_is_replaced_after_its_lease(hall: Hall) -> None:
    """Without a release the next one waits for as long as the record says, from when it first saw it."""
    leader = await hall.join("operator-0", release_on_end=False, **BRISK)
    await leader.leads()
    await leader.end()
    left_at = hall.spec()
    began = asyncio.get_running_loop().time()
    follower = await hall.join("operator-1", lease_duration=5, renew_deadline=3)
    await follower.leads()
    assert asyncio.get_running_loop().time() - began >= 2
    taken, left = (datetime.fromisoformat(spec["renewTime"]) for spec in (hall.spec(), left_at))
    assert taken - left >= timedelta(seconds=2)


async def test_stop_before_anything_leaves_the_lease_alone(hall: Hall) -> None:
    """A follower that ends writes nothing."""
    leader = await hall.join("operator-0")
    await leader.leads()
    follower = await hall.join("operator-1")
    await follower.follows("operator-0")
    await follower.end()
    assert hall.spec()["holderIdentity"] == "operator-0"
    assert follower.count("stopped") == 0


async def test_what_it_does_not_know_survives(hall: Hall) -> None:
    """Labels, annotations and owners stay through acquisition, renewal and release."""
    owner = hall.cluster.get(f"/api/v1/namespaces/{hall.namespace}")["metadata"]["uid"]
    metadata = {
        "name": LEASE,
        "labels": {"team": "blue"},
        "annotations": {"note": "ours"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": hall.namespace, "uid": owner}],
    }
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
    hall.cluster.call("POST", hall.leases, body)

    def kept() -> bool:
        found = hall.lease()["metadata"]
        return all(found[part] == metadata[part] for part in metadata)

    member = await hall.join("operator-0")
    await member.leads()
    assert kept()
    taken = hall.spec()
    assert taken["leaseTransitions"] == 1
    await until(lambda: hall.spec()["renewTime"] > taken["renewTime"], "a renewal")
    assert kept()
    await member.end()
    assert hall.spec()["holderIdentity"] == ""
    assert kept()


@pytest.fixture
async def coordinating_hall(spare_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Hall]:
    """A hall whose API server keeps the fields of coordinated leader election (KEP-4355)."""
    flags = ["--feature-gates=CoordinatedLeaderElection=true", "--runtime-config=coordination.k8s.io/v1beta1=true"]
    server = await asyncio.to_thread(lambda: spare_plane.add_apiserver(flags=flags))
    hall = Hall(spare_plane, tmp_path, server)
    yield hall
    await hall.end()
    await asyncio.to_thread(server.stop)


async def test_strategy_and_preferred_holder_survive(coordinating_hall: Hall) -> None:
    """Fields of the spec that an elector makes no use of are there after it took, renewed and released the Lease."""
    hall = coordinating_hall
    unknown = {"strategy": "OldestEmulationVersion", "preferredHolder": "operator-9"}
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE}, "spec": unknown}
    admin = hall.cluster.client(token=hall.plane.admin_token, server=hall.server.url)
    assert call(admin, "POST", hall.leases, body)["spec"] == unknown
    member = await hall.join("operator-0")
    await member.leads()
    taken = hall.spec()
    await until(lambda: hall.spec()["renewTime"] > taken["renewTime"], "a renewal")
    assert unknown.items() <= hall.spec().items()
    await member.end()
    assert hall.spec()["holderIdentity"] == ""
    assert unknown.items() <= hall.spec().items()


async def test_identities_that_others_write_are_shown_as_they_are(hall: Hall) -> None:
    """A holder in controller-runtime's form is respected and told."""
    hall.cluster.set_lease(hall.namespace, LEASE, "host_3f0c", duration=3600)
    member = await hall.join("operator-0")
    await member.follows("host_3f0c")
    assert member.count("new leader host_3f0c") == 1


async def test_restarted_process_goes_on_in_its_name(hall: Hall) -> None:
    """A process that finds the Lease in its own name when it starts leads at once: the same term, no transition."""
    first = await hall.join("operator-0", release_on_end=False, lease_duration=60, renew_deadline=40)
    await first.leads()
    await first.end()
    before = hall.spec()
    second = await hall.join("operator-0", lease_duration=60, renew_deadline=40)
    await second.leads()
    after = hall.spec()
    assert (after["acquireTime"], after["leaseTransitions"]) == (before["acquireTime"], 0)


async def test_two_of_one_identity_do_not_both_lead_on(hall: Hall) -> None:
    """Of two processes with the same identity one yields as soon as it sees the other's renewal."""
    first = await hall.join("operator-0")
    await first.leads()
    second = await hall.join("operator-0")
    await second.leads()
    await until(lambda: first.count("stopped") == 1, "the first one yields")
    renewed = hall.spec()["renewTime"]
    await until(lambda: hall.spec()["renewTime"] > renewed, "a renewal")
    assert [first.elector.is_leader, second.elector.is_leader] == [False, True]
    assert first.count("started") == 1


async def test_an_elector_runs_again(hall: Hall) -> None:
    """After its end the same elector may stand again; twice at the same time it may not run."""
    member = await hall.join("operator-0")
    await member.leads()
    with pytest.raises(RuntimeError, match="runs already"):
        await member.elector.run(asyncio.Event())
    await member.end()
    member.stop.clear()
    member.run = asyncio.create_task(member.elector.run(member.stop))
    await member.leads()
    await until(lambda: member.count("started") == 2, "the work begins again")
    assert hall.spec()["leaseTransitions"] == 1


async def test_cancellation_ends_as_gracefully(hall: Hall) -> None:
    """A cancelled run lets the work end and releases the Lease too."""
    member = await hall.join("operator-0")
    await until(lambda: member.count("started") == 1, "the work begins")
    assert member.run is not None
    member.run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await member.run
    assert [what for what, _ in member.told[-2:]] == ["stopped", "work ended"]
    assert hall.spec()["holderIdentity"] == ""


async def test_failed_work_ends_the_election(hall: Hall) -> None:
    """What the leader's work raises is raised by the run, after the Lease was released."""

    async def fail(member: Member) -> None:
        await asyncio.sleep(0.05)
        raise LookupError("no such thing")

    member = await hall.join("operator-0", work=fail)
    with pytest.raises(LookupError, match="no such thing"):
        await member.over()
    assert not member.elector.is_leader
    assert member.count("stopped") == 1
    assert hall.spec()["holderIdentity"] == ""


async def test_work_may_end_early(hall: Hall) -> None:
    """A leader whose work is done leads on."""

    async def nothing(member: Member) -> None:
        return

    member = await hall.join("operator-0", work=nothing)
    await until(lambda: member.count("work ended") == 1, "the work ends")
    renewed = hall.spec()["renewTime"]
    await until(lambda: hall.spec()["renewTime"] > renewed, "a renewal")
    assert member.elector.is_leader
    await member.end()
    assert hall.spec()["holderIdentity"] == ""


async def test_callbacks_that_fail_harm_nobody(hall: Hall, capsys: pytest.CaptureFixture[str]) -> None:
    """What on_new_leader or on_stopped_leading raises is logged, and the election goes on."""
    member = await hall.join("operator-0", start=False)

    def broken(what: str) -> None:
        raise LookupError("a fault of the user's")

    member.note = broken  # type: ignore[method-assign]
    member.run = asyncio.create_task(member.elector.run(member.stop))
    with pytest.raises(LookupError):
        await member.run  # the work's own failure is not hidden
    assert hall.spec()["holderIdentity"] == ""
    assert capsys.readouterr().out.count("callback_failed") == 2


async def test_lease_made_beforehand_spares_the_right_to_create(hall: Hall) -> None:
    """Who may only get and update a Lease that is there, empty, can be elected; ``docs/election.md`` says so."""
    rules = [
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": [LEASE],
            "verbs": ["get", "update"],
        }
    ]
    metadata = {"namespace": hall.namespace, "name": "election"}
    hall.cluster.apply(
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    )
    await hall.until_may_not("create", "coordination.k8s.io", "leases")
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE}}
    hall.cluster.call("POST", hall.leases, body)
    member = await hall.join("operator-0")
    await member.leads()
    await member.end()
    assert hall.spec()["holderIdentity"] == ""
