"""Installations that really run: real Helm and kubectl, real controllers, and Pods that are processes."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadergate_lab.assets import Assets
from leadergate_lab.certs.load import StatusLoad
from leadergate_lab.cluster import PodIdentity
from leadergate_lab.demo.lines import JsonLines
from leadergate_lab.helm import CHART, Helm, binary
from leadergate_lab.interop.place import allow
from leadergate_lab.processes import wait_until
from leadergate_lab.scratch import Scratch
from leadergate_lab.village.images import leadergate
from leadergate_lab.village.village import Village
from leadergate_lab.webhook import read_records
from leadergate_lab.writer import Writer

DEPLOY = Path(__file__).parents[2] / "deploy"
NAMESPACE = "leadergate-system"
RELEASE = "leadergate"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:leadergate"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
REDIRECTS = "redirects.v1.demo.leadergate.dev"
LEASE = "operator-lock"
RBAC = "rbac.authorization.k8s.io"
PATIENCE = 100.0
HELM_WAITS = ("--wait", f"--timeout={PATIENCE:g}s")
BRISK = ("--set", "settings.drainSeconds=2")
"""The default drain of ten seconds is for clusters whose parts hear late; here all is one machine."""

OWN = (
    *(f"{RBAC}/v1/{{}}/roles", f"{RBAC}/v1/{{}}/rolebindings"),
    *("networking.k8s.io/v1/{}/networkpolicies", "policy/v1/{}/poddisruptionbudgets"),
)
OF_THE_CLUSTER = (
    *(f"{RBAC}/v1/clusterroles", f"{RBAC}/v1/clusterrolebindings"),
    *("flowcontrol.apiserver.k8s.io/v1/flowschemas", "scheduling.k8s.io/v1/priorityclasses"),
)

# Everything that a service account asks for, reads too: what rights are used is told by it.
_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}


class Town:
    """A village with Helm and kubectl, and the sample's Redirects."""

    def __init__(self, village: Village, program: Path) -> None:
        self.village = village
        self.cluster = village.cluster
        self._helm = Helm(program, village.folder / "helm", village.admin_kubeconfig)
        self._audit = JsonLines(village.audit_log)
        self.cluster.apply(DEPLOY / "operator" / "crd.yaml")
        self.cluster.wait_established("redirects.demo.leadergate.dev")

    def helm(self, *arguments: str | Path, fails: bool = False, stdin: str = "") -> str:
        """Run Helm, which has to succeed, or to fail; returns what it printed."""
        return _judged(self._helm.run(*arguments, stdin=stdin), fails=fails)

    def kubectl(self, *arguments: str | Path, fails: bool = False, stdin: str = "") -> str:
        """Run kubectl, which has to succeed, or to fail; returns what it printed."""
        argv = [self.village.plane.kubectl, f"--kubeconfig={self.village.admin_kubeconfig}", *arguments]
        home = {"HOME": str(self.village.folder)}
        done = subprocess.run(
            list(map(str, argv)), input=stdin, env=home, capture_output=True, text=True, check=False, timeout=120
        )
        return _judged(done, fails=fails)

    def make_namespace(self) -> None:
        """Make the webhook's namespace, under Pod Security ``restricted``."""
        self.cluster.apply(DEPLOY / "kustomize" / "base" / "namespace.yaml")
        self.village.wait_namespace(NAMESPACE)

    def install(self, *flags: str) -> str:
        """Install the server, and wait as Helm does. Returns its notes."""
        self.make_namespace()
        return self.helm("install", RELEASE, CHART, "-n", NAMESPACE, *HELM_WAITS, *BRISK, *flags)

    def webhooks(self) -> list[dict[str, Any]]:
        """The server's Pods that are not on their way out."""
        found = self.village.pods(NAMESPACE, "app.kubernetes.io/name=leadergate,app.kubernetes.io/component=webhook")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def clear(self) -> None:
        """Take away every gate, what is in the webhook's namespace and what is the cluster's own of the installation.

        The namespace itself stays: kube-controller-manager takes 5 s before it begins to end one.
        """
        self.cluster.call("DELETE", CONFIGURATIONS)
        for kind in ("apps/v1/{}/deployments", "apps/v1/{}/replicasets"):
            self.cluster.call("DELETE", _within(kind))

        def ended() -> bool:
            # What is not looked at any more need not end in order.
            self.cluster.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods", {"gracePeriodSeconds": 0})
            return not self.village.pods(NAMESPACE)

        wait_until(ended, what="no Pod is left", timeout=PATIENCE)
        # The Secrets are Helm's releases, too.
        for kind in (*OWN, "v1/{}/services", "v1/{}/secrets", "v1/{}/serviceaccounts"):
            self.cluster.call("DELETE", _within(kind))
        for kind in OF_THE_CLUSTER:
            self.cluster.call("DELETE", f"/apis/{kind}", labelSelector="app.kubernetes.io/name=leadergate")
        # A gate's own rights carry its name and no label.
        for kind in ("roles", "rolebindings", "clusterroles", "clusterrolebindings"):
            for item in self.cluster.get(f"/apis/{RBAC}/v1/{kind}")["items"]:
                name, namespace = item["metadata"]["name"], item["metadata"].get("namespace")
                if name.endswith(".leadergate.dev"):
                    where = f"/namespaces/{namespace}" if namespace else ""
                    self.cluster.call("DELETE", f"/apis/{RBAC}/v1{where}/{kind}/{name}")

    def gates(self) -> list[str]:
        """The names of all configurations in the cluster."""
        return [item["metadata"]["name"] for item in self.cluster.get(CONFIGURATIONS)["items"]]

    def requests(self) -> list[dict[str, Any]]:
        """What the webhook's account asked the API server for so far, as its audit log has it."""
        return [event for event in self._audit.all() if event["user"]["username"] == ACCOUNT]

    def logs(self) -> str:
        """All that the server's Pods have written to standard error, of those that are gone as well."""
        pods = self.village.node.pods(NAMESPACE, "leadergate-")
        return "".join(pod.stderr("webhook").read_text() for pod in pods if pod.stderr("webhook").exists())

    def records(self) -> list[dict[str, Any]]:
        """All records that the server's Pods have written, of those that are gone as well."""
        files = [pod.stdout("webhook") for pod in self.village.node.pods(NAMESPACE, "leadergate-")]
        return [record for file in files for record in read_records(file)]


