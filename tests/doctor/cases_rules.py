"""What may be wrong with rules, settings and other webhooks."""

from __future__ import annotations

from dataclasses import replace

from leadergate.gates.spec import FailurePolicy, Service
from leadergate.survey.parts import Known

from .made import (
    ALL,
    BY_LABEL,
    LEASES,
    PODS,
    Case,
    second,
)
from .sample import (
    NAMESPACE,
    RULE,
    gated,
    other,
    snapshot,
)

GUARDED = ("demo.leadergate.dev", "v1", "redirects")
CASES: list[Case] = [
    ("rules-too-wide", "wrong", gated(rules=(ALL,)), "a wildcard would take in", "rules"),
    (
        "rules-too-wide",
        "wrong",
        gated(rules=(replace(RULE, resources=("redirects",)),)),
        "no status: nothing is guarded",
        "rules",
    ),
    (
        "rules-too-wide",
        "note",
        gated(rules=(replace(RULE, resources=("redirects", "redirects/status")),)),
        "asked about the rest in vain",
        "rules",
    ),
    (
        "rules-too-wide",
        "note",
        gated(rules=(replace(RULE, resources=("redirects/*",)),)),
        "asked about the rest in vain",
        "rules",
    ),
    (
        "rules-too-wide",
        "note",
        gated(rules=(replace(RULE, resources=("*/status",)),)),
        "whatever kind is added",
        "rules",
    ),
    (
        "rule-operations",
        "wrong",
        gated(rules=(replace(RULE, operations=("CREATE",)),)),
        "no status write is judged",
        "[UPDATE]",
    ),
    ("rule-operations", "note", gated(rules=(replace(RULE, operations=("*",)),)), "UPDATE alone", "[UPDATE]"),
    (
        "rule-operations",
        "note",
        gated(rules=(replace(RULE, operations=("CREATE", "UPDATE")),)),
        "takes CREATE, too",
        "[UPDATE]",
    ),
    (
        "gated-resources",
        "wrong",
        gated(rules=(replace(RULE, groups=("apps",), resources=("deployments/status",)),)),
        "kube-controller-manager",
        "gate the status of your own",
    ),
    (
        "gated-resources",
        "wrong",
        gated(rules=(replace(RULE, groups=("",), resources=("pods/status",)),)),
        "core group",
        "gate the status of your own",
    ),
    ("gated-resources", "wrong", gated(path="/enforce/kube-system/kube-scheduler"), "is the control plane's", "path"),
    (
        "resources-served",
        "wrong",
        snapshot(served={("demo.leadergate.dev", "v1", "redirects"): Known(value=False)}),
        "no redirects.v1.demo.leadergate.dev",
        "api-resources",
    ),
    (
        "resources-served",
        "wrong",
        replace(gated(rules=(replace(RULE, scope="Cluster"),)), scopes={GUARDED: "Namespaced"}),
        "scope Cluster, and redirects.v1.demo.leadergate.dev is Namespaced: no write of it is judged",
        "scope: Namespaced",
    ),
    ("resources-served", "unknown", snapshot(served={}), "was not asked", ""),
    (
        "own-namespace",
        "wrong",
        gated(namespace_selector={"matchLabels": {NAMESPACE: "leadergate-system"}}),
        "must not wait for itself",
        "NotIn, values: [leadergate-system]",
    ),
    (
        "own-namespace",
        "note",
        gated(namespace_selector={}),
        "leadergate-system, kube-system, kube-public",
        "kube-system, kube-public",
    ),
    ("own-namespace", "note", gated(namespace_selector=BY_LABEL), "kube-node-lease may be gated", "NotIn"),
    (
        "own-namespace",
        "note",
        gated(namespace_selector={}, failure_policy=FailurePolicy.IGNORE),
        "may be gated",
        "NotIn",
    ),
    ("side-effects", "note", gated(side_effects="NoneOnDryRun"), "NoneOnDryRun", "sideEffects: None"),
    ("timeout", "note", gated(timeout_seconds=30), "timeoutSeconds is 30", "timeoutSeconds: 3"),
    ("timeout", "note", gated(timeout_seconds=0), "timeoutSeconds is 0", "timeoutSeconds: 3"),
    ("match-policy", "note", gated(match_policy="Exact"), "Exact", "Equivalent"),
    ("failure-policy", "note", gated(failure_policy=FailurePolicy.IGNORE), "stale leaders", "failurePolicy: Fail"),
    (
        "failure-policy",
        "note",
        gated(path="/warn/demo/operator-lock"),
        "mode warn rejects nothing",
        "failurePolicy: Ignore",
    ),
    (
        "two-leases",
        "wrong",
        second(),
        "Lease demo/other-lock",
        "edit validatingwebhookconfiguration second.example.org",
    ),
    (
        "two-leases",
        "note",
        second(path="/audit/demo/other-lock"),
        "both judge the status of redirects.demo.leadergate.dev",
        "edit",
    ),
    ("two-leases", "note", second(namespace_selector=BY_LABEL), "may both judge", "edit"),
    (
        "other-webhooks",
        "note",
        snapshot(others=(other(rules=(RULE,)),)),
        "policy.example.org judges the status of redirects as well, and is to Fail",
        "kubectl get validatingwebhookconfiguration policy.example.org",
    ),
    (
        "other-webhooks",
        "note",
        snapshot(others=(other(rules=(ALL,), namespace_selector=BY_LABEL),)),
        "may be one that judges",
        "kubectl get",
    ),
    (
        "other-webhooks",
        "note",
        snapshot(
            others=(other(rules=(RULE,), kind="MutatingWebhookConfiguration", failure_policy=FailurePolicy.IGNORE),)
        ),
        "changes the status of redirects",
        "kubectl get mutatingwebhookconfiguration",
    ),
    (
        "webhooks-on-leases",
        "wrong",
        snapshot(others=(other(rules=(LEASES,)),)),
        "no leader is kept or elected",
        "take leases out",
    ),
    ("webhooks-on-leases", "wrong", gated(rules=(ALL,)), "no leader is kept or elected", "take leases out"),
    (
        "webhooks-on-leases",
        "note",
        snapshot(others=(other(rules=(ALL,)),)),
        "and then fails",
        "take leases out",
    ),
    (
        "webhooks-on-leases",
        "note",
        snapshot(others=(other(rules=(LEASES,), namespace_selector=BY_LABEL),)),
        "may be asked",
        "take leases out",
    ),
    (
        "webhooks-on-leases",
        "note",
        snapshot(others=(other(rules=(LEASES,), failure_policy=FailurePolicy.IGNORE),)),
        "waits up to 3 s",
        "take leases out",
    ),
    (
        "webhooks-on-own-pods",
        "wrong",
        snapshot(others=(other(rules=(PODS,), target=Service("leadergate-system", "policy")),)),
        "none comes back",
        "leave leadergate-system out",
    ),
    (
        "webhooks-on-own-pods",
        "note",
        snapshot(
            others=(other(rules=(PODS,), target=Service("leadergate-system", "policy"), namespace_selector=BY_LABEL),)
        ),
        "may be one",
        "leave leadergate-system out",
    ),
]
