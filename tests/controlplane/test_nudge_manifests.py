"""What deploy/nudge ships: enough for a nudge, and with the policy no more than that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import ACCOUNT, NAMESPACE
from leadergate_lab.writer import Writer

DEPLOY = Path(__file__).parents[2] / "deploy"
REDIRECTS = "/apis/demo.leadergate.dev/v1/namespaces/demo/redirects"
FORBIDDEN_CHANGES: list[dict[str, Any]] = [
    {"spec": {"target": "https://example.org/elsewhere"}},
    {"metadata": {"labels": {"a": "b"}}},
    {"metadata": {"finalizers": ["test.leadergate.dev/hold"]}},
    {"metadata": {"annotations": {"theirs": "changed"}}},
    {"metadata": {"annotations": {"theirs": None}}},
    {"metadata": {"annotations": {"new": "one"}}},
    {"metadata": {"annotations": None}},
]


@pytest.fixture(scope="module")
def redirect(control_plane: ControlPlane) -> Iterator[str]:
    """The path of a Redirect in the sample's namespace, with what deploy/nudge grants; the policy is in force."""
    cluster = control_plane.cluster
    cluster.namespace(NAMESPACE)
    cluster.service_account(NAMESPACE, ACCOUNT)
    for manifest in ("operator/crd.yaml", "operator/rbac.yaml", "nudge/rbac.yaml", "nudge/policy.yaml"):
        cluster.apply(DEPLOY / manifest)
    cluster.wait_established("redirects.demo.leadergate.dev")
    path = f"{REDIRECTS}/nudged"
    metadata = {"name": "nudged", "namespace": "demo", "annotations": {"theirs": "one"}}
    spec = {"path": "/nudged", "target": "https://example.org/"}
    cluster.apply({"apiVersion": "demo.leadergate.dev/v1", "kind": "Redirect", "metadata": metadata, "spec": spec})
    account = webhook_account(control_plane)
    wait_until(
        lambda: account.merge(path, FORBIDDEN_CHANGES[0], dryRun="All").code == 422,
        what="the policy is in force",
        timeout=60,
    )
    yield path
    policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
    for leftover in (path, f"{policies}ybindings/leadergate-nudge", f"{policies}ies/leadergate-nudge"):
        cluster.call("DELETE", leftover)


def webhook_account(plane: ControlPlane) -> Writer:
    """A client as the webhook's account."""
    return Writer(plane.cluster.client(token=plane.cluster.service_account_token(NAMESPACE, ACCOUNT)))


def test_a_nudge_goes_through(control_plane: ControlPlane, redirect: str) -> None:
    """Its annotation may be set, changed and looked at; what was there stays."""
    account = webhook_account(control_plane)
    for value in ("one", "two"):
        assert account.merge(redirect, {"metadata": {"annotations": {"leadergate.dev/nudged-for": value}}}).ok
    seen = account.merge(redirect, {})
    assert seen.body["metadata"]["annotations"] == {"theirs": "one", "leadergate.dev/nudged-for": "two"}


@pytest.mark.parametrize("change", FORBIDDEN_CHANGES, ids=repr)
def test_nothing_else_does(control_plane: ControlPlane, redirect: str, change: dict[str, Any]) -> None:
    """Spec, labels, finalizers and other annotations are refused in words."""
    answer = webhook_account(control_plane).merge(redirect, change)
    assert answer.code == 422
    assert "leadergate may" in answer.message


def test_others_may_do_as_before(control_plane: ControlPlane, redirect: str) -> None:
    """The policy speaks of the webhook's account alone; which has no right to the status, nor to read."""
    admin = Writer(control_plane.cluster.api)
    for change in FORBIDDEN_CHANGES[:2]:
        assert admin.merge(redirect, change, dryRun="All").ok
    account = webhook_account(control_plane)
    assert account.send("GET", redirect).code == 403
    assert account.status(redirect, {"url": "https://example.org/"}).code == 403
