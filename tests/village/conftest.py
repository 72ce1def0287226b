"""A village that these tests share; each works in a namespace of its own."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from leadergate_lab.assets import Assets
from leadergate_lab.scratch import Scratch
from leadergate_lab.village import controllers
from leadergate_lab.village.images import Image, leadergate
from leadergate_lab.village.village import Village

PATIENCE = 120.0
WEB = Path(__file__).parent / "web.py"


@pytest.fixture(scope="package")
def _controllers(request: pytest.FixtureRequest) -> None:
    """Builds kube-controller-manager if it must, for minutes, and shows how far it is."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        controllers.binary()


@pytest.fixture(scope="package")
def village(assets: Assets, _controllers: None) -> Iterator[Village]:
    """The images are leadergate's, a small web server and a bare Python."""
    images = {
        **leadergate(),
        "web:*": Image((sys.executable, str(WEB)), {"ADDRESS": "{pod_ip}"}),
        "python:*": Image((sys.executable,)),
    }
    scratch = Scratch()
    try:
        with Village.start(assets, scratch.path, images) as village:
            yield village
    finally:
        scratch.remove()


@pytest.fixture(scope="package")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def namespace(village: Village, _numbers: Iterator[int]) -> str:
    """A namespace of this test's own."""
    name = f"street-{next(_numbers)}"
    village.cluster.namespace(name)
    village.wait_namespace(name)
    return name


RunPod = Callable[..., dict[str, Any]]


@pytest.fixture
def run_pod(village: Village, namespace: str) -> RunPod:
    """Runs a line of Python as a Pod that is not started again, and returns the Pod when it is over."""

    def run(code: str, phase: str = "Succeeded", name: str = "once", **fields: Any) -> dict[str, Any]:
        container = {"name": "main", "image": "python:3", "args": ["-c", code], **fields.pop("container", {})}
        village.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"namespace": namespace, "name": name, "labels": {"app": name}},
                "spec": {"restartPolicy": "Never", "containers": [container], **fields},
            }
        )
        return village.wait_pod(namespace, name, phase)

    return run


READY = {"httpGet": {"path": "/ready", "port": "http"}, "timeoutSeconds": 30}
"""A probe's question. That the machine is busy makes nobody unready."""


def deployment(namespace: str, name: str = "web", *, container: dict[str, Any] | None = None, **spec: Any) -> Any:
    """Two replicas of the web server, unless told otherwise."""
    labels = {"app": name}
    main = {
        "name": "main",
        "image": "web:1",
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {**READY, "periodSeconds": 1, "failureThreshold": 1},
        **(container or {}),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 60, "containers": [main], **spec},
            },
        },
    }


def service(namespace: str, name: str = "web", port: int = 80) -> dict[str, Any]:
    """A Service in front of a Deployment of the same name."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": port, "targetPort": "http"}]},
    }
