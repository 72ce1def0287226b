"""Teams on a control plane: each a namespace with a Lease, two pods and something whose status they write."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from leadergate_lab.cluster import Cluster, PodIdentity
from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.granted import wait_granted
from leadergate_lab.keys import write_private
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import WebhookProcess, read_records, status_rule
from leadergate_lab.writer import Answer, Writer

GROUP = "test.leadergate.dev"
LEASE = "lock"
NOTES = status_rule(GROUP, "v1", "notes")
HOUR = 3600


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
        """Let a user or group read and write everything, as far as RBAC is concerned, from now on."""
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
        who: dict[str, Any] = {"user": subject} if kind == "User" else {"groups": [subject]}
        wait_granted(self.cluster.api, *rules, **who)

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
        gate = f"{self.namespace}/{lease}"

        def asked() -> int:
            return sum(record["gate"] == gate and record["mode"] == mode for record in self.webhook.records())

        before = asked()  # another gate may have the same Lease and mode
        self.cluster.apply(self.webhook.gate(name, path, rules, **{"namespaceSelector": here, **entry}))
        self._gates.append(name)
        send = probe or (lambda: Writer(self.cluster.api).status(self.note, {"text": "probe"}, dryRun="All"))

        def taken_up() -> bool:
            send()
            return asked() > before

        wait_until(taken_up, what=f"the API server asks at {path}", timeout=30)
        return f"gate.{name}.leadergate.dev"

    def settle(self, path: str = "") -> None:
        """Wait until the API server's cache has an object, by default the Note, as etcd has it.

        A write is reviewed on the object as the cache has it, and once more if that was stale
        (k8s.io/apiserver ``storage/etcd3/store.go`` GuaranteedUpdate): whoever counts reviews waits first.
        """
        path = path or self.note
        newest = self.cluster.get(path)["metadata"]["resourceVersion"]
        wait_until(
            lambda: self.cluster.call("GET", path, resourceVersion="0")["metadata"]["resourceVersion"] == newest,
            what=f"the API server's cache has {path} at {newest}",
            timeout=30,
        )

    def records(self, *, pod: str | None = None) -> list[dict[str, Any]]:
        """The webhook's records of this team's gates, of one pod's writes if it is named."""
        return [
            record
            for record in self.webhook.records()
            if record["gate"].startswith(f"{self.namespace}/") and pod in (None, record["requester"]["pod"])
        ]

    def audited(self) -> list[dict[str, Any]]:
        """The API server's audit events that speak of this namespace."""
        events = read_records(self.plane.audit_log, self.namespace)
        return [event for event in events if self.namespace in event["requestURI"]]

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


@contextmanager
def serving(plane: ControlPlane, name: str, *flags: str, **how: Any) -> Iterator[WebhookProcess]:
    """A webhook of that name, with these flags, that serves until the block ends; else as ``WebhookProcess`` has it."""
    webhook = WebhookProcess(plane, name=name, flags=["--drain-seconds", "0", *flags], **how)
    try:
        webhook.start()
        yield webhook
    finally:
        if webhook.process.running:
            webhook.process.stop()


@contextmanager
def gathered(plane: ControlPlane, webhook: WebhookProcess) -> Iterator[Team]:
    """A team under that webhook, without a gate yet; its gates go with the block."""
    team = Team(plane, webhook)
    try:
        yield team
    finally:
        team.end()


@contextmanager
def outage(server: ApiServer, *, frozen: bool) -> Iterator[None]:
    """Meanwhile it stands still, or is gone and then started again."""
    if frozen:
        server.freeze()
    else:
        server.kill()
    try:
        yield
    finally:
        if frozen:
            server.thaw()
        else:
            server.start()
