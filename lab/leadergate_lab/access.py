"""Ways into a laboratory's API server: clients and kubeconfigs with any credentials."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from pathlib import Path

import yaml
from kubernetes.client import ApiClient, Configuration

from leadergate_lab.keys import LabAuthority, write_private


class Access:
    """Knows the API server's address and certificate authority, and the authority for client certificates.

    What has to be a file is written into ``directory``, readable by its owner alone.
    """

    def __init__(self, url: str, ca_file: Path, clients: LabAuthority, directory: Path) -> None:
        self._url = url
        self._ca_file = ca_file
        self._clients = clients
        self._directory = directory
        self._numbers = itertools.count(1)

    def client_certificate(self, user: str, groups: Sequence[str] = ()) -> tuple[bytes, bytes]:
        """Certificate and key, both PEM, that the API server takes for ``user`` in ``groups``."""
        return self._clients.client(user, groups)

    def kubeconfig(
        self,
        name: str,
        *,
        token: str | None = None,
        certificate: tuple[bytes, bytes] | None = None,
        server: str | None = None,
        namespace: str = "default",
    ) -> Path:
        """Write ``{name}.kubeconfig``, readable by its owner alone, and return its path."""
        user: dict[str, str] = {}
        if token is not None:
            user["token"] = token
        if certificate is not None:
            user["client-certificate-data"] = base64.b64encode(certificate[0]).decode()
            user["client-key-data"] = base64.b64encode(certificate[1]).decode()
        cluster = {
            "server": server or self._url,
            # Not its data: the client library would copy that into a temporary file, and leave it there when killed.
            "certificate-authority": str(self._ca_file),
        }
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": "lab", "user": name, "namespace": namespace}}],
            "current-context": name,
        }
        return write_private(self._directory / f"{name}.kubeconfig", yaml.safe_dump(content).encode())

    def client(
        self,
        *,
        token: str | None = None,
        certificate: tuple[bytes, bytes] | None = None,
        server: str | None = None,
    ) -> ApiClient:
        """A client with these credentials."""
        configuration = Configuration(host=server or self._url)
        configuration.ssl_ca_cert = str(self._ca_file)
        configuration.proxy = None  # the environment may name one, and the API server is on this machine
        configuration.connection_pool_maxsize = 64  # tests write from many threads through one client
        if token is not None:
            configuration.api_key["BearerToken"] = f"Bearer {token}"
        if certificate is not None:
            stem = f"client-{next(self._numbers)}"
            configuration.cert_file = str(write_private(self._directory / f"{stem}.crt", certificate[0]))
            configuration.key_file = str(write_private(self._directory / f"{stem}.key", certificate[1]))
        return ApiClient(configuration)
