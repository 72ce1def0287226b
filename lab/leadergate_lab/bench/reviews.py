"""Admission reviews of a wanted size, as the API server sends them for a merge patch of a status."""

from __future__ import annotations

import json
from typing import Any

from leadergate_lab.cluster import PodIdentity


def review(pod: PodIdentity, size: int) -> bytes:
    """A review of about ``size`` bytes by ``pod``; half of the weight is ``object``, half ``oldObject``."""
    claims = "authentication.kubernetes.io"
    user = {
        "username": f"system:serviceaccount:{pod.namespace}:{pod.service_account}",
        "uid": "6e1b0b2c-5b0e-4f0e-9d7e-1f2f3a4b5c6d",
        "groups": ["system:serviceaccounts", f"system:serviceaccounts:{pod.namespace}", "system:authenticated"],
        "extra": {
            f"{claims}/credential-id": ["JTI=c1d2e3f4-0000-4000-8000-000000000000"],
            f"{claims}/pod-name": [pod.name],
            f"{claims}/pod-uid": [pod.uid],
        },
    }
    kind = {"group": "demo.leadergate.dev", "version": "v1", "kind": "Redirect"}
    resource = {"group": "demo.leadergate.dev", "version": "v1", "resource": "redirects"}
    request: dict[str, Any] = {
        "uid": "00000000-0000-0000-0000-000000000000",
        "kind": kind,
        "resource": resource,
        "subResource": "status",
        "requestKind": kind,
        "requestResource": resource,
        "requestSubResource": "status",
        "name": "home",
        "namespace": pod.namespace,
        "operation": "UPDATE",
        "userInfo": user,
        "dryRun": False,
        "options": {"kind": "PatchOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    whole = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
    missing = max(0, size - len(json.dumps({**whole, "request": {**request, "object": {}, "oldObject": {}}})))
    request["object"] = request["oldObject"] = _object(missing // 2)
    return json.dumps(whole, separators=(",", ":")).encode()


def _object(size: int) -> dict[str, Any]:
    """An object of about ``size`` bytes, with its weight in many conditions, as real ones have it."""
    condition = {
        "type": "Programmed",
        "status": "True",
        "reason": "Programmed",
        "message": "the redirect is served by this replica, and by every other one",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }
    count = size // len(json.dumps(condition, separators=(",", ":")))
    return {"apiVersion": "demo.leadergate.dev/v1", "kind": "Redirect", "status": {"conditions": [condition] * count}}
