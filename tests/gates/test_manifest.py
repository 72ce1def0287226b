"""The manifests of a gate: what each field becomes, and that the webhook reads from the path what was asked for."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadergate.gate import parse
from leadergate.gates.cel import literal
from leadergate.gates.fields import Fields
from leadergate.gates.manifest import INJECT, manifests
from leadergate.gates.notes import notes
from leadergate.gates.reading import read
from leadergate.gates.refusals import Found
from leadergate.gates.spec import GateSpec, StatusResource
from leadergate.model import Gate
from leadergate_certs.cluster import LABEL

from ..property.drawn_gates import gates

RESOURCE = "redirects.v1.demo.leadergate.dev"
REDIRECTS = StatusResource("redirects", "v1", "demo.leadergate.dev")


def spec(**fields: Any) -> GateSpec:
    """A spec of these fields; the Lease and one resource are given unless they are named."""
    reading = read(Fields(**{"lease": "demo/operator-lock", "resource": (RESOURCE,), **fields}))
    assert reading.faults == ()
    assert reading.spec is not None
    return reading.spec


def rendered(found: dict[StatusResource, Found] | None = None, **fields: Any) -> dict[str, Any]:
    """The ValidatingWebhookConfiguration."""
    made = manifests(spec(**fields), found or {})[-1]
    assert made["kind"] == "ValidatingWebhookConfiguration"
    return made


def entry(found: dict[StatusResource, Found] | None = None, **fields: Any) -> dict[str, Any]:
    """Its one webhook."""
    (only,) = rendered(found, **fields)["webhooks"]
    return dict(only)


def test_the_whole_of_the_least() -> None:
    """All manifests of a gate of which only Lease and resource are named, where discovery was asked."""
    name = "operator-lock.demo.leadergate.dev"
    rbac = "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "namespace": "leadergate-system", "name": "leadergate"}
    assert manifests(spec(), {REDIRECTS: Found(namespaced=True, status=True)}) == [
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": {"name": name, "namespace": "demo"},
            "rules": [
                {
                    "apiGroups": ["coordination.k8s.io"],
                    "resources": ["leases"],
                    "resourceNames": ["operator-lock"],
                    "verbs": ["get"],
                }
            ],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": "demo"},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
            "subjects": [account],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [
                {
                    "apiGroups": ["admissionregistration.k8s.io"],
                    "resources": ["validatingwebhookconfigurations"],
                    "resourceNames": [name],
                    "verbs": ["patch"],
                }
            ],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
            "subjects": [account],
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name, "labels": {"certs.leadergate.dev/inject": "leadergate-system"}},
            "webhooks": [
                {
                    "name": name,
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": {
                        "service": {
                            "namespace": "leadergate-system",
                            "name": "leadergate",
                            "port": 443,
                            "path": "/audit/demo/operator-lock",
                        }
                    },
                    "rules": [
                        {
                            "apiGroups": ["demo.leadergate.dev"],
                            "apiVersions": ["v1"],
                            "resources": ["redirects/status"],
                            "operations": ["UPDATE"],
                            "scope": "Namespaced",
                        }
                    ],
                    "matchPolicy": "Equivalent",
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "demo"}},
                    "failurePolicy": "Ignore",
                    "sideEffects": "None",
                    "timeoutSeconds": 3,
                }
            ],
        },
    ]


def test_the_label_is_the_one_that_certificates_look_for() -> None:
    """It is written down twice, since what is pure knows nothing of the adapter."""
    assert INJECT == LABEL


@pytest.mark.parametrize("mode", ["audit", "warn", "enforce"])
@pytest.mark.parametrize("policy", [None, "Fail", "Ignore"])
def test_modes_and_failure_policies(mode: str, policy: str | None) -> None:
    """What rejects nothing holds up nothing either, unless told otherwise."""
    made = entry(mode=mode, failure_policy=policy)
    assert made["clientConfig"]["service"]["path"] == f"/{mode}/demo/operator-lock"
    assert made["failurePolicy"] == (policy or ("Fail" if mode == "enforce" else "Ignore"))


def test_a_url_takes_the_path() -> None:
    """And no Service is named; the Secret is looked for beside the webhook's account."""
    made = rendered(url="https://127.0.0.1:8443/", account="sys/gate", mode="warn")
    (hook,) = made["webhooks"]
    assert hook["clientConfig"] == {"url": "https://127.0.0.1:8443/warn/demo/operator-lock"}
    assert made["metadata"]["labels"] == {INJECT: "sys"}