class Shop:
    """An operator's namespace: a Lease held for an hour, a Redirect, the holder's Pod and another one."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.cluster = town.cluster
        self.namespace = f"shop-{secrets.token_hex(3)}"
        self.cluster.namespace(self.namespace)
        self.cluster.service_account(self.namespace, "operator")
        self.cluster.set_lease(self.namespace, LEASE, "operator-0", duration=3600)
        self.redirects = [self._redirect(name) for name in ("docs", "news", "shop", "blog")]
        self.docs = self.redirects[0]
        self.gate_name = f"{LEASE}.{self.namespace}.leadergate.dev"
        self._grant()
        self.holder = self.cluster.pod(self.namespace, "operator-0", "operator")
        self.leader = self.writer(self.holder)
        self.follower = self.writer(self.cluster.pod(self.namespace, "operator-1", "operator"))
        self.admin = Writer(self.cluster.api)

    def writer(self, pod: PodIdentity) -> Writer:
        """A client with the Pod's own token."""
        return Writer(self.cluster.client(token=self.cluster.pod_token(pod)))

    def gate(self, **fields: Any) -> dict[str, Any]:
        """The gate's values, as an item of ``gates``; it enforces unless told otherwise."""
        given = {"lease": f"{self.namespace}/{LEASE}", "resources": [REDIRECTS], "mode": "enforce"}
        # A gate that is asked by a busy machine is not away.
        return {**given, "timeoutSeconds": 10, **fields}

    def values(self, **fields: Any) -> str:
        """A values file with the gate alone."""
        return yaml.safe_dump({"server": {"enabled": False}, "gates": [self.gate(**fields)]})

    def install_gate(self, command: str = "install", **fields: Any) -> None:
        """Install or upgrade the gate as a release of its own."""
        release = f"gates-{self.namespace}"
        self.town.helm(command, release, CHART, "-n", NAMESPACE, "-f", "-", stdin=self.values(**fields))

    def wait_denied(self) -> None:
        """Wait until the gate is in force."""
        wait_until(
            lambda: self.follower.status(self.docs, {"observedGeneration": 1}, dryRun="All").cause == "NotHolder",
            what=f"the gate {self.gate_name} denies the follower\n{self.town.logs()[-2000:]}",
            timeout=PATIENCE,
        )

    def load(self, *, per_second: float = 40.0) -> StatusLoad:
        """Status writes by the holder, without pause."""
        return StatusLoad(self.leader, self.redirects, per_second=per_second)

    def _redirect(self, name: str) -> str:
        spec = {"path": f"/{name}", "target": f"https://example.org/{name}"}
        metadata = {"namespace": self.namespace, "name": name}
        self.cluster.apply(
            {"apiVersion": "demo.leadergate.dev/v1", "kind": "Redirect", "metadata": metadata, "spec": spec}
        )
        return f"/apis/demo.leadergate.dev/v1/namespaces/{self.namespace}/redirects/{name}"

    def _grant(self) -> None:
        resources = ["redirects", "redirects/status"]
        rule = {"apiGroups": ["demo.leadergate.dev"], "resources": resources, "verbs": ["get", "patch"]}
        subject = {"kind": "ServiceAccount", "namespace": self.namespace, "name": "operator"}
        allow(self.cluster, self.namespace, "operator", [rule], subject)


def _within(kind: str) -> str:
    """The path of a kind in the webhook's namespace."""
    root = "/api" if kind.startswith("v1/") else "/apis"
    return f"{root}/{kind.format(f'namespaces/{NAMESPACE}')}"


def _judged(done: subprocess.CompletedProcess[str], *, fails: bool) -> str:
    told = done.stdout + done.stderr
    assert (done.returncode != 0) is fails, f"{_words(done.args)} ended with {done.returncode}: {told}"
    return told


def _words(arguments: Sequence[str]) -> str:
    return " ".join(map(str, arguments[1:]))


@pytest.fixture(scope="package")
def _village(assets: Assets) -> Iterator[Village]:
    scratch = Scratch()
    policy = scratch.path / "accounts-audit.yaml"
    policy.write_text(yaml.safe_dump(_AUDIT))
    flags = [f"--audit-policy-file={policy}"]
    try:
        with Village.start(assets, scratch.path, leadergate(), apiserver_flags=flags) as village:
            yield village
    finally:
        scratch.remove()


@pytest.fixture(scope="package")
def _town(_village: Village) -> Town:
    return Town(_village, binary())


@pytest.fixture
def town(_town: Town) -> Iterator[Town]:
    """A town in which nothing is installed, before the test and after it."""
    yield _town
    _town.clear()


@pytest.fixture
def shop(town: Town) -> Shop:
    """An operator that is gated by nobody yet."""
    return Shop(town)
