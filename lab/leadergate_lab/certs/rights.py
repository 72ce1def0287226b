"""The rights of the replicas and of the operator in a stage."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

RBAC = Path(__file__).parents[3] / "deploy" / "certs" / "rbac.yaml"
SECRET = "tls"  # noqa: S105 - the name of one


def rights(namespace: str, configurations: Iterable[str]) -> list[dict[str, Any]]:
    """The shipped rbac.yaml for a Secret ``tls`` in that namespace and these configurations."""
    manifests: list[dict[str, Any]] = [one for one in yaml.safe_load_all(RBAC.read_text()) if one]
    for manifest in manifests:
        metadata = manifest["metadata"]
        if "namespace" in metadata:
            metadata["namespace"] = namespace
        elif metadata["name"] == "leadergate-certs-inject":
            metadata["name"] = f"{metadata['name']}-{namespace}"
            if "roleRef" in manifest:
                manifest["roleRef"]["name"] = metadata["name"]
        for rule in manifest.get("rules", ()):
            if "secrets" in rule["resources"] and "resourceNames" in rule:
                rule["resourceNames"] = [SECRET]
            if "patch" in rule["verbs"]:
                rule["resourceNames"] = list(configurations)
    return manifests


def writing(namespace: str) -> list[dict[str, Any]]:
    """What lets the operator write the status of Deployments in its namespace."""
    group = "rbac.authorization.k8s.io"
    metadata = {"namespace": namespace, "name": "operator"}
    rules = [{"apiGroups": ["apps"], "resources": ["deployments", "deployments/status"], "verbs": ["get", "patch"]}]
    subject = {"kind": "ServiceAccount", "namespace": namespace, "name": "operator"}
    return [
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "operator"},
            "subjects": [subject],
        },
    ]
