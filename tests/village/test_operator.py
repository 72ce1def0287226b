"""The sample operator's own Deployment, and Pods with init containers and native sidecars."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leadergate_lab.processes import wait_until
from leadergate_lab.village.village import Village

from .conftest import PATIENCE, RunPod

OPERATOR = Path(__file__).parents[2] / "deploy" / "operator"
HERE = "demo"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{HERE}/deployments/redirect-operator"


@pytest.fixture
def _furnished(village: Village) -> Iterator[None]:
    """The operator's namespace, resource and rights."""
    village.cluster.namespace(HERE)
    village.wait_namespace(HERE)
    village.cluster.apply(OPERATOR / "crd.yaml", OPERATOR / "rbac.yaml")
    yield
    village.cluster.call("DELETE", DEPLOYMENT)
    wait_until(lambda: not village.pods(HERE), what="its Pods are gone", timeout=PATIENCE)


@pytest.mark.usefixtures("_furnished")
def test_an_operator_elects_and_writes(village: Village) -> None:
    """One of three Pods holds the Lease in its own name and writes the status; all end by themselves when told to."""
    village.cluster.apply(OPERATOR / "deployment.yaml")
    village.wait_rollout(HERE, "redirect-operator")
    meta = {"namespace": HERE, "name": "docs"}
    spec = {"path": "/docs", "target": "https://example.org/"}
    redirect = {"apiVersion": "demo.leadergate.dev/v1", "kind": "Redirect", "metadata": meta, "spec": spec}
    village.cluster.apply(redirect)
    path = f"/apis/demo.leadergate.dev/v1/namespaces/{HERE}/redirects/{meta['name']}"
    wait_until(
        lambda: "writtenBy" in (village.cluster.get(path).get("status") or {}), what="it has a status", timeout=60
    )
    pods = {pod["metadata"]["name"] for pod in village.pods(HERE)}
    assert len(pods) == 3
    assert village.cluster.get(path)["status"]["writtenBy"] in pods
    village.cluster.call("PATCH", DEPLOYMENT, {"spec": {"replicas": 0}}, content_type="application/merge-patch+json")
    wait_until(lambda: not village.pods(HERE), what="its Pods are gone", timeout=PATIENCE)
    assert [village.node.pod(HERE, pod).exit_codes("operator") for pod in sorted(pods)] == [[0], [0], [0]]


def test_init_containers_come_first_and_sidecars_end_last(village: Village, namespace: str, run_pod: RunPod) -> None:
    """Each has ended, or started, before the next one comes; a sidecar outlives the Pod's work, and ends after it."""
    sidecar = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (open('/run/room/log', 'a').write('sidecar ends\\n'), sys.exit(0)))\n"
        "open('/run/room/log', 'a').write('sidecar\\n')\n"
        "while True: time.sleep(1)"
    )
    line = "open('/run/room/log', 'a').write('{}\\n')"
    wait = "import time\nwhile 'sidecar' not in open('/run/room/log').read(): time.sleep(0.05)\n"
    mounts = {"image": "python:3", "volumeMounts": [{"name": "room", "mountPath": "/run/room"}]}
    pod = run_pod(
        wait + line.format("main"),
        container=mounts,
        initContainers=[
            {"name": "first", "args": ["-c", line.format("first")], **mounts},
            {"name": "beside", "restartPolicy": "Always", "args": ["-c", sidecar], **mounts},
        ],
        volumes=[{"name": "room", "emptyDir": {}}],
    )
    log = village.node.pod(namespace, "once").folder / "volumes" / "room" / "log"
    wait_until(lambda: "ends" in log.read_text(), what="the sidecar has ended", timeout=PATIENCE)
    assert log.read_text().splitlines() == ["first", "sidecar", "main", "sidecar ends"]
    assert [one["name"] for one in pod["status"]["initContainerStatuses"]] == ["first", "beside"]


def test_a_failed_init_container_fails_a_pod_that_runs_once(run_pod: RunPod) -> None:
    """Its work is not begun."""
    first = {"name": "first", "image": "python:3", "args": ["-c", "exit(4)"]}
    status = run_pod("pass", "Failed", initContainers=[first])["status"]
    assert status["message"] == "init container first ended with 4"
    assert "waiting" in status["containerStatuses"][0]["state"]
