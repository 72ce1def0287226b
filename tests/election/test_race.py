"""The race on a real control plane: never two leaders, and electors that break the rule are found out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.election.race import TIMING, Race, told
from leadergate_lab.election.stage import Stage
from leadergate_lab.processes import wait_until

from .conftest import PATIENCE

SEED = 20


@pytest.fixture
def steady(spare_plane: ControlPlane) -> Iterator[ApiServer]:
    """An API server that no misfortune befalls, from which the history is read."""
    server = spare_plane.add_apiserver()
    yield server
    server.stop()


def test_never_two_leaders(
    spare_plane: ControlPlane, steady: ApiServer, unique: Callable[[str], str], figure: Callable[[str], None]
) -> None:
    """Five processes, killed, frozen, cut off and slowed down, on an API server that freezes and restarts."""
    with Stage(spare_plane, unique("race"), steady=steady) as stage:
        race = Race(stage, SEED, rounds=1)
        began = time.monotonic()
        verdict = race.run(candidates=5)
        figure(f"election race: {told(verdict, race, time.monotonic() - began)}")
    assert verdict.findings == []
    assert set(race.met) == {
        "cut",
        "freeze",
        "freeze_api",
        "freeze_leader",
        "kill",
        "resign",
        "restart_api",
        "slow_all",
        "slow_leader",
    }
    assert verdict.takeovers >= 3
    assert verdict.terms >= 5
    assert verdict.renewals >= 10
    assert race.codes == [0] * 5


def test_elector_without_a_deadline_is_found_out(
    spare_plane: ControlPlane, unique: Callable[[str], str], figure: Callable[[str], None]
) -> None:
    """One that goes on after its renew deadline meets its successor, and the judge says so."""
    with Stage(spare_plane, unique("careless")) as stage:
        careless = stage.candidate("careless", *TIMING, "--careless", wired=True)
        careless.start()
        wait_until(careless.leads, what="the careless one leads", timeout=PATIENCE)
        sound = stage.candidate("sound", *TIMING)
        sound.start()
        assert careless.wire is not None
        stage.network.cut(careless.wire)
        # By its own account, and as seen.
        wait_until(lambda: stage.verdict().count("two") >= 2, what="two lead at a time", timeout=PATIENCE)
        verdict = stage.verdict()
    figure(f"election race without a deadline: {verdict.findings[0].text}")
    assert verdict.count("early") == 0


def test_theft_is_found_out(spare_plane: ControlPlane, unique: Callable[[str], str]) -> None:
    """A Lease that changes hands while its holder renews it is found in the history."""
    with Stage(spare_plane, unique("theft")) as stage:
        candidate = stage.candidate("candidate-0", *TIMING)
        candidate.start()
        wait_until(candidate.leads, what="it leads", timeout=PATIENCE)
        stage.plane.cluster.set_lease(stage.namespace, "operator-lock", "thief", duration=1, transitions=1)
        wait_until(lambda: not candidate.leads(), what="it stops", timeout=PATIENCE)
        verdict = stage.verdict()
    assert verdict.count("early") == 1
    assert verdict.count("two") == 0
