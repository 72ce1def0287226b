"""Gates as values: the chart makes of them what `leadergate gate render` prints for the same fields."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from leadergate.gates.cli import app
from leadergate_lab.helm import Helm

from .rendering import Manifest, must_be_same, objects, rendered, the

REDIRECTS = "redirects.v1.demo.leadergate.dev"
LEASE = "demo/operator-lock"

# What kebab-case makes of the values' names is the command's, less the plurals of lists.
_SINGULAR = {"resources": "resource", "namespaces": "namespace", "onlyServiceAccounts": "only-service-account"}


def by_command(gate: dict[str, Any], **more: Any) -> list[Manifest]:
    """What the command prints for these fields, named as in the values, and ``more``, named as in its file."""
    fields = {_SINGULAR.get(name, re.sub("[A-Z]", lambda at: f"-{at[0].lower()}", name)): gate[name] for name in gate}
    text = yaml.safe_dump({**fields, **more}, allow_unicode=True)
    done = CliRunner().invoke(app, ["render", "--offline", "--file", "-"], input=text.encode())
    assert done.exit_code == 0, done.output
    return objects(done.stdout)


def alone(*gates: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Values of a release that holds these gates and no server."""
    return {"server": {"enabled": False}, "gates": list(gates), **more}


def gate(**fields: Any) -> dict[str, Any]:
    """A gate of the Lease and one resource, unless they are named."""
    return {"lease": LEASE, "resources": [REDIRECTS], **fields}


GATES: dict[str, dict[str, Any]] = {
    "the least": {},
    "warn": {"mode": "warn"},
    "enforce": {"mode": "enforce"},
    "enforce, Ignore": {"mode": "enforce", "failurePolicy": "Ignore"},
    "audit, Fail": {"mode": "audit", "failurePolicy": "Fail"},
    "name and timeout": {"name": "redirect-status.example.org", "timeoutSeconds": 10},
    "names that look like numbers": {"lease": "1/2", "from": "3", "namespaces": ["4", "5"], "suffix": "6"},
    "names that look like others": {"lease": "on/null", "from": "yes", "namespaces": ["true"], "suffix": "no"},
    "names with a dash and dots": {"lease": "a-b/c-d.e.f"},
    "rules that share": {
        "resources": ["a.v1.x.example", "b.v1.x.example", "c.v2.x.example", "d.v1.y.example", "a.v1.x.example"]
    },
    "versions": {"resources": ["a.v1beta2.x.example", "a.v2alpha11.x.example", "b.v1.1.2"]},
    "from": {"from": "shop"},
    "from that says nothing new": {"from": "demo"},
    "one namespace": {"from": "shop", "namespaces": ["a"]},
    "namespaces": {"namespaces": ["a", "b", "a"]},
    "all namespaces": {"allNamespaces": True},
    "not all namespaces": {"allNamespaces": False},
    "identity": {"identity": "node"},
    "identity that says nothing new": {"identity": "pod"},
    "cert-manager": {
        "lease": "kube-system/cert-manager-controller",
        "from": "cert-manager",
        "suffix": "external-cert-manager-controller",
        "allNamespaces": True,
        "resources": ["certificates.v1.cert-manager.io"],
    },
    "cilium": {
        "lease": "kube-system/cilium-operator",
        "from": "cilium",
        "random": 10,
        "identity": "node",
        "resources": ["ciliumnodes.v2.cilium.io"],
    },
    "code": {"code": 409},
    "the usual code": {"code": 403},
    "retry": {"code": 429, "retryAfter": 60},
    "no time to retry": {"code": 429},
    "judged alone": {"onlyServiceAccounts": ["demo/b", "demo/a", "demo/b"]},
    "allowed": {
        "onlyServiceAccounts": ["demo/operator.v2"],
        "allow": ["user:ann", "group:ops", "serviceaccount:ops/fixer", "group:night shift", "user:ann"],
    },
    "allowed twice in two ways": {"allow": ["serviceaccount:ops/fixer", "user:system:serviceaccount:ops:fixer"]},
    "allowed users alone": {"allow": ["user:system:admin"]},
    "allowed groups alone": {"allow": ["group:system:masters", "group:user:x"]},
    "empty lists": {"allow": [], "namespaces": [], "onlyServiceAccounts": []},
    "quotes": {"allow": ['user:a"b', "user:o'neil", "user:back\\slash", 'user:\\"', "user:\\n", "user:\\x41"]},
    "an attack": {"allow": ['user:"] || true || "" in ["', 'group:"])) || true || (["']},
    "what HTML escapes": {"allow": ["user:<a>&b", "group:</script>"]},
    "what templates and YAML read": {"allow": ["user:{{ fail }}", "group:#: - |", "user: %s %d", "user:x "]},
    "beyond ASCII": {
        "allow": ["user:Zoë", "user:\u2028\u2029", "user:😀", "group:\x80\x9f\xa0\xff", "user:\ufffd\ufeff"]
    },
    "the ends of planes": {"allow": ["user:\ud7ff\ue000\uffff\U00010000\U0010ffff"]},
    "all that prints": {"allow": ["user:" + "".join(map(chr, range(0x20, 0x7F)))]},
}


