"""A gate's manifests: the rights that the webhook needs for it, and the ValidatingWebhookConfiguration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadergate.gates.cel import conditions
from leadergate.gates.refusals import CLUSTERS_OWN, Found
from leadergate.gates.spec import GateSpec, Service, StatusResource

INJECT = "certs.leadergate.dev/inject"
"""On the configuration: the namespace of the Secret whose authorities are put into caBundle (docs/certificates.md)."""

_NAMESPACE = "kubernetes.io/metadata.name"
_RBAC = "rbac.authorization.k8s.io"


def manifests(spec: GateSpec, found: Mapping[StatusResource, Found]) -> list[dict[str, Any]]:
    """All of them in the order to apply: first the rights, last what makes the API server ask.

    ``found`` is what discovery said; a resource that is not in it is gated whatever its scope.
    """
    lease = spec.gate.lease
    metadata = {"name": spec.name, "namespace": lease.namespace}
    read = {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": [lease.name],
        "verbs": ["get"],
    }
    made = _granted(spec, "", metadata, read)
    if spec.inject is not None:
        write = {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["validatingwebhookconfigurations"],
            "resourceNames": [spec.name],
            "verbs": ["patch"],
        }
        made += _granted(spec, "Cluster", {"name": spec.name}, write)
    return [*made, _configuration(spec, found)]


def _granted(spec: GateSpec, scope: str, metadata: dict[str, str], rule: dict[str, Any]) -> list[dict[str, Any]]:
    """A role of one rule, and its binding to the webhook's account; ``scope`` is "Cluster" or empty."""
    subject = {"kind": "ServiceAccount", "namespace": spec.account.namespace, "name": spec.account.name}
    role = {"apiVersion": f"{_RBAC}/v1", "kind": f"{scope}Role", "metadata": metadata, "rules": [rule]}
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{scope}RoleBinding",
        "metadata": dict(metadata),
        "roleRef": {"apiGroup": _RBAC, "kind": f"{scope}Role", "name": spec.name},
        "subjects": [subject],
    }
    return [role, binding]


def _configuration(spec: GateSpec, found: Mapping[StatusResource, Found]) -> dict[str, Any]:
    """Without caBundle, always: whoever renders again would take away what was injected."""
    metadata: dict[str, Any] = {"name": spec.name}
    if spec.inject is not None:
        metadata["labels"] = {INJECT: spec.inject}
    entry: dict[str, Any] = {
        "name": spec.name,
        "admissionReviewVersions": ["v1"],
        "clientConfig": _client(spec.target, spec.path),
        "rules": _rules(spec, found),
        # A write through another version of the same resource is asked about too.
        "matchPolicy": "Equivalent",
    }
    if not all(one in found and not found[one].namespaced for one in spec.resources):
        entry["namespaceSelector"] = _selector(spec)
    if written := conditions(spec.only, spec.allowed):
        entry["matchConditions"] = written
    entry["failurePolicy"] = str(spec.failure_policy)
    entry["sideEffects"] = "None"
    entry["timeoutSeconds"] = spec.timeout_seconds
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": metadata,
        "webhooks": [entry],
    }


def _client(target: Service | str, path: str) -> dict[str, Any]:
    if isinstance(target, str):
        return {"url": target + path}
    return {"service": {"namespace": target.namespace, "name": target.name, "port": target.port, "path": path}}


def _rules(spec: GateSpec, found: Mapping[StatusResource, Found]) -> list[dict[str, Any]]:
    """PUT, patches and server-side apply are all UPDATE."""
    shared: dict[tuple[str, str, str], list[str]] = {}
    for one in spec.resources:
        scope = "*" if one not in found else "Namespaced" if found[one].namespaced else "Cluster"
        shared.setdefault((one.group, one.version, scope), []).append(f"{one.resource}/status")
    return [
        {"apiGroups": [group], "apiVersions": [version], "resources": names, "operations": ["UPDATE"], "scope": scope}
        for (group, version, scope), names in shared.items()
    ]


def _selector(spec: GateSpec) -> dict[str, Any]:
    """By the label that the API server itself keeps on every namespace. Cluster-scoped objects pass any selector."""
    if spec.namespaces is None:
        return _expression("NotIn", dict.fromkeys((*CLUSTERS_OWN, *spec.own)))
    if len(spec.namespaces) == 1:
        return {"matchLabels": {_NAMESPACE: spec.namespaces[0]}}
    return _expression("In", dict.fromkeys(spec.namespaces))


def _expression(operator: str, names: Mapping[str, Any]) -> dict[str, Any]:
    return {"matchExpressions": [{"key": _NAMESPACE, "operator": operator, "values": list(names)}]}
