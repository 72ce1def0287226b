"""What deploy/operator ships is what the API server accepts, and says what it should."""

from __future__ import annotations

import yaml
from kubernetes.client import AdmissionregistrationV1Api
from typer.testing import CliRunner

from leadergate_lab.controlplane import ControlPlane
from leadergate_operator.cli import app

from .conftest import DEPLOY, Fleet, rbac_in

NAME = "redirect-status.leadergate.dev"


def test_the_api_server_accepts_the_gate(control_plane: ControlPlane) -> None:
    """The configuration is stored, fails closed, and asks about status writes alone."""
    api = AdmissionregistrationV1Api(control_plane.cluster.api)
    control_plane.cluster.namespace("demo")
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


def test_the_api_server_accepts_the_deployment(control_plane: ControlPlane, fleet: Fleet) -> None:
    """It is stored as it is, in the operator's own namespace and under its own account."""
    manifest = yaml.safe_load((DEPLOY / "deployment.yaml").read_text())
    manifest["metadata"]["namespace"] = fleet.namespace
    control_plane.cluster.apply(manifest)
    stored = control_plane.cluster.get(f"/apis/apps/v1/namespaces/{fleet.namespace}/deployments/redirect-operator")
    pod = stored["spec"]["template"]["spec"]
    accounts = [each["metadata"]["name"] for each in rbac_in(fleet.namespace) if each["kind"] == "ServiceAccount"]
    assert [pod["serviceAccountName"]] == accounts
    assert pod["terminationGracePeriodSeconds"] >= 4 * 5


def test_the_deployments_command_is_one_that_the_operator_takes() -> None:
    """Every option and variable is known: outside of a Pod, credentials are all that is missing."""
    manifest = yaml.safe_load((DEPLOY / "deployment.yaml").read_text())
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    program, *arguments = container["command"]
    assert program == "leadergate-operator"
    names = {entry["name"]: "demo" for entry in container["env"]}
    result = CliRunner().invoke(app, arguments, env={"KUBERNETES_SERVICE_HOST": None, "KUBECONFIG": None, **names})
    assert result.exit_code == 2
    assert "this is not a Pod with a service account" in result.output
    paths = [container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")]
    assert paths == ["/healthz", "/readyz"]
