"""The administrator's view of a laboratory: namespaces, accounts, Pods, tokens, kubeconfigs, Leases."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException

from leadergate_lab.keys import LabAuthority, ServiceAccountKey, write_private
from leadergate_lab.processes import wait_until

FIELD_MANAGER = "leadergate-lab"


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """A Pod object and what its bound tokens will say."""

    namespace: str
    name: str
    uid: str
    service_account: str
    node_name: str | None


class Cluster:
    """Makes things on the API server, as a member of system:masters. Every method may be called again."""

    def __init__(
        self,
        url: str,
        ca_file: Path,
        token: str,
        clients: LabAuthority,
        service_account_key: ServiceAccountKey,
        directory: Path,
    ) -> None:
        self._url = url
        self._ca_file = ca_file
        self._clients = clients
        self._service_account_key = service_account_key
        self._directory = directory
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

    def client_certificate(self, user: str, groups: Sequence[str] = ()) -> tuple[bytes, bytes]:
        """Certificate and key, both PEM, that the API server takes for ``user`` in ``groups``."""
        return self._clients.client(user, groups)

    def kubeconfig(
        self,
        name: str,
        *,
        token: str | None = None,
        certificate: tuple[bytes, bytes] | None = None,
        server: str | None = None,
        namespace: str = "default",
    ) -> Path:
        """Write ``{name}.kubeconfig``, readable by its owner alone, and return its path."""
        user: dict[str, str] = {}
        if token is not None:
            user["token"] = token
        if certificate is not None:
            user["client-certificate-data"] = base64.b64encode(certificate[0]).decode()
            user["client-key-data"] = base64.b64encode(certificate[1]).decode()
        cluster = {
            "server": server or self._url,
            "certificate-authority-data": base64.b64encode(self._ca_file.read_bytes()).decode(),
        }
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": "lab", "user": name, "namespace": namespace}}],
            "current-context": name,
        }
        return write_private(self._directory / f"{name}.kubeconfig", yaml.safe_dump(content).encode())

    def client(
        self,
        *,
        token: str | None = None,
        certificate: tuple[bytes, bytes] | None = None,
        server: str | None = None,
    ) -> ApiClient:
        """A client with these credentials."""
        configuration = Configuration(host=server or self._url)
        configuration.ssl_ca_cert = str(self._ca_file)
        configuration.proxy = None  # the environment may name one, and the API server is on this machine
        if token is not None:
            configuration.api_key["BearerToken"] = f"Bearer {token}"
        if certificate is not None:
            serial = f"client-{time.monotonic_ns()}"
            configuration.cert_file = str(write_private(self._directory / f"{serial}.crt", certificate[0]))
            configuration.key_file = str(write_private(self._directory / f"{serial}.key", certificate[1]))
        return ApiClient(configuration)

    def apply(self, *manifests: dict[str, Any] | Path) -> None:
        """Server-side apply, by force, of objects or of YAML files with one object or more."""
        for manifest in manifests:
            if isinstance(manifest, Path):
                for document in yaml.safe_load_all(manifest.read_text()):
                    if document:
                        self._apply_one(document)
            else:
                self._apply_one(manifest)

    def wait_established(self, crd_name: str) -> None:
        """Wait until a CustomResourceDefinition is served, in discovery too."""
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd_name}"

        def established() -> bool:
            crd = self.get(path)
            conditions = crd.get("status", {}).get("conditions") or []
            if not any(item["type"] == "Established" and item["status"] == "True" for item in conditions):
                return False
            group, version = crd["spec"]["group"], crd["spec"]["versions"][0]["name"]
            try:
                served = self.get(f"/apis/{group}/{version}")
            except ApiException as error:
                if error.status in (404, 503):
                    return False
                raise
            return any(item["name"] == crd["spec"]["names"]["plural"] for item in served["resources"])

        wait_until(established, what=f"CRD {crd_name} is established", timeout=30)

    def get(self, path: str) -> Any:
        """GET a path of the API as parsed JSON. Raises ApiException."""
        return self.call("GET", path)

    def exists(self, path: str) -> bool:
        """Whether a path of the API answers, rather than 404. Raises ApiException at any other answer."""
        try:
            self.get(path)
        except ApiException as error:
            if error.status == 404:
                return False
            raise
        return True

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

    def _apply_one(self, manifest: dict[str, Any]) -> None:
        path = self._path(manifest)
        self.call(
            "PATCH",
            path,
            manifest,
            content_type="application/apply-patch+yaml",
            fieldManager=FIELD_MANAGER,
            force="true",
        )

    def _path(self, manifest: dict[str, Any]) -> str:
        version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        resource = self._resource(root, kind)
        where = f"/namespaces/{metadata.get('namespace', 'default')}" if resource["namespaced"] else ""
        return f"{root}{where}/{resource['name']}/{metadata['name']}"

    def _resource(self, root: str, kind: str) -> dict[str, Any]:
        """Ask discovery, waiting for a group that a fresh CustomResourceDefinition is about to add."""
        found: list[dict[str, Any]] = []

        def served() -> bool:
            try:
                resources = self.get(root)["resources"]
            except ApiException as error:
                if error.status in (404, 503):
                    return False
                raise
            found.extend(item for item in resources if item["kind"] == kind and "/" not in item["name"])
            return bool(found)

        wait_until(served, what=f"the API server serves kind {kind} under {root}", timeout=15)
        return found[0]


def call(
    api: ApiClient, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **query: str
) -> Any:
    """Call any path of the API with the credentials of ``api``; returns parsed JSON. Raises ApiException."""
    response = api.call_api(
        *api.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
    )
    content = response.read()
    if not 200 <= response.status < 300:
        raise ApiException.from_response(http_resp=response, body=content.decode(errors="replace"), data=None)
    return json.loads(content)


def _micro_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
