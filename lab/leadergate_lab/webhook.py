"""A leadergate webhook as a process of the laboratory, and the gates that point the API server to it."""

from __future__ import annotations

import base64
import json
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError

from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.granted import account, wait_granted
from leadergate_lab.keys import write_private
from leadergate_lab.processes import ManagedProcess, free_port, python_environment

NAMESPACE = "leadergate-system"
ACCOUNT = "leadergate"


class WebhookProcess:
    """``leadergate serve`` with a serving certificate and credentials of its own.

    It talks to the API server as service account ``leadergate``, which may get the Leases that :meth:`grant` named and
    nothing else. ``server`` names another API server than the first for its Lease reads; ``credentials`` are flags that
    tell it another way to the API server than the kubeconfig that is made for it. ``serving`` are flags that tell it
    where its certificate comes from; without them it gets one of its own, and ``ca_pem`` is what callers must trust.
    """

    def __init__(
        self,
        plane: ControlPlane,
        *,
        name: str = "webhook",
        server: str | None = None,
        credentials: Sequence[str] | None = None,
        flags: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
        serving: Sequence[str] | None = None,
    ) -> None:
        self._cluster = plane.cluster
        # Of the API server that its reads go to.
        self._admin = plane.cluster.client(token=plane.admin_token, server=server)
        folder = plane.directory / name
        folder.mkdir()
        self.ca_pem = b""
        if serving is None:
            serving = self._certify(folder)
        self.port, self.plain_port = port or free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.plain_url = f"http://127.0.0.1:{self.plain_port}"
        self._cluster.namespace(NAMESPACE)
        self._cluster.service_account(NAMESPACE, ACCOUNT)
        # Prefers Lease reads to ordinary work, or status writes and the reads that they wait for starve each other.
        self._cluster.apply(flow_schema())
        token = self._cluster.service_account_token(NAMESPACE, ACCOUNT)
        self.kubeconfig = self._cluster.kubeconfig(f"{name}-api", token=token, server=server)
        argv = [sys.executable, "-m", "leadergate", "serve", "--address", "127.0.0.1"]
        argv += ["--port", str(self.port), "--plain-port", str(self.plain_port)]
        argv += serving
        argv += ["--kubeconfig", str(self.kubeconfig)] if credentials is None else credentials
        self.process = ManagedProcess(
            name, [*argv, *flags], log_dir=folder, env=python_environment(**(environment or {}))
        )

    def _certify(self, folder: Path) -> list[str]:
        now = datetime.now(UTC)
        authority = issue_authority(now)
        pair = issue_serving_pair(authority, ServingNames.parse(ips=["127.0.0.1"]), now)
        self.ca_pem = authority.certificate_pem
        self.ca_file = write_private(folder / "ca.crt", authority.certificate_pem)
        self.certificate = write_private(folder / "tls.crt", pair.certificate_pem)
        self.key = write_private(folder / "tls.key", pair.key_pem)
        return ["--certificate", str(self.certificate), "--key", str(self.key)]

    def grant(self, namespace: str, *leases: str) -> None:
        """Let the webhook's account get these Leases, and wait until its API server knows. Raises TimeoutError."""
        name = "leadergate-leases"
        what = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
        rule = {**what, "resourceNames": list(leases), "verbs": ["get"]}
        rbac = "rbac.authorization.k8s.io"
        meta = {"namespace": namespace, "name": name}
        self._cluster.apply(
            {
                "apiVersion": f"{rbac}/v1",
                "kind": "Role",
                "metadata": meta,
                "rules": [rule],
            },
            {
                "apiVersion": f"{rbac}/v1",
                "kind": "RoleBinding",
                "metadata": meta,
                "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
                "subjects": [{"kind": "ServiceAccount", "namespace": NAMESPACE, "name": ACCOUNT}],
            },
        )
        wait_granted(self._admin, rule, user=account(NAMESPACE, ACCOUNT), namespace=namespace)

    def start(self, *, ready: bool = True) -> None:
        """Start it and, unless told otherwise, wait until it is ready."""
        self.process.start()
        if ready:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it is ready."""
        self.process.wait_until(lambda: self.plain("/readyz")[0] == 200, what="/readyz answers 200", timeout=60)

    def plain(self, path: str) -> tuple[int, str]:
        """GET a path of the plain port: status and text; status 0 when nobody listens."""
        try:
            with urllib.request.urlopen(self.plain_url + path, timeout=5) as answer:  # noqa: S310 - loopback
                return answer.status, answer.read().decode()
        except urllib.request.HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, OSError):
            return 0, ""

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        total = 0.0
        for line in self.plain("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name and all(f'{key}="{text}"' in series for key, text in labels.items()):
                total += float(value)
        return total

    def records(self) -> list[dict[str, Any]]:
        """The records that it has written to standard output so far, oldest first."""
        return read_records(self.process.stdout_path)

    def gate(self, name: str, path: str, rules: Sequence[Mapping[str, Any]], **entry: Any) -> dict[str, Any]:
        """A ValidatingWebhookConfiguration with one gate at ``path``; ``entry`` overrides fields of the webhook."""
        return gate_manifest(name, self.url + path, self.ca_pem, rules, **entry)


def read_records(path: Path, holding: str = "") -> list[dict[str, Any]]:
    """The records in a file of JSON lines that hold a text; a last line that is still being written is left out."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n") and holding in line]


def gate_manifest(
    name: str, url: str, ca_pem: bytes, rules: Sequence[Mapping[str, Any]], **entry: Any
) -> dict[str, Any]:
    """A ValidatingWebhookConfiguration called ``name`` with one entry ``gate.{name}.leadergate.dev``."""
    webhook = {
        "name": f"gate.{name}.leadergate.dev",
        "clientConfig": {"url": url, "caBundle": base64.b64encode(ca_pem).decode()},
        "rules": list(rules),
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": 3,
        "admissionReviewVersions": ["v1"],
        **entry,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [webhook],
    }


def status_rule(group: str, version: str, resource: str, *, scope: str = "*") -> dict[str, Any]:
    """A rule that matches updates of one resource's status."""
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": ["UPDATE"],
        "resources": [f"{resource}/status"],
        "scope": scope,
    }


def flow_schema() -> Path:
    """The shipped one: puts the webhook's reads of Leases into the ``leader-election`` priority level (KEP-1040)."""
    return Path(__file__).parents[2] / "deploy" / "kustomize" / "base" / "flowschema.yaml"
