"""Values that the chart refuses, and what it says of each: where it is, why, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate.gates import refusals
from leadergate_lab.helm import Helm

from .rendering import attempt

REDIRECTS = "redirects.v1.demo.leadergate.dev"


def said(helm: Helm, values: dict[str, Any]) -> str:
    """What Helm says when it refuses the values, on one line."""
    done = attempt(helm, values)
    assert done.returncode != 0, f"not refused:\n{done.stdout}"
    assert done.stdout == ""
    return " ".join(done.stderr.split())


LEASES = (*refusals._CONTROL_PLANE, "apiserver-abc")
BY_DEFAULT = "the default"

FOOT_GUNS: list[tuple[dict[str, Any], str]] = [
    (
        {"resources": ["*.*"]},
        'resource "*.*": a wildcard would take in what the cluster lives on, Leases and nodes among it; name each',
    ),
    ({"resources": ["*/*"]}, 'resource "*/*": a wildcard'),
    ({"resources": ["redirects.*.demo.leadergate.dev"]}, "a wildcard would take in"),
    ({"resources": ["redirects.v1.*"]}, "a wildcard would take in"),
    (
        {"resources": ["leases.v1.coordination.k8s.io"]},
        "this is how leaders are elected and nodes tell that they live: the gate would hold up its own Lease; gate the",
    ),
    ({"resources": ["pods.v1"]}, 'resource "pods.v1": is of the core group, whose status the kubelet'),
    ({"resources": ["pods.v1.core"]}, 'resource "pods.v1.core": is of the core group'),
    ({"resources": ["nodes.v1"]}, "nodes and pods would fail; gate the status of your own resources"),
    ({"resources": ["servicecidrs.v1.networking.k8s.io"]}, "is written by kube-controller-manager"),
    (
        {"resources": ["validatingadmissionpolicies.v1.admissionregistration.k8s.io"]},
        "the API server asks no webhook about these",
    ),
    ({"resources": ["redirects"]}, 'resource "redirects": expected RESOURCE.VERSION.GROUP, such as redirects.v1.demo'),
    ({"resources": ["redirects.demo.leadergate.dev"]}, "expected RESOURCE.VERSION.GROUP"),
    ({"resources": ["demo.leadergate.dev/v1/redirects"]}, "see NAME and APIVERSION in kubectl api-resources"),
    ({"resources": ["Redirects.v1.demo.leadergate.dev"]}, "expected RESOURCE.VERSION.GROUP"),
    ({"resources": ["redirects.v1."]}, "expected RESOURCE.VERSION.GROUP"),
    ({"resources": [f"{REDIRECTS}/status"]}, 'leave "/status" out, it is what a gate is about'),
    ({"resources": ["redirects/status.v1.demo.leadergate.dev"]}, 'leave "/status" out'),
    ({"namespaces": ["leadergate-system"]}, 'namespace "leadergate-system": the gate itself runs there, and must not'),
    (
        {"lease": "leadergate-system/operator"},
        'namespace "leadergate-system" (taken from lease): the gate itself runs there',
    ),
    (
        {"lease": "kube-system/operator"},
        'namespace "kube-system" (taken from lease): the cluster\'s own components live there; name others with names',
    ),
    ({"from": "kube-system"}, 'namespace "kube-system" (taken from from): the cluster\'s own'),
    ({"lease": "kube-node-lease/node-1", "from": "demo"}, "is a node's heartbeat, which no pod holds; name the"),
    ({"onlyServiceAccounts": ["other/operator"]}, 'of another namespace than "demo", and each of their writes would'),
    (
        {"from": "leadergate-system", "namespaces": ["a"], "onlyServiceAccounts": ["leadergate-system/leadergate"]},
        "onlyServiceAccounts \"leadergate-system/leadergate\": is the gate's own account; name the operator's",
    ),
    ({"allow": ["group:system:authenticated"]}, "everybody is in this group, so that nobody would be judged; name"),
    ({"allow": ["group:system:unauthenticated"]}, "nobody has shown who they are"),
    ({"allow": ["user:system:anonymous"]}, "nobody has shown who they are; name users or groups that are"),
    ({"allow": ["group:system:serviceaccounts"]}, "every pod is in this group"),
    ({"allow": ["group:system:serviceaccounts:demo"]}, "the writers to be judged are in this group"),
    (
        {"allow": ["serviceaccount:demo/op"], "onlyServiceAccounts": ["demo/op"]},
        'allow "user:system:serviceaccount:demo:op": is named by onlyServiceAccounts as well',
    ),
    ({"suffix": "a", "random": 3}, 'suffix "a": excludes random; leave one of the two out'),
    ({"retryAfter": 5}, "retryAfter 5: goes only with code 429; leave it out, or set code: 429"),
    ({"code": 409, "retryAfter": 5}, "retryAfter 5: goes only with code 429"),
    ({"namespaces": ["a"], "allNamespaces": True}, 'namespaces ["a"]: excludes allNamespaces; leave one of the two'),
    ({"name": BY_DEFAULT, "lease": f"demo/{'l' * 250}"}, "is longer than 253 characters; give a shorter one with name"),
    (
        {"lease": "operator-lock"},
        'lease "operator-lock": expected NAMESPACE/NAME; see the names with kubectl get leases',
    ),
    ({"lease": "demo/a/b"}, 'lease "demo/a/b": expected NAMESPACE/NAME'),
    ({"lease": "Demo/lock"}, 'lease "Demo/lock": expected NAMESPACE/NAME'),
    ({"lease": "demo/lock\n"}, 'lease "demo/lock\\n": expected NAMESPACE/NAME'),
    ({"lease": f"d/{'l' * 254}"}, 'll": expected NAMESPACE/NAME'),
    (
        {"name": "too.short"},
        'name "too.short": expected a DNS-1123 subdomain of three labels or more, at most 253 char',
    ),
    ({"name": "Gate.example.org"}, 'name "Gate.example.org": expected a DNS-1123 subdomain'),
    ({"name": f"a.b.{'c' * 250}"}, 'cc": expected a DNS-1123 subdomain'),
    (
        {"onlyServiceAccounts": ["op"]},
        'onlyServiceAccounts "op": expected NAMESPACE/NAME of a service account; see kubec',
    ),
    (
        {"allow": ["ann"]},
        'allow "ann": expected user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME; kubectl auth whoami',
    ),
    ({"allow": ["user:"]}, 'allow "user:": expected user:NAME'),
    ({"allow": ["serviceaccount:r2"]}, 'allow "serviceaccount:r2": expected user:NAME'),
    ({"allow": ["user:a\nb", "group:\x7f"]}, 'allow "user:a\\nb": holds a control character; mend the name'),
]

MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"lease": None}, "lease': got null, want string"),
    ({"resources": []}, "resources': minItems: got 0, want 1"),
    ({"resources": REDIRECTS}, "resources': got string, want array"),
    ({"mode": "block"}, "mode': value must be one of 'audit', 'warn', 'enforce'"),
    ({"failurePolicy": "fail"}, "failurePolicy': value must be one of 'Fail', 'Ignore'"),
    ({"timeoutSeconds": 11}, "timeoutSeconds': maximum: got 11, want 10"),
    ({"timeoutSeconds": 0}, "timeoutSeconds': minimum: got 0, want 1"),
    ({"identity": "host"}, "identity': value must be one of 'pod', 'node'"),
    ({"from": "Team_A"}, "from': 'Team_A' does not match pattern"),
    ({"from": "a/identity/node"}, "from': 'a/identity/node' does not match pattern"),
    ({"suffix": ""}, "suffix': '' does not match pattern"),
    ({"random": 64}, "random': maximum: got 64, want 63"),
    ({"code": 500}, "code': value must be one of 403, 409, 422, 429"),
    ({"code": 429, "retryAfter": 61}, "retryAfter': maximum: got 61, want 60"),
    ({"namespaces": ["Demo"]}, "namespaces/0': 'Demo' does not match pattern"),
    ({"failure-policy": "Fail"}, "additional properties 'failure-policy' not allowed"),
]

SERVER: list[tuple[dict[str, Any], str]] = [
    (
        {"webhook": {"hostNetwork": True}},
        "webhook.port 10250: is the kubelet's own on every node, and hostNetwork shares the node's ports; set webhook",
    ),
    ({"plainPort": 10250}, "plainPort 10250: is webhook.port too; choose another"),
    ({"service": {"port": 8080}}, "plainPort 8080: is service.port too"),
    ({"serviceAccount": {"create": False}}, "serviceAccount.name: is empty, and serviceAccount.create is false"),
    ({"certificates": {"source": "secret"}}, "certificates.secretName: is empty, and certificates.source is secret"),
    (
        {"certificates": {"source": "certManager"}, "settings": {"certsLeafLifetime": "30d"}},
        "settings.certsLeafLifetime: is for certificates that the webhook makes itself, and certificates.source is cer",
    ),
    ({"settings": {"clientNames": "a"}}, "settings.clientNames: needs authorities to trust; name a ConfigMap"),
    ({"nudge": True, "settings": {"stuckObjects": 0}}, "nudge: needs remembered objects; set settings.stuckObjects ab"),
    (
        {"settings": {"maxBodyBytes": 33554432, "maxBodyBytesInFlight": 2048}},
        "settings.maxBodyBytesInFlight 2048: is less than settings.maxBodyBytes (33554432), and the largest body would",
    ),
    ({"settings": {"maxBodyBytesInFlight": 2048}}, "is less than settings.maxBodyBytes (7340032)"),
    (
        {"monitoring": {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}},
        "serviceMonitor and podMonitor are both enabled, and everything would be scraped twice",
    ),
    ({"server": {"enabled": False}}, "gates: is empty, and server.enabled is false: nothing would be installed"),
    ({"replicas": 0}, "at '/replicas': minimum: got 0, want 1"),
    ({"replica": 3}, "additional properties 'replica' not allowed"),
    ({"webhook": {"port": 443}}, "at '/webhook/port': minimum: got 443"),
    ({"podDisruptionBudget": {"maxUnavailable": 0}}, "at '/podDisruptionBudget/maxUnavailable': minimum: got 0"),
    ({"podDisruptionBudget": {"maxUnavailable": "0%"}}, "at '/podDisruptionBudget/maxUnavailable': '0%' does not"),
    ({"nameOverride": "n" * 41, "fullnameOverride": "f"}, "at '/nameOverride': maxLength: got 41, want 40"),
    ({"fullnameOverride": "f" * 51}, "at '/fullnameOverride': maxLength: got 51, want 50"),
    ({"image": {"digest": "sha256:0"}}, "at '/image/digest': 'sha256:0' does not match pattern"),
    ({"image": {"tag": "a b"}}, "at '/image/tag': 'a b' does not match pattern"),
    ({"priorityClass": {"value": 2000000000}}, "at '/priorityClass/value': maximum"),
    ({"certificates": {"source": "cert-manager"}}, "at '/certificates/source': value must be one of 'self', 'certMan"),
    ({"settings": {"port": 1}}, "at '/settings': additional properties 'port' not allowed"),
    ({"settings": {"maxInFlight": "many"}}, "at '/settings/maxInFlight': got string, want integer"),
    ({"settings": {"maxInFlight": 0}}, "at '/settings/maxInFlight': minimum: got 0, want 1"),
    ({"settings": {"drainSeconds": 301}}, "at '/settings/drainSeconds': maximum: got 301, want 300"),
    ({"podLabels": {"app.kubernetes.io/name": "x"}}, "invalid propertyName 'app.kubernetes.io/name'"),
    ({"networkPolicy": {"plainFrom": [{"pods": {}}]}}, "at '/networkPolicy/plainFrom/0': additional properties 'pods'"),
]


@pytest.fixture(scope="module")
def malformed(helm: Helm) -> str:
    """What is said of all malformed gates in one release; the schema comes before the templates."""
    return said(helm, release(MALFORMED))


@pytest.fixture(scope="module")
def foot_guns(helm: Helm) -> str:
    """What is said of all foot-guns in one release."""
    return said(helm, release(FOOT_GUNS))


def release(cases: list[tuple[dict[str, Any], str]]) -> dict[str, Any]:
    """Values with a gate for each case, none of them called as another one, unless its name is what is tried."""
    usual = {"lease": "demo/operator-lock", "resources": [REDIRECTS]}
    gates = [{**usual, "name": f"g{at}.example.org", **fields} for at, (fields, _) in enumerate(cases)]
    for gate in gates:
        if gate["name"] == BY_DEFAULT:
            del gate["name"]
    return {"server": {"enabled": False}, "gates": gates}


@pytest.mark.parametrize(("at", "words"), list(enumerate(words for _, words in FOOT_GUNS)))
def test_each_foot_gun_is_refused(foot_guns: str, at: int, words: str) -> None:
    """All that `leadergate gate render` refuses, with what was expected and what to do."""
    assert words in "".join(part for part in foot_guns.split("- gates[") if part.startswith(f"{at}] "))


@pytest.mark.parametrize(("at", "words"), list(enumerate(words for _, words in MALFORMED)))
def test_each_malformed_gate_is_refused(malformed: str, at: int, words: str) -> None:
    """With the place of the value, and what was expected."""
    assert words in "".join(
        part for part in malformed.split("- at ") if part.startswith((f"'/gates/{at}'", f"'/gates/{at}/"))
    )


@pytest.mark.parametrize(("values", "words"), SERVER)
def test_values_of_the_server_that_are_refused(helm: Helm, values: dict[str, Any], words: str) -> None:
    """Each with the place of the value."""
    assert words in said(helm, values)


def test_what_the_control_plane_writes_is_refused_whole(helm: Helm) -> None:
    """The chart's lists are those of the command: every group, every Lease, every namespace of it."""
    text = said(
        helm,
        release(
            [
                ({"resources": [f"things.v1.{group}" for group in refusals._WRITERS]}, ""),
                ({"namespaces": list(refusals.CLUSTERS_OWN)}, ""),
                *(({"lease": f"kube-system/{name}", "from": "demo"}, "") for name in LEASES),
            ]
        ),
    )
    for group, writer in refusals._WRITERS.items():
        assert f'"things.v1.{group}": its status is written by {writer}, which would be turned away' in text
    for namespace in refusals.CLUSTERS_OWN:
        assert f'namespace "{namespace}": the cluster\'s own components live there' in text
    for name in LEASES:
        assert f'lease "kube-system/{name}": is the control plane\'s' in text


