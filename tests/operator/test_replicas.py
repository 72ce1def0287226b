"""Three replicas on a real control plane: the table that each serves, and the status that all write."""

from __future__ import annotations

from datetime import datetime

import pytest
from kubernetes.client.exceptions import ApiException

from .conftest import KIND, NEVER, Fleet


def test_every_replica_serves_every_redirect(fleet: Fleet) -> None:
    """Each replica programs all Redirects, those from before its start included, and answers 404 for the rest."""
    fleet.create("docs", "/docs", "https://example.org/docs")
    fleet.start(3)
    fleet.create("moved", "/old/page", "https://example.org/new?x=1", code=308)
    fleet.all_until(lambda replica: set(replica.table()) == {"/docs", "/old/page"}, "both redirects")
    for replica in fleet.replicas:
        answer = replica.get("/docs")
        assert (answer.status, answer.headers["location"]) == (302, "https://example.org/docs")
        answer = replica.get("/old/page")
        assert (answer.status, answer.headers["location"]) == (308, "https://example.org/new?x=1")
        assert replica.get("/docs/").status == 404
        assert replica.get("/").status == 404


def test_changes_and_deletions_reach_every_table(fleet: Fleet) -> None:
    """A changed target is served by all, a deleted Redirect by none."""
    fleet.start(3)
    fleet.create("a", "/a", "https://one.example")
    fleet.create("b", "/b", "https://two.example")
    fleet.all_until(lambda replica: set(replica.table()) == {"/a", "/b"}, "both redirects")
    fleet.change("a", target="https://three.example")
    fleet.all_until(lambda replica: replica.table()["/a"]["target"] == "https://three.example", "the new target")
    fleet.delete("a")
    fleet.delete("b")
    fleet.all_until(lambda replica: replica.table() == {}, "an empty table")


def test_status_follows_the_spec(fleet: Fleet) -> None:
    """The status names the generation that it speaks of, its writer, and whether the redirect is served."""
    fleet.start(3, "--resync-seconds", str(NEVER))
    fleet.create("docs", "/docs", "https://one.example")
    fleet.until(lambda: bool(fleet.condition("docs")), "a condition")
    first = fleet.condition("docs")
    assert (first["type"], first["status"], first["reason"]) == ("Programmed", "True", "Serving")
    assert first["observedGeneration"] == 1
    fleet.change("docs", target="https://two.example")
    fleet.until(lambda: fleet.redirect("docs")["status"]["observedGeneration"] == 2, "the new generation")
    status = fleet.redirect("docs")["status"]
    assert status["writtenBy"] in {"pod-0", "pod-1", "pod-2"}
    second = fleet.condition("docs")
    assert second["observedGeneration"] == 2
    assert "https://two.example" in second["message"]
    assert second["lastTransitionTime"] == first["lastTransitionTime"]


def test_every_replica_writes_the_status(fleet: Fleet) -> None:
    """By default none asks whether it leads: followers write as well."""
    fleet.start(3, "--resync-seconds", str(NEVER))
    fleet.create("docs", "/docs", "https://one.example")
    fleet.all_until(lambda replica: bool(replica.writes("docs", "accepted")), "its own write")


def test_resync_writes_again(fleet: Fleet) -> None:
    """A status that nothing changed is written again at each resync, and its heartbeat tells."""
    fleet.start(1, "--resync-seconds", "0.2")
    fleet.create("docs", "/docs", "https://one.example")
    fleet.all_until(lambda replica: len(replica.writes("docs", "accepted")) >= 3, "three writes")

    def heartbeat() -> datetime:
        return datetime.fromisoformat(fleet.redirect("docs")["status"]["heartbeatTime"])

    earlier = heartbeat()
    fleet.until(lambda: heartbeat() > earlier, "a later heartbeat")
    assert fleet.redirect("docs")["status"]["observedGeneration"] == 1


