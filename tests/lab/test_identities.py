"""Who the API server takes a caller for, by each kind of credentials that the laboratory makes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

from leadergate_lab.cluster import Cluster, call
from leadergate_lab.controlplane import ControlPlane

EXTRA = "authentication.kubernetes.io/"
WHO = ("/apis/authentication.k8s.io/v1/selfsubjectreviews", "SelfSubjectReview")


def who(client: ApiClient) -> dict[str, Any]:
    """The user that the API server sees."""
    path, kind = WHO
    review = call(client, "POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": kind})
    user: dict[str, Any] = review["status"]["userInfo"]
    return user


def extras(user: dict[str, Any]) -> dict[str, str]:
    """The extras of a user by their short names, each of which has one value."""
    found = {}
    for name, values in user.get("extra", {}).items():
        (found[name.removeprefix(EXTRA)],) = values
    return found


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    """The administrator's view of the shared control plane."""
    return control_plane.cluster


@pytest.fixture
def namespace(cluster: Cluster, unique: Callable[[str], str]) -> str:
    """A namespace with the service account ``worker``."""
    name = unique("identities")
    cluster.namespace(name)
    cluster.service_account(name, "worker")
    return name


def test_a_pods_token_names_the_pod(cluster: Cluster, namespace: str) -> None:
    """Its name and uid, and a credential id, which an impersonator has not."""
    pod = cluster.pod(namespace, "worker-0", "worker")
    user = who(cluster.client(token=cluster.pod_token(pod)))
    assert user["username"] == f"system:serviceaccount:{namespace}:worker"
    assert user["uid"]
    told = extras(user)
    assert told.pop("credential-id").startswith("JTI=")
    assert told == {"pod-name": "worker-0", "pod-uid": pod.uid}
    assert pod.node_name is None


def test_a_scheduled_pods_token_names_the_node(cluster: Cluster, namespace: str) -> None:
    """Its name, and the uid of the Node object that was made for it."""
    pod = cluster.pod(namespace, "worker-0", "worker", node_name="node-a")
    told = extras(who(cluster.client(token=cluster.pod_token(pod))))
    assert told["pod-name"] == "worker-0"
    assert told["node-name"] == "node-a"
    assert told["node-uid"] == cluster.get("/api/v1/nodes/node-a")["metadata"]["uid"]


def test_a_pod_is_made_once(cluster: Cluster, namespace: str) -> None:
    """Asked for again, the same one is given, and its tokens differ all the same."""
    first = cluster.pod(namespace, "worker-0", "worker")
    second = cluster.pod(namespace, "worker-0", "worker")
    assert first == second
    assert cluster.pod_token(first) != cluster.pod_token(second)


def test_a_token_ends_with_its_pod(cluster: Cluster, namespace: str) -> None:
    """A token of a Pod that another one of that name replaced names the old uid, and none is issued for the old one."""
    old = cluster.pod(namespace, "worker-0", "worker")
    cluster.call("DELETE", f"/api/v1/namespaces/{namespace}/pods/worker-0", {"gracePeriodSeconds": 0})
    new = cluster.pod(namespace, "worker-0", "worker")
    assert new.uid != old.uid
    with pytest.raises(ApiException) as refused:
        cluster.pod_token(old)
    assert refused.value.status == 409
    assert extras(who(cluster.client(token=cluster.pod_token(new))))["pod-uid"] == new.uid


def test_an_unbound_token_names_no_pod(cluster: Cluster, namespace: str) -> None:
    """It is the account's and has a credential id, and that is all."""
    user = who(cluster.client(token=cluster.service_account_token(namespace, "worker")))
    assert user["username"] == f"system:serviceaccount:{namespace}:worker"
    assert set(extras(user)) == {"credential-id"}


def test_a_legacy_token_names_nothing_but_the_account(cluster: Cluster, namespace: str) -> None:
    """The API server takes the token of a Secret as it takes those of old clusters."""
    token = cluster.legacy_token(namespace, "worker")
    secret = cluster.get(f"/api/v1/namespaces/{namespace}/secrets/worker-token")
    assert secret["type"] == "kubernetes.io/service-account-token"
    user = who(cluster.client(token=token))
    assert user["username"] == f"system:serviceaccount:{namespace}:worker"
    assert extras(user) == {}
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    assert cluster.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)["status"]["authenticated"]


def test_a_certificate_names_user_and_groups(cluster: Cluster) -> None:
    """The common name is the user, the organizations are the groups."""
    user = who(cluster.client(certificate=cluster.client_certificate("jane", ["dev", "ops"])))
    assert user["username"] == "jane"
    assert user["groups"] == ["dev", "ops", "system:authenticated"]
    assert "uid" not in user


def test_a_strangers_token_is_refused(cluster: Cluster) -> None:
    """A token that the laboratory did not make is nobody's."""
    with pytest.raises(ApiException) as refused:
        who(cluster.client(token="stranger"))
    assert refused.value.status == 401


def test_a_pod_may_do_nothing_unless_allowed(cluster: Cluster, namespace: str) -> None:
    """Authorization is on: an account without a role is refused."""
    client = cluster.client(token=cluster.pod_token(cluster.pod(namespace, "worker-0", "worker")))
    with pytest.raises(ApiException) as refused:
        call(client, "GET", f"/api/v1/namespaces/{namespace}/pods")
    assert refused.value.status == 403


@pytest.mark.parametrize("kind", ["token", "certificate"])
def test_a_kubeconfig_carries_the_credentials(control_plane: ControlPlane, namespace: str, kind: str) -> None:
    """kubectl works with it alone, and nobody but its owner may read it."""
    cluster = control_plane.cluster
    if kind == "token":
        expected = f"system:serviceaccount:{namespace}:worker"
        path = cluster.kubeconfig("by-token", token=cluster.service_account_token(namespace, "worker"))
    else:
        expected = "jane"
        path = cluster.kubeconfig("by-cert", certificate=cluster.client_certificate("jane"), namespace=namespace)
        assert yaml.safe_load(path.read_text())["contexts"][0]["context"]["namespace"] == namespace
    assert path.stat().st_mode & 0o077 == 0
    told = subprocess.run(
        [
            control_plane.kubectl,
            "--kubeconfig",
            path,
            "auth",
            "whoami",
            "--output=jsonpath={.status.userInfo.username}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == expected