def test_all_faults_are_told_at_once(helm: Helm) -> None:
    """With the gate that each is of; a name that comes twice is found across gates."""
    gates = [
        {"lease": "demo/lock", "resources": ["*.*", "pods.v1"]},
        {"lease": "demo/lock", "resources": [REDIRECTS], "retryAfter": 5},
        {"lease": "other/lock", "resources": [REDIRECTS], "name": "lock.demo.leadergate.dev"},
    ]
    text = said(helm, {"gates": gates, "plainPort": 10250})
    assert "these values are refused; 6 thing(s) to mend:" in text
    assert "- plainPort 10250: is webhook.port too" in text
    assert '- gates[0] resource "*.*"' in text
    assert '- gates[0] resource "pods.v1"' in text
    assert "- gates[1] retryAfter 5" in text
    for at in (1, 2):
        assert f'gates[{at}] name "lock.demo.leadergate.dev": is that of gates[0] too; give one of them another' in text


@pytest.mark.parametrize("gate", [{"mode": "enforce"}, {"failurePolicy": "Fail"}])
def test_a_gate_that_may_refuse_writes_is_not_beside_its_server(helm: Helm, gate: dict[str, Any]) -> None:
    """The message says why, and which commands to use instead; what lets writes through may be there."""
    gates = [{"lease": "demo/lock", "resources": [REDIRECTS], **gate}]
    text = said(helm, {"gates": gates, "fullnameOverride": "doorman"})
    assert 'gates[0] failurePolicy "Fail" (lock.demo.leadergate.dev): with the server in the same release' in text
    assert "refused from the moment that the gate is there until a replica is ready" in text
    assert "helm install leadergate CHART --namespace leadergate-system --create-namespace --wait" in text
    assert "helm install leadergate-gates CHART --namespace leadergate-system --set server.enabled=false" in text
    assert "--set webhookRef.service=doorman" in text
    gates[0]["failurePolicy"] = "Ignore"
    assert attempt(helm, {"gates": gates}).returncode == 0
