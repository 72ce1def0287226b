"""A real Helm, a real kubectl kustomize, and a control plane for releases alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadergate_lab.assets import Assets
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.helm import Helm, binary
from leadergate_lab.progress import Console

from .definitions import NAMES, definitions
from .rendering import KUSTOMIZE


@pytest.fixture(scope="package")
def program(request: pytest.FixtureRequest) -> Path:
    """Helm's binary. Builds it if it must, for minutes, and shows that it does."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        return binary()
    with capture.global_and_fixture_disabled():
        return binary()


@pytest.fixture(scope="package")
def helm(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm without a cluster: it renders."""
    return Helm(program, tmp_path_factory.mktemp("helm"))


class Site:
    """A cluster with the base's namespace, and what needs definitions of others."""

    def __init__(self, plane: ControlPlane, helm: Helm) -> None:
        self.plane = plane
        self.cluster = plane.cluster
        self.helm = helm

    def kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator."""
        kubeconfig = self.plane.admin_kubeconfig
        argv = [str(self.plane.kubectl), f"--kubeconfig={kubeconfig}", *arguments]
        # By PATH "kubectl diff" finds diff.
        environ = {"HOME": str(kubeconfig.parent), "PATH": os.environ.get("PATH", os.defpath)}
        return subprocess.run(argv, input=stdin, env=environ, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="package")
def site(assets: Assets, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Shared by these tests; namespace leadergate-system is as the base makes it."""
    with ControlPlane.start(assets) as plane:
        plane.cluster.apply(*definitions(Console()), KUSTOMIZE / "base" / "namespace.yaml")
        for name in NAMES:
            plane.cluster.wait_established(name)
        yield Site(plane, Helm(program, tmp_path_factory.mktemp("helm"), plane.admin_kubeconfig))
