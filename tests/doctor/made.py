"""Healthy values with one change, for the tables of what may be wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from leadergate.survey.gates import Rule, Traffic
from leadergate.survey.parts import Known, SeenDeployment, Unknown
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.issue import issue_serving_pair
from leadergate_certs.names import ServingNames

from .sample import (
    AUTHORITY,
    KEY,
    NAME,
    NAMES,
    NAMESPACE,
    NOW,
    STRANGER,
    endpoint,
    gated,
    lease,
    placed,
    replica,
    snapshot,
)

Case = tuple[str, str, Snapshot, str, str]
"""A check, a level, what was looked at, a part of what is said, and a part of the remedy."""

UNSEEN = Unknown("a right is missing, see: kubectl auth can-i get things")
UUID = "0f9a7d0c-6b1e-4a52-9a66-6a1f0f2f9d11"
URL = "https://127.0.0.1:8443"
APART = {"matchExpressions": [{"key": NAMESPACE, "operator": "NotIn", "values": ["demo"]}]}
BY_LABEL = {"matchLabels": {"team": "a"}}
LEASES = Rule(("coordination.k8s.io",), ("v1",), ("leases",), ("UPDATE",), "Namespaced")
PODS = Rule(("",), ("v1",), ("pods",), ("CREATE",), "Namespaced")
ALL = Rule(("*",), ("*",), ("*/*",), ("*",), "*")
EXPIRED = issue_serving_pair(AUTHORITY, NAMES, NOW - timedelta(days=91))
LATE = issue_serving_pair(AUTHORITY, NAMES, NOW - timedelta(days=80))
MISNAMED = issue_serving_pair(AUTHORITY, ServingNames.parse(dns=["gate.example.org"]), NOW)
FOREIGN = issue_serving_pair(STRANGER, NAMES, NOW)


def second(**changes: Any) -> Snapshot:
    """Two gates: the usual one, and one of another Lease."""
    usual = {"configuration": "second.example.org", "name": "second.example.org", "path": "/enforce/demo/other-lock"}
    return snapshot(gates=(placed(), placed(**{**usual, **changes})))


def serving(*certificates: Any, **changes: Any) -> Snapshot:
    """Replicas that serve these."""
    found = tuple(endpoint(f"10.0.0.{at}", serves=one, reached=one is not None) for at, one in enumerate(certificates))
    return snapshot(endpoints=Known(found), **changes)


def by_url(**changes: Any) -> Snapshot:
    """A gate that asks a URL, and no Service."""
    there = endpoint("127.0.0.1", port=8443, pod=None, **changes)
    return snapshot(
        gates=(placed(target=URL),), endpoints=Known((there,)), found_service=Known(None), deployment=Known(None)
    )


def owned(*pods: Any, **changes: Any) -> Snapshot:
    """The operator's pods are these."""
    kept = snapshot().pods["leadergate-system"]
    return snapshot(pods={"demo": Known(pods), "leadergate-system": kept}, **changes)


def held_by(identity: str, *pods: Any, path: str = "/enforce/demo/operator-lock") -> Snapshot:
    """The Lease is held by that identity, and these are the pods."""
    return owned(*pods, leases={KEY: Known(lease(identity))}, gates=(placed(path=path),))


def counted(*numbers: int) -> Snapshot:
    """What the API server has counted: calls, rejected, failed, failed open."""
    return snapshot(traffic=Known({NAME: Traffic(*numbers)}))


def deployed(*images: str, budget: bool = True) -> Snapshot:
    """The webhook's pods run these images."""
    pods = tuple(replica(f"leadergate-{at}", image=image) for at, image in enumerate(images))
    seen = SeenDeployment("leadergate", 2, 2, images, disruption_budget=budget)
    return snapshot(
        pods={**snapshot().pods, "leadergate-system": Known(pods)}, deployment=Known(seen) if images else Known(None)
    )


def denied(right: Any, **changes: Any) -> Snapshot:
    """One right is missing."""
    return snapshot(rights={**snapshot().rights, right: Known(value=False)}, **changes)


def conditions(*expressions: str) -> Snapshot:
    """The gate has these conditions."""
    return gated(conditions=tuple((f"c{at}", one) for at, one in enumerate(expressions)))


JUDGED = 'request.userInfo.username in ["system:serviceaccount:demo:operator"]'
