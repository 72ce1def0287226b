"""A whole installation on a control plane of its own: two replicas that rotate, their Service, and two gates."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import yaml
from kubernetes.client.exceptions import ApiException
from typer.testing import CliRunner, Result

from leadergate.doctor.cli import app as doctor
from leadergate.gates.cli import app as gates
from leadergate_lab.certs.stage import CertStage
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.granted import account, may
from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Answer, Writer

from . import objects
from .objects import GROUP, RBAC, REGISTRATION, SERVICE

MERGE = "application/merge-patch+json"
ACCOUNT = "leadergate-system/leadergate"
HOUR = 3600


class Clinic:
    """The installation, and its health.

    ``home`` is the webhook's namespace. Lease ``{writers}/lock`` is held by Pod ``operator-0``; ``gate`` guards the
    status of Parcels by URL, which the API server asks; ``quiet`` that of Letters by the Service, which it cannot reach
    here and is never made to: nobody writes a Letter. Nobody guards Cards.
    ``before`` is what was found when there was no gate yet.
    """

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.cluster = plane.cluster
        self.stage = CertStage(plane, service=SERVICE)
        self.home = self.stage.namespace
        self.writers = f"writers-{self.home.removeprefix('certs-')}"
        self.gate = f"parcels.{self.writers}.leadergate.dev"
        self.quiet = f"letters.{self.writers}.leadergate.dev"
        self.secret = f"{self.home}/tls"
        self.parcel = f"/apis/{GROUP}/v1/namespaces/{self.writers}/parcels/parcel"

    def open(self) -> None:
        """Make all of it, and wait until the gate is in force."""
        for plural, kind in (("parcels", "Parcel"), ("letters", "Letter"), ("cards", "Card")):
            self.cluster.apply(objects.crd(plural, kind))
            self.cluster.wait_established(f"{plural}.{GROUP}")
        self.cluster.apply(objects.crd("plains", "Plain", status=False))
        self._front()
        self.stage.start()
        self._write()
        url = f"https://127.0.0.1:{self.stage.balancer.port}"
        _, self.before = self.findings()
        self.apply(*self.rendered(self.gate, "parcels", "--mode", "enforce", "--url", url))
        front = ["--service", f"{self.home}/{SERVICE}", "--failure-policy", "Ignore"]
        self.apply(*self.rendered(self.quiet, "letters", "--mode", "audit", *front))
        wait_until(lambda: self.write(self.follower).cause == "NotHolder", what="the gate is in force", timeout=30)
        wait_until(lambda: self.write(self.leader).ok, what="the holder writes", timeout=30)
        wait_until(lambda: bool(self.bundle(self.quiet)), what="the quiet gate's bundle is there", timeout=30)
        self.authority = self.bundle(self.quiet)
        self.model = self.rendered("model.example.org", "letters", "--mode", "enforce", *front[:2])[-1]

    def doctor(self, *more: str) -> Result:
        """Run the command in this process, as the administrator."""
        return CliRunner().invoke(doctor, [*self.arguments, *more])

    def program(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a process."""
        argv = [sys.executable, "-m", "leadergate", "doctor", *self.arguments, *more]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)

    @property
    def arguments(self) -> list[str]:
        """What names this installation."""
        where = ["--dial-pods", "--service", f"{self.home}/{SERVICE}", "--secret", self.secret, "--account", ACCOUNT]
        return [*where, "--kubeconfig", str(self.plane.admin_kubeconfig)]

    def findings(self, *more: str) -> tuple[int, list[dict[str, Any]]]:
        """The exit code, and the findings."""
        ended = self.doctor("--output", "json", *more)
        assert ended.stdout, ended.stderr
        found: list[dict[str, Any]] = json.loads(ended.stdout)["findings"]
        return ended.exit_code, found

    def rendered(self, name: str, plural: str, *more: str) -> list[dict[str, Any]]:
        """What ``gate render`` prints for Lease ``lock``: the operator's account alone is judged."""
        arguments = ["render", "--lease", f"{self.writers}/lock", "--resource", f"{plural}.v1.{GROUP}", "--name", name]
        arguments += ["--only-service-account", f"{self.writers}/operator", "--inject", self.home, *more]
        ended = CliRunner().invoke(gates, [*arguments, "--account", ACCOUNT, "--kubeconfig", self.arguments[-1]])
        assert ended.exit_code == 0, ended.stderr
        return list(yaml.safe_load_all(ended.stdout))

    def sick(self, name: str, *, annotated: bool = True, **entry: Any) -> dict[str, Any]:
        """One more gate, of Letters, healthy but for these fields of its entry; the webhook does not keep its caBundle.

        It is ``annotated`` as if cert-manager did.
        """
        manifest = copy.deepcopy(self.model)
        manifest["metadata"] = {"name": name}
        if annotated:
            manifest["metadata"]["annotations"] = {"cert-manager.io/inject-ca-from": f"{self.home}/leadergate"}
        (webhook,) = manifest["webhooks"]
        client = {**webhook["clientConfig"], "caBundle": self.authority, **entry.pop("clientConfig", {})}
        webhook.update({"name": name, "clientConfig": client, **entry})
        return manifest

    def asking(self, path: str = "", *, port: int = 443) -> dict[str, Any]:
        """A ``clientConfig`` with another path or port than is right."""
        path = path or f"/enforce/{self.writers}/lock"
        return {"service": {"namespace": self.home, "name": SERVICE, "port": port, "path": path}}

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Make these."""
        self.cluster.apply(*manifests)

    def delete(self, path: str) -> None:
        """Delete what is there, if it is."""
        try:
            self.cluster.call("DELETE", path)
        except ApiException as fault:
            if fault.status != 404:
                raise

    def pod(self, name: str, **spec: Any) -> None:
        """Make a Pod of the operator anew."""
        token = {"path": "token", "expirationSeconds": HOUR}
        volume = {"name": "token", "projected": {"sources": [{"serviceAccountToken": token}]}}
        mount = {"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
        usual = {
            "serviceAccountName": "operator",
            "volumes": [volume],
            "containers": [{"name": "operator", "image": "operator", "volumeMounts": [mount]}],
        }
        pods = f"/api/v1/namespaces/{self.writers}/pods"
        if self.cluster.exists(f"{pods}/{name}"):
            self.cluster.call("DELETE", f"{pods}/{name}", {"gracePeriodSeconds": 0})
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {**usual, **spec}}
        self.cluster.call("POST", pods, body)

    def lease(self, holder: str | None = "operator-0", **how: Any) -> None:
        """Write the Lease."""
        self.cluster.set_lease(self.writers, "lock", holder, **{"duration": HOUR, **how})

    def write(self, writer: Writer) -> Answer:
        """The answer to a status write, tried as a dry run."""
        return writer.status(self.parcel, {"observedGeneration": 1}, dryRun="All")

    def wait_right(self, *, granted: bool) -> None:
        """Wait until RBAC lets the webhook read the Lease, or does so no more: the API server hears of it late."""
        lock = ("get", "coordination.k8s.io", "leases")
        user = account(*ACCOUNT.split("/"))

        def so() -> bool:
            return may(self.cluster.api, *lock, user=user, namespace=self.writers, name="lock") is granted

        wait_until(so, what=f"the right is {'there' if granted else 'gone'}", timeout=30)

    def bundle(self, name: str) -> str:
        """The caBundle as it stands, in base64."""
        path = f"/apis/{REGISTRATION}/v1/validatingwebhookconfigurations/{name}"
        return str(self.cluster.get(path)["webhooks"][0]["clientConfig"].get("caBundle") or "")

    def close(self) -> None:
        """End the processes."""
        self.stage.end()

    def service(self) -> dict[str, Any]:
        """The Service's manifest."""
        return objects.service(self.home)

    def slice(self, number: int, *, ready: bool = True) -> dict[str, Any]:
        """The EndpointSlice of one replica."""
        return objects.endpoint_slice(self.home, number, self.stage.replicas[number].port, ready=ready)

    def deployment(self, image: str = objects.IMAGE) -> dict[str, Any]:
        """The Deployment's manifest; nothing comes of it here."""
        return objects.deployment(self.home, image)

    def budget(self) -> dict[str, Any]:
        """The PodDisruptionBudget's."""
        return objects.budget(self.home)

    def _front(self) -> None:
        self.apply(self.service(), self.slice(0), self.slice(1), self.deployment(), self.budget())
        self.apply(*(objects.replica(self.home, f"{SERVICE}-{number}") for number in (0, 1)))

    def _write(self) -> None:
        """The operator: its pods, its Lease, one Parcel, and the right to write it."""
        self.cluster.namespace(self.writers)
        self.cluster.service_account(self.writers, "operator")
        metadata = {"namespace": self.writers, "name": "operator"}
        rule = {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "update", "patch"]}
        role = {"apiGroup": RBAC, "kind": "Role", "name": "operator"}
        subject = {"kind": "ServiceAccount", **metadata}
        self.apply(
            {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]},
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": role,
                "subjects": [subject],
            },
            {"apiVersion": f"{GROUP}/v1", "kind": "Parcel", "metadata": {"namespace": self.writers, "name": "parcel"}},
        )
        self.lease()
        self.pod("operator-0")
        self.pod("operator-1")
        self.leader, self.follower = (self._client(name) for name in ("operator-0", "operator-1"))

    def _client(self, name: str) -> Writer:
        pod = self.cluster.pod(self.writers, name, "operator")
        return Writer(self.cluster.client(token=self.cluster.pod_token(pod)))
