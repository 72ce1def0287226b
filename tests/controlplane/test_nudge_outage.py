"""An outage of the API server amid the nudges: each object is nudged all the same, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import WebhookProcess

from .nudging import let_nudge, outcomes, reject, take_over, until_sent, watching
from .team import Team, outage, serving

OBJECTS = 30


@pytest.fixture(scope="module")
def far(spare_plane: ControlPlane, reader: ApiServer) -> Iterator[WebhookProcess]:
    """A webhook that nudges through an API server of its own, five a second."""
    with serving(spare_plane, "far-webhook", "--nudge", "--nudge-per-second", "5", server=reader.url) as webhook:
        yield webhook


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "gone"])
def test_an_outage_loses_no_nudge(
    spare_plane: ControlPlane, reader: ApiServer, far: WebhookProcess, frozen: bool
) -> None:
    """A patch whose answer was lost may have been written: then its mark is found, and the object changes no more."""
    team = Team(spare_plane, far)
    let_nudge(team)
    team.gate()
    names = [f"n{number}" for number in range(OBJECTS)]
    reject(team, *names)
    with watching(spare_plane, team) as changes:
        take_over(team, "operator-1", 1)
        until_sent(far, team, 1)
        with outage(reader, frozen=frozen):
            wait_until(
                lambda: outcomes(far, team).get("unanswered", 0) >= 1, what="a nudge goes unanswered", timeout=30
            )
        team.ungate()
        wait_until(
            lambda: sum(outcomes(far, team).get(name, 0) for name in ("nudged", "already")) >= OBJECTS,
            what="every object was nudged",
            timeout=60,
        )
    assert changes == Counter(names)
    # An API server that has just started, or has not heard of a new RoleBinding yet, answers 403 for a moment.
    assert set(outcomes(far, team)) <= {"nudged", "already", "unanswered", "forbidden"}
