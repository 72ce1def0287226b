"""Reading a kubeconfig, by the client library: contexts, data and files, tokens, client certificates, exec plugins."""

from __future__ import annotations

import ssl
from pathlib import Path

from kubernetes.client import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import load_kube_config

from leadergate_election.credentials import Access


def from_kubeconfig(path: Path, context: str | None) -> Access:
    """What the file says of its current context, or of the one that is named.

    Raises:
        Exception: of many types, whatever the library stumbles over; the caller translates.
    """
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    configuration = Configuration()
    load_kube_config(config_file=str(path), context=context, client_configuration=configuration, persist_config=False)
    host = str(configuration.host).rstrip("/")
    if not host.startswith(("https://", "http://")):
        raise ConfigException(f"the cluster's server {host!r} is no URL")
    tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        # kubectl honours insecure-skip-tls-verify too; a user has to write it into the kubeconfig.
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        tls.load_cert_chain(configuration.cert_file, configuration.key_file)
    authorization = configuration.get_api_key_with_prefix("BearerToken")
    if not authorization and not configuration.cert_file and host.startswith("https://"):
        raise ConfigException("there is neither a token nor a client certificate, or the exec plugin gave none")
    return Access(
        host=host,
        tls=tls,
        # RFC 7235: the scheme's case does not matter, but a newline at a token file's end would break the header.
        authorization=authorization.strip() if authorization else None,
        server_name=configuration.tls_server_name,
        proxy=configuration.proxy,
    )
