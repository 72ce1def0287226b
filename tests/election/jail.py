"""An API server that answers 429 to one account, by its own priority and fairness."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kubernetes.client.exceptions import ApiException

from leadergate_lab.apicall import call
from leadergate_lab.election.stage import ACCOUNT

from .conftest import PATIENCE, Hall

FLOW = "flowcontrol.apiserver.k8s.io/v1"
HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
HANG_SECONDS = 30


@asynccontextmanager
async def jailed(hall: Hall) -> AsyncIterator[None]:
    """All requests of the electors' account are refused as long as the block lasts.

    Its priority level has no seats to its name, so that one request at a time is let in; and that one hangs, in a
    webhook which takes calls and answers none.
    """
    name = hall.namespace
    with socket.create_server(("127.0.0.1", 0), backlog=64) as hanging:
        for manifest in _manifests(name, hanging.getsockname()[1]):
            hall.cluster.apply(manifest)
        client = hall.cluster.client(token=hall.cluster.service_account_token(hall.namespace, ACCOUNT))
        secrets = f"/api/v1/namespaces/{name}/secrets"
        prisoner: asyncio.Task[Any] | None = None
        try:
            end = asyncio.get_running_loop().time() + PATIENCE
            while not await asyncio.to_thread(_throttled, client, hall):
                if prisoner is None or prisoner.done():
                    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"generateName": "jailed-"}}
                    prisoner = asyncio.create_task(_try(client, secrets, body))
                if asyncio.get_running_loop().time() > end:
                    raise TimeoutError("the account was never throttled")
                await asyncio.sleep(0.05)
            yield
        finally:
            hall.cluster.call("DELETE", f"/apis/{FLOW}/flowschemas/{name}")
            hall.cluster.call("DELETE", f"{HOOKS}/{name}")
            hanging.close()
            if prisoner is not None:
                await prisoner
            hall.cluster.call("DELETE", f"/apis/{FLOW}/prioritylevelconfigurations/{name}")


def _throttled(client: Any, hall: Hall) -> bool:
    try:
        call(client, "GET", hall.leases + "/operator-lock")
    except ApiException as error:
        return bool(error.status == 429)
    return False


async def _try(client: Any, path: str, body: dict[str, Any]) -> None:
    with contextlib.suppress(ApiException):
        await asyncio.to_thread(call, client, "POST", path, body)


def _manifests(name: str, port: int) -> list[dict[str, Any]]:
    limited = {
        "nominalConcurrencyShares": 0,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }
    account = {"kind": "ServiceAccount", "serviceAccount": {"namespace": name, "name": ACCOUNT}}
    all_of_it = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}
    return [
        {
            "apiVersion": FLOW,
            "kind": "PriorityLevelConfiguration",
            "metadata": {"name": name},
            "spec": {"type": "Limited", "limited": limited},
        },
        {
            "apiVersion": FLOW,
            "kind": "FlowSchema",
            "metadata": {"name": name},
            "spec": {
                "priorityLevelConfiguration": {"name": name},
                "matchingPrecedence": 10,
                "rules": [{"subjects": [account], "resourceRules": [all_of_it]}],
            },
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"namespace": name, "name": "jailed"},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"namespace": name, "name": "jailed"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "jailed"},
            "subjects": [{"kind": "ServiceAccount", "namespace": name, "name": ACCOUNT}],
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [
                {
                    "name": "hanging.leadergate.dev",
                    "clientConfig": {"url": f"https://127.0.0.1:{port}/"},
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                    "rules": [
                        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]}
                    ],
                    "failurePolicy": "Fail",
                    "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                    "timeoutSeconds": HANG_SECONDS,
                }
            ],
        },
    ]
