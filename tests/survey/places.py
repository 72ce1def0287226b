"""Snapshots for tests: a cluster as it looks when all is well, and one thing changed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from leadergate.gates.spec import Account, Service
from leadergate.model import Lease, LeaseKey
from leadergate.survey.gates import Traffic
from leadergate.survey.look import NOT_ASKED
from leadergate.survey.objects import pod
from leadergate.survey.parts import Known, SeenLease
from leadergate.survey.reading import VALIDATING, entries, told_apart
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.cluster import LABEL, Stored
from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_certs.state import State, first_state

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
KEY = LeaseKey("shop", "lock")
NAME = "lock.shop.leadergate.dev"
OURS = Service("leadergate-system", "leadergate")
GATE_RULE = {
    "apiGroups": ["demo.leadergate.dev"],
    "apiVersions": ["v1"],
    "operations": ["UPDATE"],
    "resources": ["redirects/status"],
    "scope": "Namespaced",
}


def state(made: datetime = NOW) -> State:
    """A state whose authority was made then."""
    authority = issue_authority(made)
    return first_state(authority, issue_serving_pair(authority, ServingNames.parse(dns=["gate"]), made))


STATE = state()


def lease(holder: str = "operator-0", *, ago: float = 3, duration: int | None = 15) -> Known[SeenLease | None]:
    """A Lease that was renewed some seconds ago."""
    return Known(SeenLease(Lease(holder, "7", 1, duration, NOW, NOW - timedelta(seconds=ago)), NOW))


def hook(name: str = NAME, path: str = "/enforce/shop/lock", *, bundle: bytes = STATE.bundle, **more: Any) -> Any:
    """An entry of a configuration."""
    service = {"namespace": OURS.namespace, "name": OURS.name, "path": path}
    client = {"service": service, "caBundle": base64.b64encode(bundle).decode()}
    return {"name": name, "clientConfig": client, "rules": [GATE_RULE], "timeoutSeconds": 3, **more}


def snapshot(*hooks: Any, label: str | None = OURS.namespace, **changed: Any) -> Snapshot:
    """A cluster with one configuration of these entries, Lease ``shop/lock`` and pod ``operator-0``."""
    about = {"name": NAME, "labels": {LABEL: label} if label else {}}
    found = told_apart(
        entries(VALIDATING, {"metadata": about, "webhooks": list(hooks)}), OURS, frozenset({OURS.namespace})
    )
    operator = pod({"metadata": {"namespace": "shop", "name": "operator-0"}, "spec": {"nodeName": "node-1"}})
    usual: dict[str, Any] = {
        "now": NOW,
        "version": "0.1.0",
        "api_version": Known("v1.37.2"),
        "service": OURS,
        "account": Account("leadergate-system", "leadergate"),
        "secret": "leadergate-system/leadergate-tls",
        "gates": found.gates,
        "broken": found.broken,
        "others": found.others,
        "leases": {KEY: lease()},
        "pods": {"shop": Known((operator,))},
        "accounts": {},
        "namespaces": {},
        "served": {},
        "found_service": NOT_ASKED,
        "endpoints": NOT_ASKED,
        "deployment": NOT_ASKED,
        "flow": NOT_ASKED,
        "rights": {},
        "stored": Known(Stored(STATE, "", None)),
        "traffic": Known({NAME: Traffic(12, 5, 2, 1)}),
    }
    return Snapshot(**{**usual, **changed})
