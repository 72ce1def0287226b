"""A control plane of its own, whose audit log tells of these tests alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.controlplane.conftest import Team, install_crds

from leadergate_lab.assets import Assets
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.webhook import WebhookProcess
from leadergate_lab.writer import Answer


@pytest.fixture(scope="package")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    """Serves Notes."""
    with ControlPlane.start(assets) as plane:
        install_crds(plane.cluster)
        yield plane


MakeTeam = Callable[[WebhookProcess], Team]


@pytest.fixture
def team_of(plane: ControlPlane) -> Iterator[MakeTeam]:
    """Makes teams, each under a webhook, whose gates go in the end."""
    teams: list[Team] = []

    def make(webhook: WebhookProcess) -> Team:
        teams.append(Team(plane, webhook))
        return teams[-1]

    yield make
    for team in teams:
        team.end()


def rejected_writes(team: Team, count: int, *, at_once: int = 8) -> list[Answer]:
    """Writes of the pod that does not hold the Lease, some of them at once; the answers."""
    with ThreadPoolExecutor(at_once) as pool:
        sent = [pool.submit(team.follower.status, team.note, {"text": "x"}) for _ in range(count)]
    return [done.result() for done in sent]
