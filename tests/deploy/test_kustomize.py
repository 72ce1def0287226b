"""The kustomize base and its overlays, by real kubectl: their Pods run, and what is gated is judged."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
import yaml

from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames

from .conftest import DEPLOY, NAMESPACE, Shop, Town

KUSTOMIZE = DEPLOY / "kustomize"


def apply(town: Town, folder: str, *kinds: str) -> None:
    """Apply a folder by ``kubectl apply -k``, but for some kinds that nobody serves here."""
    rendered = town.kubectl("kustomize", KUSTOMIZE / folder)
    wanted = [one for one in yaml.safe_load_all(rendered) if one["kind"] not in kinds]
    town.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(wanted))
    town.village.wait_namespace(NAMESPACE)


def runs(town: Town, shop: Shop, folder: str, replicas: int) -> None:
    """So many replicas become ready under Pod Security ``restricted``, and a gate that asks them is in force."""
    apply(town, folder)
    town.village.wait_rollout(NAMESPACE, "leadergate")
    assert len(town.webhooks()) == replicas
    shop.install_gate()
    shop.wait_denied()
    assert shop.leader.status(shop.docs, {"observedGeneration": 1}).ok


@pytest.mark.parametrize(("folder", "replicas"), [("overlays/dev", 1), ("overlays/ha", 3)])
def test_an_overlay_runs(town: Town, shop: Shop, folder: str, replicas: int) -> None:
    """With as many replicas as it says."""
    runs(town, shop, folder, replicas)


def test_the_base_runs_and_is_taken_away(town: Town, shop: Shop) -> None:
    """``kubectl delete -k`` takes the namespace and all that is the cluster's own; gates go before."""
    runs(town, shop, "base", 2)
    town.helm("uninstall", f"gates-{shop.namespace}", "-n", NAMESPACE)
    # How Pods end in order is seen elsewhere; a namespace waits for half their time of grace before it looks again.
    town.kubectl("-n", NAMESPACE, "scale", "deployment", "leadergate", "--replicas=0")
    town.kubectl("-n", NAMESPACE, "delete", "pods", "--all", "--force", "--grace-period=0")
    town.kubectl("delete", "-k", KUSTOMIZE / "base", "--timeout=60s")
    left = town.kubectl("get", "clusterroles,clusterrolebindings,flowschemas,validatingwebhookconfigurations")
    assert "leadergate" not in left
    assert not town.cluster.exists(f"/api/v1/namespaces/{NAMESPACE}")


def test_certificates_that_are_mounted(town: Town, shop: Shop) -> None:
    """The overlay for cert-manager runs on the Secret that a Certificate would make; here the test makes it.

    cert-manager itself does not run, and what its cainjector would put into the gate is put there by hand.
    """
    now = datetime.now(UTC)
    authority = issue_authority(now)
    pair = issue_serving_pair(authority, ServingNames.parse(services=[("leadergate", NAMESPACE)]), now)
    town.make_namespace()
    rendered = list(yaml.safe_load_all(town.kubectl("kustomize", KUSTOMIZE / "overlays/cert-manager")))
    (certificate,) = [one for one in rendered if one["kind"] == "Certificate" and not one["spec"].get("isCA")]
    assert f"leadergate.{NAMESPACE}.svc" in certificate["spec"]["dnsNames"]
    town.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"namespace": NAMESPACE, "name": certificate["spec"]["secretName"]},
            "stringData": {"tls.crt": pair.certificate_pem.decode(), "tls.key": pair.key_pem.decode()},
        }
    )
    apply(town, "overlays/cert-manager", "Certificate", "Issuer")
    town.village.wait_rollout(NAMESPACE, "leadergate")
    shop.install_gate()
    bundle = base64.b64encode(authority.certificate_pem).decode()
    patch = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}]
    town.kubectl("patch", "validatingwebhookconfiguration", shop.gate_name, "--type=json", "-p", json.dumps(patch))
    shop.wait_denied()
    rights = town.kubectl("get", "roles,rolebindings", "-n", NAMESPACE, "-o", "name")
    assert "certs" not in rights, "nothing may be read or written for certificates that others make"
