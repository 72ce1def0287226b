"""``leadergate serve`` out of the image, in front of a real API server: ready, a gate that denies, a graceful end."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.image.cell import Cell
from leadergate_lab.image.engine import ImageError
from leadergate_lab.image.jail import USER
from leadergate_lab.processes import ManagedProcess, wait_until
from leadergate_lab.webhook import ACCOUNT, NAMESPACE, WebhookProcess, status_rule
from leadergate_lab.writer import Answer, Writer

SHOP, LEASE = "shop", "operator-lock"
_CRD = Path(__file__).parents[3] / "deploy" / "operator" / "crd.yaml"
_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
_TLS_FOLDER = "/etc/leadergate/tls"


class Trial:
    """A shop whose Redirects are gated by the image's webhook. End with :meth:`stop`."""

    def __init__(self, plane: ControlPlane, cell: Cell) -> None:
        self._plane, self._cluster = plane, plane.cluster
        self._redirect = self._open_shop()
        self.webhook = WebhookProcess(plane)
        self.webhook.grant(SHOP, LEASE)
        self.webhook.process = self._in(cell)

    def _in(self, cell: Cell) -> ManagedProcess:
        """The process of the image in place of the laboratory's own, with the same ports and certificate."""
        webhook, folder = self.webhook, self._plane.directory
        token = self._cluster.service_account_token(NAMESPACE, ACCOUNT).encode()
        account = _mounted(folder / "account", {"token": token, "ca.crt": self._plane.ca_pem})
        pair = {"tls.crt": webhook.certificate.read_bytes(), "tls.key": webhook.key.read_bytes()}
        mounts = {_ACCOUNT_FOLDER: account, _TLS_FOLDER: _mounted(folder / "tls", pair)}
        server = urlsplit(self._plane.url)
        environment = {
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port),
            "LEADERGATE_POD_NAME": "leadergate-0",
        }
        ports = ["--port", str(webhook.port), "--plain-port", str(webhook.plain_port), "--drain-seconds", "0"]
        program = [*cell.image.entrypoint, "serve", "--address", "127.0.0.1", *ports]
        # PATH finds unshare; nothing of it reaches the program.
        outside = {"PATH": os.environ.get("PATH", os.defpath)}
        return ManagedProcess("image", cell.argv(program, mounts, environment), log_dir=folder, env=outside)

    def _open_shop(self) -> str:
        """A Redirect that pods may write as far as RBAC is concerned, and a Lease held by ``operator-0``."""
        cluster, rbac = self._cluster, "rbac.authorization.k8s.io"
        cluster.apply(_CRD)
        cluster.wait_established("redirects.demo.leadergate.dev")
        cluster.namespace(SHOP)
        cluster.service_account(SHOP, "operator")
        rule = {"apiGroups": ["demo.leadergate.dev"], "resources": ["*"], "verbs": ["get", "patch"]}
        meta = {"namespace": SHOP, "name": "operator"}
        subject = {"kind": "ServiceAccount", "namespace": SHOP, "name": "operator"}
        reference = {"apiGroup": rbac, "kind": "Role", "name": "operator"}
        bound = {"roleRef": reference, "subjects": [subject]}
        version = f"{rbac}/v1"
        cluster.apply(
            {"apiVersion": version, "kind": "Role", "metadata": meta, "rules": [rule]},
            {"apiVersion": version, "kind": "RoleBinding", "metadata": meta, **bound},
            {
                "apiVersion": "demo.leadergate.dev/v1",
                "kind": "Redirect",
                "metadata": {"namespace": SHOP, "name": "docs"},
                "spec": {"path": "/", "target": "https://example.org"},
            },
        )
        cluster.set_lease(SHOP, LEASE, "operator-0", duration=3600)
        return f"/apis/demo.leadergate.dev/v1/namespaces/{SHOP}/redirects/docs"

    def run(self, say: Callable[[str], None]) -> None:
        """All of it. Raises ImageError when the image does not do what it should."""
        began = time.monotonic()
        self.webhook.start()
        say(f"/readyz answers 200 after {time.monotonic() - began:.1f} s")
        path = f"/enforce/{SHOP}/{LEASE}"
        self._cluster.apply(
            self.webhook.gate("redirects", path, [status_rule("demo.leadergate.dev", "v1", "redirects")])
        )
        follower = self._writer("operator-1")
        wait_until(lambda: not self._write(follower).ok, what="the gate is in force", timeout=30)
        denied, allowed = self._write(follower), self._write(self._writer("operator-0"))
        if denied.cause != "NotHolder" or not allowed.ok:
            raise ImageError(f"the gate judged wrongly: a follower got {denied}, the holder {allowed}")
        say(f"a follower's status write: {denied.code} {denied.cause}; the holder's: {allowed.code}")
        record = self.webhook.records()[-1]
        if record["verdict"] != "Deny":
            raise ImageError(f"the denial left no record: the last one is {record}")
        say(f"its record came out on standard output: {record['reason']} {record['standing']}")
        code = self.webhook.process.stop()
        if code != 0:
            raise ImageError(f"on SIGTERM it ended with {code} in place of 0\n{self.webhook.process.tail()}")
        say("on SIGTERM it ended with 0")

    def stop(self) -> None:
        """End the webhook."""
        self.webhook.process.kill()

    def _writer(self, name: str) -> Writer:
        pod = self._cluster.pod(SHOP, name, "operator")
        return Writer(self._cluster.client(token=self._cluster.pod_token(pod)))

    def _write(self, writer: Writer) -> Answer:
        return writer.status(self._redirect, {"observedGeneration": 1})


def _mounted(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder as the kubelet mounts it: the image's user may read it, and nobody else."""
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        file = folder / name
        file.touch(mode=0o400)
        file.write_bytes(content)
        shutil.chown(file, USER, USER)
    shutil.chown(folder, USER, USER)
    return folder
