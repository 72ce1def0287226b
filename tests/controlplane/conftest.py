"""Teams on the shared control plane: each a namespace with a Lease, two pods and something whose status they write."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadergate_lab.assets import Assets
from leadergate_lab.cluster import Cluster, PodIdentity
from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.keys import write_private
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import WebhookProcess, read_records, status_rule
from leadergate_lab.writer import Answer, Writer

GROUP = "test.leadergate.dev"
LEASE = "lock"
NOTES = status_rule(GROUP, "v1", "notes")
HOUR = 3600
NUDGES_PER_SECOND = 50


def _crd(plural: str, kind: str, scope: str) -> dict[str, Any]:
    text = {"type": "object", "properties": {"text": {"type": "string"}}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": text, "status": text}}},
        "subresources": {"status": {}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [version],
        },
    }


def install_crds(cluster: Cluster) -> None:
    """Serve Notes, which are namespaced, and Regions, which are not."""
    for plural, kind, scope in (("notes", "Note", "Namespaced"), ("regions", "Region", "Cluster")):
        cluster.apply(_crd(plural, kind, scope))
        cluster.wait_established(f"{plural}.{GROUP}")


def admission_configuration(folder: Path, **webhooks: str) -> Path:
    """What ``--admission-control-config-file`` names: fields of ``WebhookAdmissionConfiguration`` (API reference)."""
    version = "apiserver.config.k8s.io/v1"
    plugin = {"apiVersion": version, "kind": "WebhookAdmissionConfiguration", **webhooks}
    configuration = {
        "apiVersion": version,
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "ValidatingAdmissionWebhook", "configuration": plugin}],
    }
    return write_private(folder / "admission.yaml", yaml.safe_dump(configuration).encode())


class Team:
    """A namespace with Lease ``lock``, pods ``operator-0`` (its holder) and ``operator-1``, and Note ``note``."""

    def __init__(self, plane: ControlPlane, webhook: WebhookProcess) -> None:
        self.plane = plane
        self.cluster = plane.cluster
        self.webhook = webhook
        self.namespace = f"team-{secrets.token_hex(4)}"
        self.note = f"/apis/{GROUP}/v1/namespaces/{self.namespace}/notes/note"
        self._gates: list[str] = []
        self._numbers = itertools.count()
        self.cluster.namespace(self.namespace)
        self.cluster.service_account(self.namespace, "operator")
        self.let_write("Group", f"system:serviceaccounts:{self.namespace}")
        webhook.grant(self.namespace, LEASE)
        self.lead("operator-0")
        self.make("Note", "note", f"{GROUP}/v1", spec={"text": "wanted"})
        self.holder = self.pod("operator-0")
        self.other = self.pod("operator-1")
        self.leader = self.writer(self.holder)
        self.follower = self.writer(self.other)

    def lead(self, holder: str | None, **lease: Any) -> str:
        """Give the Lease to a holder, for an hour unless told otherwise."""
        return self.cluster.set_lease(self.namespace, LEASE, holder, **{"duration": HOUR, **lease})

    def pod(self, name: str, *, account: str = "operator", node: str | None = None) -> PodIdentity:
        """One more Pod of this namespace."""
        return self.cluster.pod(self.namespace, name, account, node_name=node)

    def writer(self, pod: PodIdentity) -> Writer:
        """A client with the Pod's own token."""
        return Writer(self.cluster.client(token=self.cluster.pod_token(pod)))

    def make(self, kind: str, name: str, version: str, **content: Any) -> None:
        """Make an object, in this namespace if its kind has one."""
        metadata = {"name": name, "namespace": self.namespace}
        self.cluster.apply({"apiVersion": version, "kind": kind, "metadata": metadata, **content})

    def let_write(self, kind: str, subject: str) -> None:
        """Let a user or group read and write everything, as far as RBAC is concerned."""
        group = "rbac.authorization.k8s.io"
        name = f"{self.namespace}-{kind.lower()}-{secrets.token_hex(3)}"
        rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "create", "update", "patch"]}]
        self.cluster.apply(
            {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
            {
                "apiVersion": f"{group}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
                "subjects": [{"apiGroup": group, "kind": kind, "name": subject}],
            },
        )

    def gate(
        self,
        options: str = "",
        *,
        mode: str = "enforce",
        lease: str = LEASE,
        rules: Sequence[Mapping[str, Any]] = (NOTES,),
        probe: Callable[[], Answer] | None = None,
        **entry: Any,
    ) -> str:
        """Gate this namespace's objects and wait until the API server asks; returns the webhook's name.

        ``probe`` is a write that the gate does not allow; by default the administrator's dry run on the Note.
        """
        name = f"{self.namespace}-{next(self._numbers)}"
        here = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        path = f"/{mode}/{self.namespace}/{lease}{options}"
        self.cluster.apply(self.webhook.gate(name, path, rules, **{"namespaceSelector": here, **entry}))
        self._gates.append(name)
        send = probe or (lambda: Writer(self.cluster.api).status(self.note, {"text": "probe"}, dryRun="All"))
        gate = f"{self.namespace}/{lease}"

        def taken_up() -> bool:
            send()
            return any(record["gate"] == gate and record["mode"] == mode for record in self.webhook.records())

        wait_until(taken_up, what=f"the API server asks at {path}", timeout=30)
        return f"gate.{name}.leadergate.dev"

    def records(self, *, pod: str | None = None) -> list[dict[str, Any]]:
        """The webhook's records of this team's gates, of one pod's writes if it is named."""
        return [
            record
            for record in self.webhook.records()
            if record["gate"].startswith(f"{self.namespace}/") and pod in (None, record["requester"]["pod"])
        ]

    def audited(self) -> list[dict[str, Any]]:
        """The API server's audit events that speak of this namespace."""
        return [event for event in read_records(self.plane.audit_log) if self.namespace in event["requestURI"]]

    def text(self) -> str:
        """What the Note's status says."""
        return str(self.cluster.get(self.note).get("status", {}).get("text", ""))

    def end(self) -> None:
        """Take the gates away, so that the next test's writes do not pass by them."""
        while self._gates:
            path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
            self.cluster.call("DELETE", f"{path}/{self._gates.pop()}")

    def ungate(self) -> None:
        """Take the gates away and wait until the API server asks at none of them."""
        self.end()
        admin = Writer(self.cluster.api)
        wait_until(
            lambda: admin.status(self.note, {"text": "probe"}, dryRun="All").ok, what="no gate is asked", timeout=30
        )


@pytest.fixture(scope="package")
def webhook(control_plane: ControlPlane) -> Iterator[WebhookProcess]:
    """One webhook for all teams on the shared control plane."""
    install_crds(control_plane.cluster)
    webhook = WebhookProcess(control_plane, name="shared-webhook", flags=["--drain-seconds", "0"])
    webhook.start()
    yield webhook
    webhook.process.stop()


@pytest.fixture(scope="package")
def spare_plane(assets: Assets) -> Iterator[ControlPlane]:
    """A second control plane, for tests that add API servers and take them away."""
    with ControlPlane.start(assets) as plane:
        install_crds(plane.cluster)
        yield plane


@pytest.fixture(scope="package")
def reader(spare_plane: ControlPlane) -> ApiServer:
    """An API server of the spare control plane that serves nothing but a gate's reads; leave it running."""
    return spare_plane.add_apiserver()


@pytest.fixture
def team(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[Team]:
    """A team of the test's own, without a gate yet."""
    team = Team(control_plane, webhook)
    yield team
    team.end()


@pytest.fixture(scope="module")
def gated(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[Team]:
    """A team whose Notes are gated, for tests that leave its Lease alone."""
    team = Team(control_plane, webhook)
    team.gate()
    yield team
    team.end()


def _nudging(plane: ControlPlane, name: str) -> Iterator[WebhookProcess]:
    """A webhook that nudges."""
    flags = ["--drain-seconds", "0", "--nudge", "--nudge-per-second", str(NUDGES_PER_SECOND)]
    webhook = WebhookProcess(plane, name=name, flags=flags)
    webhook.start()
    yield webhook
    webhook.process.stop()


@pytest.fixture(scope="package")
def one(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[WebhookProcess]:
    """A replica that nudges; the shared webhook, which does not, has served the CRDs."""
    yield from _nudging(control_plane, "nudging-one")


@pytest.fixture(scope="package")
def two(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[WebhookProcess]:
    """Another one."""
    yield from _nudging(control_plane, "nudging-two")


@pytest.fixture
def nudged(control_plane: ControlPlane, one: WebhookProcess) -> Iterator[Team]:
    """A team under a gate of the first replica, which may patch its Notes."""
    from .nudging import let_nudge  # which itself needs Team

    team = Team(control_plane, one)
    let_nudge(team)
    team.gate()
    yield team
    team.end()
