"""The operator works with exactly the rights that deploy/operator/rbac.yaml grants, and those grant no more."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import yaml

from leadergate_lab.granted import account, may

from .conftest import CALM, DEPLOY, NEVER, PATIENCE, Fleet

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
GRANTED = {
    ("demo.leadergate.dev", "redirects", ""): {"list", "watch"},
    ("demo.leadergate.dev", "redirects/status", ""): {"patch"},
    ("coordination.k8s.io", "leases", ""): {"create"},
    ("coordination.k8s.io", "leases", "operator-lock"): {"get", "update"},
    ("", "events", ""): {"create"},
}
OTHERS = [
    ("", "secrets", ""),
    ("", "configmaps", ""),
    ("", "pods", ""),
    ("demo.leadergate.dev", "redirects/finalizers", ""),
    ("coordination.k8s.io", "leases", "another"),
]


def rules() -> Iterator[dict[str, Any]]:
    """Those of the Role that is shipped."""
    for manifest in yaml.safe_load_all((DEPLOY / "rbac.yaml").read_text()):
        assert manifest["kind"] != "ClusterRole"
        yield from manifest.get("rules", ())


def allowed(fleet: Fleet, verb: str, group: str, resource: str, name: str, *, namespace: str) -> bool:
    """What the API server says that the operator's account may do."""
    user = account(fleet.namespace, "redirect-operator")
    return may(fleet.cluster.api, verb, group, resource, user=user, namespace=namespace, name=name)


def test_the_role_grants_these_rights_and_no_wildcard() -> None:
    """Rule by rule: group, resource, name and verbs."""
    granted: dict[tuple[str, str, str], set[str]] = {}
    for rule in rules():
        for group, resource, name in product(rule["apiGroups"], rule["resources"], rule.get("resourceNames", [""])):
            granted.setdefault((group, resource, name), set()).update(rule["verbs"])
    assert granted == GRANTED


def test_the_api_server_refuses_every_other_verb(fleet: Fleet) -> None:
    """Of all verbs on what the operator touches, and on its neighbours, the API server allows those alone."""
    expected = {(*where, verb) for where, verbs in GRANTED.items() for verb in verbs}
    # A create that is not bound to a name is allowed for each.
    expected |= {("coordination.k8s.io", "leases", name, "create") for name in ("operator-lock", "another")}
    found = {
        (*where, verb)
        for where in [*GRANTED, *OTHERS]
        for verb in VERBS
        if allowed(fleet, verb, *where, namespace=fleet.namespace)
    }
    assert found == expected
    assert not any(allowed(fleet, verb, *where, namespace="default") for where in GRANTED for verb in VERBS)


def test_nothing_that_the_operator_does_is_refused(fleet: Fleet) -> None:
    """It serves, writes status, elects, hands over and reports, and no request of its account is answered with 403."""
    fleet.start(2, *CALM, "--resync-seconds", str(NEVER))
    fleet.create("docs", "/same", "https://one.example")
    fleet.create("late", "/same", "https://two.example")
    fleet.until(lambda: fleet.condition("late").get("reason") == "Conflict", "a status")
    fleet.until(lambda: bool(fleet.events("late")), "an Event")
    fleet.until(lambda: bool(fleet.holder()), "a leader")
    first = next(replica for replica in fleet.replicas if replica.pod == fleet.holder())
    assert first.process.stop(PATIENCE) == 0
    fleet.until(lambda: fleet.holder() not in (None, first.pod), "a successor")
    told = [
        line
        for replica in fleet.replicas
        for line in replica.log()
        if "forbidden" in str(line) or "403" in str(line.get("code"))
    ]
    assert told == []