def test_where_the_webhook_is() -> None:
    """Service, account, Secret, name and timeout as they are given; rights go to that account."""
    made = manifests(
        spec(
            service="sys/gate:8443", account="sys/runner", inject="secrets", name="my.gate.example", timeout_seconds="5"
        ),
        {},
    )
    hook = made[-1]["webhooks"][0]
    where = {"namespace": "sys", "name": "gate", "port": 8443, "path": "/audit/demo/operator-lock"}
    assert hook["clientConfig"]["service"] == where
    assert hook["timeoutSeconds"] == 5
    assert hook["name"] == "my.gate.example"
    assert {one["metadata"]["name"] for one in made} == {"my.gate.example"}
    assert made[-1]["metadata"]["labels"] == {INJECT: "secrets"}
    for binding in (made[1], made[3]):
        assert binding["subjects"] == [{"kind": "ServiceAccount", "namespace": "sys", "name": "runner"}]


def test_nobody_injects() -> None:
    """Then there is no label, and no right to patch the configuration."""
    made = manifests(spec(no_inject=True), {})
    assert [one["kind"] for one in made] == ["Role", "RoleBinding", "ValidatingWebhookConfiguration"]
    assert "labels" not in made[-1]["metadata"]


def test_resources_share_a_rule_where_they_can() -> None:
    """One rule for each group, version and scope, in the order given; twice the same counts once."""
    names = ["a.v1.x.example", "b.v1.x.example", "c.v2.x.example", "d.v1.y.example", "e.v1.x.example", "a.v1.x.example"]
    found = {StatusResource("e", "v1", "x.example"): Found(namespaced=False, status=True)}
    rules = entry(found, resource=tuple(names))["rules"]
    assert [(rule["apiGroups"], rule["apiVersions"], rule["resources"], rule["scope"]) for rule in rules] == [
        (["x.example"], ["v1"], ["a/status", "b/status"], "*"),
        (["x.example"], ["v2"], ["c/status"], "*"),
        (["y.example"], ["v1"], ["d/status"], "*"),
        (["x.example"], ["v1"], ["e/status"], "Cluster"),
    ]


NAME = "kubernetes.io/metadata.name"


@pytest.mark.parametrize(
    ("fields", "selector"),
    [
        ({}, {"matchLabels": {NAME: "demo"}}),
        ({"from_": "shop"}, {"matchLabels": {NAME: "shop"}}),
        ({"from_": "shop", "namespace": ("a",)}, {"matchLabels": {NAME: "a"}}),
        (
            {"namespace": ("a", "b", "a")},
            {"matchExpressions": [{"key": NAME, "operator": "In", "values": ["a", "b"]}]},
        ),
        (
            {"all_namespaces": True, "account": "x/gate", "service": "y/gate", "inject": "z"},
            {
                "matchExpressions": [
                    {
                        "key": NAME,
                        "operator": "NotIn",
                        "values": ["kube-system", "kube-public", "kube-node-lease", "x", "y", "z"],
                    }
                ]
            },
        ),
    ],
)
def test_which_namespaces_are_gated(fields: dict[str, Any], selector: dict[str, Any]) -> None:
    """The writers' own, those that are named, or all but the cluster's and the gate's own."""
    assert entry(**fields)["namespaceSelector"] == selector


def test_cluster_scoped_objects_have_no_namespace_to_select() -> None:
    """So that no selector is written that means nothing; where some are namespaced it stays."""
    cluster = {REDIRECTS: Found(namespaced=False, status=True)}
    assert "namespaceSelector" not in entry(cluster)
    mixed = entry(cluster, resource=(RESOURCE, "notes.v1.demo.leadergate.dev"))
    assert mixed["namespaceSelector"] == {"matchLabels": {NAME: "demo"}}


def test_conditions() -> None:
    """Those that limit the gate, and those that let through, each by a name of its own; none without need."""
    assert "matchConditions" not in entry()
    found = entry(
        only_service_account=("demo/a", "demo/b"),
        allow=("user:ann", "group:ops", "serviceaccount:ops/fixer", "group:night shift"),
    )["matchConditions"]
    a, b = "system:serviceaccount:demo:a", "system:serviceaccount:demo:b"
    assert found == [
        {"name": "only-service-account", "expression": f'request.userInfo.username in ["{a}", "{b}"]'},
        {
            "name": "allow-users",
            "expression": '!(request.userInfo.username in ["ann", "system:serviceaccount:ops:fixer"])',
        },
        {
            "name": "allow-groups",
            "expression": "!(has(request.userInfo.groups) && "
            'request.userInfo.groups.exists(group, group in ["ops", "night shift"]))',
        },
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("ann", '"ann"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("o'neil", '"o\'neil"'),
        ("a\nb", '"a\\u000ab"'),
        ("a\x00b\x7f", '"a\\u0000b\\u007f"'),
        ("Zoë", '"Zo\\u00eb"'),
        ("\u2028", '"\\u2028"'),
        ("😀", '"\\U0001f600"'),
        ('"] || true || "" in ["', '"\\"] || true || \\"\\" in [\\""'),
    ],
)
def test_names_come_from_people(text: str, written: str) -> None:
    """CEL reads them as they are: quotes, backslashes, and all that is not printable ASCII, are escaped."""
    assert literal(text) == written


