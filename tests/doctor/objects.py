"""What an installation is made of besides the webhook's processes, as manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

GROUP = "doctor.leadergate.dev"
RBAC = "rbac.authorization.k8s.io"
REGISTRATION = "admissionregistration.k8s.io"
NAMESPACE = "kubernetes.io/metadata.name"
SERVICE = "leadergate"
IMAGE = "leadergate:0.1.0"
FOREIGN = "foreign.example.org"
_LABELS = {"app.kubernetes.io/name": SERVICE}


def crd(plural: str, kind: str, *, status: bool = True) -> dict[str, Any]:
    """A namespaced kind, with or without a status subresource."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        **({"subresources": {"status": {}}} if status else {}),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [version],
        },
    }


def flow_schema() -> dict[str, Any]:
    """The FlowSchema that is shipped."""
    file = Path(__file__).parents[2] / "deploy" / "kustomize" / "base" / "flowschema.yaml"
    manifest: dict[str, Any] = yaml.safe_load(file.read_text())
    return manifest


def service(namespace: str) -> dict[str, Any]:
    """The Service before the webhook."""
    spec = {"selector": _LABELS, "ports": [{"name": "https", "port": 443}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _named(namespace, SERVICE), "spec": spec}


def endpoint_slice(namespace: str, number: int, port: int, *, ready: bool) -> dict[str, Any]:
    """The address of one replica. Loopback is no address that a slice may hold, but may be a name there."""
    target = {"kind": "Pod", "namespace": namespace, "name": f"{SERVICE}-{number}"}
    labels = {"kubernetes.io/service-name": SERVICE}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**_named(namespace, f"{SERVICE}-{number}"), "labels": labels},
        "addressType": "FQDN",
        "ports": [{"name": "https", "port": port}],
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": ready}, "targetRef": target}],
    }


def deployment(namespace: str, image: str) -> dict[str, Any]:
    """The webhook's Deployment."""
    template = {"metadata": {"labels": _LABELS}, "spec": {"containers": [{"name": "webhook", "image": image}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": _LABELS}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _named(namespace, SERVICE), "spec": spec}


def replica(namespace: str, name: str) -> dict[str, Any]:
    """A Pod of the webhook."""
    spec = {"automountServiceAccountToken": False, "containers": [{"name": "webhook", "image": IMAGE}]}
    metadata = {**_named(namespace, name), "labels": _LABELS}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def budget(namespace: str) -> dict[str, Any]:
    """The PodDisruptionBudget."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": _LABELS}}
    metadata = _named(namespace, SERVICE)
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}


def foreign(rule: dict[str, Any], namespace: str, *, kind: str = "Validating", home: str = "policy") -> dict[str, Any]:
    """Somebody else's webhook, asked with Fail about objects of that namespace, and served from ``home``."""
    webhook = {
        "name": FOREIGN,
        "clientConfig": {"service": {"namespace": home, "name": "policy", "path": "/"}},
        "rules": [{"apiVersions": ["v1"], "scope": "Namespaced", **rule}],
        "namespaceSelector": {"matchLabels": {NAMESPACE: namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": f"{REGISTRATION}/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": FOREIGN},
        "webhooks": [webhook],
    }


def _named(namespace: str, name: str) -> dict[str, Any]:
    return {"namespace": namespace, "name": name}
