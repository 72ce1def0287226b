"""What deploy/operator ships is what the API server accepts, and says what it should."""

from __future__ import annotations

import yaml
from kubernetes.client import AdmissionregistrationV1Api

from leadergate_lab.controlplane import ControlPlane

from .conftest import DEPLOY

NAME = "redirect-status.leadergate.dev"


def test_the_api_server_accepts_the_gate(control_plane: ControlPlane) -> None:
    """The configuration is stored, fails closed, and asks about status writes alone."""
    api = AdmissionregistrationV1Api(control_plane.cluster.api)
    control_plane.cluster.apply(DEPLOY / "gate.yaml")
    try:
        stored = api.read_validating_webhook_configuration(NAME)
    finally:
        api.delete_validating_webhook_configuration(NAME)
    webhook = control_plane.cluster.api.sanitize_for_serialization(stored)["webhooks"][0]
    assert (webhook["failurePolicy"], webhook["sideEffects"], webhook["matchPolicy"]) == ("Fail", "None", "Equivalent")
    assert webhook["clientConfig"]["service"]["path"] == "/enforce/demo/operator-lock"
    assert [(rule["resources"], rule["operations"]) for rule in webhook["rules"]] == [
        (["redirects/status"], ["UPDATE"])
    ]


def test_the_operator_may_do_no_more_than_it_does() -> None:
    """The role lists exactly the verbs that the operator uses."""
    manifests = yaml.safe_load_all((DEPLOY / "rbac.yaml").read_text())
    role = next(manifest for manifest in manifests if manifest["kind"] == "Role")
    rights = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert rights == {
        ("redirects", "get"),
        ("redirects", "list"),
        ("redirects", "watch"),
        ("redirects/status", "patch"),
        ("redirects/status", "update"),
        ("leases", "get"),
        ("leases", "create"),
        ("leases", "update"),
    }
