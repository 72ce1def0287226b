"""A real promtool, and the metrics of a real webhook and a real API server after a night in which all went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leadergate_lab import promtool as promtool_of
from leadergate_lab.certs.stage import CertStage
from leadergate_lab.controlplane import ControlPlane

from .night import Pages, bad_night


@pytest.fixture(scope="package")
def promtool(request: pytest.FixtureRequest) -> Path:
    """The binary. Builds it if it must, for minutes, and shows that it does."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        return promtool_of.binary()
    with capture.global_and_fixture_disabled():
        return promtool_of.binary()


@pytest.fixture(scope="package")
def pages(control_plane: ControlPlane) -> Iterator[Pages]:
    """What Prometheus would scrape."""
    stage = CertStage(control_plane, replicas=1, flags=["--nudge"])
    stage.start()
    yield bad_night(stage)
    stage.end()
