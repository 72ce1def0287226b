"""Audit events and records of one made-up gate, by the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from leadergate.records import SCHEMA

WEBHOOK = "lock.shop.example.com"
START = datetime(2026, 3, 1, 2, tzinfo=UTC)
USER = "system:serviceaccount:shop:operator"


def moment(second: float) -> str:
    """So many seconds after the start."""
    return (START + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")


def event(
    second: float,
    *,
    took: float = 0.02,
    annotations: dict[str, str] | None = None,
    code: int = 200,
    message: str = "",
    causes: list[dict[str, str]] | None = None,
    **other: Any,
) -> dict[str, Any]:
    """An audit event of a status write."""
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"audit-{second}",
        "stage": "ResponseComplete",
        "user": {"username": USER, "extra": {"authentication.kubernetes.io/pod-name": ["operator-1"]}},
        "objectRef": {"resource": "redirects", "apiGroup": "demo", "namespace": "shop", "name": "docs"},
        "responseStatus": {"code": code, "message": message, "details": {"causes": causes or []}},
        "requestReceivedTimestamp": moment(second),
        "stageTimestamp": moment(second + took),
        "annotations": annotations or {},
        **other,
    }


def review(
    second: float, uid: str, *, webhook: str = WEBHOOK, last: str | None = None, mode: str = "enforce", **other: Any
) -> dict[str, Any]:
    """The event of a rejection, of which the client was told ``last``, by default the same review."""
    notes = {
        "verdict": "Deny",
        "reason": "NotHolder",
        "mode": mode,
        "lease": "shop/lock",
        "uid": uid,
        "standing": "follower",
        "holder": "operator-0",
        "lease-resource-version": "7",
    }
    annotations = {f"{webhook}/{key}": value for key, value in notes.items()}
    if mode != "enforce":
        return event(second, annotations=annotations, **other)
    causes = [{"reason": "NotHolder", "message": "no"}, {"reason": "ReviewUID", "message": last or uid}]
    denied = f'admission webhook "{webhook}" denied the request: no'
    return event(second, annotations=annotations, code=403, message=denied, causes=causes, **other)


def record(second: float, uid: str, **other: Any) -> dict[str, Any]:
    """The record of that rejection, made ten milliseconds after the request came."""
    return {
        "schema": SCHEMA,
        "time": moment(second + 0.01),
        "verdict": "Deny",
        "reason": "NotHolder",
        "message": "no",
        "mode": "enforce",
        "gate": "shop/lock",
        "uid": uid,
        "dryRun": False,
        "operation": "UPDATE",
        "resource": {"group": "demo", "version": "v1", "resource": "redirects", "subresource": "status"},
        "namespace": "shop",
        "name": "docs",
        "requester": {
            "username": USER,
            "namespace": "shop",
            "serviceAccount": "operator",
            "pod": "operator-1",
            "podUid": None,
            "node": None,
        },
        "standing": "follower",
        "heldUntil": None,
        "lease": {
            "holder": "operator-0",
            "resourceVersion": "7",
            "transitions": 1,
            "acquireTime": moment(-60),
            "renewTime": moment(second),
            "durationSeconds": 15,
            "observedAge": 1.0,
            "expired": False,
        },
        "latencyMs": 1.0,
        "webhookPod": "leadergate-0",
        **other,
    }


def undecided(second: float, uid: str, **other: Any) -> dict[str, Any]:
    """A record of a Lease that could not be read."""
    return record(second, uid, verdict="Indeterminate", reason="LeaseUnreadable", lease=None, standing=None, **other)