@given(st.text())
def test_no_name_ends_its_literal(text: str) -> None:
    """Whatever the name, what is written is printable ASCII, and its only bare quotes are the first and the last."""
    written = literal(text)
    assert written.isascii()
    assert written.isprintable()
    inner = written[1:-1]
    assert written[0] == written[-1] == '"'
    assert inner.encode().decode("unicode_escape") == text
    assert inner.replace("\\\\", "").replace('\\"', "").count('"') == 0


labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True).filter(
    lambda label: not label.startswith(("kube-", "leadergate-system"))
)
subdomains = st.lists(labels, min_size=1, max_size=3).map(".".join)


@given(gates(labels, subdomains), st.booleans())
def test_the_webhook_reads_what_was_asked_for(gate: Gate, url: bool) -> None:
    """Whatever gate it is: its fields, rendered, and its path parsed again by the webhook give that gate."""
    made = entry(
        lease=str(gate.lease),
        mode=str(gate.mode),
        from_=gate.from_namespace,
        identity=str(gate.identity),
        suffix=gate.suffix,
        random=None if gate.random is None else str(gate.random),
        code=str(gate.code.value),
        retry_after=None if gate.retry_after is None else str(gate.retry_after),
        name="a.b.c",
        url="https://h" if url else None,
    )
    client = made["clientConfig"]
    assert parse(client["url"].removeprefix("https://h") if url else client["service"]["path"]) == gate


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"mode": "enforce", "failure_policy": "Ignore"}, "stale leaders' writes go through"),
        ({"mode": "audit", "failure_policy": "Fail"}, "mode audit rejects nothing, but with Fail writes fail"),
        ({"mode": "warn", "failure_policy": "Fail"}, "mode warn rejects nothing, but with Fail writes fail"),
        ({"only_service_account": ("demo/a",)}, "everybody but demo/a writes unjudged"),
        ({"no_inject": True}, "put your authority into caBundle"),
    ],
)
def test_what_is_legal_and_doubtful_is_noted(fields: dict[str, Any], said: str) -> None:
    """One note each."""
    (note,) = notes(spec(**fields), {REDIRECTS: Found(namespaced=True, status=True)})
    assert said in note


def test_unknown_scopes_are_noted() -> None:
    """Where discovery was not asked: the selector of namespaces may not apply. The usual gate needs no note."""
    (note,) = notes(spec(), {})
    assert "if a resource is cluster-scoped, all its objects are gated" in note
    assert notes(spec(mode="enforce"), {REDIRECTS: Found(namespaced=True, status=True)}) == []


words = (
    "demo lock demo/lock a/b:1 https://h https://h:1/ user: group: serviceaccount: enforce node 429 5 Fail / . : * @ ["
)
pieces = st.sampled_from([*words.split(), "redirects.v1.demo.example", "%", "", "\n", "\udc80"])
texts = st.lists(pieces | st.text(max_size=3), max_size=3).map("".join)
lists = st.lists(texts, max_size=2).map(tuple)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            field.name: lists if field.default == () else st.booleans() if field.default is False else texts
            for field in dataclasses.fields(Fields)
        },
    )
)
def test_whatever_is_given_is_read_or_refused(given: dict[str, Any]) -> None:
    """No text makes it stumble; what is refused is said in one line each, and what is read has manifests."""
    reading = read(Fields(**{"lease": "demo/lock", "resource": (RESOURCE,), **given}))
    assert (reading.spec is None) == bool(reading.faults)
    assert all(str(fault).isprintable() for fault in reading.faults)
    if reading.spec is not None:
        client = manifests(reading.spec, {})[-1]["webhooks"][0]["clientConfig"]
        assert reading.spec.path in (client.get("url") or client["service"]["path"])
        assert notes(reading.spec, {})
