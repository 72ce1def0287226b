"""The webhook in Pods: it gets its credentials, certificates and callers as it does in a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadergate_certs.cluster import LABEL
from leadergate_lab.certs.rights import SECRET, rights
from leadergate_lab.certs.stage import CONFIGURATIONS
from leadergate_lab.processes import wait_until
from leadergate_lab.village.village import Village
from leadergate_lab.webhook import gate_manifest, read_records, status_rule
from leadergate_lab.writer import Writer

from .conftest import RunPod

HERE = "leadergate-system"
GATE = "redirect-status.leadergate.dev"
OPERATOR = Path(__file__).parents[2] / "deploy" / "operator"
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture(scope="module")
def _installed(village: Village) -> None:
    """Once: the webhook, and the sample operator's resource."""
    manifests = Path(__file__).parent / "leadergate.yaml", OPERATOR / "crd.yaml"
    village.cluster.apply(*manifests, *rights(HERE, [GATE]))
    village.wait_rollout(HERE, "leadergate")


@pytest.fixture
def redirect(village: Village, namespace: str, _installed: None) -> Iterator[str]:
    """A Redirect whose status the gate lets the holder of a Lease write alone: the Pod ``holder``."""
    for manifest in (
        *allowed(namespace, "leadergate", HERE, "coordination.k8s.io", "leases", "get"),
        *allowed(namespace, "default", namespace, "demo.leadergate.dev", "redirects/status", "patch"),
    ):
        village.cluster.apply(manifest)
    village.cluster.set_lease(namespace, "lock", "holder", duration=3600)
    gate = gate_manifest(
        GATE,
        "",
        b"",
        [status_rule("demo.leadergate.dev", "v1", "redirects")],
        namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        clientConfig={"service": {"namespace": HERE, "name": "leadergate", "path": f"/enforce/{namespace}/lock"}},
    )
    gate["metadata"]["labels"] = {LABEL: HERE}
    path = f"/apis/demo.leadergate.dev/v1/namespaces/{namespace}/redirects/docs"
    spec = {"path": "/docs", "target": "https://example.org/"}
    meta = {"namespace": namespace, "name": "docs"}
    redirect = {"apiVersion": "demo.leadergate.dev/v1", "kind": "Redirect", "metadata": meta, "spec": spec}
    village.cluster.apply(gate, redirect)
    admin = Writer(village.cluster.api)
    wait_until(
        lambda: admin.status(path, {"observedGeneration": 1}, dryRun="All").cause == "NotServiceAccount",
        what="the gate is called through its Service, and denies what the administrator tries",
        timeout=30,
    )
    yield path
    village.cluster.call("DELETE", f"{CONFIGURATIONS}/{GATE}")


def allowed(namespace: str, account: str, home: str, group: str, resource: str, verb: str) -> list[dict[str, Any]]:
    """A Role and its RoleBinding."""
    meta = {"namespace": namespace, "name": account}
    rule = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
    subject = {"kind": "ServiceAccount", "namespace": home, "name": account}
    return [
        {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": meta, "rules": [rule]},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": account},
            "subjects": [subject],
        },
    ]


def test_the_holder_writes_and_another_does_not(
    village: Village, namespace: str, redirect: str, run_pod: RunPod
) -> None:
    """Each from its own Pod with the token that is mounted there; the rejection is in the output of one replica."""
    code = f"""
import json, os, ssl, urllib.request
here = "/var/run/secrets/kubernetes.io/serviceaccount"
request = urllib.request.Request(
    f"https://{{os.environ['KUBERNETES_SERVICE_HOST']}}:{{os.environ['KUBERNETES_SERVICE_PORT']}}{redirect}/status",
    method="PATCH",
    data=json.dumps({{"status": {{"writtenBy": os.environ["HOSTNAME"]}}}}).encode(),
    headers={{
        "Authorization": "Bearer " + open(here + "/token").read(),
        "Content-Type": "application/merge-patch+json",
    }},
)
try:
    answer = urllib.request.urlopen(request, context=ssl.create_default_context(cafile=here + "/ca.crt"))
except urllib.request.HTTPError as error:
    answer = error
print(json.dumps([answer.status, json.load(answer)]))
"""
    run_pod(code, name="holder")
    run_pod(code, name="other")
    holder, other = (
        json.loads(village.node.pod(namespace, name).stdout("main").read_text()) for name in ("holder", "other")
    )
    assert holder[0] == 200
    assert holder[1]["status"] == {"writtenBy": "holder"}
    assert other[0] == 403
    assert other[1]["details"]["causes"][0]["reason"] == "NotHolder"
    pods = village.node.pods(HERE, "leadergate-")
    records = [record for pod in pods for record in read_records(pod.stdout("webhook"))]
    assert [record["reason"] for record in records if f"{namespace}/other" in json.dumps(record)] == ["NotHolder"]


def test_a_rolling_restart_goes_on_with_the_same_certificates(village: Village, redirect: str) -> None:
    """New replicas take what is in the Secret, old ones end by themselves, and the gate answers at once after it."""
    path = f"/apis/apps/v1/namespaces/{HERE}/deployments/leadergate"
    secret = f"/api/v1/namespaces/{HERE}/secrets/{SECRET}"
    before = village.cluster.get(secret)["data"]
    old = {pod["metadata"]["name"] for pod in village.pods(HERE)}
    again = {"spec": {"template": {"metadata": {"annotations": {"again": "1"}}}}}
    village.cluster.call("PATCH", path, again, content_type="application/merge-patch+json")
    village.wait_rollout(HERE, "leadergate")
    wait_until(lambda: len(village.pods(HERE)) == 2, what="the old Pods are gone", timeout=30)
    assert not old & {pod["metadata"]["name"] for pod in village.pods(HERE)}
    assert [village.node.pod(HERE, name).exit_codes("webhook") for name in sorted(old)] == [[0], [0]]
    assert village.cluster.get(secret)["data"] == before
    answer = Writer(village.cluster.api).status(redirect, {"observedGeneration": 1}, dryRun="All")
    assert answer.cause == "NotServiceAccount"
