"""Gates with one fault each, to be applied beside the healthy ones."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leadergate_certs.issue import issue_authority
from leadergate_lab.processes import free_port

from .clinic import Clinic
from .objects import GROUP, NAMESPACE

Fields = Callable[[Clinic], dict[str, Any]]


@dataclass(frozen=True)
class Sick:
    """A finding, and the fields of a gate's entry that provoke it. ``says`` and ``remedy`` are parts.

    ``about_itself`` is False where the healthy gate is told of it; ``annotated`` as of ``Clinic.sick``.
    """

    check: str
    level: str
    says: str
    remedy: str
    fields: Fields
    about_itself: bool = True
    annotated: bool = True

    def __str__(self) -> str:
        return f"{self.check}: {self.says}"


def fixed(**fields: Any) -> Fields:
    """Fields that depend on nothing."""
    return lambda clinic: fields


def rule(**fields: Any) -> Fields:
    """A rule with these fields."""
    usual = {"apiGroups": [GROUP], "apiVersions": ["v1"], "resources": ["letters/status"], "operations": ["UPDATE"]}
    return fixed(rules=[{**usual, "scope": "Namespaced", **fields}])


def path(text: str) -> Fields:
    """A path; {} is the writers' namespace."""
    return lambda clinic: {"clientConfig": clinic.asking(text.format(clinic.writers))}


def port(number: int) -> Fields:
    """A port of the Service."""
    return lambda clinic: {"clientConfig": clinic.asking(port=number)}


def nowhere(clinic: Clinic) -> dict[str, Any]:
    """A URL at which nobody listens."""
    url = f"https://127.0.0.1:{free_port()}/enforce/{clinic.writers}/lock"
    return {"clientConfig": {"url": url, "service": None}}


def by_other_name(clinic: Clinic) -> dict[str, Any]:
    """The replicas by a name that they have no certificate for."""
    url = f"https://localhost:{clinic.stage.balancer.port}/enforce/{clinic.writers}/lock"
    return {"clientConfig": {"url": url, "service": None}}


def other_authority(clinic: Clinic) -> dict[str, Any]:
    """A bundle that trusts somebody else."""
    stranger = issue_authority(datetime.now(UTC)).certificate_pem
    return {"clientConfig": {"caBundle": base64.b64encode(stranger).decode()}}


def selecting(namespace: str) -> dict[str, Any]:
    """A namespaceSelector of one."""
    return {"namespaceSelector": {"matchLabels": {NAMESPACE: namespace}}}


def condition(expression: str) -> Fields:
    """This condition alone; {} is the writers' namespace."""
    return lambda clinic: {
        "matchConditions": [{"name": "only-service-account", "expression": expression.format(clinic.writers)}]
    }


def by_another_lease(clinic: Clinic) -> dict[str, Any]:
    """What the healthy gate guards, by another Lease."""
    parcels = {"apiGroups": [GROUP], "apiVersions": ["v1"], "resources": ["parcels/status"], "operations": ["UPDATE"]}
    asked = clinic.asking(f"/enforce/{clinic.writers}/other")
    return {"clientConfig": asked, "rules": [{**parcels, "scope": "Namespaced"}]}


EDIT = "kubectl edit validatingwebhookconfiguration {}"
INJECT = "leadergate certs inject --name {}"
JUDGED = 'request.userInfo.username in ["system:serviceaccount:{}:{}"]'

SICK = [
    Sick("path", "wrong", "answered 404", EDIT, path("/block/a/b")),
    Sick("service-port", "wrong", "asks port 8443", EDIT, port(8443)),
    Sick("address", "unknown", "does not answer here", "run this", nowhere),
    Sick("tls", "wrong", "which is not in the caBundle", INJECT, other_authority, annotated=False),
    Sick("tls", "wrong", "not for localhost", "--certs-names=localhost", by_other_name),
    Sick("ca-bundle", "wrong", "does not trust the authority in use", INJECT, other_authority, annotated=False),
    Sick("ca-bundle", "wrong", "is empty", INJECT, fixed(clientConfig={"caBundle": None}), annotated=False),
    Sick("ca-bundle", "wrong", "does not trust the authority in use", "cert-manager.io", other_authority),
    Sick("injection-label", "wrong", "lacks the label", "kubectl label", fixed(), annotated=False),
    Sick("holder", "wrong", "plain name of pod operator-0", EDIT, path("/enforce/{}/lock/suffix/x")),
    Sick("condition-accounts", "wrong", "ghost, which does not exist", EDIT, condition(JUDGED.format("{}", "ghost"))),
    Sick("somebody-judged", "wrong", "of another namespace", EDIT, condition(JUDGED.format("default", "default"))),
    Sick("somebody-judged", "wrong", "false for everybody", EDIT, condition("false")),
    Sick("namespaces", "wrong", "namespace nowhere", "create namespace", fixed(**selecting("nowhere"))),
    Sick("rules-too-wide", "wrong", "wildcard", EDIT, rule(apiGroups=["*"], resources=["*/*"])),
    Sick("rules-too-wide", "wrong", "no status", EDIT, rule(resources=["letters"])),
    Sick("rules-too-wide", "note", "in vain", EDIT, rule(resources=["letters", "letters/status"])),
    Sick("rule-operations", "wrong", "no status write", EDIT, rule(operations=["CREATE"])),
    Sick("rule-operations", "note", "takes CREATE, too", EDIT, rule(operations=["CREATE", "UPDATE"])),
    Sick(
        "gated-resources",
        "wrong",
        "kube-controller-manager",
        EDIT,
        rule(apiGroups=["apps"], resources=["deployments/status"]),
    ),
    Sick("resources-served", "wrong", f"no plains.v1.{GROUP}", "api-resources", rule(resources=["plains/status"])),
    Sick("own-namespace", "wrong", "must not wait for itself", "NotIn", lambda clinic: selecting(clinic.home)),
    Sick("side-effects", "note", "NoneOnDryRun", EDIT, fixed(sideEffects="NoneOnDryRun")),
    Sick("timeout", "note", "is 30", EDIT, fixed(timeoutSeconds=30)),
    Sick("match-policy", "note", "Exact", EDIT, fixed(matchPolicy="Exact")),
    Sick("failure-policy", "note", "stale leaders", EDIT, fixed(failurePolicy="Ignore")),
    Sick("failure-policy", "note", "mode warn rejects nothing", EDIT, path("/warn/{}/lock")),
    Sick("two-leases", "wrong", "a write must pass both", EDIT, by_another_lease, about_itself=False),
    Sick("traffic", "note", "has put no write to it", "kubectl get", fixed()),
]
