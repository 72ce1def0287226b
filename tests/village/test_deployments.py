"""Deployments, ReplicaSets and EndpointSlices come from the real controllers; the node makes their Pods run."""

from __future__ import annotations

import json

from leadergate_lab.processes import wait_until
from leadergate_lab.village.village import Village

from .conftest import PATIENCE, READY, RunPod, deployment, service


def endpoints(village: Village, namespace: str) -> dict[str, bool]:
    """Addresses of the Service's endpoints, and whether each is ready."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    slices = village.cluster.get(path)["items"]
    return {end["addresses"][0]: end["conditions"]["ready"] for one in slices for end in one["endpoints"] or ()}


def test_a_deployment_has_ready_pods_with_endpoints(village: Village, namespace: str) -> None:
    """Each Pod has an address of its own, answers there under its name, and is an endpoint of its Service."""
    village.cluster.apply(service(namespace), deployment(namespace))
    village.wait_rollout(namespace, "web")
    pods = {pod["status"]["podIP"]: pod["metadata"]["name"] for pod in village.pods(namespace, "app=web")}
    assert len(pods) == 2
    wait_until(lambda: endpoints(village, namespace) == dict.fromkeys(pods, True), what="endpoints", timeout=PATIENCE)
    assert {ip: village.gate.get(f"http://{ip}:8080/")[1] for ip in pods} == pods


def test_a_rolling_update_replaces_pods_one_by_one(village: Village, namespace: str) -> None:
    """Never fewer than two are available, and each old one is told by SIGTERM and ends by itself."""
    village.cluster.apply(deployment(namespace))
    village.wait_rollout(namespace, "web")
    before = {pod["metadata"]["name"] for pod in village.pods(namespace)}
    village.cluster.apply(deployment(namespace, container={"env": [{"name": "VERSION", "value": "2"}]}))
    fewest = []

    def replaced() -> bool:
        status = village.cluster.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/web")["status"]
        fewest.append(status.get("availableReplicas", 0))
        return not before & {pod["metadata"]["name"] for pod in village.pods(namespace)}

    wait_until(replaced, what="the old Pods are gone", timeout=PATIENCE)
    village.wait_rollout(namespace, "web")
    assert min(fewest) >= 2
    for name in before:
        logs = village.node.pod(namespace, name)
        assert logs.stdout("main").read_text() == "ended by SIGTERM\n"
        assert logs.exit_codes("main") == [0]


def test_an_unready_pod_leaves_the_endpoints(village: Village, namespace: str) -> None:
    """Its process runs on."""
    village.cluster.apply(service(namespace), deployment(namespace))
    village.wait_rollout(namespace, "web")
    wait_until(lambda: list(endpoints(village, namespace).values()) == [True, True], what="endpoints", timeout=PATIENCE)
    sick, well = endpoints(village, namespace)
    village.gate.get(f"http://{sick}:8080/unready")
    wait_until(
        lambda: endpoints(village, namespace) == {sick: False, well: True}, what="it is unready", timeout=PATIENCE
    )
    assert village.gate.get(f"http://{sick}:8080/")[0] == 200


def test_a_service_is_reached_by_its_name(village: Village, namespace: str, run_pod: RunPod) -> None:
    """From another Pod, at the Service's own port; every ready endpoint gets its turn."""
    village.cluster.apply(service(namespace), deployment(namespace))
    village.wait_rollout(namespace, "web")
    url = f"http://web.{namespace}.svc/"
    run_pod(
        "import json, time, urllib.request\n"
        "seen = set()\n"
        "while len(seen) < 2:\n"
        f"    try: seen.add(urllib.request.urlopen('{url}').read().decode())\n"
        "    except OSError: time.sleep(0.1)\n"
        "print(json.dumps(sorted(seen)))"
    )
    seen = json.loads(village.node.pod(namespace, "once").stdout("main").read_text())
    assert seen == sorted(pod["metadata"]["name"] for pod in village.pods(namespace, "app=web"))


def test_a_process_that_does_not_live_is_restarted(village: Village, namespace: str) -> None:
    """The liveness probe fails: it is ended by SIGTERM and another one is started in its place."""
    probe = {**READY, "periodSeconds": 1, "failureThreshold": 1}
    begins = {"tcpSocket": {"port": "http"}, "periodSeconds": 1, "failureThreshold": 60}
    village.cluster.apply(deployment(namespace, container={"livenessProbe": probe, "startupProbe": begins}))
    village.wait_rollout(namespace, "web")
    pod = village.pods(namespace)[0]
    village.gate.get(f"http://{pod['status']['podIP']}:8080/unready")
    name = pod["metadata"]["name"]

    def restarted() -> bool:
        status = village.cluster.get(f"/api/v1/namespaces/{namespace}/pods/{name}")["status"]["containerStatuses"][0]
        return bool(status["restartCount"] == 1 and status["ready"])

    wait_until(restarted, what="it was started again and is ready", timeout=PATIENCE)
    assert village.node.pod(namespace, name).exit_codes("main") == [0]


def test_a_pod_that_does_not_listen_to_sigterm_is_killed(village: Village, namespace: str, run_pod: RunPod) -> None:
    """When its grace is over."""
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)"
    )
    run_pod(code, "Running", terminationGracePeriodSeconds=1)
    logs = village.node.pod(namespace, "once")
    wait_until(lambda: logs.stdout("main").read_text() == "deaf\n", what="it is deaf", timeout=PATIENCE)
    path = f"/api/v1/namespaces/{namespace}/pods/once"
    village.cluster.call("DELETE", path)
    wait_until(lambda: not village.cluster.exists(path), what="the Pod is gone", timeout=PATIENCE)
    assert logs.exit_codes("main") == [137]
