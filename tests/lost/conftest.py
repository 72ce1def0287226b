"""Teams, each under a webhook of the test's own whose standard output is what is tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.controlplane.team import Team, install_crds

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import WebhookProcess
from leadergate_lab.writer import Answer

from .ledger import Told, audited, unrecorded


@pytest.fixture(scope="package")
def plane(control_plane: ControlPlane) -> ControlPlane:
    """Serves Notes."""
    install_crds(control_plane.cluster)
    return control_plane


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


def agree(team: Team, name: str, told: Told) -> None:
    """All that anybody was told is recorded, and nothing else of that pod is; ``name`` is the gate's webhook."""
    wait_until(lambda: told.keys() <= audited(team.audited(), name).keys(), what="the audit log is there", timeout=60)
    assert unrecorded(audited(team.audited(), name), team.records()) == {}
    assert {record["uid"] for record in team.records(pod="operator-1")} == told.keys()
