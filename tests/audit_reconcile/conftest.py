"""A control plane whose audit log has each level, and teams on it whose webhook can be stopped."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from leadergate_lab.assets import Assets
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.scratch import Scratch
from leadergate_lab.webhook import WebhookProcess

from ..controlplane.conftest import GROUP, Team, install_crds

LEVELS = ("Metadata", "Request", "RequestResponse")


def _policy(path: Path) -> Path:
    """Each level for the Notes that are called after it, with the stage that comes before any review."""

    def rule(level: str, **more: object) -> dict[str, object]:
        return {"level": level, "verbs": ["update", "patch"], **more}

    notes = {"group": GROUP, "resources": ["notes/status"]}
    named = [rule(level, resources=[{**notes, "resourceNames": [level.lower()]}]) for level in LEVELS]
    left_out = rule("None", resources=[{**notes, "resourceNames": ["none"]}])
    rest = rule("Metadata", resources=[{"group": GROUP}])
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [*named, left_out, rest, {"level": "None"}]}
    path.write_text(yaml.safe_dump(policy))
    return path


@pytest.fixture(scope="package")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    """One API server with that policy."""
    scratch = Scratch()
    flag = f"--audit-policy-file={_policy(scratch.path / 'levels.yaml')}"
    try:
        with ControlPlane.start(assets, apiserver_flags=[flag]) as plane:
            install_crds(plane.cluster)
            yield plane
    finally:
        scratch.remove()


@pytest.fixture(scope="package")
def gatekeeper(plane: ControlPlane) -> Iterator[WebhookProcess]:
    """The webhook of those teams that leave it running."""
    webhook = WebhookProcess(plane, name="gatekeeper", flags=["--drain-seconds", "0"])
    webhook.start()
    yield webhook
    webhook.process.stop()


@pytest.fixture
def team(plane: ControlPlane, gatekeeper: WebhookProcess) -> Iterator[Team]:
    """A team of the test's own, without a gate yet."""
    team = Team(plane, gatekeeper)
    yield team
    team.end()


_numbers = itertools.count()


@pytest.fixture
def mortal(plane: ControlPlane) -> Iterator[Team]:
    """A team under a webhook of its own, which the test may stop."""
    webhook = WebhookProcess(plane, name=f"mortal-{next(_numbers)}", flags=["--drain-seconds", "0"])
    webhook.start()
    team = Team(plane, webhook)
    yield team
    team.end()
    if webhook.process.running:
        webhook.process.stop()


@pytest.fixture(scope="module")
def gated(plane: ControlPlane, gatekeeper: WebhookProcess) -> Iterator[Team]:
    """A team whose Notes are gated, for tests that leave its Lease alone."""
    team = Team(plane, gatekeeper)
    team.gate()
    yield team
    team.end()
