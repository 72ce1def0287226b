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

from kubernetes.client import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.incluster_config import InClusterConfigLoader
from kubernetes.config.kube_config import load_kube_config


class CredentialsFault(Exception):
    """The way to the API server cannot be set up; the message names the source, the fault and the remedy."""


@dataclass(frozen=True, slots=True)
class Access:
    """One loaded configuration. Never printed: ``authorization`` is a secret."""

    host: str
    tls: ssl.SSLContext
    authorization: str | None
    server_name: str | None
    proxy: str | None

    def __repr__(self) -> str:
        return f"Access(host={self.host!r})"


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
        configuration = Configuration()
        try:
            self._load_into(configuration)
            return _access(configuration)
        except Exception as error:
            # The library raises whatever it stumbles over in a file: of YAML, of base64, of a part that is no mapping.
            why = " ".join(str(error).split()) or type(error).__name__
            remedy = (
                "check the file, its context and the files that it names"
                if self.kubeconfig is not None
                else "run in a Pod with automountServiceAccountToken, or name a kubeconfig (--kubeconfig)"
            )
            raise CredentialsFault(f"{self}: {why}; {remedy}") from error

    def _load_into(self, configuration: Configuration) -> None:
        if self.kubeconfig is not None:
            if not self.kubeconfig.is_file():
                raise FileNotFoundError("there is no such file")
            load_kube_config(
                config_file=str(self.kubeconfig),
                context=self.context,
                client_configuration=configuration,
                persist_config=False,
            )
            return
        InClusterConfigLoader(
            token_filename=str(self.service_account_directory / "token"),
            cert_filename=str(self.service_account_directory / "ca.crt"),
            environ=os.environ if self.environ is None else self.environ,
        ).load_and_set(configuration)


def _access(configuration: Configuration) -> Access:
    host = str(configuration.host).rstrip("/")
    if not host.startswith(("https://", "http://")):
        raise ConfigException(f"the cluster's server {host!r} is no URL")
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        # kubectl honours insecure-skip-tls-verify too; a user has to write it into the kubeconfig.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    authorization = configuration.get_api_key_with_prefix("BearerToken")
    if not authorization and not configuration.cert_file and host.startswith("https://"):
        raise ConfigException("there is neither a token nor a client certificate, or the exec plugin gave none")
    return Access(
        host=host,
        tls=context,
        # RFC 7235: the scheme's case does not matter, but a newline at a token file's end would break the header.
        authorization=authorization.strip() if authorization else None,
        server_name=configuration.tls_server_name,
        proxy=configuration.proxy,
    )
