"""The village's parts that are pure, in tables; and where there can be none."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leadergate_lab.recipe import Recipe
from leadergate_lab.village import controllers
from leadergate_lab.village.errors import Unsupported
from leadergate_lab.village.images import Image, command_line, environment, expand, find
from leadergate_lab.village.podspec import plan
from leadergate_lab.village.services import hosts, routes
from leadergate_lab.village.status import ContainerState, phase


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$(A)/$(B)", "one/$(B)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$one"),
        ("$A ${A} $(A", "$A ${A} $(A"),
    ],
)
def test_variables_are_expanded(text: str, expected: str) -> None:
    """As the API reference says of command, args and env."""
    assert expand(text, {"A": "one"}) == expected


def test_a_command_takes_the_entrypoints_place() -> None:
    """Args follow either, and an address to listen on becomes the Pod's."""
    image = Image(("serve",), env={"AT": "{pod_ip}"}, replace={"=0.0.0.0:": "={pod_ip}:"})
    assert command_line(image, [], ["--to=$(X)"], {"X": "y"}, "ip") == ["serve", "--to=y"]
    assert command_line(image, ["run"], ["--listen=0.0.0.0:80"], {}, "ip") == ["run", "--listen=ip:80"]
    assert environment(image, {"HOME": "/"}, [("A", "$(AT)"), ("B", "$(A)$(C)")], "ip") == {
        "HOME": "/",
        "AT": "ip",
        "A": "ip",
        "B": "ip$(C)",
    }


def test_images_are_found_by_pattern() -> None:
    """An unknown one is none."""
    image = Image(("x",))
    assert find({"leadergate:*": image}, "leadergate:0.1.0") is image
    assert find({"leadergate:*": image}, "other:0.1.0") is None


@pytest.mark.parametrize(
    ("codes", "restart", "ending", "expected"),
    [
        ([0, 0], "Never", False, "Succeeded"),
        ([0, 1], "OnFailure", False, "Failed"),
        ([0, None], "Never", False, "Running"),
        ([0, 0], "Always", False, "Running"),
        ([0, 0], "Always", True, "Succeeded"),
    ],
)
def test_a_pods_phase(codes: list[int | None], restart: str, ending: bool, expected: str) -> None:
    """From its containers and its restartPolicy."""
    states = [ContainerState("c", "i", exit_code=code, runs=1) for code in codes]
    assert phase(states, restart, ending=ending) == expected


def test_a_service_leads_to_what_is_ready() -> None:
    """By the name of the port; one that is not ready gets no connections, and a headless Service has no address."""
    service: dict[str, Any] = {
        "metadata": {"namespace": "n", "name": "web"},
        "spec": {"clusterIP": "10.96.0.9", "ports": [{"name": "http", "port": 80}, {"name": "udp", "protocol": "UDP"}]},
    }
    headless = {"metadata": {"namespace": "n", "name": "none"}, "spec": {"clusterIP": "None"}}
    slices = [
        {
            "metadata": {"namespace": "n", "labels": {"kubernetes.io/service-name": "web"}},
            "ports": [{"name": "http", "port": 8080}, {"name": "other", "port": 1}],
            "endpoints": [
                {"addresses": ["10.244.1.1"], "conditions": {"ready": True}},
                {"addresses": ["10.244.1.2"], "conditions": {"ready": False}},
            ],
        }
    ]
    assert routes([service, headless], slices) == {("10.96.0.9", 80): (("10.244.1.1", 8080),)}
    assert hosts([service, headless]).splitlines()[1:] == ["10.96.0.9 web.n.svc web.n.svc.cluster.local web.n"]


def test_all_that_is_not_known_is_told_at_once() -> None:
    """Each by its field."""
    container = {
        "name": "c",
        "image": "i",
        "readinessProbe": {"httpGet": {"port": "nowhere"}},
        "lifecycle": {"preStop": {"exec": {"command": ["x"]}}},
        "env": [{"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}],
    }
    spec = {"hostAliases": [{}], "volumes": [{"name": "v", "hostPath": {}}], "containers": [container]}
    with pytest.raises(Unsupported) as told:
        plan({"metadata": {"name": "p"}, "spec": spec})
    assert [fault.partition(":")[0] for fault in told.value.faults] == [
        "spec.hostAliases",
        "spec.volumes[v]",
        "spec.containers[c].env[CPU]",
        "spec.containers[c].lifecycle",
        "spec.containers[c].readinessProbe.httpGet.port",
    ]


def test_the_controllers_are_of_the_api_servers_version() -> None:
    """Two go.mod files pin them, and what is built says so."""
    ended = subprocess.run([controllers.binary(), "--version"], capture_output=True, text=True, timeout=60)
    assert ended.stdout.split() == ["Kubernetes", Recipe.read().kubernetes]
    pinned = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", (controllers.MODULE / "go.mod").read_text(), re.MULTILINE)
    assert pinned is not None
    assert pinned.group(1) == Recipe.read().kubernetes


def test_where_namespaces_are_not_permitted_the_remedy_is_told(tmp_path: Path) -> None:
    """In a user namespace that may have no network namespaces, as in many containers."""
    gatehouse = f"exec {sys.executable} -m leadergate_lab.village.gatehouse {tmp_path} 1"
    script = f"echo 0 > /proc/sys/user/max_net_namespaces && {gatehouse}"
    ended = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: This system does not let us make a network namespace: ")
    assert "--cap-add SYS_ADMIN" in ended.stderr
