"""Replicas of the operator as real processes, on the real control plane, under the RBAC that is shipped."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
import yaml
from kubernetes.client import CoordinationV1Api, CustomObjectsApi
from kubernetes.client.exceptions import ApiException
from prometheus_client.parser import text_string_to_metric_families

from leadergate_lab.cluster import Cluster
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.demo.link import Link
from leadergate_lab.granted import account, wait_granted
from leadergate_lab.processes import ManagedProcess, wait_until
from leadergate_lab.webhook import WebhookProcess, status_rule

DEPLOY = Path(__file__).parents[2] / "deploy" / "operator"
KIND = ("demo.leadergate.dev", "v1")
PATIENCE = 60.0
NEVER = 3600.0
CALM = ("--lease-duration", "60", "--renew-deadline", "40", "--retry-period", "0.5", "--write-timeout", "60")
"""However busy the machine is, nobody loses a Lease or gives up a write by it."""


class Replica:
    """One operator process and what it says of itself."""

    def __init__(self, pod: str, process: ManagedProcess, kubeconfig: Path) -> None:
        self.pod = pod
        self.process = process
        self.kubeconfig = kubeconfig

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
            return pool.request("GET", f"http://{address}{path}", redirect=False, retries=False, timeout=PATIENCE)

    def table(self) -> dict[str, Any]:
        """What it has programmed."""
        found: dict[str, Any] = self.get("/table").json()
        return found

    def is_ready(self) -> bool:
        """Whether it serves and says that it is ready."""
        return bool(self.log("serving")) and self.get("/readyz").status == 200

    def metric(self, name: str, /, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        families = text_string_to_metric_families(self.get("/metrics").data.decode())
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

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

    def launch(self, pod: str, *options: str, account: str = "redirect-operator", server: str | None = None) -> Replica:
        """Start one replica with a token that is bound to its Pod; returns before it is ready.

        ``server`` is another way to the API server.
        """
        identity = self.cluster.pod(self.namespace, pod, account)
        kubeconfig = self.cluster.kubeconfig(
            f"{self.namespace}-{pod}", token=self.cluster.pod_token(identity), namespace=self.namespace, server=server
        )
        argv = [sys.executable, "-m", "leadergate_operator", "run", "--pod-name", pod, "--namespace", self.namespace]
        process = ManagedProcess(
            f"{self.namespace}-{pod}", [*argv, "--kubeconfig", str(kubeconfig), *options], log_dir=self._log_dir
        )
        process.start()
        replica = Replica(pod, process, kubeconfig)
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

    def events(self, name: str) -> list[dict[str, Any]]:
        """The Events about one object, oldest first."""
        selector = f"involvedObject.name={name}"
        found = self.cluster.call("GET", f"/api/v1/namespaces/{self.namespace}/events", fieldSelector=selector)
        items: list[dict[str, Any]] = found["items"]
        return sorted(items, key=lambda item: int(item["metadata"]["resourceVersion"]))

    def holder(self) -> str | None:
        """Who holds the Lease, if it is there."""
        try:
            lease = self._leases.read_namespaced_lease("operator-lock", self.namespace)
        except ApiException as error:
            if error.status != 404:
                raise
            return None
        return (lease.spec.holder_identity or None) if lease.spec else None

    def run_out(self) -> None:
        """Have the Lease run out within a second: its holder is gone, or stands still."""
        body = {"spec": {"leaseDurationSeconds": 1}}
        self._leases.patch_namespaced_lease("operator-lock", self.namespace, body)

    def leader(self) -> Replica:
        """The replica that holds the Lease, once it knows that itself."""
        self.until(lambda: any(self._leads(replica) for replica in self.replicas), "a leader")
        return next(replica for replica in self.replicas if self._leads(replica))

    def _leads(self, replica: Replica) -> bool:
        return replica.process.running and replica.pod == self.holder() and bool(replica.health()["leading"])

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


class Gate:
    """A real webhook, and the gate that points the API server to it for one namespace's Redirects."""

    def __init__(self, plane: ControlPlane, fleet: Fleet) -> None:
        self._cluster = plane.cluster
        self._fleet = fleet
        self.webhook = WebhookProcess(plane, name=f"webhook-{fleet.namespace}", flags=["--drain-seconds", "0"])
        self.webhook.grant(fleet.namespace, "operator-lock", "another")
        self.webhook.start()

    def close(self, options: str = "", *, lease: str = "operator-lock") -> None:
        """Put the gate up, and wait until it is in force. ``options`` follow the Lease in its path."""
        namespace = self._fleet.namespace
        selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        rule = status_rule(*KIND, "redirects", scope="Namespaced")
        path = f"/enforce/{namespace}/{lease}{options}"
        gate = self.webhook.gate(namespace, path, [rule], namespaceSelector=selector, timeoutSeconds=30)
        self._cluster.apply(gate)
        self._fleet.create("probe", "/probe", "https://probe.example")
        self._fleet.until(self._denies, "the gate is in force")
        self._fleet.delete("probe")

    def rejections(self, pod: str, redirect: str) -> list[dict[str, Any]]:
        """Its records of what it denied a pod for one Redirect."""
        return [
            record
            for record in self.webhook.records()
            if (record["verdict"], record["name"], record["requester"]["pod"]) == ("Deny", redirect, pod)
        ]

    def end(self) -> None:
        """Take the gate down, and stop the webhook."""
        path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
        if self._cluster.exists(f"{path}/{self._fleet.namespace}"):
            self._cluster.call("DELETE", f"{path}/{self._fleet.namespace}")
        if self.webhook.process.running:
            self.webhook.process.stop()

    def _denies(self) -> bool:
        try:
            self._fleet.touch_status("probe", {"writtenBy": "the administrator"})
        except ApiException as error:
            return "leadergate.dev" in str(error.body)
        return False


@pytest.fixture
def link(control_plane: ControlPlane) -> Iterator[Link]:
    """A way to the API server that can be held."""
    server = urlsplit(control_plane.url)
    link = Link(server.hostname or "", server.port or 0)
    yield link
    link.close()


@pytest.fixture
def gate(control_plane: ControlPlane, fleet: Fleet) -> Iterator[Gate]:
    """A webhook that runs; the gate is put up by ``close``."""
    gate = Gate(control_plane, fleet)
    yield gate
    fleet.end()
    gate.end()


@pytest.fixture
def fleet(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Fleet]:
    """A fresh namespace, ready for replicas."""
    namespace = f"operator-{secrets.token_hex(4)}"
    control_plane.cluster.apply(DEPLOY / "crd.yaml")
    control_plane.cluster.wait_established("redirects.demo.leadergate.dev")
    manifests = rbac_in(namespace)
    control_plane.cluster.apply(*manifests)
    rules = [rule for manifest in manifests for rule in manifest.get("rules", ())]
    user = account(namespace, "redirect-operator")
    wait_granted(control_plane.cluster.api, *rules, user=user, namespace=namespace)
    fleet = Fleet(control_plane.cluster, namespace, tmp_path)
    yield fleet
    fleet.end()
