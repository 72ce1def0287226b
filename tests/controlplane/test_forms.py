"""Every form of a status write, on custom and built-in resources: the holder's goes through, another pod's does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.webhook import WebhookProcess, status_rule
from leadergate_lab.writer import Form, Writer

from .team import GROUP, LEASE, NOTES, Team, gathered

FORMS = [form for form in Form if form is not Form.STRATEGIC_PATCH]
LABELS = {"app": "x"}
POD_TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "x", "image": "x"}]}}


@dataclass(frozen=True)
class Kind:
    """A resource to write: its path without the name, two statuses, and the field that tells them apart."""

    kind: str
    version: str
    resource: str
    spec: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    namespaced: bool = True

    def path(self, namespace: str, name: str) -> str:
        """The path of one object."""
        where = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"/apis/{self.version}{where}/{self.resource}/{name}"


def _address(ip: str) -> dict[str, Any]:
    return {"loadBalancer": {"ingress": [{"ip": ip}]}}


NOTE = Kind("Note", f"{GROUP}/v1", "notes", {"text": "wanted"}, {"text": "before"}, {"text": "after"})
REGION = Kind("Region", f"{GROUP}/v1", "regions", {"text": "wanted"}, {"text": "before"}, {"text": "after"}, False)
DEPLOYMENT = Kind(
    "Deployment",
    "apps/v1",
    "deployments",
    {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": POD_TEMPLATE},
    {"replicas": 1},
    {"replicas": 2},
)
INGRESS = Kind(
    "Ingress",
    "networking.k8s.io/v1",
    "ingresses",
    {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}},
    _address("192.0.2.1"),
    _address("192.0.2.2"),
)
KINDS = [NOTE, REGION, DEPLOYMENT, INGRESS]
CASES = [pytest.param(kind, form, id=f"{kind.kind}-{form.name}") for kind in KINDS for form in FORMS] + [
    pytest.param(kind, Form.STRATEGIC_PATCH, id=f"{kind.kind}-{Form.STRATEGIC_PATCH.name}")
    for kind in (DEPLOYMENT, INGRESS)
]


@pytest.fixture(scope="module")
def objects(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[Team]:
    """A team with one object of each kind, all gated."""
    with gathered(control_plane, webhook) as team:
        for kind in KINDS:
            metadata = {"name": team.namespace} | ({"namespace": team.namespace} if kind.namespaced else {})
            team.cluster.apply({"apiVersion": kind.version, "kind": kind.kind, "metadata": metadata, "spec": kind.spec})
        rules = [NOTES, status_rule("apps", "v1", "deployments"), status_rule("networking.k8s.io", "v1", "ingresses")]
        team.gate(rules=rules)
        # No namespaceSelector leaves out objects that have no namespace.
        mine = {"name": "mine", "expression": f"object.metadata.name == '{team.namespace}'"}
        region = REGION.path("", team.namespace)
        admin = Writer(team.cluster.api)
        team.gate(
            rules=[status_rule(GROUP, "v1", "regions", scope="Cluster")],
            matchConditions=[mine],
            lease=LEASE,
            probe=lambda: admin.status(region, {"text": "probe"}, dryRun="All"),
        )
        yield team


def _status(team: Team, path: str) -> dict[str, Any]:
    found: dict[str, Any] = team.cluster.get(path).get("status", {})
    return found


@pytest.mark.parametrize(("kind", "form"), CASES)
def test_the_holder_writes(objects: Team, kind: Kind, form: Form) -> None:
    """The write goes through and is what the API server then has."""
    path = kind.path(objects.namespace, objects.namespace)
    assert objects.leader.status(path, kind.before, form).ok
    answer = objects.leader.status(path, kind.after, form)
    assert answer.code == 200, answer.message
    assert _status(objects, path).items() >= kind.after.items()


@pytest.mark.parametrize(("kind", "form"), CASES)
def test_another_pod_is_rejected(objects: Team, kind: Kind, form: Form) -> None:
    """403 Forbidden with cause NotHolder and a message for people; the object stays as it was; a record says so."""
    path = kind.path(objects.namespace, objects.namespace)
    assert objects.leader.status(path, kind.before, form).ok
    answer = objects.follower.status(path, kind.after, form)
    assert (answer.code, answer.reason, answer.cause) == (403, "Forbidden", "NotHolder")
    team = objects.namespace
    assert f"pod {team}/operator-1 may not write status" in answer.message
    assert f"the holder of Lease {team}/lock is operator-0 since " in answer.message
    assert _status(objects, path).items() >= kind.before.items()
    assert list(answer.causes) == ["NotHolder", "ReviewUID"]
    assert answer.causes["NotHolder"] == answer.message.partition("denied the request: ")[2]
    (record,) = [one for one in objects.records(pod="operator-1") if one["uid"] == answer.causes["ReviewUID"]]
    assert (record["verdict"], record["reason"], record["mode"]) == ("Deny", "NotHolder", "enforce")
    assert (record["standing"], record["dryRun"], record["operation"]) == ("follower", False, "UPDATE")
    group, version = kind.version.split("/")
    written = {"group": group, "version": version, "resource": kind.resource, "subresource": "status"}
    assert record["resource"] == written
    assert (record["namespace"], record["name"]) == (team if kind.namespaced else "", team)
    assert record["requester"]["podUid"] == objects.other.uid
    assert record["lease"]["holder"] == "operator-0"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_dry_run_gets_the_same_verdict(objects: Team, form: Form) -> None:
    """``dryRun=All``: allowed or rejected as the write itself would be, recorded as a dry run, nothing is changed."""
    assert objects.leader.status(objects.note, NOTE.before).ok
    answer = objects.leader.status(objects.note, NOTE.after, form, dryRun="All")
    assert answer.code == 200, answer.message
    answer = objects.follower.status(objects.note, NOTE.after, form, dryRun="All")
    assert (answer.code, answer.cause) == (403, "NotHolder")
    record = objects.records(pod="operator-1")[-1]
    assert (record["dryRun"], record["reason"]) == (True, "NotHolder")
    assert objects.text() == "before"


def test_the_spec_stays_free(objects: Team) -> None:
    """A follower may write the spec of the very object whose status it may not write."""
    for number in range(5):
        assert objects.follower.merge(objects.note, {"spec": {"text": f"wish {number}"}}).ok
        assert objects.follower.status(objects.note, {"text": "mine"}).cause == "NotHolder"
        assert objects.cluster.get(objects.note)["spec"]["text"] == f"wish {number}"


def test_one_object_takes_spec_and_status_writes_at_once(objects: Team) -> None:
    """A follower's PUT of the whole object changes its spec alone: the API server drops the status from it."""
    assert objects.leader.status(objects.note, NOTE.before).ok
    found = objects.cluster.get(objects.note)
    answer = objects.follower.send("PUT", objects.note, {**found, "spec": {"text": "put"}, "status": {"text": "mine"}})
    assert answer.ok
    assert answer.body["spec"]["text"] == "put"
    assert objects.text() == "before"