def test_a_status_written_by_others_provokes_no_write(fleet: Fleet) -> None:
    """Replicas do not answer each other's status writes, else they would write for ever."""
    fleet.start(3, "--resync-seconds", str(NEVER))
    fleet.create("first", "/first", "https://one.example")
    fleet.all_until(lambda replica: bool(replica.writes("first", "accepted")), "the write of the first")
    fleet.touch_status("first", {"writtenBy": "somebody"})
    # A watch keeps the order of events: who has written the second Redirect's status has seen the change before it.
    fleet.create("second", "/second", "https://two.example")
    fleet.all_until(lambda replica: bool(replica.writes("second", "accepted")), "the write of the second")
    assert [len(replica.writes("first")) for replica in fleet.replicas] == [1, 1, 1]
    assert fleet.redirect("first")["status"]["writtenBy"] == "somebody"


def test_the_older_of_two_with_one_path_wins(fleet: Fleet) -> None:
    """The younger is told so in its condition, and takes over when the older goes."""
    fleet.start(3, "--resync-seconds", str(NEVER))
    fleet.create("a", "/same", "https://one.example")
    fleet.create("b", "/same", "https://two.example")
    fleet.until(lambda: fleet.condition("b").get("reason") == "Conflict", "the conflict")
    assert fleet.condition("b")["status"] == "False"
    assert "Redirect a " in fleet.condition("b")["message"]
    fleet.all_until(lambda replica: replica.table()["/same"]["redirect"] == "a", "a serves")
    fleet.delete("a")
    fleet.all_until(lambda replica: replica.table()["/same"]["redirect"] == "b", "b serves")
    fleet.until(lambda: fleet.condition("b")["status"] == "True", "b's condition")


def test_a_refused_status_write_is_retried(fleet: Fleet) -> None:
    """A 403 that is no gate's is logged with its message and tried again with a growing pause; redirects are served."""
    fleet.cluster.service_account(fleet.namespace, "reader")
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role"}
    reader = {"kind": "ServiceAccount", "name": "reader", "namespace": fleet.namespace}

    def bind(name: str) -> dict[str, object]:
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"reader-{name}", "namespace": fleet.namespace},
            "roleRef": {**role, "name": name},
            "subjects": [reader],
        }

    fleet.cluster.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "reader", "namespace": fleet.namespace},
            "rules": [{"apiGroups": [KIND[0]], "resources": ["redirects"], "verbs": ["list", "watch"]}],
        },
        bind("reader"),
    )
    replica = fleet.launch("pod-0", "--resync-seconds", str(NEVER), account="reader")
    fleet.create("docs", "/docs", "https://one.example")
    replica.until(lambda: len(replica.writes("docs", "failed")) >= 3, "three refusals")
    refusals = replica.writes("docs", "failed")[:3]
    assert [line["code"] for line in refusals] == [403, 403, 403]
    assert "redirects/status" in refusals[0]["message"]
    assert [line["retry_seconds"] for line in refusals] == [0.25, 0.5, 1.0]
    assert replica.get("/docs").status == 302
    fleet.cluster.apply(bind("redirect-operator"))
    replica.until(lambda: bool(replica.writes("docs", "accepted")), "the accepted write")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"path": "docs", "target": "https://one.example"}, "spec.path"),
        ({"path": "/healthz", "target": "https://one.example"}, "/healthz"),
        ({"path": "/metrics", "target": "https://one.example"}, "/metrics"),
        ({"path": "/docs", "target": "ftp://one.example"}, "spec.target"),
        ({"path": "/docs", "target": "https://one.example", "code": 303}, "spec.code"),
    ],
)
def test_the_schema_refuses_what_cannot_be_served(fleet: Fleet, spec: dict[str, object], field: str) -> None:
    """The API server refuses it and names the field."""
    with pytest.raises(ApiException) as refused:
        fleet.create("bad", **spec)  # type: ignore[arg-type]
    assert refused.value.status == 422
    assert field in str(refused.value.body)
