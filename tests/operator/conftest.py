"""Replicas of the operator as real processes, on the real control plane, under the RBAC that is shipped."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from kubernetes.client import CoordinationV1Api, CustomObjectsApi
from kubernetes.client.exceptions import ApiException

from leadergate_lab.cluster import Cluster
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import ManagedProcess, wait_until

DEPLOY = Path(__file__).parents[2] / "deploy" / "operator"
KIND = ("demo.leadergate.dev", "v1")
PATIENCE = 60.0
NEVER = 3600.0


class Replica:
    """One operator process and what it says of itself."""

    def __init__(self, pod: str, process: ManagedProcess) -> None:
        self.pod = pod
        self.process = process

    def log(self, event: str | None = None) -> list[dict[str, Any]]:
        """Its whole log so far, or the lines of one event."""
        text = self.process.stderr_path.read_text()
        # The last line may be half written; a whole one ends with a newline.
        lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [line for line in lines if event in (None, line["event"])]

    def writes(self, redirect: str, outcome: str | None = None) -> list[dict[str, Any]]:
        """Its attempts to write one Redirect's status."""
        return [
            line
            for line in self.log("status_write")
            if line["redirect"] == redirect and outcome in (None, line["outcome"])
        ]

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """GET from it, redirects not followed."""
        address = self.log("serving")[-1]["address"]
        with urllib3.PoolManager() as pool:
            return pool.request("GET", f"http://{address}{path}", redirect=False, retries=False, timeout=10.0)

    def table(self) -> dict[str, Any]:
        """What it has programmed."""
        found: dict[str, Any] = self.get("/table").json()
        return found

    def is_ready(self) -> bool:
        """Whether it serves and says that it is ready."""
        return bool(self.log("serving")) and self.get("/readyz").status == 200

    def health(self) -> dict[str, Any]:
        """Who it is and whom it takes for the leader."""
        found: dict[str, Any] = self.get("/healthz").json()
        return found

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something while the process lives."""
        self.process.wait_until(condition, what=f"{self.pod}: {what}", timeout=PATIENCE)


class Fleet:
    """A namespace with the operator's account and rights, its replicas, and an administrator's hands."""

    def __init__(self, cluster: Cluster, namespace: str, log_dir: Path) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.replicas: list[Replica] = []
        self._log_dir = log_dir
        self._api = CustomObjectsApi(cluster.api)
        self._leases = CoordinationV1Api(cluster.api)

    def launch(self, pod: str, *options: str, account: str = "redirect-operator") -> Replica:
        """Start one replica with a token that is bound to its Pod; returns before it is ready."""
        identity = self.cluster.pod(self.namespace, pod, account)
        kubeconfig = self.cluster.kubeconfig(
            f"{self.namespace}-{pod}", token=self.cluster.pod_token(identity), namespace=self.namespace
        )
        argv = [sys.executable, "-m", "leadergate_operator", "run", "--pod-name", pod, "--namespace", self.namespace]
        process = ManagedProcess(
            f"{self.namespace}-{pod}", [*argv, "--kubeconfig", str(kubeconfig), *options], log_dir=self._log_dir
        )
        process.start()
        replica = Replica(pod, process)
        self.replicas.append(replica)
        return replica

    def start(self, count: int, *options: str) -> list[Replica]:
        """Start replicas ``pod-0`` to ``pod-{count-1}`` and wait until each is ready."""
        started = [self.launch(f"pod-{number}", *options) for number in range(count)]
        for replica in started:
            replica.until(replica.is_ready, "ready")
        return started

    def create(self, name: str, path: str, target: str, **spec: object) -> None:
        """Create a Redirect."""
        body = {
            "apiVersion": "/".join(KIND),
            "kind": "Redirect",
            "metadata": {"name": name},
            "spec": {"path": path, "target": target, **spec},
        }
        self._api.create_namespaced_custom_object(*KIND, self.namespace, "redirects", body)

    def change(self, name: str, **spec: object) -> None:
        """Change a Redirect's spec."""
        self._patch(self._api.patch_namespaced_custom_object, name, {"spec": spec})

    def touch_status(self, name: str, status: dict[str, Any]) -> None:
        """Change a Redirect's status, as somebody else would."""
        self._patch(self._api.patch_namespaced_custom_object_status, name, {"status": status})

    def delete(self, name: str) -> None:
        """Delete a Redirect."""
        self._api.delete_namespaced_custom_object(*KIND, self.namespace, "redirects", name)

    def redirect(self, name: str) -> dict[str, Any]:
        """A Redirect as stored."""
        found = self._api.get_namespaced_custom_object(*KIND, self.namespace, "redirects", name)
        assert isinstance(found, dict)
        return found

    def condition(self, name: str) -> dict[str, Any]:
        """A Redirect's one condition as stored, empty while there is none."""
        conditions = self.redirect(name).get("status", {}).get("conditions", [{}])
        assert len(conditions) == 1
        found: dict[str, Any] = conditions[0]
        return found

    def holder(self) -> str | None:
        """Who holds the Lease, if it is there."""
        try:
            lease = self._leases.read_namespaced_lease("operator-lock", self.namespace)
        except ApiException as error:
            if error.status != 404:
                raise
            return None
        return lease.spec.holder_identity if lease.spec else None

    def all_until(self, condition: Callable[[Replica], bool], what: str) -> None:
        """Wait until something holds for every replica."""
        for replica in self.replicas:
            replica.until(partial(condition, replica), what)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something holds for the cluster."""
        wait_until(condition, what=what, timeout=PATIENCE)

    def end(self) -> None:
        """Kill what still runs."""
        for replica in self.replicas:
            if replica.process.running:
                replica.process.kill()

    def _patch(self, patch: Callable[..., object], name: str, body: dict[str, Any]) -> None:
        patch(*KIND, self.namespace, "redirects", name, body, _content_type="application/merge-patch+json")


def rbac_in(namespace: str) -> list[dict[str, Any]]:
    """The shipped rbac.yaml, moved to another namespace and changed in nothing else."""
    text = (DEPLOY / "rbac.yaml").read_text()
    manifests = list(yaml.safe_load_all(text))
    for manifest in manifests:
        metadata = manifest["metadata"]
        metadata["name" if manifest["kind"] == "Namespace" else "namespace"] = namespace
        for subject in manifest.get("subjects", ()):
            subject["namespace"] = namespace
    return manifests


@pytest.fixture
def fleet(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Fleet]:
    """A fresh namespace, ready for replicas."""
    namespace = f"operator-{secrets.token_hex(4)}"
    control_plane.cluster.apply(DEPLOY / "crd.yaml")
    control_plane.cluster.wait_established("redirects.demo.leadergate.dev")
    control_plane.cluster.apply(*rbac_in(namespace))
    fleet = Fleet(control_plane.cluster, namespace, tmp_path)
    yield fleet
    fleet.end()
