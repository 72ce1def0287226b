"""What may be wrong with the Lease, its holder, and whom a gate names."""

from __future__ import annotations

from dataclasses import replace

from leadergate.gates.spec import Account, FailurePolicy
from leadergate.survey.parts import Known

from .made import (
    JUDGED,
    UNSEEN,
    UUID,
    Case,
    conditions,
    held_by,
    owned,
)
from .sample import (
    KEY,
    NAMESPACE,
    OPERATOR,
    gated,
    leased,
    placed,
    pod,
    snapshot,
)

VELERO = Account("backup", "velero")
AUDIT = placed(path="/audit/demo/operator-lock", failure_policy=FailurePolicy.IGNORE)
CASES: list[Case] = [
    (
        "lease",
        "wrong",
        snapshot(leases={KEY: Known(None)}, gates=(AUDIT,)),
        "every write would be denied",
        "get leases",
    ),
    ("lease-renewed", "wrong", replace(leased(age=60), gates=(AUDIT,)), "its holder would be denied", "get pods"),
    ("holder", "wrong", replace(leased(holder="gone-7"), gates=(AUDIT,)), "every write would be denied", "get pods"),
    (
        "lease",
        "wrong",
        snapshot(leases={KEY: Known(None)}),
        "there is no Lease demo/operator-lock",
        "kubectl -n demo get leases",
    ),
    ("lease", "wrong", leased(holder="", age=61, duration=1), "nobody holds", "get lease operator-lock"),
    ("lease", "wrong", leased(holder="", renew_time=None), "nobody holds", "get lease operator-lock"),
    ("lease", "note", leased(holder="", age=9, duration=1), "was released 9 s ago", "get lease operator-lock"),
    ("lease", "unknown", snapshot(leases={KEY: UNSEEN}), "can-i get things", ""),
    ("lease", "unknown", snapshot(leases={}), "was not asked for", ""),
    ("lease-renewed", "wrong", leased(age=60), "was renewed 60 s ago and lasts 15 s", "get pods"),
    ("lease-renewed", "wrong", leased(renew_time=None), "never renewed", "get pods"),
    ("lease-renewed", "note", leased(age=20), "late, or clocks differ", "get pods"),
    ("lease-renewed", "note", leased(age=-60), "60 s in the future", "clocks"),
    ("lease-duration", "note", leased(duration=None), "is absent", "15 is usual"),
    ("lease-duration", "note", leased(duration=0), "is 0", "15 is usual"),
    ("lease-duration", "note", leased(duration=1_000_000), "is 1000000", "15 is usual"),
    ("holder", "wrong", leased(holder=UUID), "bare UUID", "POD_NAME"),
    ("holder", "wrong", replace(leased(holder=UUID), gates=(AUDIT,)), "all would be denied", "POD_NAME"),
    ("holder", "wrong", leased(holder="gone-7"), "names no pod of namespace demo", "get pods"),
    ("holder", "wrong", held_by("operator-0", pod("operator-0", ended=True)), "which has ended", "get pods"),
    (
        "holder",
        "wrong",
        held_by("operator-0-controller", pod("operator-0")),
        "the tail -controller",
        "path /enforce/demo/operator-lock/suffix/controller",
    ),
    (
        "holder",
        "wrong",
        held_by("operator-0-Xk29dK20aB", pod("operator-0")),
        "10 random characters",
        "path /enforce/demo/operator-lock/random/10",
    ),
    (
        "holder",
        "wrong",
        held_by("node-a_9f", pod("operator-0")),
        "the node of pod operator-0",
        "path /enforce/demo/operator-lock/identity/node",
    ),
    (
        "holder",
        "wrong",
        held_by("node-a-Xk29dK20aB", pod("operator-0", host_network=True)),
        "10 random characters",
        "/identity/node/random/10",
    ),
    (
        "holder",
        "wrong",
        held_by("operator-0", pod("operator-0"), path="/enforce/demo/operator-lock/suffix/x"),
        "plain name of pod operator-0",
        "path /enforce/demo/operator-lock",
    ),
    (
        "holder",
        "wrong",
        held_by("boss_1", pod("operator-0", hostname="boss")),
        "spec.hostname of pod operator-0",
        "spec.hostname",
    ),
    (
        "holder",
        "wrong",
        held_by("node-a.example.org_1", pod("operator-0", host_network=True)),
        "hostNetwork",
        "POD_NAME",
    ),
    (
        "holder",
        "wrong",
        snapshot(
            gates=(placed(path="/enforce/demo/operator-lock/from/writers"),),
            pods={**snapshot().pods, "writers": Known(())},
        ),
        "is a pod of demo, and the gate expects writers",
        "path /enforce/demo/operator-lock",
    ),
    (
        "holder",
        "wrong",
        held_by("node-b", pod("operator-0"), path="/enforce/demo/operator-lock/identity/node"),
        "names no node with a pod",
        "get pods",
    ),
    (
        "holder",
        "wrong",
        held_by(f"{'o' * 60}-7d_5f0c", pod(f"{'o' * 60}-7d-x2x4p")),
        "first 63 characters of pod",
        "POD_NAME",
    ),
    (
        "holder",
        "note",
        held_by("node-a", pod("a"), pod("b"), path="/enforce/demo/operator-lock/identity/node"),
        "each of them passes",
        "spread",
    ),
    ("holder", "unknown", snapshot(pods={"demo": UNSEEN}), "can-i get things", ""),
    (
        "tokens",
        "wrong",
        owned(pod("operator-0", token="legacy")),
        "names no pod, is mounted into operator-0",
        "service-account-token",
    ),
    (
        "tokens",
        "note",
        owned(pod("operator-0", token="none")),
        "no token is mounted into operator-0",
        "automountServiceAccountToken",
    ),
    (
        "tokens",
        "note",
        owned(*(pod(f"operator-{number}", token="none") for number in range(2000))),
        "operator-0, operator-1, operator-2, operator-3, operator-4 and 1995 others",
        "automountServiceAccountToken",
    ),
    ("tokens", "note", owned(), "no pod of demo/operator runs", "get pods"),
    ("tokens", "unknown", snapshot(pods={"demo": UNSEEN}), "can-i get things", ""),
    ("tokens", "unknown", owned(gates=(placed(conditions=()),)), "which pods are the operator's is not known", ""),
    ("pod-hostname", "note", owned(pod("operator-0", host_network=True)), "operator-0", "POD_NAME"),
    ("pod-hostname", "note", owned(pod("operator-0", hostname="boss")), "operator-0", "POD_NAME"),
    (
        "condition-accounts",
        "wrong",
        snapshot(accounts={OPERATOR: Known(value=False)}),
        "demo/operator, which does not exist",
        "get serviceaccounts",
    ),
    (
        "condition-accounts",
        "note",
        replace(
            conditions(JUDGED, '!(request.userInfo.username in ["system:serviceaccount:backup:velero"])'),
            accounts={OPERATOR: Known(value=True), VELERO: Known(value=False)},
        ),
        "spares service account backup/velero, which does not exist",
        "get serviceaccounts",
    ),
    (
        "condition-accounts",
        "wrong",
        replace(
            conditions('request.userInfo.username == "system:serviceaccount:backup:velero"'),
            accounts={VELERO: Known(value=False)},
        ),
        "backup/velero, which does not exist",
        "get serviceaccounts",
    ),
    ("condition-accounts", "unknown", snapshot(accounts={OPERATOR: UNSEEN}), "can-i get things", ""),
    (
        "namespaces",
        "wrong",
        snapshot(namespaces={"demo": Known(value=False)}),
        "namespace demo",
        "kubectl create namespace demo",
    ),
    (
        "namespaces",
        "note",
        replace(
            gated(
                namespace_selector={"matchExpressions": [{"key": NAMESPACE, "operator": "In", "values": ["demo", "x"]}]}
            ),
            namespaces={"demo": Known(value=True), "x": Known(value=False)},
        ),
        "namespace x, of its namespaceSelector, does not exist",
        "",
    ),
    (
        "namespaces",
        "wrong",
        replace(
            gated(namespace_selector={"matchLabels": {NAMESPACE: "x"}}),
            namespaces={"demo": Known(value=True), "x": Known(value=False)},
        ),
        "nothing is gated",
        "kubectl create namespace x",
    ),
    ("namespaces", "unknown", snapshot(namespaces={}), "was not asked for", ""),
    ("somebody-judged", "wrong", conditions("false"), "false for everybody", "matchConditions"),
    (
        "somebody-judged",
        "wrong",
        conditions('request.userInfo.username == "system:serviceaccount:elsewhere:operator"'),
        "of another namespace than 'demo'",
        "matchConditions",
    ),
    (
        "somebody-judged",
        "wrong",
        conditions(JUDGED, "request.userInfo.username != 'system:serviceaccount:demo:operator'"),
        "nobody is left to judge",
        "matchConditions",
    ),
    (
        "somebody-judged",
        "wrong",
        conditions(JUDGED.replace("demo", "elsewhere")),
        "of another namespace than 'demo'",
        "matchConditions",
    ),
    ("somebody-judged", "wrong", conditions(JUDGED, f"!({JUDGED})"), "nobody is left to judge", "matchConditions"),
    (
        "somebody-judged",
        "wrong",
        conditions(JUDGED, 'request.userInfo.username in ["system:serviceaccount:demo:x"]'),
        "nobody is left to judge",
        "matchConditions",
    ),
    (
        "somebody-judged",
        "wrong",
        conditions(
            "!(has(request.userInfo.groups) && "
            'request.userInfo.groups.exists(group, group in ["system:authenticated"]))'
        ),
        "everybody is in this group",
        "matchConditions",
    ),
    (
        "somebody-judged",
        "wrong",
        conditions(JUDGED, '!(request.userInfo.username in ["system:anonymous"])'),
        "nobody has shown who they are",
        "matchConditions",
    ),
]
