"""A shop on the shared control plane whose Redirects are gated by what `gate render` prints, and by nothing else."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from leadergate.gates.cli import app as gates
from leadergate_certs.cli import app as certs
from leadergate_lab import granted
from leadergate_lab.cluster import Cluster, PodIdentity
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import ACCOUNT, NAMESPACE, WebhookProcess
from leadergate_lab.writer import Answer, Writer

from ..controlplane.team import serving

CRD = Path(__file__).parents[2] / "deploy" / "operator" / "crd.yaml"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
REDIRECTS = "redirects.v1.demo.leadergate.dev"
LEASE = "lock"
HOUR = 3600
GROUP = "gates.leadergate.dev"


def crd(plural: str, kind: str, *, scope: str, status: bool) -> dict[str, Any]:
    """A definition in group ``gates.leadergate.dev``, with or without a status subresource."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        **({"subresources": {"status": {}}} if status else {}),
    }
    names = {"plural": plural, "singular": kind.lower(), "kind": kind}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": scope, "names": names, "versions": [version]},
    }


def install_crds(cluster: Cluster) -> None:
    """The sample operator's Redirects, Plains without a status subresource, and Regions, which have no namespace."""
    cluster.apply(
        CRD,
        crd("plains", "Plain", scope="Namespaced", status=False),
        crd("regions", "Region", scope="Cluster", status=True),
    )
    for name in ("redirects.demo.leadergate.dev", f"plains.{GROUP}", f"regions.{GROUP}"):
        cluster.wait_established(name)


