"""Two webhook replicas behind one address that make and rotate their own certificates, and a gate that asks them."""

from __future__ import annotations

import base64
import secrets
import signal
from collections.abc import Callable, Sequence
from typing import Any

from leadergate_certs.cluster import LABEL, ROTATE
from leadergate_certs.secret import Unusable, decode, encode
from leadergate_certs.state import Phase, Request, State
from leadergate_lab.certs.balancer import Backend, Balancer
from leadergate_lab.certs.dialer import Dialer
from leadergate_lab.certs.load import StatusLoad
from leadergate_lab.certs.rights import SECRET, rights, writing
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.granted import account, wait_granted
from leadergate_lab.processes import free_port, wait_until
from leadergate_lab.webhook import WebhookProcess, gate_manifest, status_rule
from leadergate_lab.writer import Writer

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
MERGE = "application/merge-patch+json"
HOUR = 3600
PROPAGATION = 1.0
LAG = 0.5
"""How far the dialer's view of the bundles is behind: less than the propagation time, as it must be."""


class CertStage:
    """A namespace of its own with the Secret, a Lease held for an hour, Deployments to write, and the replicas.

    ``flags`` go to every replica; ``propagation`` is in seconds. With a ``service``, replicas take its endpoints for
    themselves, in place of being told where they are. The gate has ``timeout_seconds``. Rights are those of
    ``deploy/kustomize/base``.
    """

    def __init__(
        self,
        plane: ControlPlane,
        *,
        replicas: int = 2,
        flags: Sequence[str] = (),
        propagation: float = PROPAGATION,
        service: str = "",
        timeout_seconds: int = 3,
    ) -> None:
        self.plane = plane
        self.cluster = plane.cluster
        self.propagation = propagation
        self._service = service
        self._timeout_seconds = timeout_seconds
        self.namespace = f"certs-{secrets.token_hex(4)}"
        self.configuration = f"{self.namespace}.leadergate.dev"
        self.secret_path = f"/api/v1/namespaces/{self.namespace}/secrets/{SECRET}"
        self._furnish()
        self.folder = plane.directory / self.namespace
        self.folder.mkdir()
        ports = [free_port() for _ in range(replicas)]
        self.endpoints = ",".join(f"127.0.0.1:{port}" for port in ports)
        self.replicas = [
            WebhookProcess(
                plane,
                name=f"{self.namespace}-{number}",
                port=port,
                serving=self.serving(),
                flags=["--drain-seconds", "0", *flags],
            )
            for number, port in enumerate(ports)
        ]
        self.replicas[0].grant(self.namespace, "lock")
        self.balancer = Balancer(self.folder, [Backend(one.port, one.plain_port) for one in self.replicas])

    def serving(self) -> list[str]:
        """The flags that every replica has."""
        return [
            *("--certs-secret", f"{self.namespace}/{SECRET}"),
            *("--certs-names", "127.0.0.1"),
            *(("--certs-service", self._service) if self._service else ("--certs-endpoints", self.endpoints)),
            *("--certs-propagation", f"{self.propagation:g}s"),
        ]

    def start(self, *, ready: bool = True) -> None:
        """Start the replicas and the balancer."""
        for replica in self.replicas:
            replica.start(ready=False)
        self.balancer.start()
        if ready:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until every replica is ready, which takes a certificate."""
        for replica in self.replicas:
            replica.wait_ready()

    def gate(self, **entry: Any) -> None:
        """Apply the gate, labelled and without a bundle, and wait until it is in force."""
        self.apply_gate(**entry)
        admin = Writer(self.cluster.api)
        wait_until(
            lambda: admin.status(self.objects[0], {"observedGeneration": 1}, dryRun="All").cause == "NotServiceAccount",
            what="the gate rejects what the administrator tries",
            timeout=30,
        )

    def apply_gate(self, **entry: Any) -> None:
        """Apply the gate as a GitOps tool would."""
        self.cluster.apply(self.gate_manifest(**entry))

    def gate_manifest(self, **entry: Any) -> dict[str, Any]:
        """The gate's manifest: without a bundle."""
        here = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        url = f"https://127.0.0.1:{self.balancer.port}/enforce/{self.namespace}/lock"
        rules = [status_rule("apps", "v1", "deployments")]
        usual = {"namespaceSelector": here, "timeoutSeconds": self._timeout_seconds}
        manifest = gate_manifest(self.configuration, url, b"", rules, **{**usual, **entry})
        for webhook in manifest["webhooks"]:
            webhook["clientConfig"].pop("caBundle")
        manifest["metadata"]["labels"] = {LABEL: self.namespace}
        return manifest

    def read_gate(self) -> dict[str, Any]:
        """The configuration as it stands."""
        found: dict[str, Any] = self.cluster.get(f"{CONFIGURATIONS}/{self.configuration}")
        return found

    def bundle(self) -> bytes:
        """The bundle of the gate's first entry."""
        return base64.b64decode(self.read_gate()["webhooks"][0]["clientConfig"].get("caBundle") or "")

    def load(self) -> StatusLoad:
        """Status writes by the holder."""
        return StatusLoad(self.leader, self.objects)

    def dialer(self, *, lag: float = LAG) -> Dialer:
        """Callers that dial anew and hear of bundles late."""
        return Dialer(self.read_gate, self.balancer.port, lag=lag, propagation=self.propagation)

    def state(self) -> State | None:
        """What the Secret holds, None when it is gone or cannot be understood."""
        if not self.cluster.exists(self.secret_path):
            return None
        secret = self.cluster.get(self.secret_path)
        data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
        try:
            return decode(data, (secret["metadata"].get("annotations") or {}).get(ROTATE))
        except Unusable:
            return None

    def put_state(self, state: State) -> None:
        """Write the Secret as if a rotation had come that far."""
        data = {key: base64.b64encode(value).decode() for key, value in encode(state).items()}
        meta = {
            "namespace": self.namespace,
            "name": SECRET,
            "labels": {"app.kubernetes.io/managed-by": "leadergate-certs"},
        }
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": meta, "data": data}
        )

    def ask(self, request: Request) -> None:
        """Ask for a renewal."""
        patch = {"metadata": {"annotations": {ROTATE: str(request)}}}
        self.cluster.call("PATCH", self.secret_path, patch, content_type=MERGE)

    def wait_state(self, holds: Callable[[State], bool], *, what: str, timeout: float = 60.0) -> State:
        """Wait until the Secret's state is so, and return it."""
        found: list[State] = []

        def so() -> bool:
            state = self.state()
            if state is None or not holds(state):
                return False
            found.append(state)
            return True

        wait_until(so, what=what, timeout=timeout)
        return found[0]

    def rotate_ca(self) -> State:
        """Ask for a new authority and wait for the rotation's end: steady, and of ours the bundle holds it alone."""
        state = self.state()
        if state is None:
            raise AssertionError("there is nothing to rotate")
        before = state.newest.fingerprint
        self.ask(Request.CA)
        after = self.wait_state(
            lambda state: state.phase is Phase.STEADY and state.newest.fingerprint != before,
            what=f"{before[:16]} is replaced",
        )

        def told() -> bool:
            bundle = self.bundle()
            return after.newest.pem in bundle and state.newest.pem not in bundle

        wait_until(told, what="the bundle holds the new authority, and the old one no more", timeout=30)
        return after

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all replicas."""
        return sum(replica.metric(name, **labels) for replica in self.replicas)

    def end(self) -> None:
        """Take the gate away and stop everything."""
        if self.cluster.exists(f"{CONFIGURATIONS}/{self.configuration}"):
            self.cluster.call("DELETE", f"{CONFIGURATIONS}/{self.configuration}")
        self.balancer.stop()
        for replica in self.replicas:  # all at once
            replica.process.signal(signal.SIGTERM)
        for replica in self.replicas:
            if replica.process.running:
                replica.process.stop()

    def _furnish(self) -> None:
        self.cluster.namespace(self.namespace)
        self.cluster.service_account(self.namespace, "operator")
        self.cluster.set_lease(self.namespace, "lock", "operator-0", duration=HOUR)
        writers = writing(self.namespace)
        self.cluster.apply(*rights(self.namespace, [self.configuration]), *writers)
        user = account(self.namespace, "operator")
        wait_granted(self.cluster.api, *writers[0]["rules"], user=user, namespace=self.namespace)
        self.objects = [self._deployment(f"app-{number}") for number in range(4)]
        holder = self.cluster.pod(self.namespace, "operator-0", "operator")
        self.leader = Writer(self.cluster.client(token=self.cluster.pod_token(holder)))

    def _deployment(self, name: str) -> str:
        labels = {"app": name}
        self.cluster.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"namespace": self.namespace, "name": name},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {"containers": [{"name": "none", "image": "none"}]},
                    },
                },
            }
        )
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{name}"
