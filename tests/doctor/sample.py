"""A healthy installation as plain values, to be broken in one place at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from leadergate.doctor.finding import Finding, Level
from leadergate.doctor.judge import judge
from leadergate.gate import parse
from leadergate.gates.spec import Account, FailurePolicy, Service
from leadergate.model import Lease, LeaseKey
from leadergate.survey.gates import Entry, PlacedGate, Rule, Traffic
from leadergate.survey.parts import (
    Known,
    Right,
    SeenDeployment,
    SeenEndpoint,
    SeenFlow,
    SeenLease,
    SeenPod,
    SeenService,
)
from leadergate.survey.snapshot import Snapshot
from leadergate_certs.cluster import Stored
from leadergate_certs.issue import Authority, ServingPair, issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_certs.state import State, first_state

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
NAME = "redirect-status.example.org"
OPERATOR = Account("demo", "operator")
WEBHOOK = Account("leadergate-system", "leadergate")
KEY = LeaseKey("demo", "operator-lock")
NAMESPACE = "kubernetes.io/metadata.name"
RULE = Rule(("demo.leadergate.dev",), ("v1",), ("redirects/status",), ("UPDATE",), "Namespaced")
NAMES = ServingNames.parse(services=[("leadergate", "leadergate-system")], ips=["127.0.0.1"])

AUTHORITY: Authority = issue_authority(NOW - timedelta(days=100))
STRANGER: Authority = issue_authority(NOW)
PAIR: ServingPair = issue_serving_pair(AUTHORITY, NAMES, NOW)
STATE: State = first_state(AUTHORITY, PAIR)

ONLY = ("only-service-account", 'request.userInfo.username in ["system:serviceaccount:demo:operator"]')


def entry(**changes: Any) -> Entry:
    """The gate's entry."""
    made = Entry(
        kind="ValidatingWebhookConfiguration",
        configuration=NAME,
        name=NAME,
        target=Service("leadergate-system", "leadergate"),
        path="/enforce/demo/operator-lock",
        ca_bundle=AUTHORITY.certificate_pem,
        inject="leadergate-system",
        rules=(RULE,),
        failure_policy=FailurePolicy.FAIL,
        timeout_seconds=3,
        side_effects="None",
        match_policy="Equivalent",
        namespace_selector={"matchLabels": {NAMESPACE: "demo"}},
        object_selector={},
        conditions=(ONLY,),
    )
    return replace(made, **changes)


def placed(**changes: Any) -> PlacedGate:
    """The gate; its path makes it."""
    made = entry(**changes)
    return PlacedGate(made, parse(made.path))


def other(**changes: Any) -> Entry:
    """Somebody else's webhook, which looks at ConfigMaps."""
    rule = Rule(("",), ("v1",), ("configmaps",), ("CREATE", "UPDATE"), "*")
    usual: dict[str, Any] = {
        "configuration": "policy.example.org",
        "name": "policy.example.org",
        "target": Service("policy", "policy"),
        "path": "/",
        "inject": None,
        "rules": (rule,),
        "conditions": (),
        "namespace_selector": {},
    }
    return entry(**{**usual, **changes})


def pod(name: str, **changes: Any) -> SeenPod:
    """A pod of the operator."""
    made = SeenPod(
        namespace="demo",
        name=name,
        uid=f"uid-of-{name}",
        node="node-a",
        service_account="operator",
        running=True,
        ready=True,
        token="bound",
        host_network=False,
        hostname=None,
        image="operator:1",
        labels=(("app", "operator"),),
    )
    return replace(made, **changes)


def replica(name: str, **changes: Any) -> SeenPod:
    """A pod of the webhook."""
    usual = {"namespace": "leadergate-system", "service_account": "leadergate", "image": "leadergate:0.1.0"}
    return pod(name, **{**usual, "labels": (("app", "leadergate"),), **changes})


def lease(holder: str = "operator-0", *, age: float = 1, **changes: Any) -> SeenLease:
    """The Lease, renewed ``age`` seconds ago."""
    made = Lease(holder, "7", transitions=1, duration=15, acquire_time=NOW, renew_time=NOW - timedelta(seconds=age))
    return SeenLease(replace(made, **changes), NOW)


def endpoint(host: str, **changes: Any) -> SeenEndpoint:
    """A replica's address."""
    made = SeenEndpoint(host, 10250, ready=True, pod=f"pod-{host}", reached=True, serves=PAIR.certificate)
    return replace(made, **changes)


RIGHTS = (
    Right("get", "coordination.k8s.io", "leases", "demo", "operator-lock"),
    Right("patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", name=NAME),
    Right("get", "", "secrets", "leadergate-system", "leadergate-tls"),
    Right("list", "discovery.k8s.io", "endpointslices", "leadergate-system"),
)


def snapshot(**changes: Any) -> Snapshot:
    """All is well."""
    made = Snapshot(
        now=NOW,
        version="0.1.0",
        api_version=Known("v1.37.2"),
        service=Service("leadergate-system", "leadergate"),
        account=WEBHOOK,
        secret="leadergate-system/leadergate-tls",
        gates=(placed(),),
        broken=(),
        others=(other(),),
        leases={KEY: Known(lease())},
        pods={
            "demo": Known((pod("operator-0"), pod("operator-1"))),
            "leadergate-system": Known((replica("leadergate-a"), replica("leadergate-b"))),
        },
        accounts={OPERATOR: Known(value=True)},
        namespaces={"demo": Known(value=True)},
        served={("demo.leadergate.dev", "v1", "redirects"): Known(value=True)},
        found_service=Known(
            SeenService("leadergate-system", "leadergate", (("https", 443),), (("app", "leadergate"),), "10.0.0.7")
        ),
        endpoints=Known((endpoint("10.0.0.1"), endpoint("10.0.0.2"))),
        deployment=Known(SeenDeployment("leadergate", 2, 2, ("leadergate:0.1.0",), disruption_budget=True)),
        flow=Known(SeenFlow("leadergate", "leader-election")),
        rights={one: Known(value=True) for one in RIGHTS},
        stored=Known(Stored(STATE, "", {"metadata": {}})),
        traffic=Known({NAME: Traffic(calls=12, rejected=3, failed=0, failed_open=0)}),
    )
    return replace(made, **changes)


def gated(**changes: Any) -> Snapshot:
    """All is well but for the gate's entry."""
    return snapshot(gates=(placed(**changes),))


def leased(**changes: Any) -> Snapshot:
    """All is well but for the Lease."""
    return snapshot(leases={KEY: Known(lease(**changes))})


def found(looked: Snapshot, check: str) -> list[Finding]:
    """What that check says, of anything."""
    return [one for one in judge(looked) if one.check == check]


def the(looked: Snapshot, check: str, level: Level | str) -> Finding:
    """The first finding of that check and level."""
    said = found(looked, check)
    fit = [one for one in said if one.level == level]
    assert fit, f"{check} is not {level}: {said}"
    return fit[0]


def root() -> bytes:
    """The certificate of an authority that may have authorities below it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root of an organisation")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)
