"""``leadergate elect`` beside an operator that has no election."""

from __future__ import annotations

from .conftest import Scene


def test_one_leads_and_all_can_be_asked(scene: Scene) -> None:
    """The holder is the Pod's name, and each sidecar tells the same."""
    first = scene.sidecar("op-0")
    scene.until(lambda: scene.holder() == "op-0", "op-0 leads")
    second = scene.sidecar("op-1")
    scene.until(lambda: second.leader()["name"] == "op-0", "op-1 has seen it")
    assert first.leader() == {"name": "op-0", "identity": "op-0", "isLeader": True, "standing": True}
    assert second.leader() == {"name": "op-0", "identity": "op-1", "isLeader": False, "standing": True}
    assert [one.get("/healthz") for one in (first, second)] == [(200, "ok")] * 2
    assert 'leader_election_master_status{name="operator-lock"} 1.0' in first.get("/metrics")[1]
    assert 'leader_election_master_status{name="operator-lock"} 0.0' in second.get("/metrics")[1]


def test_sigterm_releases_and_the_other_leads(scene: Scene) -> None:
    """It ends with 0, and the next leader does not have to wait for the Lease to expire."""
    first = scene.sidecar("op-0", "--lease-duration", "3600", "--renew-deadline", "60")
    scene.until(lambda: scene.holder() == "op-0", "op-0 leads")
    second = scene.sidecar("op-1")
    scene.until(lambda: second.leader()["name"] == "op-0", "op-1 has seen it")
    assert first.process.stop() == 0
    scene.until(lambda: scene.holder() == "op-1", "op-1 leads, an hour before the Lease would have expired")
    assert scene.lease()["leaseTransitions"] >= 1


def test_nobody_stands_for_an_operator_that_is_not_up(scene: Scene) -> None:
    """The sidecar waits for the first good answer, and says what it waits for."""
    operator = scene.operator()
    operator.code = 503
    sidecar = scene.sidecar("op-0", "--while-healthy", operator.url)
    scene.until(lambda: sidecar.leader()["standing"] is False, "it rests")
    assert operator.url in sidecar.leader()["why"]
    assert scene.lease() == {}
    operator.code = 204
    scene.until(lambda: scene.holder() == "op-0", "op-0 leads")
    assert "why" not in sidecar.leader()


def test_it_resigns_when_the_operator_falls_ill_and_stands_again(scene: Scene) -> None:
    """Another pod takes over at once; the one that resigned sees who leads, and stands again when all is well."""
    ill, well = scene.operator(), scene.operator()
    first = scene.sidecar("op-0", "--while-healthy", ill.url, "--lease-duration", "3600", "--renew-deadline", "60")
    scene.until(lambda: scene.holder() == "op-0", "op-0 leads")
    second = scene.sidecar("op-1", "--while-healthy", well.url)
    scene.until(lambda: second.leader()["name"] == "op-0", "op-1 has seen it")
    ill.code = 500
    scene.until(lambda: scene.holder() == "op-1", "op-1 leads")
    scene.until(lambda: first.leader()["name"] == "op-1", "op-0 sees who leads")
    told = first.leader()
    assert (told["isLeader"], told["standing"]) == (False, False)
    assert "it answered 500" in told["why"]
    assert "leadergate_election_operator_healthy 0.0" in first.get("/metrics")[1]
    ill.code = 200
    scene.until(lambda: first.leader()["standing"], "op-0 stands again")
    well.end()
    scene.until(lambda: scene.holder() == "op-0", "op-0 leads again, since op-1's operator is gone")


def test_one_bad_answer_is_no_illness(scene: Scene) -> None:
    """It takes as many failures in a row as are set; what comes between them starts the count anew."""
    operator = scene.operator()
    sidecar = scene.sidecar("op-0", "--while-healthy", operator.url, "--health-failures", "1000000")
    scene.until(lambda: scene.holder() == "op-0", "op-0 leads")
    operator.code = 500
    renewed = scene.lease()["renewTime"]
    scene.until(lambda: scene.lease()["renewTime"] != renewed, "it goes on renewing")
    assert sidecar.leader()["isLeader"] is True


def test_a_leader_change_is_an_event(scene: Scene) -> None:
    """``kubectl describe lease`` and ``kubectl get events`` tell who began to lead."""
    scene.sidecar("op-0")
    events = f"/api/v1/namespaces/{scene.namespace}/events"

    def told() -> list[str]:
        return [item["message"] for item in scene.cluster.get(events)["items"] if item["reason"] == "LeaderElection"]

    scene.until(lambda: bool(told()), "an Event")
    assert any("op-0" in message and "leader" in message for message in told())
    about = scene.cluster.get(events)["items"][0]["involvedObject"]
    assert (about["kind"], about["name"]) == ("Lease", "operator-lock")
