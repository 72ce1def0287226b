"""Webhook configurations read into entries, and gates told from all others."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from leadergate.gates.fields import Fields
from leadergate.gates.manifest import manifests
from leadergate.gates.reading import read
from leadergate.gates.spec import FailurePolicy, Service
from leadergate.model import LeaseKey, Mode
from leadergate.survey.gates import Entry, Rule
from leadergate.survey.reading import INJECT_FROM, MUTATING, VALIDATING, entries, told_apart
from leadergate_certs.cluster import LABEL

OURS = Service("leadergate-system", "leadergate")
PATH = "/enforce/shop/lock"


def configuration(
    client: Any, *, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    """A configuration with one entry."""
    return {
        "metadata": {"name": "shop.leadergate.dev", "labels": labels, "annotations": annotations},
        "webhooks": [{"name": "gate.shop.leadergate.dev", "clientConfig": client}],
    }


def service(namespace: str = "leadergate-system", name: str = "leadergate", path: str = PATH) -> dict[str, Any]:
    """A client configuration with a Service."""
    return {"service": {"namespace": namespace, "name": name, "path": path}}


def url(path: str = PATH) -> dict[str, Any]:
    """A client configuration with a URL."""
    return {"url": f"https://127.0.0.1:8443{path}"}


def what(client: Any, kind: str = VALIDATING, **about: Any) -> str:
    """What an entry is taken for."""
    found = told_apart(entries(kind, configuration(client, **about)), OURS, frozenset({"leadergate-system"}))
    (name,) = [name for name in ("gates", "broken", "others") if getattr(found, name)]
    return name


LABELLED = {"labels": {LABEL: "leadergate-system"}}
LABELLED_ELSEWHERE = {"labels": {LABEL: "elsewhere"}}
ANNOTATED = {"annotations": {INJECT_FROM: "leadergate-system/leadergate"}}


@pytest.mark.parametrize(
    ("client", "about", "expected"),
    [
        (service(), {}, "gates"),
        (service(path="/nonsense"), {}, "broken"),
        (service(path=""), {}, "broken"),
        (service(name="other"), {}, "others"),
        (service("other"), {}, "others"),
        (service("other"), LABELLED_ELSEWHERE, "others"),
        (service(name="other"), LABELLED, "gates"),
        (service(name="other", path="/validate"), LABELLED, "broken"),
        (service(name="other"), ANNOTATED, "gates"),
        (service(name="other", path="/validate"), ANNOTATED, "others"),
        (url(), {}, "gates"),
        (url(), LABELLED, "gates"),
        (url(), LABELLED_ELSEWHERE, "gates"),
        (url("/validate"), {}, "others"),
        (url("/validate"), LABELLED, "broken"),
        (url("/validate"), ANNOTATED, "others"),
        (url(PATH + "?code=409"), {}, "others"),
        ({"url": "https://[::1"}, {}, "others"),
        ({}, {}, "others"),
        (None, LABELLED, "broken"),
    ],
)
def test_what_is_a_gate(client: Any, about: dict[str, Any], expected: str) -> None:
    """By the Service, by our label, or by a gate's path at a URL; a path that cannot be read makes it a broken one."""
    assert what(client, **about) == expected


@pytest.mark.parametrize(("client", "expected"), [(service(), "broken"), (service("other"), "others")])
def test_a_mutating_entry_is_never_a_gate(client: Any, expected: str) -> None:
    """It is broken when it is sent to us."""
    assert what(client, MUTATING) == expected


def test_the_fault_of_a_broken_gate() -> None:
    """The path's own fault is told, and a kind that no gate has."""
    (broken,) = told_apart(
        entries(VALIDATING, configuration(service(path="/deny/shop/lock"))), OURS, frozenset()
    ).broken
    assert broken.fault == "mode 'deny' is not one of enforce, warn, audit"
    (broken,) = told_apart(entries(MUTATING, configuration(service())), OURS, frozenset()).broken
    assert broken.fault.startswith("is an entry of a MutatingWebhookConfiguration")


