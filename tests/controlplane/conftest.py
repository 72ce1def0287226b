"""Webhooks and teams on the shared control plane, and a spare one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from leadergate_lab.assets import Assets
from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.webhook import WebhookProcess

from .nudging import let_nudge
from .team import GROUP, LEASE, Team, gathered, install_crds, serving

__all__ = ["GROUP", "LEASE", "Team", "install_crds"]

NUDGES_PER_SECOND = 50


@pytest.fixture(scope="package")
def webhook(control_plane: ControlPlane) -> Iterator[WebhookProcess]:
    """One webhook for all teams on the shared control plane."""
    install_crds(control_plane.cluster)
    with serving(control_plane, "shared-webhook") as webhook:
        yield webhook


@pytest.fixture(scope="package")
def spare_plane(assets: Assets) -> Iterator[ControlPlane]:
    """A second control plane, for tests that add API servers and take them away."""
    with ControlPlane.start(assets) as plane:
        install_crds(plane.cluster)
        yield plane


@pytest.fixture(scope="package")
def reader(spare_plane: ControlPlane) -> ApiServer:
    """An API server of the spare control plane that serves nothing but a gate's reads; leave it running."""
    return spare_plane.add_apiserver()


@pytest.fixture
def team(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[Team]:
    """A team of the test's own, without a gate yet."""
    with gathered(control_plane, webhook) as team:
        yield team


@pytest.fixture(scope="module")
def gated(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[Team]:
    """A team whose Notes are gated, for tests that leave its Lease alone."""
    with gathered(control_plane, webhook) as team:
        team.gate()
        yield team


def _nudging(plane: ControlPlane, name: str) -> AbstractContextManager[WebhookProcess]:
    """A webhook that nudges."""
    return serving(plane, name, "--nudge", "--nudge-per-second", str(NUDGES_PER_SECOND))


@pytest.fixture(scope="package")
def one(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[WebhookProcess]:
    """A replica that nudges; the shared webhook, which does not, has served the CRDs."""
    with _nudging(control_plane, "nudging-one") as one:
        yield one


@pytest.fixture(scope="package")
def two(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[WebhookProcess]:
    """Another one."""
    with _nudging(control_plane, "nudging-two") as two:
        yield two


@pytest.fixture
def nudged(control_plane: ControlPlane, one: WebhookProcess) -> Iterator[Team]:
    """A team under a gate of the first replica, which may patch its Notes."""
    with gathered(control_plane, one) as team:
        let_nudge(team)
        team.gate()
        yield team
