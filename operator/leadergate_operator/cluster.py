"""The way to the API server for the informer: the client library's client, with an end to each request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config
from yaml import YAMLError

CONNECT_SECONDS = 3.0
REQUEST_SECONDS = 5.0


class ClusterFault(Exception):
    """The way to the API server cannot be set up; the message names the setting, the fault and the remedy."""


class BoundedApiClient(ApiClient):
    """An ``ApiClient`` whose every request ends in time: the library's own default is to wait for ever."""

    def call_api(self, *args: Any, **kwargs: Any) -> Any:
        """As in ``ApiClient``; a request that names no timeout gets ours."""
        kwargs["_request_timeout"] = kwargs.get("_request_timeout") or (CONNECT_SECONDS, REQUEST_SECONDS)
        return super().call_api(*args, **kwargs)


def connect(kubeconfig: Path | None) -> ApiClient:
    """A client by the kubeconfig, or by the Pod's service account where none is given. Sends no request.

    Raises:
        ClusterFault: the credentials are missing or not usable.
    """
    configuration = Configuration()
    # The callers retry, each at its own pace; hidden retries would only hammer an API server that is down.
    configuration.retries = False
    configuration.keep_alive = True
    try:
        if kubeconfig is None:
            load_incluster_config(client_configuration=configuration)
        else:
            load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
        return BoundedApiClient(configuration)
    except (ConfigException, YAMLError, OSError, TypeError, KeyError, ValueError) as error:
        if kubeconfig is None:
            raise ClusterFault(
                f"no --kubeconfig is given and this is not a Pod with a service account ({error}); "
                "name a kubeconfig by --kubeconfig or KUBECONFIG"
            ) from error
        raise ClusterFault(
            f"--kubeconfig={str(kubeconfig)!r}: {error}; expected a readable kubeconfig with a current context"
        ) from error


def status_code(error: BaseException) -> int | None:
    """The HTTP status of an error of the client, if there was an answer at all."""
    return (error.status or None) if isinstance(error, ApiException) else None


def describe(error: BaseException) -> str:
    """The message that the API server gave (``metav1.Status``), or else the error's own, in one line."""
    if isinstance(error, ApiException):
        try:
            return str(json.loads(error.body or "")["message"])
        except (ValueError, TypeError, KeyError):
            return " ".join(f"{error.status} {error.reason}".split())
    return " ".join(f"{type(error).__name__}: {error}".split())
