"""A control plane for rotations alone: its API server's connections are no other test's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from leadergate_lab.assets import Assets
from leadergate_lab.certs.stage import CertStage
from leadergate_lab.controlplane import ControlPlane


@pytest.fixture(scope="package")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    """Shared by these tests: each has a namespace, a Secret and replicas of its own."""
    with ControlPlane.start(assets) as plane:
        yield plane


@pytest.fixture
def set_up(plane: ControlPlane) -> Iterator[Callable[..., CertStage]]:
    """Makes stages, as ``CertStage`` is called, and ends them."""
    made: list[CertStage] = []

    def make(**how: Any) -> CertStage:
        made.append(CertStage(plane, **how))
        return made[-1]

    yield make
    for stage in made:
        stage.end()


@pytest.fixture
def stage(set_up: Callable[..., CertStage]) -> CertStage:
    """Two replicas that rotate, and a gate in force."""
    stage = set_up()
    stage.start()
    stage.gate()
    return stage
