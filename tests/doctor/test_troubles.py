"""Each finding on a real API server: one thing is broken, the command says so; it is mended, and it does no more."""

from __future__ import annotations

import pytest

from .clinic import Clinic
from .objects import FOREIGN, flow_schema
from .objects import foreign as webhook
from .troubles import (
    GATE,
    INSTALLATION,
    LATE,
    LEASES,
    PARCELS,
    PODS,
    SECRET_TOKEN,
    SICK,
    UUID,
    Trouble,
    both,
    changed,
    deaf,
    foreign,
    holder,
    mutating,
    no_lease,
    no_right,
    old_secret,
    pod,
    without,
)

TROUBLES = [
    Trouble("kind", "wrong", SICK, "MutatingWebhookConfiguration", "gate render", mutating),
    Trouble(
        "service",
        "wrong",
        INSTALLATION,
        "there is no Service",
        "--service",
        without(lambda one: f"/api/v1/namespaces/{one.home}/services/leadergate", Clinic.service),
    ),
    Trouble(
        "endpoints",
        "wrong",
        INSTALLATION,
        "2 address(es) are not ready",
        "get pods,endpointslices",
        changed(
            lambda one: [one.slice(0, ready=False), one.slice(1, ready=False)], lambda one: [one.slice(0), one.slice(1)]
        ),
    ),
    Trouble(
        "replicas",
        "note",
        INSTALLATION,
        "one replica alone",
        "--replicas=2",
        changed(lambda one: [one.slice(1, ready=False)], lambda one: [one.slice(1)]),
    ),
    Trouble(
        "disruption-budget",
        "note",
        INSTALLATION,
        "no PodDisruptionBudget",
        "create poddisruptionbudget",
        without(lambda one: f"/apis/policy/v1/namespaces/{one.home}/poddisruptionbudgets/leadergate", Clinic.budget),
    ),
    Trouble(
        "certificate-expiry",
        "note",
        INSTALLATION,
        "should have been renewed",
        "certs rotate",
        old_secret(80),
        lambda one: ["--secret", f"{one.home}/old"],
    ),
    Trouble(
        "certificate-expiry",
        "wrong",
        INSTALLATION,
        "expired at",
        "certs rotate",
        old_secret(100),
        lambda one: ["--secret", f"{one.home}/old"],
    ),
    Trouble(
        "holder",
        "wrong",
        GATE,
        "it is the node of pod operator-1",
        "/identity/node",
        both(pod(hostNetwork=True, nodeName="node-7.example"), holder("node-7.example")),
    ),
    Trouble(
        "holder",
        "wrong",
        GATE,
        "the host of pod operator-1 (hostNetwork)",
        "POD_NAME",
        both(pod(hostNetwork=True, nodeName="node-7.example"), holder("node-7")),
    ),
    Trouble(
        "holder",
        "wrong",
        GATE,
        "the spec.hostname of pod operator-1",
        "spec.hostname",
        both(pod(hostname="desk"), holder("desk")),
    ),
    Trouble("rights", "wrong", GATE, "may not get leases", "leadergate gate render", no_right),
    Trouble(
        "priority",
        "wrong",
        INSTALLATION,
        "workload-low",
        "kubectl apply",
        without(lambda one: "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/leadergate", lambda one: flow_schema()),
    ),
    Trouble("lease", "wrong", GATE, "there is no Lease", "get leases", no_lease),
    Trouble("lease", "wrong", GATE, "nobody holds Lease", "get lease lock", holder("", renew_time=LATE)),
    Trouble(
        "lease-renewed", "wrong", GATE, "lasts 15 s", "get pods", holder("operator-0", renew_time=LATE, duration=15)
    ),
    Trouble("lease-duration", "note", GATE, "is absent", "15 is usual", holder("operator-0", duration=None)),
    Trouble("holder", "wrong", GATE, "bare UUID", "POD_NAME", holder(UUID)),
    Trouble("holder", "wrong", GATE, "the tail -controller", "/suffix/controller", holder("operator-0-controller")),
    Trouble("holder", "wrong", GATE, "10 random characters", "/random/10", holder("operator-0-Xk29dK20aB")),
    Trouble("holder", "wrong", GATE, "names no pod", "get pods", holder("gone-0_5f0c")),
    Trouble("tokens", "wrong", GATE, "Secret's token", "service-account-token", pod(volumes=SECRET_TOKEN)),
    Trouble(
        "tokens",
        "note",
        GATE,
        "no token is mounted into operator-1",
        "automount",
        pod(volumes=[], containers=[{"name": "operator", "image": "operator"}]),
    ),
    Trouble("pod-hostname", "note", GATE, "hostNetwork", "POD_NAME", pod(hostNetwork=True)),
    Trouble(
        "other-webhooks",
        "note",
        GATE,
        f"{FOREIGN} judges the status of parcels",
        "kubectl get",
        foreign(lambda one: webhook(PARCELS, one.writers)),
    ),
    Trouble(
        "other-webhooks",
        "note",
        GATE,
        f"{FOREIGN} changes the status of parcels",
        "kubectl get",
        foreign(lambda one: webhook(PARCELS, one.writers, kind="Mutating"), kind="mutating"),
    ),
    Trouble(
        "webhooks-on-leases",
        "wrong",
        INSTALLATION,
        "no leader is kept",
        "take leases out",
        foreign(lambda one: webhook(LEASES, one.writers)),
    ),
    Trouble(
        "webhooks-on-own-pods",
        "wrong",
        INSTALLATION,
        "none comes back",
        "namespaceSelector",
        foreign(lambda one: webhook(PODS, one.home, home=one.home)),
    ),
    Trouble("failed-calls", "wrong", SICK, "it has never worked", "logs", deaf),
    Trouble(
        "webhook-version",
        "note",
        INSTALLATION,
        "of several versions",
        "rollout status",
        changed(lambda one: [one.deployment("leadergate:0.0.9")], lambda one: [one.deployment()]),
    ),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_it_is_found_and_gone(clinic: Clinic, trouble: Trouble) -> None:
    """With its remedy, and exit code 1 when it is wrong; afterwards all is well."""
    about = {INSTALLATION: None, GATE: clinic.gate}.get(trouble.about, trouble.about)
    with trouble.broken(clinic):
        code, findings = clinic.findings(*trouble.more(clinic))
    same = [
        one for one in findings if (one["check"], one["gate"], one["level"]) == (trouble.check, about, trouble.level)
    ]
    found = [one for one in same if trouble.says in one["says"]]
    assert found, [one for one in findings if one["check"] == trouble.check]
    assert trouble.remedy in found[0]["remedy"]
    assert code == (1 if any(one["level"] == "wrong" for one in findings) else 0)
    code, findings = clinic.findings()
    assert [one for one in findings if one["level"] in ("wrong", "unknown")] == []
    assert code == 0
    assert trouble.says not in {one["says"] for one in findings if one["check"] == trouble.check}
