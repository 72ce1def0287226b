"""The rights of the replicas and of the operator in a stage."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from leadergate_lab.webhook import ACCOUNT, NAMESPACE

RBAC = Path(__file__).parents[3] / "deploy" / "kustomize" / "base" / "certs-rbac.yaml"
SECRET = "tls"  # noqa: S105 - the name of one
_GROUP = "rbac.authorization.k8s.io"


def rights(namespace: str, configurations: Iterable[str]) -> list[dict[str, Any]]:
    """The shipped certs-rbac.yaml for a Secret ``tls`` in that namespace, and to inject into these configurations."""
    manifests: list[dict[str, Any]] = [one for one in yaml.safe_load_all(RBAC.read_text()) if one]
    for manifest in manifests:
        if "namespace" in manifest["metadata"]:
            manifest["metadata"]["namespace"] = namespace
        for rule in manifest.get("rules", ()):
            if "secrets" in rule["resources"] and "resourceNames" in rule:
                rule["resourceNames"] = [SECRET]
    return [*manifests, *_injecting(f"leadergate-inject-{namespace}", list(configurations))]


def _injecting(name: str, configurations: list[str]) -> list[dict[str, Any]]:
    """As ``leadergate gate render`` grants it for each gate."""
    rule = {
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": ["validatingwebhookconfigurations"],
        "resourceNames": configurations,
        "verbs": ["patch"],
    }
    return [
        {"apiVersion": f"{_GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": [rule]},
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "namespace": NAMESPACE, "name": ACCOUNT}],
        },
    ]


def writing(namespace: str) -> list[dict[str, Any]]:
    """What lets the operator write the status of Deployments in its namespace."""
    metadata = {"namespace": namespace, "name": "operator"}
    rules = [{"apiGroups": ["apps"], "resources": ["deployments", "deployments/status"], "verbs": ["get", "patch"]}]
    subject = {"kind": "ServiceAccount", "namespace": namespace, "name": "operator"}
    return [
        {"apiVersion": f"{_GROUP}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": "operator"},
            "subjects": [subject],
        },
    ]
