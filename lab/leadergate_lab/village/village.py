"""A village: etcd, kube-apiserver, kube-controller-manager and a node, in a network namespace of their own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from leadergate_lab.assets import Assets
from leadergate_lab.cluster import Cluster
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.keys import write_private
from leadergate_lab.processes import ManagedProcess, python_environment, wait_until
from leadergate_lab.village import controllers
from leadergate_lab.village import images as tables
from leadergate_lab.village.gate import Gate
from leadergate_lab.village.images import Image
from leadergate_lab.village.kubelet import Papers
from leadergate_lab.village.logs import NodeLogs
from leadergate_lab.village.network import NODE_ADDRESS, SERVICE_RANGE
from leadergate_lab.village.node import READY

_START_SECONDS = 60.0
_WAIT_SECONDS = 120.0
_CHECKOUT = Path(__file__).parents[3]


class Village:
    """A context manager that ends all that it started. See the package for how it is used."""

    def __init__(self, folder: Path, images: Mapping[str, Image]) -> None:
        self.folder = folder
        self.node = NodeLogs(folder / "pods")
        self.gate = Gate(folder)
        self._images = images
        self._ends = ExitStack()
        self.plane: ControlPlane

    @classmethod
    def start(
        cls,
        assets: Assets,
        folder: Path,
        images: Mapping[str, Image],
        *,
        apiserver_flags: Sequence[str] = (),
    ) -> Village:
        """Start it in ``folder``, a new one, which stays, and wait until Pods can be made.

        Raises:
            NoVillage: this system does not let us make namespaces.
            AssetError: kube-controller-manager cannot be built.
            ProcessDied: something did not start; with the end of its log.
        """
        folder.mkdir(parents=True, exist_ok=True)
        village = cls(folder, images)
        try:
            village._start(assets, apiserver_flags)
        except BaseException:
            village.stop()
            raise
        return village

    @property
    def cluster(self) -> Cluster:
        """The administrator's view."""
        return self.plane.cluster

    @property
    def admin_kubeconfig(self) -> Path:
        """A kubeconfig for a member of system:masters, which works outside: for kubectl and Helm."""
        return self.plane.admin_kubeconfig

    @property
    def audit_log(self) -> Path:
        """The API server's audit log, JSON lines."""
        return self.plane.audit_log

    def stop(self) -> None:
        """End everything, the Pods first."""
        self._ends.close()

    def pods(self, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """The Pod objects that a label selector finds."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        found: list[dict[str, Any]] = self.cluster.call("GET", path, labelSelector=selector)["items"]
        return found

    def wait_namespace(self, namespace: str) -> None:
        """Wait until Pods can be made in a namespace: it has its account and the API server's authority."""
        core = f"/api/v1/namespaces/{namespace}"
        for path in (f"{core}/serviceaccounts/default", f"{core}/configmaps/kube-root-ca.crt"):
            wait_until(
                lambda path=path: self.cluster.exists(path),  # type: ignore[misc]
                what=f"kube-controller-manager makes {path}; see {self.folder / 'kube-controller-manager.stderr'}",
                timeout=_START_SECONDS,
            )

    def wait_rollout(self, namespace: str, name: str, *, timeout: float = _WAIT_SECONDS) -> None:
        """Wait until a Deployment is as its spec says, as ``kubectl rollout status`` does, and old Pods are gone.

        Raises TimeoutError with the Deployment's status and the ends of its Pods' logs.
        """
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        self._wait(lambda: _rolled_out(self.cluster.get(path)), path, namespace, name, timeout)

    def wait_pod(self, namespace: str, name: str, phase: str, *, timeout: float = _WAIT_SECONDS) -> dict[str, Any]:
        """Wait until a Pod is in that phase, and return it. Raises TimeoutError, which tells its status and logs."""
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"

        def so() -> bool:
            return bool(self.cluster.get(path).get("status", {}).get("phase") == phase)

        self._wait(so, path, namespace, name, timeout)
        found: dict[str, Any] = self.cluster.get(path)
        return found

    def _wait(self, holds: Callable[[], bool], path: str, namespace: str, name: str, timeout: float) -> None:
        try:
            wait_until(holds, what=f"{path} is as it should be", timeout=timeout, interval=0.1)
        except TimeoutError as fault:
            now = json.dumps(self.cluster.get(path).get("status"), indent=1)
            pods = [{one["metadata"]["name"]: one["status"]} for one in self.pods(namespace)]
            logs = "\n".join(one.tail() for one in self.node.pods(namespace, name))
            raise TimeoutError(f"{fault}\n{now}\n{json.dumps(pods, indent=1)}\n{logs}") from None

    def __enter__(self) -> Village:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, assets: Assets, flags: Sequence[str]) -> None:
        manager = controllers.binary()
        papers = Papers.make(self.folder)
        self._ends.callback(self.gate.stop)
        self.gate.start()
        self.plane = self._ends.enter_context(
            ControlPlane.start(
                assets,
                directory=self.folder,
                port=self.gate.port,
                prefix=self.gate.prefix,
                service_accounts=True,
                apiserver_flags=(
                    # A webhook's Service has no proxy behind it here: the API server goes to its endpoints itself.
                    "--enable-aggregator-routing=true",
                    f"--service-cluster-ip-range={SERVICE_RANGE}",
                    f"--advertise-address={NODE_ADDRESS}",
                    *papers.flags(),
                    *flags,
                ),
            )
        )
        self._run(
            "kube-controller-manager", [str(manager), *controllers.flags(self.admin_kubeconfig, self.plane.ca_file)]
        )
        node = self._run(
            "node", [sys.executable, "-m", "leadergate_lab.village.node", str(self._configure_node(papers))]
        )
        node.wait_until(lambda: READY in node.stdout_path.read_text(), what="it is registered", timeout=_START_SECONDS)
        self.wait_namespace("default")

    def _run(self, name: str, command: Sequence[str]) -> ManagedProcess:
        argv = [*self.gate.prefix, *command]
        process = ManagedProcess(name, argv, log_dir=self.folder, env=python_environment())
        process.start()
        self._ends.callback(lambda: process.running and process.stop(timeout=10))
        return process

    def _configure_node(self, papers: Papers) -> Path:
        pods = self.folder / "pods"
        pods.mkdir(exist_ok=True)
        token = write_private(self.folder / "node.token", self.plane.admin_token.encode())
        configuration = {
            "server": self.plane.url,
            "ca_file": str(self.plane.ca_file),
            "token_file": str(token),
            "folder": str(pods),
            "kubelet": papers.as_json(),
            "images": tables.to_json(self._images),
            "path": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            # What a program of ours needs to be read, though a user's home may be closed to others.
            "show": [sys.base_prefix, sys.prefix, str(_CHECKOUT)],
            # In a user namespace with one user there are no others that files or processes could be given to.
            "may_own": os.getuid() == 0,
        }
        return write_private(self.folder / "node.json", json.dumps(configuration).encode())


def _rolled_out(deployment: Mapping[str, Any]) -> bool:
    status, wanted = deployment.get("status") or {}, deployment["spec"].get("replicas", 1)
    return (
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
        and not status.get("terminatingReplicas", 0)
    )
