"""What the administrator makes on a laboratory's API server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from leadergate_lab.cluster import Cluster
from leadergate_lab.controlplane import ControlPlane

LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases/{}"


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    """The administrator's view of the shared control plane."""
    return control_plane.cluster


@pytest.fixture
def namespace(cluster: Cluster, unique: Callable[[str], str]) -> str:
    """A namespace of the test's own."""
    name = unique("made")
    cluster.namespace(name)
    return name


def lease(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """Lease ``lock`` as stored."""
    found: dict[str, Any] = cluster.get(LEASES.format(namespace, "lock"))
    return found


def test_a_lease_is_made_and_moved(cluster: Cluster, namespace: str) -> None:
    """Each call is one revision, newer than the one before, and is what is stored."""
    first = cluster.set_lease(namespace, "lock", "a", transitions=0)
    second = cluster.set_lease(namespace, "lock", "b", duration=7, transitions=1)
    assert int(second) > int(first)
    found = lease(cluster, namespace)
    assert found["metadata"]["resourceVersion"] == second
    spec = found["spec"]
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == ("b", 7, 1)


def test_a_lease_is_renewed_now_unless_told_otherwise(cluster: Cluster, namespace: str) -> None:
    """The time of renewal is in UTC, and any other may be given."""
    before = datetime.now(UTC)
    cluster.set_lease(namespace, "lock", "a")
    renewed = datetime.fromisoformat(lease(cluster, namespace)["spec"]["renewTime"])
    assert before <= renewed <= datetime.now(UTC)
    long_ago = before - timedelta(hours=1)
    cluster.set_lease(namespace, "lock", "a", renew_time=long_ago)
    assert datetime.fromisoformat(lease(cluster, namespace)["spec"]["renewTime"]) == long_ago


def test_a_lease_may_be_unheld(cluster: Cluster, namespace: str) -> None:
    """Without a holder the field is gone."""
    cluster.set_lease(namespace, "lock", "a")
    cluster.set_lease(namespace, "lock", None)
    assert "holderIdentity" not in lease(cluster, namespace)["spec"]
    cluster.delete_lease(namespace, "lock")
    assert not cluster.exists(LEASES.format(namespace, "lock"))


def test_what_is_there_may_be_asked_for_again(cluster: Cluster, namespace: str) -> None:
    """Namespaces and accounts are made once."""
    cluster.namespace(namespace)
    cluster.service_account(namespace, "worker")
    uid = cluster.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/worker")["metadata"]["uid"]
    cluster.service_account(namespace, "worker")
    assert cluster.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/worker")["metadata"]["uid"] == uid


def test_a_file_of_many_is_applied_in_order(cluster: Cluster, unique: Callable[[str], str], tmp_path: Path) -> None:
    """A definition, objects of it in a namespace of the same file: each is waited for where the next needs it."""
    group, namespace = f"{unique('g')}.lab.leadergate.dev", unique("many")
    file = tmp_path / "many.yaml"
    file.write_text(f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {namespace}}}
---
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: things.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: things, singular: thing, kind: Thing}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: string}}}}}}}}
---
apiVersion: {group}/v1
kind: Thing
metadata: {{namespace: {namespace}, name: one}}
spec: first
""")
    cluster.apply(file)
    path = f"/apis/{group}/v1/namespaces/{namespace}/things/one"
    assert cluster.get(path)["spec"] == "first"
    cluster.wait_established(f"things.{group}")
    file.write_text(file.read_text().replace("spec: first", "spec: second"))
    cluster.apply(file)
    assert cluster.get(path)["spec"] == "second"


def test_apply_takes_over_from_others(cluster: Cluster, namespace: str) -> None:
    """A field that someone else manages is set all the same."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    meta = {"namespace": namespace, "name": "settings"}
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "red"}}
    cluster.call("POST", path, theirs)
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"colour": "blue"}})
    assert cluster.get(f"{path}/settings")["data"] == {"colour": "blue"}


def test_a_refusal_says_why(cluster: Cluster, namespace: str) -> None:
    """The API server's own words reach the caller."""
    with pytest.raises(ApiException) as refused:
        cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": "bare"}})
    assert refused.value.status == 422
    assert "spec.containers" in str(refused.value.body)