def test_all_of_an_entry_is_read() -> None:
    """Every field that is judged, as the API server writes it."""
    hook = {
        "name": "gate.shop.leadergate.dev",
        "clientConfig": {
            "caBundle": base64.b64encode(b"bundle").decode(),
            "service": {"namespace": "a", "name": "b", "port": 8443, "path": PATH},
        },
        "rules": [
            {
                "apiGroups": ["apps"],
                "apiVersions": ["v1"],
                "operations": ["UPDATE"],
                "resources": ["deployments/status"],
                "scope": "Namespaced",
            }
        ],
        "failurePolicy": "Ignore",
        "matchPolicy": "Exact",
        "sideEffects": "None",
        "timeoutSeconds": 3,
        "namespaceSelector": {"matchLabels": {"a": "b"}},
        "objectSelector": {"matchLabels": {"c": "d"}},
        "matchConditions": [{"name": "only", "expression": "true"}],
    }
    about = {"name": "shop", "labels": {LABEL: "x"}, "annotations": {INJECT_FROM: "y/z"}}
    assert entries(VALIDATING, {"metadata": about, "webhooks": [hook]}) == [
        Entry(
            kind=VALIDATING,
            configuration="shop",
            name="gate.shop.leadergate.dev",
            target=Service("a", "b", 8443),
            path=PATH,
            ca_bundle=b"bundle",
            inject="x",
            rules=(Rule(("apps",), ("v1",), ("deployments/status",), ("UPDATE",), "Namespaced"),),
            failure_policy=FailurePolicy.IGNORE,
            timeout_seconds=3,
            side_effects="None",
            match_policy="Exact",
            namespace_selector={"matchLabels": {"a": "b"}},
            object_selector={"matchLabels": {"c": "d"}},
            conditions=(("only", "true"),),
            inject_from="y/z",
        )
    ]


@pytest.mark.parametrize(
    "item",
    [
        {"webhooks": [{}]},
        {"metadata": None, "webhooks": [{"clientConfig": None, "rules": None}]},
        {"metadata": {"labels": []}, "webhooks": [{"rules": "x", "timeoutSeconds": "3", "namespaceSelector": []}]},
        {"webhooks": [{"clientConfig": {"caBundle": "?", "url": 7}, "matchConditions": [None], "failurePolicy": 1}]},
    ],
)
def test_what_is_missing_has_the_defaults_of_kubernetes(item: dict[str, Any]) -> None:
    """Nothing odd raises: Fail, 10 seconds, everything selected."""
    (entry,) = entries(VALIDATING, item)
    assert entry.failure_policy is FailurePolicy.FAIL
    assert entry.timeout_seconds == 10
    assert entry.match_policy == "Equivalent"
    assert (entry.rules, entry.conditions, entry.ca_bundle) == ((), (), b"")
    assert (entry.inject, entry.inject_from) == (None, None)


@pytest.mark.parametrize("item", [{}, {"webhooks": None}, {"webhooks": 3}])
def test_a_configuration_may_be_empty(item: dict[str, Any]) -> None:
    """There is nothing to see then."""
    assert entries(VALIDATING, item) == []


def test_what_is_rendered_is_found() -> None:
    """The configuration of ``leadergate gate render`` is the gate that it was rendered for."""
    spec = read(Fields(lease="shop/lock", resource=("redirects.v1.demo.leadergate.dev",), mode="warn")).spec
    assert spec is not None
    (found,) = told_apart(entries(VALIDATING, manifests(spec, {})[-1]), OURS, frozenset()).gates
    assert (found.gate.mode, found.gate.lease) == (Mode.WARN, LeaseKey("shop", "lock"))
    assert found.entry.inject == "leadergate-system"
    assert found.gate == spec.gate
