"""What may be wrong with the installation, its rights and its traffic."""

from __future__ import annotations

from dataclasses import replace

from leadergate.gates.spec import FailurePolicy, Service
from leadergate.survey.gates import BrokenGate
from leadergate.survey.parts import Known, SeenFlow

from .made import (
    UNSEEN,
    URL,
    Case,
    by_url,
    counted,
    denied,
    deployed,
)
from .sample import (
    NAME,
    RIGHTS,
    RULE,
    endpoint,
    entry,
    gated,
    placed,
    snapshot,
)

CASES: list[Case] = [
    ("gates", "note", snapshot(gates=()), "nothing is gated", "leadergate gate render"),
    (
        "path",
        "wrong",
        snapshot(broken=(BrokenGate(entry(), "no mode"),)),
        "404: no mode",
        f"edit validatingwebhookconfiguration {NAME}",
    ),
    (
        "kind",
        "wrong",
        snapshot(broken=(BrokenGate(entry(kind="MutatingWebhookConfiguration"), "is mutating"),)),
        "is mutating",
        "gate render",
    ),
    ("service", "wrong", snapshot(found_service=Known(None)), "no Service leadergate-system/leadergate", "--service"),
    ("service", "unknown", snapshot(found_service=UNSEEN), "can-i get things", ""),
    (
        "service-port",
        "wrong",
        gated(target=Service("leadergate-system", "leadergate", 8443)),
        "asks port 8443",
        "clientConfig.service.port",
    ),
    (
        "service-port",
        "unknown",
        gated(target=Service("elsewhere", "gate")),
        "asks Service elsewhere/gate",
        "--service elsewhere/gate",
    ),
    ("endpoints", "wrong", snapshot(endpoints=Known(())), "no address stands behind", "get pods,endpointslices"),
    (
        "endpoints",
        "wrong",
        snapshot(endpoints=Known((endpoint("10.0.0.1", ready=False),))),
        "not ready",
        "get pods,endpointslices",
    ),
    ("endpoints", "unknown", snapshot(endpoints=UNSEEN), "can-i get things", ""),
    ("replicas", "note", snapshot(endpoints=Known((endpoint("10.0.0.1"),))), "one replica alone", "--replicas=2"),
    (
        "replicas",
        "note",
        snapshot(endpoints=Known((endpoint("10.0.0.1", pod="a"), endpoint("fd00::1", pod="a")))),
        "one replica alone",
        "--replicas=2",
    ),
    ("address", "unknown", by_url(reached=False, serves=None), "does not answer here", "run this"),
    (
        "disruption-budget",
        "note",
        deployed("leadergate:0.1.0", budget=False),
        "no PodDisruptionBudget",
        "--max-unavailable=1 --selector=app=leadergate",
    ),
    ("disruption-budget", "note", deployed(), "no Deployment", ""),
    ("disruption-budget", "unknown", snapshot(deployment=UNSEEN), "can-i get things", ""),
    (
        "rights",
        "wrong",
        denied(RIGHTS[0]),
        "may not get leases.coordination.k8s.io/operator-lock -n demo",
        "leadergate gate render --lease demo/operator-lock",
    ),
    (
        "rights",
        "wrong",
        denied(RIGHTS[0], gates=(placed(rules=(replace(RULE, groups=("apps",)),)),)),
        "may not get leases",
        "kubectl create role leadergate-get-operator-lock -n demo --verb=get --resource=leases.coordination.k8s.io",
    ),
    ("rights", "wrong", denied(RIGHTS[1]), "its caBundle is not kept", "gate render"),
    ("rights", "wrong", denied(RIGHTS[2]), "may not get secrets/leadergate-tls", "kubectl create role"),
    ("rights", "note", denied(RIGHTS[2], gates=(placed(inject=None),)), "no gate here needs it", "kubectl create role"),
    ("rights", "note", denied(RIGHTS[3], gates=(placed(target=URL),)), "no gate here needs it", "kubectl create role"),
    (
        "rights",
        "unknown",
        snapshot(rights=dict.fromkeys(RIGHTS, UNSEEN)),
        "4 rights",
        "--as=system:serviceaccount:leadergate-system:leadergate",
    ),
    (
        "priority",
        "wrong",
        snapshot(flow=Known(SeenFlow("service-accounts", "workload-low"))),
        f"writes of {NAME} then fail",
        "leader-election",
    ),
    ("priority", "wrong", snapshot(flow=Known(None)), "no FlowSchema takes them", "kubectl apply -f -"),
    (
        "priority",
        "note",
        snapshot(flow=Known(None), gates=(placed(failure_policy=FailurePolicy.IGNORE),)),
        "they starve",
        "kubectl apply -f -",
    ),
    ("priority", "unknown", snapshot(flow=UNSEEN), "can-i get things", ""),
    ("traffic", "note", counted(0, 0, 0, 0), "has put no write to it", f"get validatingwebhookconfiguration {NAME}"),
    ("traffic", "note", snapshot(traffic=Known({})), "has put no write to it", "kubectl"),
    ("traffic", "unknown", snapshot(traffic=UNSEEN), "can-i get things", "as an administrator"),
    ("failed-calls", "wrong", counted(4, 0, 4, 0), "never worked", "logs"),
    ("failed-calls", "note", counted(4, 0, 1, 0), "1 of 4 calls brought no verdict, and these writes failed", "logs"),
    ("failed-calls", "note", counted(4, 0, 2, 2), "2 of them went through", "logs"),
    ("api-server-version", "wrong", snapshot(api_version=Known("v1.29.4")), "v1.29.4", "upgrade"),
    ("api-server-version", "unknown", snapshot(api_version=UNSEEN), "can-i get things", ""),
    ("api-server-version", "unknown", snapshot(api_version=Known("dev")), "'dev'", ""),
    ("webhook-version", "note", deployed("leadergate:0.0.9"), "of version 0.0.9, and this command of 0.1.0", "upgrade"),
    (
        "webhook-version",
        "note",
        deployed("leadergate:0.1.0", "leadergate:0.0.9"),
        "of several versions: 0.0.9, 0.1.0",
        "rollout status",
    ),
    ("webhook-version", "note", deployed("registry.example.org:5000/leadergate"), "of version latest", "upgrade"),
    ("webhook-version", "note", deployed(), "no pod of the webhook", ""),
    ("webhook-version", "unknown", snapshot(deployment=UNSEEN, pods={}), "can-i get things", ""),
]
