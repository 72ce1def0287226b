"""Sidecars as real processes beside an operator whose health a test decides, on the real control plane."""

from __future__ import annotations

import json
import secrets
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.interop.place import allow
from leadergate_lab.processes import ManagedProcess, python_environment, wait_until

LEASE = "operator-lock"
ACCOUNT = "operator"
PATIENCE = 60.0
RULES: list[dict[str, Any]] = [
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
]
"""What ``leadergate elect --help`` says that it takes."""


class Operator:
    """The container beside the sidecar, as far as a sidecar sees it: a health page. ``code`` is what it answers."""

    def __init__(self) -> None:
        self.code = 200
        operator = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(operator.code)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/healthz"

    def end(self) -> None:
        """It is gone, and nobody listens any more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class Sidecar:
    """One ``leadergate elect`` process."""

    def __init__(self, pod: str, process: ManagedProcess) -> None:
        self.pod = pod
        self.process = process

    def log(self, event: str) -> list[dict[str, Any]]:
        """The lines of one event so far."""
        text = self.process.stderr_path.read_text()
        lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [line for line in lines if line["event"] == event]

    def get(self, path: str) -> tuple[int, str]:
        """GET from it: code and text."""
        port = self.log("serving")[-1]["port"]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def leader(self) -> dict[str, Any]:
        """What /leader tells."""
        told: dict[str, Any] = json.loads(self.get("/leader")[1])
        return told


class Scene:
    """A namespace with an account that may do just what the sidecar needs."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.cluster = plane.cluster
        self.namespace = f"sidecar-{secrets.token_hex(4)}"
        self.path = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{LEASE}"
        self.sidecars: list[Sidecar] = []
        self.operators: list[Operator] = []
        self.cluster.namespace(self.namespace)
        self.cluster.service_account(self.namespace, ACCOUNT)
        subject = {"kind": "ServiceAccount", "namespace": self.namespace, "name": ACCOUNT}
        allow(self.cluster, self.namespace, ACCOUNT, RULES, subject)

    def operator(self) -> Operator:
        """An operator that is well."""
        self.operators.append(Operator())
        return self.operators[-1]

    def sidecar(self, pod: str, *flags: str) -> Sidecar:
        """Start one; returns when it serves."""
        identity = self.cluster.pod(self.namespace, pod, ACCOUNT)
        token = self.cluster.pod_token(identity)
        kubeconfig = self.cluster.kubeconfig(f"{self.namespace}-{pod}", token=token, namespace=self.namespace)
        # However busy the machine is, nobody loses a Lease by these, and no operator that is well is taken to be ill.
        argv = [sys.executable, "-m", "leadergate", "elect", "--lease-duration", "60", "--renew-deadline", "40"]
        argv += ["--retry-period", "0.5", "--listen", "127.0.0.1:0", "--kubeconfig", str(kubeconfig)]
        argv += ["--health-period", "0.1", "--health-timeout", "30", *flags]
        environment = python_environment(POD_NAME=pod, POD_NAMESPACE=self.namespace)
        process = ManagedProcess(f"{self.namespace}-{pod}", argv, log_dir=Path(self.plane.directory), env=environment)
        process.start()
        sidecar = Sidecar(pod, process)
        self.sidecars.append(sidecar)
        process.wait_until(lambda: bool(sidecar.log("serving")), what="it serves", timeout=PATIENCE)
        return sidecar

    def lease(self) -> dict[str, Any]:
        """The Lease's spec; empty while there is none."""
        try:
            spec: dict[str, Any] = self.cluster.get(self.path)["spec"]
        except ApiException as error:
            if error.status != 404:
                raise
            return {}
        return spec

    def holder(self) -> str:
        """Who holds the Lease; empty for nobody."""
        return str(self.lease().get("holderIdentity") or "")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something, and show the logs when it does not come."""
        try:
            wait_until(condition, what=what, timeout=PATIENCE)
        except TimeoutError as error:
            raise TimeoutError("\n".join([str(error), *(one.process.tail(12) for one in self.sidecars)])) from None

    def end(self) -> None:
        """End all of it."""
        for sidecar in self.sidecars:
            sidecar.process.kill()
        for operator in self.operators:
            operator.end()


@pytest.fixture
def scene(control_plane: ControlPlane) -> Iterator[Scene]:
    """A namespace of its own."""
    made = Scene(control_plane)
    yield made
    made.end()
