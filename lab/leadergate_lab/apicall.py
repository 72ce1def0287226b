"""One call of the Kubernetes API by its path, with the credentials of a client."""

from __future__ import annotations

import json
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException


def call(
    api: ApiClient, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **query: str
) -> Any:
    """Call any path of the API with the credentials of ``api``; returns parsed JSON. Raises ApiException."""
    response = api.call_api(
        *api.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
    )
    content = response.read()
    if not 200 <= response.status < 300:
        raise ApiException.from_response(http_resp=response, body=content.decode(errors="replace"), data=None)
    return json.loads(content)


def exists(api: ApiClient, path: str) -> bool:
    """Whether a path of the API answers, rather than 404. Raises ApiException at any other answer."""
    try:
        call(api, "GET", path)
    except ApiException as error:
        if error.status == 404:
            return False
        raise
    return True
