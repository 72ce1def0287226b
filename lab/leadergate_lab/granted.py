"""What an API server lets somebody do: it hears of a right by a watch, a while after the right was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

from leadergate_lab.apicall import call
from leadergate_lab.processes import wait_until

_SECONDS = 60.0


def account(namespace: str, name: str) -> str:
    """The user that a service account is."""
    return f"system:serviceaccount:{namespace}:{name}"


def may(
    api: ApiClient,
    verb: str,
    group: str,
    resource: str,
    *,
    user: str = "",
    groups: Sequence[str] = (),
    namespace: str = "",
    name: str = "",
    seconds: int = 30,
) -> bool:
    """Whether the API server lets them, now (SubjectAccessReview). ``resource`` may be ``pods/log``.

    Raises ApiException, with 504 when it does not know within ``seconds``.
    """
    resource, _, subresource = resource.partition("/")
    attributes = {"verb": verb, "group": group, "resource": resource, "subresource": subresource}
    spec = {
        **({"user": user} if user else {}),
        "groups": list(groups),
        "resourceAttributes": {**attributes, "namespace": namespace, "name": name},
    }
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    found = call(api, "POST", path, body, timeout=f"{seconds}s")
    return bool(found["status"]["allowed"])


def wait_granted(
    api: ApiClient,
    *rules: Mapping[str, Any],
    user: str = "",
    groups: Sequence[str] = (),
    namespace: str = "",
) -> None:
    """Wait until the API server grants all that RBAC rules say, in a namespace or everywhere. Raises TimeoutError."""

    def granted(verb: str, group: str, resource: str, name: str) -> bool:
        try:
            return may(api, verb, group, resource, user=user, groups=groups, namespace=namespace, name=name, seconds=2)
        except ApiException as fault:
            if fault.status >= 500:  # an authorizer was asked that does not answer
                return False
            raise

    for rule in rules:
        names = rule.get("resourceNames") or [""]
        for what in product(rule["verbs"], rule["apiGroups"], rule["resources"], names):
            told = f"{user or ', '.join(groups)} may {' '.join(what)}".rstrip()
            wait_until(partial(granted, *what), what=told, timeout=_SECONDS)
