"""The administrator's view of a laboratory: namespaces, accounts, Pods, tokens, kubeconfigs, Leases."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubernetes.client.exceptions import ApiException

from leadergate_lab.access import Access
from leadergate_lab.apicall import call, exists
from leadergate_lab.keys import LabAuthority, ServiceAccountKey
from leadergate_lab.manifests import apply, wait_established

__all__ = ["Cluster", "PodIdentity", "call"]


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """A Pod object and what its bound tokens will say."""

    namespace: str
    name: str
    uid: str
    service_account: str
    node_name: str | None


class Cluster(Access):
    """Makes things on the API server, as a member of system:masters. Every method may be called again.

    ``api`` is the administrator's client.
    """

    def __init__(
        self,
        url: str,
        ca_file: Path,
        token: str,
        clients: LabAuthority,
        service_account_key: ServiceAccountKey,
        directory: Path,
    ) -> None:
        super().__init__(url, ca_file, clients, directory)
        self._service_account_key = service_account_key
        self.api = self.client(token=token)

    def namespace(self, name: str) -> None:
        """Make a namespace."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def service_account(self, namespace: str, name: str) -> None:
        """Make a service account."""
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name}})

    def pod(self, namespace: str, name: str, service_account: str, *, node_name: str | None = None) -> PodIdentity:
        """Make a Pod object, and the Node it is on. No kubelet runs: its containers never do."""
        if node_name is not None:
            self.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node_name}})
        spec: dict[str, Any] = {
            "serviceAccountName": service_account,
            "automountServiceAccountToken": False,
            "containers": [{"name": "none", "image": "none"}],
        }
        if node_name is not None:
            spec["nodeName"] = node_name
        pods = f"/api/v1/namespaces/{namespace}/pods"
        try:
            body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
            made = self.call("POST", pods, body)
        except ApiException as error:
            if error.status != 409:
                raise
            made = self.get(f"{pods}/{name}")
        return PodIdentity(namespace, name, made["metadata"]["uid"], service_account, node_name)

    def pod_token(self, pod: PodIdentity, *, seconds: int = 3600) -> str:
        """A token bound to the Pod, as the kubelet would mount it (TokenRequest API)."""
        bound = {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid}
        return self._token(pod.namespace, pod.service_account, {"expirationSeconds": seconds, "boundObjectRef": bound})

    def service_account_token(self, namespace: str, name: str) -> str:
        """A token bound to nothing, like that of ``kubectl create token``."""
        return self._token(namespace, name, {"expirationSeconds": 3600})

    def legacy_token(self, namespace: str, name: str) -> str:
        """A token of a Secret, as the controller manager made them before Kubernetes 1.24; signed here in its place."""
        uid = self.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}")["metadata"]["uid"]
        secret = f"{name}-token"
        prefix = "kubernetes.io/serviceaccount"
        token = self._service_account_key.sign(
            {
                "iss": "kubernetes/serviceaccount",
                f"{prefix}/namespace": namespace,
                f"{prefix}/secret.name": secret,
                f"{prefix}/service-account.name": name,
                f"{prefix}/service-account.uid": uid,
                "sub": f"system:serviceaccount:{namespace}:{name}",
            }
        )
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/service-account-token",
                "metadata": {
                    "namespace": namespace,
                    "name": secret,
                    "annotations": {
                        "kubernetes.io/service-account.name": name,
                        "kubernetes.io/service-account.uid": uid,
                    },
                },
                "data": {"token": base64.b64encode(token.encode()).decode()},
            }
        )
        return token

    def apply(self, *manifests: dict[str, Any] | Path) -> None:
        """Server-side apply, by force, of objects or of YAML files with one object or more.

        Kinds that the API server does not serve yet are waited for: a definition may come right before its objects.
        Raises ApiException when it is refused, TimeoutError when a kind is never served.
        """
        for manifest in manifests:
            apply(self.api, manifest)

    def wait_established(self, crd_name: str) -> None:
        """Wait until a CustomResourceDefinition is served, in discovery too. Raises TimeoutError."""
        wait_established(self.api, crd_name)

    def get(self, path: str) -> Any:
        """GET a path of the API as parsed JSON. Raises ApiException."""
        return self.call("GET", path)

    def exists(self, path: str) -> bool:
        """Whether a path of the API answers, rather than 404. Raises ApiException at any other answer."""
        return exists(self.api, path)

    def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **query: str
    ) -> Any:
        """Call any path of the API with a JSON body; returns parsed JSON. Raises ApiException."""
        return call(self.api, method, path, body, content_type=content_type, **query)

    def set_lease(
        self,
        namespace: str,
        name: str,
        holder: str | None,
        *,
        duration: int | None = 15,
        renew_time: datetime | None = None,
        transitions: int | None = None,
    ) -> str:
        """Make or replace a Lease, renewed now unless told otherwise, and return its resourceVersion."""
        renewed = _micro_time(renew_time or datetime.now(UTC))
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": duration,
            "acquireTime": renewed,
            "renewTime": renewed,
            "leaseTransitions": transitions,
        }
        path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
        try:
            lease = self.call("PATCH", f"{path}/{name}", body, content_type="application/merge-patch+json")
        except ApiException as error:
            if error.status != 404:
                raise
            lease = self.call("POST", path, body)
        return str(lease["metadata"]["resourceVersion"])

    def delete_lease(self, namespace: str, name: str) -> None:
        """Delete a Lease."""
        self.call("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}")

    def _token(self, namespace: str, account: str, spec: dict[str, Any]) -> str:
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": [], **spec}}
        return str(self.call("POST", path, body)["status"]["token"])


def _micro_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
