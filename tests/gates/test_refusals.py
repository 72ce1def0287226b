"""What `gate render` refuses, and what it says of it: the field, its value, what was expected and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate.gates.fields import Fields
from leadergate.gates.reading import Reading, read
from leadergate.gates.refusals import Found, Missing, discovered
from leadergate.gates.spec import StatusResource

RESOURCE = "redirects.v1.demo.leadergate.dev"
REDIRECTS = StatusResource("redirects", "v1", "demo.leadergate.dev")


def reading(**fields: Any) -> Reading:
    """What is read from these fields; the Lease and one resource are given unless they are named."""
    return read(Fields(**{"lease": "demo/operator-lock", "resource": (RESOURCE,), **fields}))


def faults(**fields: Any) -> list[str]:
    """What is said of these fields."""
    return [str(fault) for fault in reading(**fields).faults]


def test_nothing_is_wrong_with_the_least() -> None:
    """A Lease and a resource are enough."""
    assert faults() == []
    assert reading().spec is not None


OFTEN_FORGOTTEN = [
    (
        {"lease": None},
        "lease is missing: expected NAMESPACE/NAME of the Lease that the writers elect their leader with",
    ),
    ({"resource": ()}, "resource is missing: expected at least one RESOURCE.VERSION.GROUP"),
]

BAD_VALUES = [
    ({"lease": "operator-lock"}, "lease 'operator-lock': expected NAMESPACE/NAME"),
    ({"lease": "demo/"}, "lease 'demo/': expected NAMESPACE/NAME"),
    ({"lease": "demo/a/b"}, "lease 'demo/a/b': expected NAMESPACE/NAME"),
    ({"lease": "Demo/lock"}, "lease 'Demo/lock': lease namespace 'Demo' is not a DNS-1123 label"),
    ({"lease": "demo/Lock"}, "lease 'demo/Lock': lease name 'Lock' is not a DNS-1123 subdomain"),
    ({"mode": "block"}, "mode 'block' is not one of enforce, warn, audit"),
    ({"mode": "enforce/x"}, "mode 'enforce/x': holds a '/'"),
    ({"from_": "Team_A"}, "from 'Team_A' is not a DNS-1123 label"),
    ({"from_": "a/identity/node"}, "from 'a/identity/node': holds a '/'"),
    ({"identity": "host"}, "identity 'host' is not one of pod, node"),
    ({"suffix": "Controller"}, "suffix 'Controller' is not made of at most 253 lower-case letters"),
    ({"suffix": ""}, "suffix '' is not made of at most 253 lower-case letters"),
    ({"random": "0"}, "random '0' is not a count from 1 to 63"),
    ({"suffix": "a", "random": "3"}, "suffix 'a': excludes random"),
    ({"code": "500"}, "code '500' is not one of 403, 409, 422, 429"),
    ({"retry_after": "5"}, "retry-after '5': goes only with code 429"),
    ({"code": "429", "retry_after": "61"}, "retry-after '61' is not a number of seconds from 1 to 60"),
    ({"name": "short"}, "name 'short': expected a DNS-1123 subdomain of three labels or more"),
    ({"name": "Gate.example.org"}, "name 'Gate.example.org': expected a DNS-1123 subdomain of three labels or more"),
    ({"lease": f"demo/{'l' * 250}"}, "give a shorter one with name"),
    ({"failure_policy": "fail"}, "failure-policy 'fail': expected Fail or Ignore"),
    ({"timeout_seconds": "0"}, "timeout-seconds '0': expected whole seconds from 1 to 10"),
    ({"timeout_seconds": "11"}, "timeout-seconds '11': expected whole seconds from 1 to 10"),
    ({"timeout_seconds": "٣"}, "timeout-seconds '٣': expected whole seconds from 1 to 10"),
    ({"timeout_seconds": "9" * 9999}, "expected whole seconds from 1 to 10"),
    ({"only_service_account": ("operator",)}, "only-service-account 'operator': expected NAMESPACE/NAME"),
    ({"only_service_account": ("demo/a b",)}, "only-service-account 'demo/a b': expected NAMESPACE/NAME"),
    ({"allow": ("ann",)}, "allow 'ann': expected user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME"),
    ({"allow": ("user:",)}, "allow 'user:': expected user:NAME"),
    ({"allow": ("robot:r2",)}, "allow 'robot:r2': expected user:NAME"),
    ({"allow": ("serviceaccount:r2",)}, "allow 'serviceaccount:r2': expected user:NAME"),
    ({"allow": ("user:\udcff",)}, "allow 'user:\\udcff': expected text in UTF-8"),
    ({"namespace": ("Demo",)}, "namespace 'Demo': expected a DNS-1123 label"),
    ({"namespace": ("demo",), "all_namespaces": True}, "namespace 'demo': excludes all-namespaces"),
    ({"service": "leadergate"}, "service 'leadergate': expected NAMESPACE/NAME or NAMESPACE/NAME:PORT"),
    ({"service": "a/b:0"}, "service 'a/b:0': expected NAMESPACE/NAME or NAMESPACE/NAME:PORT"),
    ({"service": "a/b:65536"}, "service 'a/b:65536': expected NAMESPACE/NAME or NAMESPACE/NAME:PORT"),
    ({"service": "a/b:"}, "service 'a/b:': expected NAMESPACE/NAME or NAMESPACE/NAME:PORT"),
    ({"service": "a/b", "url": "https://h"}, "url 'https://h': excludes service"),
    ({"url": "http://gate.example.org"}, "url 'http://gate.example.org': expected https://HOST[:PORT]"),
    ({"url": "https://gate.example.org/a"}, "url 'https://gate.example.org/a': expected https://HOST[:PORT]"),
    ({"url": "https://u:p@gate.example.org"}, "expected https://HOST[:PORT]"),
    ({"url": "https://gate.example.org?"}, "expected https://HOST[:PORT]"),
    ({"url": "https://gate.example.org#"}, "expected https://HOST[:PORT]"),
    ({"url": "https://gate.example.org:99999"}, "expected https://HOST[:PORT]"),
    ({"url": "https://"}, "expected https://HOST[:PORT]"),
    ({"url": "https://a b"}, "expected https://HOST[:PORT]"),
    ({"url": "https://[::1"}, "expected https://HOST[:PORT]"),
    ({"account": "leadergate"}, "account 'leadergate': expected NAMESPACE/NAME"),
    ({"inject": "Sys"}, "inject 'Sys': expected a DNS-1123 label"),
    ({"inject": "sys", "no_inject": True}, "inject 'sys': excludes no-inject"),
    ({"resource": ("redirects",)}, "resource 'redirects': expected RESOURCE.VERSION.GROUP"),
    (
        {"resource": ("redirects.demo.leadergate.dev",)},
        "resource 'redirects.demo.leadergate.dev': the second part, 'demo'",
    ),
    ({"resource": (f"redirects/status.v1.{REDIRECTS.group}",)}, "leave '/status' out"),
    ({"resource": (f"{RESOURCE}/status",)}, "leave '/status' out"),
    ({"resource": ("demo.leadergate.dev/v1/redirects",)}, "expected RESOURCE.VERSION.GROUP"),
    ({"resource": ("Redirects.v1.demo.leadergate.dev",)}, "expected RESOURCE.VERSION.GROUP"),
    ({"resource": ("redirects.v1.",)}, "expected RESOURCE.VERSION.GROUP"),
]

FOOT_GUNS = [
    ({"resource": ("leases.v1.coordination.k8s.io",)}, "is how leaders are elected and nodes tell that they live"),
    ({"resource": ("*.*",)}, "resource '*.*': a wildcard would take in what the cluster lives on"),
    ({"resource": ("*/*",)}, "resource '*/*': a wildcard would take in what the cluster lives on"),
    ({"resource": ("*.v1.demo.leadergate.dev",)}, "a wildcard would take in"),
    ({"resource": ("redirects.*.demo.leadergate.dev",)}, "a wildcard would take in"),
    ({"resource": ("redirects.v1.*",)}, "a wildcard would take in"),
    ({"resource": ("pods.v1",)}, "resource 'pods.v1': is of the core group, whose status the kubelet"),
    ({"resource": ("nodes.v1",)}, "resource 'nodes.v1': is of the core group, whose status the kubelet"),
    ({"resource": ("pods.v1.core",)}, "is of the core group, whose status the kubelet"),
    ({"resource": ("deployments.v1.apps",)}, "its status is written by kube-controller-manager"),
    ({"resource": ("jobs.v1.batch",)}, "its status is written by kube-controller-manager"),
    ({"resource": ("poddisruptionbudgets.v1.policy",)}, "its status is written by kube-controller-manager"),
    ({"resource": ("horizontalpodautoscalers.v2.autoscaling",)}, "its status is written by kube-controller-manager"),
    ({"resource": ("customresourcedefinitions.v1.apiextensions.k8s.io",)}, "its status is written by kube-apiserver"),
    ({"resource": ("apiservices.v1.apiregistration.k8s.io",)}, "its status is written by kube-apiserver"),
    ({"resource": ("flowschemas.v1.flowcontrol.apiserver.k8s.io",)}, "its status is written by kube-apiserver"),
    (
        {"resource": ("validatingadmissionpolicies.v1.admissionregistration.k8s.io",)},
        "the API server asks no webhook about these",
    ),
    ({"resource": ("servicecidrs.v1.networking.k8s.io",)}, "its status is written by kube-controller-manager"),
    ({"namespace": ("kube-system",)}, "namespace 'kube-system': the cluster's own components live there"),
    ({"namespace": ("kube-public",)}, "namespace 'kube-public': the cluster's own components live there"),
    ({"namespace": ("kube-node-lease",)}, "namespace 'kube-node-lease': the cluster's own components live there"),
    ({"from_": "kube-system"}, "namespace 'kube-system' (taken from from): the cluster's own components live there"),
    ({"lease": "kube-system/operator"}, "namespace 'kube-system' (taken from lease)"),
    (
        {"lease": "kube-system/kube-scheduler", "from_": "demo"},
        "lease 'kube-system/kube-scheduler': is the control plane's",
    ),
    (
        {"lease": "kube-system/kube-controller-manager", "from_": "demo"},
        "lease 'kube-system/kube-controller-manager': is the control plane's",
    ),
    (
        {"lease": "kube-system/apiserver-abc", "from_": "demo"},
        "lease 'kube-system/apiserver-abc': is the control plane's",
    ),
    ({"lease": "kube-node-lease/node-1", "from_": "demo"}, "lease 'kube-node-lease/node-1': is a node's heartbeat"),
    ({"namespace": ("leadergate-system",)}, "namespace 'leadergate-system': the gate itself runs there"),
    ({"account": "sys/gate", "namespace": ("sys",)}, "namespace 'sys': the gate itself runs there"),
    ({"service": "sys/gate", "namespace": ("sys",)}, "namespace 'sys': the gate itself runs there"),
    ({"inject": "sys", "namespace": ("sys",)}, "namespace 'sys': the gate itself runs there"),
    ({"only_service_account": ("other/operator",)}, "only-service-account 'other/operator': its pods are of another"),
    (
        {"from_": "leadergate-system", "namespace": ("a",), "only_service_account": ("leadergate-system/leadergate",)},
        "only-service-account 'leadergate-system/leadergate': is the gate's own account",
    ),
    ({"allow": ("group:system:authenticated",)}, "allow 'group:system:authenticated': everybody is in this group"),
    ({"allow": ("group:system:unauthenticated",)}, "allow 'group:system:unauthenticated': nobody has shown who"),
    ({"allow": ("user:system:anonymous",)}, "allow 'user:system:anonymous': nobody has shown who"),
    ({"allow": ("group:system:serviceaccounts",)}, "every pod is in this group"),
    ({"allow": ("group:system:serviceaccounts:demo",)}, "the writers to be judged are in this group"),
    (
        {"allow": ("serviceaccount:demo/op",), "only_service_account": ("demo/op",)},
        "allow 'serviceaccount:demo/op': is named by only-service-account as well",
    ),
    (
        {"allow": ("user:system:serviceaccount:demo:op",), "only_service_account": ("demo/op",)},
        "allow 'user:system:serviceaccount:demo:op': is named by only-service-account as well",
    ),
]


@pytest.mark.parametrize(("fields", "said"), OFTEN_FORGOTTEN + BAD_VALUES + FOOT_GUNS)
def test_each_fault_is_named(fields: dict[str, Any], said: str) -> None:
    """Exactly one fault, with the field and its value, and a remedy after a semicolon; and no spec comes of it."""
    read = reading(**fields)
    (fault,) = (str(one) for one in read.faults)
    assert said in fault
    assert fault.partition("; ")[2]
    assert "a gate's path has the form" not in fault
    assert read.spec is None


def test_all_faults_are_named_at_once() -> None:
    """A bad value, a foot-gun and something missing, of several fields and of several values of one."""
    found = faults(
        lease=None,
        mode="block",
        resource=("leases.v1.coordination.k8s.io", "pods.v1", "x"),
        namespace=("kube-system", "Demo"),
        allow=("group:system:authenticated", "ann"),
        timeout_seconds="60",
        identity="host",
    )
    fields = [fault.split()[0] for fault in found]
    assert fields == [
        "lease", "resource", "resource", "resource", "mode", "identity", "timeout-seconds", "namespace", "namespace",
        "allow", "allow",
    ]  # fmt: skip


ACCEPTED = [
    {"resource": ("ingresses.v1.networking.k8s.io",)},
    {"resource": ("gateways.v1.gateway.networking.k8s.io",)},
    {"resource": ("widgets.v1.apps.example.org",)},
    {"resource": ("widgets.v1beta2.example.org",)},
    {"resource": ("widgets.v2alpha1.example",)},
    {"lease": "kube-system/cert-manager-controller", "from_": "cert-manager", "suffix": "external-controller"},
    {"lease": "kube-system/cilium-operator", "all_namespaces": True, "random": "10", "identity": "node"},
    {"lease": "kube-system/cilium-operator", "namespace": ("a",)},
    {"url": "https://127.0.0.1:8443"},
    {"url": "https://[::1]:8443/"},
    {"service": "sys/gate:8443", "account": "sys/gate"},
    {"allow": ("group:system:masters", "user:ann@example.org", "serviceaccount:ops/fixer")},
    {"allow": ("group:system:serviceaccounts:ops",)},
    {"only_service_account": ("demo/a", "demo/b")},
    {"name": "my.gate.example.org"},
    {"timeout_seconds": "10"},
    {"code": "429"},
]


@pytest.mark.parametrize("fields", ACCEPTED)
def test_what_is_no_foot_gun_passes(fields: dict[str, Any]) -> None:
    """Nothing is refused that real operators need."""
    assert faults(**fields) == []


def test_what_discovery_finds_missing_is_refused() -> None:
    """With the reason that discovery gave; the others are looked at as well."""
    other = StatusResource("notes", "v1", "demo.leadergate.dev")
    found = {REDIRECTS: Missing("the API server serves no group 'demo.leadergate.dev'", "install its definition"),
             other: Found(namespaced=True, status=False)}  # fmt: skip
    said = [str(fault) for fault in discovered(found, ())]
    assert said[0].startswith(f"resource '{RESOURCE}': the API server serves no group 'demo.leadergate.dev'; install")
    assert "resource 'notes.v1.demo.leadergate.dev': has no status subresource" in said[1]


def test_namespaces_do_not_go_with_cluster_scoped_resources() -> None:
    """No namespaceSelector applies to them, so that naming namespaces would promise what is not kept."""
    found = {REDIRECTS: Found(namespaced=False, status=True)}
    (fault,) = discovered(found, ("demo",))
    assert str(fault).startswith("namespace 'demo': redirects.v1.demo.leadergate.dev is cluster-scoped")
    assert discovered(found, ()) == []
    assert discovered({REDIRECTS: Found(namespaced=True, status=True)}, ("demo",)) == []
