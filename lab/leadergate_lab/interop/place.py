"""Where an operator runs: a namespace with the sample's kind, an account with ordinary rights, and a gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadergate_lab.cluster import Cluster
from leadergate_lab.granted import account, wait_granted

CRD_FILE = Path(__file__).parents[3] / "deploy" / "operator" / "crd.yaml"
CRD = "redirects.demo.leadergate.dev"
GROUP = "demo.leadergate.dev"
ACCOUNT = "redirect-operator"
RBAC = "rbac.authorization.k8s.io"

# What kubebuilder writes for a kind and for leader election, cut to one namespace.
RULES: list[dict[str, Any]] = [
    {"apiGroups": [GROUP], "resources": ["redirects"], "verbs": ["get", "list", "watch", "patch", "update"]},
    {"apiGroups": [GROUP], "resources": ["redirects/status"], "verbs": ["get", "patch", "update"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
    },
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
]

# What Kopf's documentation asks for besides: without it Kopf starts only when its own retries are over, after 54 s.
CLUSTER_RULES: list[dict[str, Any]] = [
    {
        "apiGroups": ["apiextensions.k8s.io"],
        "resources": ["customresourcedefinitions"],
        "verbs": ["get", "list", "watch"],
    },
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]},
]


@dataclass(frozen=True, slots=True)
class Setting:
    """How the gate and its webhook are set.

    ``options`` follow mode and Lease in the gate's path; ``flags`` are for ``leadergate serve``; ``rights`` are rules
    that its account needs for them in the operator's namespace.
    """

    name: str
    options: str = ""
    flags: tuple[str, ...] = ()
    rights: tuple[Mapping[str, Any], ...] = ()


PLAIN = Setting("403")
"""The gate as it is by default."""

NUDGE = Setting(
    "403, nudge", flags=("--nudge",), rights=({"apiGroups": [GROUP], "resources": ["redirects"], "verbs": ["patch"]},)
)
"""As before, and after a takeover the webhook annotates what it had rejected."""

RETRY_AFTER = Setting("429, 1 s", options="/code/429/retry-after/1")
"""Denials are answered so that client-go repeats within the call."""

CONFLICT_NUDGE = Setting("409, nudge", options="/code/409", flags=NUDGE.flags, rights=NUDGE.rights)
"""Denials look like a conflict, which Kopf does not try again, and the nudge makes good for that."""

CONFLICT = Setting("409", options="/code/409")
"""The same without the nudge."""

SETTINGS = {
    "plain": PLAIN,
    "nudge": NUDGE,
    "retry-after": RETRY_AFTER,
    "conflict": CONFLICT,
    "conflict-nudge": CONFLICT_NUDGE,
}


def furnish(cluster: Cluster, namespace: str) -> None:
    """Make the namespace, and let the account do what an operator does."""
    cluster.apply(CRD_FILE)
    cluster.wait_established(CRD)
    cluster.namespace(namespace)
    cluster.service_account(namespace, ACCOUNT)
    subject = {"kind": "ServiceAccount", "namespace": namespace, "name": ACCOUNT}
    allow(cluster, namespace, ACCOUNT, RULES, subject)
    metadata = {"name": f"{namespace}-{ACCOUNT}"}
    cluster.apply(
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": CLUSTER_RULES},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", **metadata},
            "subjects": [subject],
        },
    )
    wait_granted(cluster.api, *CLUSTER_RULES, user=account(namespace, ACCOUNT))


def allow(cluster: Cluster, namespace: str, name: str, rules: list[Any], subject: Mapping[str, str]) -> None:
    """A Role of these rules, and its binding to ``subject``, a service account, which may do all that from now on."""
    metadata = {"namespace": namespace, "name": name}
    cluster.apply(
        {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
            "subjects": [subject],
        },
    )
    wait_granted(cluster.api, *rules, user=account(subject["namespace"], subject["name"]), namespace=namespace)


def redirect(namespace: str, name: str, target: str) -> dict[str, Any]:
    """A Redirect."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Redirect",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"path": f"/{name}", "target": target},
    }
