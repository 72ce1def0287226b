"""The webhook's own credentials rotate while it serves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from leadergate_lab.cluster import Cluster, PodIdentity
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import ACCOUNT, NAMESPACE, WebhookProcess
from leadergate_lab.writer import Writer

from .team import Team


class Mount:
    """A folder with ``token`` and ``ca.crt``, written as the kubelet does: a new folder, then one link is swapped."""

    def __init__(self, path: Path, ca_pem: bytes) -> None:
        self.path = path
        self._ca_pem = ca_pem
        self._count = 0
        path.mkdir()
        for name in ("token", "ca.crt"):
            (path / name).symlink_to(Path("..data") / name)

    def write(self, token: str) -> None:
        """Show another token."""
        self._count += 1
        data = self.path / f"..{self._count}"
        data.mkdir()
        (data / "token").write_text(token + "\n")
        (data / "ca.crt").write_bytes(self._ca_pem)
        link = self.path / "..new"
        link.symlink_to(data.name)
        link.rename(self.path / "..data")


@pytest.fixture
def mount(control_plane: ControlPlane, tmp_path: Path) -> Mount:
    """The webhook's mounted credentials."""
    return Mount(tmp_path / "serviceaccount", control_plane.ca_pem)


def _pod_of_webhook(cluster: Cluster, name: str) -> PodIdentity:
    cluster.namespace(NAMESPACE)
    cluster.service_account(NAMESPACE, ACCOUNT)
    return cluster.pod(NAMESPACE, name, ACCOUNT)


def _kubeconfig(plane: ControlPlane, mount: Mount, path: Path) -> Path:
    """One that names the mounted files in place of their content."""
    cluster = {"server": plane.url, "certificate-authority": str(mount.path / "ca.crt")}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "webhook", "user": {"tokenFile": str(mount.path / "token")}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "webhook"}}],
        "current-context": "lab",
    }
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def rotating(
    control_plane: ControlPlane, webhook: WebhookProcess, mount: Mount, tmp_path: Path
) -> Iterator[list[WebhookProcess]]:
    """Two webhooks with these credentials: one by a kubeconfig with ``tokenFile``, one as a Pod would find them."""
    server = urlsplit(control_plane.url)
    kubeconfig = _kubeconfig(control_plane, mount, tmp_path / "kubeconfig")
    pod = {"KUBERNETES_SERVICE_HOST": str(server.hostname), "KUBERNETES_SERVICE_PORT": str(server.port)}
    webhooks = [
        WebhookProcess(control_plane, name="by-token-file", credentials=["--kubeconfig", str(kubeconfig)]),
        WebhookProcess(
            control_plane,
            name="in-cluster",
            credentials=["--service-account-directory", str(mount.path)],
            environment=pod,
        ),
    ]
    mount.write(control_plane.cluster.pod_token(_pod_of_webhook(control_plane.cluster, "webhook-old")))
    for process in webhooks:
        process.start()
    yield webhooks
    for process in webhooks:
        process.process.kill()


def test_a_rotated_token(control_plane: ControlPlane, rotating: list[WebhookProcess], mount: Mount) -> None:
    """When the old token is no longer valid, the very next read takes the new one: no write fails.

    So a webhook finds its way to the API server through a kubeconfig that names files, and as a Pod.
    """
    cluster = control_plane.cluster
    teams = [Team(control_plane, process) for process in rotating]
    for team in teams:
        team.gate()
        assert team.leader.status(team.note, {"text": "before"}).ok
    old = (mount.path / "token").read_text().strip()
    mount.write(cluster.pod_token(_pod_of_webhook(cluster, "webhook-new")))
    cluster.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/webhook-old", gracePeriodSeconds="0")
    holder_of_old = Writer(cluster.client(token=old))
    # The API server remembers for some seconds that a token was good.
    wait_until(lambda: holder_of_old.send("GET", "/version").code == 401, what="the old token is refused", timeout=60)
    for team in teams:
        assert team.leader.status(team.note, {"text": "after"}).ok
        assert team.follower.status(team.note, {"text": "mine"}).cause == "NotHolder"
        assert team.records(pod="operator-0") == []
        team.end()


def test_no_credentials_that_are_taken(control_plane: ControlPlane, webhook: WebhookProcess, mount: Mount) -> None:
    """With a token that the API server refuses it never turns ready, and says why; with a good one it does."""
    kubeconfig = _kubeconfig(control_plane, mount, mount.path.parent / "kubeconfig")
    process = WebhookProcess(control_plane, name="refused", credentials=["--kubeconfig", str(kubeconfig)])
    mount.write("not-a-token")
    process.start(ready=False)
    try:
        process.process.wait_until(
            lambda: "answered 401" in process.process.stderr_path.read_text(), what="it says why", timeout=60
        )
        code, text = process.plain("/readyz")
        assert code == 503
        assert "[-] api-server: the API server has not answered yet" in text
        mount.write(control_plane.cluster.pod_token(_pod_of_webhook(control_plane.cluster, "webhook-new")))
        process.process.wait_until(lambda: process.plain("/readyz")[0] == 200, what="it turns ready", timeout=60)
    finally:
        process.process.kill()
