"""Reading a kubeconfig, by the client library: contexts, data and files, tokens, client certificates, exec plugins."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from kubernetes.client import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import load_kube_config

from leadergate_election.access import Access, CredentialsFault


def from_kubeconfig(path: Path, context: str | None) -> Access:
    """What the file says of its current context, or of the one that is named.

    Raises:
        CredentialsFault: the file holds certificates or keys, and there is no folder to write them to.
        Exception: of many types, whatever the library stumbles over; the caller translates.
    """
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    configuration = Configuration()
    try:
        load_kube_config(
            config_file=str(path), context=context, client_configuration=configuration, persist_config=False
        )
    except OSError as error:
        # Inline data becomes files, since ssl takes keys from files alone. The library's words would blame the file.
        if not _about_a_file_to_be_made(error) or _can_make_files():
            raise
        raise CredentialsFault(
            f"kubeconfig {path}: holds certificates or keys itself (…-data), for which files have to be made, and no"
            " temporary folder can be written to; mount an emptyDir at /tmp, or name files in the kubeconfig"
        ) from error
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


def _about_a_file_to_be_made(error: OSError) -> bool:
    """A file that the kubeconfig names is told by its name, and so is one that cannot be made in the folder."""
    return error.filename is None or Path(error.filename).parent == Path(str(tempfile.tempdir))


def _can_make_files() -> bool:
    """Whether there is a folder for temporary files: a read-only root file system has none."""
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"\n")
    except OSError:
        return False
    return True
