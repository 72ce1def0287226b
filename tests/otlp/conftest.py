"""A real OpenTelemetry Collector, and webhooks on the shared control plane that send to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.controlplane.team import Team, install_crds

from leadergate_lab import otelcollector
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.otelcollector import Collector
from leadergate_lab.webhook import WebhookProcess

TOKEN = "only-for-this-test"
HEADERS = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{TOKEN}"}


@pytest.fixture(scope="package")
def program(request: pytest.FixtureRequest) -> Path:
    """The collector's program. Builds it if it must, for minutes, and shows how far it is."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        return otelcollector.binary()


@pytest.fixture
def collector(program: Path, tmp_path: Path) -> Iterator[Collector]:
    """A collector that asks for the token, not started yet."""
    collector = Collector(program, tmp_path, TOKEN)
    yield collector
    if collector.process.running:
        collector.process.stop()


Serve = Callable[..., Team]


@pytest.fixture
def serve(control_plane: ControlPlane, unique: Callable[[str], str]) -> Iterator[Serve]:
    """Starts a webhook that sends its copies to ``endpoint``; a team of its own is gated by it."""
    teams: list[Team] = []

    def serve(endpoint: str, **environment: str) -> Team:
        install_crds(control_plane.cluster)
        flags = ["--drain-seconds", "0", "--pod-name", "leadergate-0", "--otlp-endpoint", endpoint]
        webhook = WebhookProcess(control_plane, name=unique("otlp-webhook"), flags=flags, environment=environment)
        webhook.start()
        teams.append(Team(control_plane, webhook))
        teams[-1].gate(timeoutSeconds=30)
        return teams[-1]

    yield serve
    for team in teams:
        team.end()
        if team.webhook.process.running:
            team.webhook.process.kill()
