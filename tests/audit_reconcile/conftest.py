"""A control plane whose audit log has each level, and teams on it whose webhook can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from leadergate_lab.assets import Assets
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.scratch import Scratch
from leadergate_lab.webhook import WebhookProcess

from ..controlplane.team import GROUP, Team, gathered, install_crds, serving

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
    with serving(plane, "gatekeeper") as webhook:
        yield webhook


@pytest.fixture
def team(plane: ControlPlane, gatekeeper: WebhookProcess) -> Iterator[Team]:
    """A team of the test's own, without a gate yet."""
    with gathered(plane, gatekeeper) as team:
        yield team


@pytest.fixture
def mortal(plane: ControlPlane, unique: Callable[[str], str]) -> Iterator[Team]:
    """A team under a webhook of its own, which the test may stop."""
    with serving(plane, unique("mortal")) as webhook, gathered(plane, webhook) as team:
        yield team


@pytest.fixture(scope="module")
def gated(plane: ControlPlane, gatekeeper: WebhookProcess) -> Iterator[Team]:
    """A team whose Notes are gated, for tests that leave its Lease alone."""
    with gathered(plane, gatekeeper) as team:
        team.gate(timeoutSeconds=30)
        yield team