class Shop:
    """A namespace with Lease ``lock``, held by pod ``operator-0``, a pod ``operator-1``, and Redirect ``redirect``.

    Everybody may write Redirects here as far as RBAC is concerned: what is turned away, a gate has turned away.
    """

    def __init__(self, plane: ControlPlane, webhook: WebhookProcess) -> None:
        self.plane = plane
        self.cluster = plane.cluster
        self.webhook = webhook
        self.namespace = f"shop-{secrets.token_hex(4)}"
        self.gate_name = f"{LEASE}.{self.namespace}.leadergate.dev"
        self.cluster.namespace(self.namespace)
        self.cluster.service_account(self.namespace, "operator")
        self.cluster.service_account(self.namespace, "fixer")
        self._made: list[str] = []
        self._open()
        self.cluster.set_lease(self.namespace, LEASE, "operator-0", duration=HOUR)
        self.redirect = self.make_redirect(self.namespace)
        self.leader = self.pod("operator-0", "operator")
        self.follower = self.pod("operator-1", "operator")

    def _open(self) -> None:
        rbac = "rbac.authorization.k8s.io"
        rule = {"apiGroups": ["demo.leadergate.dev"], "resources": ["*"], "verbs": ["get", "update", "patch"]}
        subject = {"apiGroup": rbac, "kind": "Group", "name": "system:authenticated"}
        name = {"name": "open-to-all", "namespace": self.namespace}
        self.cluster.apply(
            {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": name, "rules": [rule]},
            {
                "apiVersion": f"{rbac}/v1",
                "kind": "RoleBinding",
                "metadata": name,
                "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name["name"]},
                "subjects": [subject],
            },
        )

    def make_redirect(self, namespace: str) -> str:
        """A Redirect called ``redirect``; returns its path."""
        self.cluster.apply(
            {
                "apiVersion": "demo.leadergate.dev/v1",
                "kind": "Redirect",
                "metadata": {"namespace": namespace, "name": "redirect"},
                "spec": {"path": "/", "target": "https://example.org"},
            }
        )
        self._made.append(f"/apis/demo.leadergate.dev/v1/namespaces/{namespace}/redirects/redirect")
        return self._made[-1]

    def pod(self, name: str, account: str) -> Writer:
        """A client with the token of a Pod of this namespace."""
        pod: PodIdentity = self.cluster.pod(self.namespace, name, account)
        return Writer(self.cluster.client(token=self.cluster.pod_token(pod)))

    def person(self, user: str, *groups: str) -> Writer:
        """A client with a certificate of this user."""
        return Writer(self.cluster.client(certificate=self.cluster.client_certificate(user, groups)))

    def write(self, writer: Writer, path: str | None = None) -> Answer:
        """Try a status write; nothing is kept of it."""
        return writer.status(path or self.redirect, {"observedGeneration": 1}, dryRun="All")

    def render(self, *more: str, resource: str = REDIRECTS) -> Result:
        """Render a gate of this namespace's Lease at the shared webhook."""
        where = ("--lease", f"{self.namespace}/{LEASE}", "--url", self.webhook.url)
        return render(self.plane, *where, "--resource", resource, *more)

    def kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator."""
        kubeconfig = self.plane.admin_kubeconfig
        command = [str(self.plane.kubectl), f"--kubeconfig={kubeconfig}", *arguments]
        return subprocess.run(
            command, input=stdin, env={"HOME": str(kubeconfig.parent)}, capture_output=True, text=True, check=False
        )

    def gate(self, *more: str) -> str:
        """Render in mode enforce, apply with kubectl, inject by command, wait until it is in force; what was rendered.

        The follower must be whom it turns away.
        """
        rendered = self.render("--mode", "enforce", *more)
        assert rendered.exit_code == 0, rendered.stderr
        applied = self.kubectl("apply", "--server-side", "--validate=strict", "-f", "-", stdin=rendered.stdout)
        assert applied.returncode == 0, applied.stderr
        self.inject()
        what = "the gate is in force, and its webhook may read the Lease"
        wait_until(lambda: self.write(self.follower).cause == "NotHolder", what=what, timeout=30)
        return rendered.stdout

    def inject(self) -> None:
        """Trust the webhook's authority, as a user without ``--certs-secret`` does."""
        arguments = ["inject", "--name", self.gate_name, "--ca-file", str(self.webhook.ca_file)]
        done = CliRunner().invoke(certs, [*arguments, "--kubeconfig", str(self.plane.admin_kubeconfig)])
        assert done.exit_code == 0, done.stderr

    def records(self) -> list[dict[str, Any]]:
        """The webhook's records of this gate."""
        return [one for one in self.webhook.records() if one["gate"] == f"{self.namespace}/{LEASE}"]

    def end(self) -> None:
        """Take the gate away, and the Redirects."""
        if self.cluster.exists(f"{CONFIGURATIONS}/{self.gate_name}"):
            self.cluster.call("DELETE", f"{CONFIGURATIONS}/{self.gate_name}")
        while self._made:
            self.cluster.call("DELETE", self._made.pop())


def render(plane: ControlPlane, *arguments: str, kubeconfig: Path | None = None) -> Result:
    """Run the command as the cluster's administrator, or with another kubeconfig; in this process, to be quick."""
    argv = ["render", *arguments, "--kubeconfig", str(kubeconfig or plane.admin_kubeconfig)]
    result = CliRunner().invoke(gates, argv)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="package")
def gate_webhook(control_plane: ControlPlane) -> Iterator[WebhookProcess]:
    """One webhook for all shops: it may read no Lease until a rendered gate says so, and records all verdicts."""
    install_crds(control_plane.cluster)
    with serving(control_plane, "gates-webhook", "--record-allowed") as webhook:
        yield webhook


@pytest.fixture
def shop(control_plane: ControlPlane, gate_webhook: WebhookProcess) -> Iterator[Shop]:
    """A shop of the test's own, without a gate yet."""
    shop = Shop(control_plane, gate_webhook)
    yield shop
    shop.end()


@pytest.fixture
def may(control_plane: ControlPlane) -> Callable[..., bool]:
    """Whether RBAC lets the webhook's account do something, as ``granted.may`` is called."""
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"]
    return partial(granted.may, control_plane.cluster.api, user=granted.account(NAMESPACE, ACCOUNT), groups=groups)
