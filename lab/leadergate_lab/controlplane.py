"""A real etcd and kube-apiserver on loopback."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import yaml

from leadergate_lab.apiserver import START_SECONDS, ApiServer
from leadergate_lab.assets import Assets
from leadergate_lab.cluster import Cluster
from leadergate_lab.keys import LabAuthority, ServiceAccountKey, write_private
from leadergate_lab.loopback import answers
from leadergate_lab.processes import ManagedProcess, ProcessDied, free_port, wait_until
from leadergate_lab.scratch import Scratch

__all__ = ["ApiServer", "ControlPlane"]

_Launched = TypeVar("_Launched")
_ATTEMPTS = 3

# Rejections' auditAnnotations stand in the response's event at every level, so Metadata suffices.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "verbs": ["create", "update", "patch", "delete"]}, {"level": "None"}],
}


class ControlPlane:
    """etcd and kube-apiserver, and what it takes to talk to them. A context manager; ends with :meth:`stop`."""

    def __init__(
        self,
        assets: Assets,
        directory: Path,
        scratch: Scratch | None,
        port: Callable[[], int] = free_port,
        prefix: Sequence[str] = (),
        service_accounts: bool = False,
    ) -> None:
        self.directory = directory
        self.kubectl = assets.kubectl
        self._assets = assets
        self._scratch = scratch
        self._port = port
        self._prefix = tuple(prefix)
        self._service_accounts = service_accounts
        self._authority = LabAuthority("leadergate-lab")
        self._clients = LabAuthority("leadergate-lab-clients")
        self._service_account_key = ServiceAccountKey()
        self.admin_token = secrets.token_urlsafe(24)
        self._apiservers: list[ApiServer] = []
        self.ca_pem = self._authority.pem
        self.ca_file = write_private(directory / "ca.crt", self.ca_pem)
        self.etcd: ManagedProcess
        self._etcd_url = ""
        self.cluster: Cluster

    @classmethod
    def start(
        cls,
        assets: Assets,
        *,
        directory: Path | None = None,
        apiserver_flags: Sequence[str] = (),
        port: Callable[[], int] = free_port,
        prefix: Sequence[str] = (),
        service_accounts: bool = False,
    ) -> ControlPlane:
        """Start both and wait until the API server is ready.

        Without ``directory`` a temporary one is made and removed at the end; a given one is kept. ``port`` finds free
        ports. ``prefix`` is a command that runs the command behind it. With ``service_accounts`` Pods get the accounts
        and tokens of the ServiceAccount admission plugin, which wants a controller manager. Raises ProcessDied with the
        end of the log of whichever did not start.
        """
        scratch = Scratch() if directory is None else None
        folder = scratch.path if scratch else Path(directory or "").absolute()
        folder.mkdir(parents=True, exist_ok=True)
        plane = cls(assets, folder, scratch, port, prefix, service_accounts)
        try:
            plane._start(apiserver_flags)
        except BaseException:
            plane.stop()
            raise
        return plane

    @property
    def apiserver(self) -> ApiServer:
        """The first API server."""
        return self._apiservers[0]

    @property
    def url(self) -> str:
        """The first API server's address."""
        return self.apiserver.url

    @property
    def audit_log(self) -> Path:
        """The first API server's audit log, JSON lines."""
        return self.apiserver.audit_log

    @property
    def admin_kubeconfig(self) -> Path:
        """A kubeconfig for a member of system:masters."""
        return self.directory / "admin.kubeconfig"

    def add_apiserver(self, *, flags: Sequence[str] = ()) -> ApiServer:
        """Start one more API server on the same etcd."""
        server = self._with_free_port(lambda: self._launch(f"kube-apiserver-{len(self._apiservers)}", flags))
        self._apiservers.append(server)
        return server

    def stop(self) -> None:
        """Stop the API servers, then etcd (the other way round they linger), and remove a temporary folder."""
        for server in reversed(self._apiservers):
            if server.process.running:
                server.stop()
        if hasattr(self, "etcd") and self.etcd.running:
            self.etcd.stop(timeout=10)
        if self._scratch:
            self._scratch.remove()

    def __enter__(self) -> ControlPlane:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, flags: Sequence[str]) -> None:
        self._service_account_key.write(self.directory)
        write_private(self.directory / "clients.crt", self._clients.pem)
        certificate, key = self._authority.serving(["127.0.0.1", "10.0.0.1"])
        write_private(self.directory / "apiserver.crt", certificate)
        write_private(self.directory / "apiserver.key", key)
        tokens = f'{self.admin_token},admin,admin-uid,"system:masters"\n'
        write_private(self.directory / "tokens.csv", tokens.encode())
        (self.directory / "audit-policy.yaml").write_text(yaml.safe_dump(_AUDIT_POLICY))
        self.etcd = self._with_free_port(self._launch_etcd)
        self._apiservers.append(self._with_free_port(lambda: self._launch("kube-apiserver", flags)))
        self.cluster = Cluster(
            self.url, self.ca_file, self.admin_token, self._clients, self._service_account_key, self.directory
        )
        self.cluster.kubeconfig("admin", token=self.admin_token)
        wait_until(
            lambda: self.cluster.exists("/api/v1/namespaces/default"),
            what="the API server makes namespace default",
            timeout=START_SECONDS,
        )

    def _launch_etcd(self) -> ManagedProcess:
        client, peer = (f"http://127.0.0.1:{self._port()}" for _ in range(2))
        etcd = ManagedProcess(
            "etcd",
            [
                *self._prefix,
                str(self._assets.etcd),
                "--name=lab",
                f"--data-dir={self.directory / 'etcd'}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=lab={peer}",
                # Power cuts are none of the laboratory's worries; a slow disk would be.
                "--unsafe-no-fsync",
                "--log-level=warn",
            ],
            log_dir=self.directory,
        )
        etcd.start()
        self.etcd, self._etcd_url = etcd, client
        etcd.wait_until(lambda: answers(f"{client}/health"), what="its health endpoint answers", timeout=30)
        return etcd

    def _launch(self, name: str, flags: Sequence[str]) -> ApiServer:
        folder = self.directory
        argv = [
            *self._prefix,
            str(self._assets.kube_apiserver),
            f"--etcd-servers={self._etcd_url}",
            f"--cert-dir={folder}",
            f"--tls-cert-file={folder / 'apiserver.crt'}",
            f"--tls-private-key-file={folder / 'apiserver.key'}",
            "--bind-address=127.0.0.1",
            f"--client-ca-file={folder / 'clients.crt'}",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder / 'sa.pub'}",
            f"--service-account-signing-key-file={folder / 'sa.key'}",
            "--service-cluster-ip-range=10.0.0.0/24",
            # It would refuse Pods until a controller manager has made default accounts.
            *(() if self._service_accounts else ("--disable-admission-plugins=ServiceAccount",)),
            f"--audit-policy-file={folder / 'audit-policy.yaml'}",
            "--audit-log-mode=blocking",
            # In MB. A log that began anew in the midst of a test would seem to have lost rejections.
            "--audit-log-maxsize=10000",
            "--endpoint-reconciler-type=none",
            # Without it an open watch holds up the end for a minute.
            "--shutdown-watch-termination-grace-period=1s",
            *flags,
        ]
        server = ApiServer(name, argv, directory=folder, port=self._port(), ca_file=self.ca_file)
        try:
            server.start()
        except BaseException:
            server.kill()
            raise
        return server

    @staticmethod
    def _with_free_port(launch: Callable[[], _Launched]) -> _Launched:
        """Launch again on another port when someone else took the first one in between."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return launch()
            except ProcessDied as error:
                if "address already in use" not in str(error):
                    raise
        return launch()