def in_one_release() -> dict[str, dict[str, Any]]:
    """All of them. Each is called as it is by default, unless another gate of its Lease is called so already."""
    made: dict[str, dict[str, Any]] = {}
    taken: set[str] = set()
    for at, (case, fields) in enumerate(GATES.items()):
        made[case] = gate(**fields)
        if made[case]["lease"] in taken:
            made[case].setdefault("name", f"g{at}.example.org")
        taken.add(made[case]["lease"])
    return made


@pytest.fixture(scope="module")
def many(helm: Helm) -> list[Manifest]:
    """All gates, rendered as one release."""
    return rendered(helm, alone(*in_one_release().values()))


@pytest.mark.parametrize("case", GATES)
def test_the_same_as_the_command(many: list[Manifest], case: str) -> None:
    """All objects of each gate among others, the whole of each object."""
    expected = by_command(in_one_release()[case])
    names = {one["metadata"]["name"] for one in expected}
    must_be_same([one for one in many if one["metadata"]["name"] in names], expected)


def test_a_gate_is_five_objects(many: list[Manifest]) -> None:
    """The release has those of its gates and no others."""
    assert len(many) == 5 * len(GATES)


def test_a_webhook_elsewhere(helm: Helm) -> None:
    """webhookRef is --service, --account and --inject in one."""
    ref = {"namespace": "sys", "service": "gate", "port": 8443, "serviceAccount": "runner"}
    written = gate(allNamespaces=True)
    expected = by_command(written, service="sys/gate:8443", account="sys/runner")
    must_be_same(rendered(helm, alone(written, webhookRef=ref)), expected)


def test_gates_beside_the_server_ask_it(helm: Helm) -> None:
    """Its Service and account are known, whatever they are called."""
    written = gate()
    values = {"gates": [written], "fullnameOverride": "doorman", "service": {"port": 8443}}
    values["serviceAccount"] = {"name": "keeper"}
    names = by_command(written, service="leadergate-system/doorman:8443", account="leadergate-system/keeper")
    wanted = {one["metadata"]["name"] for one in names}
    made = [one for one in rendered(helm, values) if one["metadata"]["name"] in wanted]
    must_be_same(made, names)


def test_cert_manager_injects(helm: Helm) -> None:
    """By its own annotation; the webhook then needs no right to patch."""
    values = alone(gate(), certificates={"source": "certManager"})
    expected = by_command(gate(), **{"no-inject": True})
    annotation = {"cert-manager.io/inject-ca-from": "leadergate-system/leadergate"}
    the("ValidatingWebhookConfiguration", expected)["metadata"]["annotations"] = annotation
    must_be_same(rendered(helm, values), expected)


def test_nobody_injects_a_secret_of_yours(helm: Helm) -> None:
    """Neither label nor annotation promises it."""
    values = alone(gate(), certificates={"source": "secret"})
    must_be_same(rendered(helm, values), by_command(gate(), **{"no-inject": True}))


def test_no_gate_has_a_ca_bundle(helm: Helm) -> None:
    """An upgrade would take away what was injected."""
    assert "caBundle" not in yaml.safe_dump(rendered(helm, alone(gate(mode="enforce"))))
