"""How this process reaches the API server: the Pod's service account, or a kubeconfig.

Tokens rotate: the kubelet replaces a Pod's token file well before it expires, and a kubeconfig may name a ``tokenFile``
or an exec plugin. So the whole configuration is loaded again at intervals, and at once when the API server answers 401.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leadergate_election.access import Access, CredentialsFault

__all__ = ["Access", "CredentialsFault", "CredentialsSource"]


@dataclass(frozen=True, slots=True)
class CredentialsSource:
    """Where the configuration comes from: a kubeconfig when one is named, else the Pod's service account."""

    kubeconfig: Path | None
    context: str | None
    service_account_directory: Path
    environ: Mapping[str, str] | None = None

    def __str__(self) -> str:
        if self.kubeconfig is not None:
            return f"kubeconfig {self.kubeconfig}"
        return f"service account in {self.service_account_directory}"

    def load(self) -> Access:
        """Read everything anew. Blocks on files, and on an exec plugin if the kubeconfig names one.

        Raises:
            CredentialsFault: the source is missing, incomplete or not usable.
        """
        try:
            if self.kubeconfig is not None:
                # Here, not above: it imports every model of the Kubernetes API (35 MiB), and no Pod has a kubeconfig.
                from leadergate_election.kubeconfig import from_kubeconfig

                return from_kubeconfig(self.kubeconfig, self.context)
            return self._from_service_account()
        except CredentialsFault:
            raise
        except Exception as error:
            # The library raises whatever it stumbles over in a file: of YAML, of base64, of a part that is no mapping.
            why = " ".join(str(error).split()) or type(error).__name__
            remedy = (
                "check the file, its context and the files that it names"
                if self.kubeconfig is not None
                else "run in a Pod with automountServiceAccountToken, or name a kubeconfig (--kubeconfig)"
            )
            raise CredentialsFault(f"{self}: {why}; {remedy}") from error

    def _from_service_account(self) -> Access:
        """What every container finds (Kubernetes documentation, "Accessing the Kubernetes API from a Pod")."""
        environ = os.environ if self.environ is None else self.environ
        host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
        if not host or not port:
            raise ValueError("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no Pod")
        token = (self.service_account_directory / "token").read_text(encoding="ascii").strip()
        if not token:
            raise ValueError("the token file is empty")
        return Access(
            host=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            tls=ssl.create_default_context(cafile=self.service_account_directory / "ca.crt"),
            authorization=f"Bearer {token}",
            server_name=None,
            proxy=None,
        )
