"""A control plane of its own, whose gates are these tests' alone, with a webhook in force and what stands around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from leadergate.gates.cli import app
from leadergate.gates.spec import Account, Service
from leadergate.survey.look import look
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.reach import way
from leadergate_election.connection import ApiConnection
from leadergate_lab.assets import Assets
from leadergate_lab.certs.rights import SECRET
from leadergate_lab.certs.stage import CONFIGURATIONS, CertStage
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.granted import wait_granted
from leadergate_lab.webhook import ACCOUNT, NAMESPACE, gate_manifest, status_rule

MUTATING = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture(scope="package")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    """Nobody else makes gates here."""
    with ControlPlane.start(assets) as plane:
        yield plane


class Installation:
    """A gate in force by URL, and a Service with the objects of an installation, whose endpoint nobody answers at.

    Beside the gate in force there are ``idle.…``, a gate of the Service that nobody writes through, ``broken.…`` and
    ``mutating.…``, which are none, and ``other.…``, which is somebody else's.
    """

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self.cluster = plane, plane.cluster
        self.stage = CertStage(plane, replicas=1)
        self.namespace = self.stage.namespace
        self.service = Service(self.namespace, "leadergate")
        self.account = Account(NAMESPACE, ACCOUNT)
        self.secret = f"{self.namespace}/{SECRET}"

    def start(self) -> None:
        """Make all of it."""
        self.stage.start()
        self._surround()
        self.stage.gate()

    def name(self, stem: str) -> str:
        """The name of one of the configurations."""
        return f"{stem}.{self.stage.configuration}"

    def look(self, kubeconfig: Path | None = None, **how: Any) -> Snapshot:
        """Look as the administrator, or with another kubeconfig; without handshakes, unless told otherwise."""
        source = way(kubeconfig or self.plane.admin_kubeconfig, None)

        async def looked() -> Snapshot:
            connection = ApiConnection(source, source.load(), user_agent="tests", on_reload_fault=print)
            try:
                return await look(
                    connection,
                    service=self.service,
                    account=self.account,
                    secret=self.secret,
                    **{"handshake": False, **how},
                )
            finally:
                await connection.close()

        return asyncio.run(looked())

    def list(self, *more: str, kubeconfig: Path | None = None) -> Result:
        """Run the command on this Service."""
        where = ("--service", f"{self.namespace}/leadergate", "--secret", self.secret)
        return listed(*where, *more, kubeconfig=kubeconfig or self.plane.admin_kubeconfig)

    def listed(self) -> dict[str, Any]:
        """The gate in force, as JSON tells it."""
        (found,) = [one for one in self.json()["gates"] if one["configuration"] == self.stage.configuration]
        assert isinstance(found, dict)
        return found

    def json(self) -> dict[str, Any]:
        """All that is listed."""
        result = self.list("-o", "json")
        assert result.exit_code == 0, result.stderr
        parsed: dict[str, Any] = json.loads(result.stdout)
        return parsed

    def user(self, name: str, *rules: dict[str, Any]) -> Path:
        """A kubeconfig of somebody who has these rights everywhere, from now on, and no others."""
        meta = {"name": name}
        self.cluster.apply(
            {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": meta, "rules": list(rules)},
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": meta,
                "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
                "subjects": [{"apiGroup": RBAC, "kind": "User", "name": name}],
            },
        )
        wait_granted(self.cluster.api, *rules, user=name)
        return self.cluster.kubeconfig(name, certificate=self.cluster.client_certificate(name))

    def end(self) -> None:
        """Take it all away."""
        validating = [f"{CONFIGURATIONS}/{self.name(stem)}" for stem in ("idle", "broken", "other")]
        for path in (*validating, f"{MUTATING}/{self.name('mutating')}"):
            if self.cluster.exists(path):
                self.cluster.call("DELETE", path)
        self.stage.end()

    def _surround(self) -> None:
        here, labels = {"namespace": self.namespace, "name": "leadergate"}, {"app": "gate"}
        ports = [{"name": "plain", "port": 8080}, {"name": "https", "port": 443}]
        container = {"name": "webhook", "image": "leadergate:0.1.0"}
        # The API server refuses loopback here. This address is for documentation (RFC 5737): nobody is there.
        endpoint = {"addresses": ["192.0.2.1"], "targetRef": {"kind": "Pod", "name": "leadergate-0"}}
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "Service", "metadata": here, "spec": {"selector": labels, "ports": ports}},
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {**here, "labels": {"kubernetes.io/service-name": "leadergate"}},
                "addressType": "IPv4",
                "ports": [{"name": "plain", "port": 18080}, {"name": "https", "port": 10250}],
                "endpoints": [{**endpoint, "conditions": {"ready": True}}],
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": here,
                "spec": {
                    "replicas": 1,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
                },
            },
            {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": here,
                "spec": {"selector": {"matchLabels": labels}, "maxUnavailable": 1},
            },
        )
        judged = [f"system:serviceaccount:{self.namespace}:{name}" for name in ("operator", "missing")]
        condition = {"name": "only-service-account", "expression": f"request.userInfo.username in {judged}"}
        rules = [
            status_rule("apps", "*", "deployments"),
            status_rule("", "v1", "pods"),
            status_rule("apps", "v1", "replicants"),
            status_rule("nobody.example.org", "v1", "things"),
        ]
        path = f"/audit/{self.namespace}/idle"
        mutating = {**self._by_service("mutating", path), "kind": "MutatingWebhookConfiguration"}
        self.cluster.apply(
            self._by_service("idle", path, rules=rules, matchConditions=[condition]),
            self._by_service("broken", "/nonsense"),
            self._by_service("other", "/validate", service="other"),
            mutating,
        )

    def _by_service(self, stem: str, path: str, *, service: str = "leadergate", **entry: Any) -> dict[str, Any]:
        """A configuration whose only entry is never called: it asks for a namespace that is not there."""
        made = gate_manifest(self.name(stem), "", b"", [status_rule("apps", "v1", "deployments")])
        where = {"namespace": self.namespace, "name": service, "path": path}
        nowhere = {"matchLabels": {"kubernetes.io/metadata.name": "nowhere"}}
        made["webhooks"][0] |= {
            "clientConfig": {"service": where},
            "failurePolicy": "Ignore",
            "namespaceSelector": nowhere,
            **entry,
        }
        return made


def listed(*arguments: str, kubeconfig: Path) -> Result:
    """Run ``leadergate gate list`` in this process; whatever it raises but an exit fails the test."""
    result = CliRunner().invoke(app, ["list", *arguments, "--kubeconfig", str(kubeconfig)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="package")
def empty(plane: ControlPlane) -> tuple[Result, Result]:
    """What is listed before there is a gate: for people, and as JSON."""
    return listed(kubeconfig=plane.admin_kubeconfig), listed("-o", "json", kubeconfig=plane.admin_kubeconfig)


@pytest.fixture(scope="package")
def installation(plane: ControlPlane, empty: tuple[Result, Result]) -> Iterator[Installation]:
    """One for all tests; each leaves it as it was."""
    installation = Installation(plane)
    try:
        installation.start()
        yield installation
    finally:
        installation.end()
