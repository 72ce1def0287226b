"""A control plane for rotations alone: its API server's connections are no other test's."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from leadergate_certs.state import Phase
from leadergate_lab.assets import Assets
from leadergate_lab.certs.stage import CertStage
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until

# What Kubernetes takes by default: that a busy machine is slow is no fault of a rotation.
TIMEOUT = 10


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
        made.append(CertStage(plane, timeout_seconds=TIMEOUT, **how))
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


@pytest.fixture(scope="package")
def _lasting(plane: ControlPlane) -> Iterator[CertStage]:
    stage = CertStage(plane, timeout_seconds=TIMEOUT)
    try:
        stage.start()
        stage.gate()
        yield stage
    finally:
        stage.end()


@pytest.fixture
def lasting(_lasting: CertStage) -> CertStage:
    """As ``stage``, but started once: for tests after which it comes to rest by itself, which is waited for here."""
    state = _lasting.wait_state(
        lambda state: state.phase is Phase.STEADY and state.requested is None, what="no rotation is under way"
    )
    wait_until(lambda: _lasting.bundle() == state.bundle, what="the bundle is that of the Secret", timeout=30)
    leaf = state.pair.certificate_pem
    wait_until(lambda: served(_lasting) == {leaf}, what="every replica serves the leaf", timeout=30)
    return _lasting


def served(stage: CertStage) -> set[bytes]:
    """The leaves that replicas show to who dials now."""
    return {ssl.get_server_certificate(("127.0.0.1", replica.port)).encode() for replica in stage.replicas}
