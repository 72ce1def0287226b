"""Answers that come late: the deadline counts from the request, and nothing rests on what comes after it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry

from leadergate_election.clock import now
from leadergate_election.metrics import ElectionMetrics
from leadergate_lab.election.network import Network

from .conftest import BRISK, CALM, Hall, until
from .jail import jailed

DELAY = 0.15


class Sleepy(ElectionMetrics):
    """Blocks the whole process when the answer to a write has come, and before anything is made of it, once."""

    def __init__(self, verb: str) -> None:
        super().__init__(CollectorRegistry())
        self._verb = verb
        self.slept = False

    def request(self, name: str, verb: str, outcome: str, seconds: float) -> None:
        """Sleep past the renew deadline."""
        super().request(name, verb, outcome, seconds)
        if verb == self._verb and outcome == "ok" and not self.slept:
            self.slept = True
            time.sleep(BRISK["renew_deadline"] + 0.1)


async def test_deadline_counts_from_the_request(hall: Hall, network: Network) -> None:
    """With an API server that answers slowly there is so much less time to lead after each renewal."""
    wire = network.wire(*hall.address)
    wire.delay = DELAY
    member = await hall.join("operator-0", wire=wire)
    await member.leads()
    left, renewals = {member.elector.time_left}, {hall.spec()["renewTime"]}

    def renewed() -> bool:
        left.add(member.elector.time_left)
        renewals.add(hall.spec()["renewTime"])
        # A renewal is sent when the one before it was answered.
        return len(renewals) >= 3

    await until(renewed, "a renewal, its answer, and the next one")
    assert 0 < max(left) <= CALM["renew_deadline"] - 2 * DELAY
    assert member.count("stopped") == 0
    await member.end()


async def test_acquisition_that_is_answered_too_late_is_no_leadership(
    hall: Hall, until_logged: Callable[[str], Awaitable[str]]
) -> None:
    """Who hears only after the deadline that it took the Lease renews it first, and leads by that renewal."""
    metrics = Sleepy("create")
    member = await hall.join("operator-0", metrics=metrics, **BRISK)
    await member.leads()
    assert metrics.slept
    log = await until_logged("leading")
    assert "how=kept" in log
    assert "how=created" not in log


async def test_renewal_that_is_answered_too_late_does_not_bring_leadership_back(
    hall: Hall, until_logged: Callable[[str], Awaitable[str]]
) -> None:
    """Leadership that ended while the answer was on its way has ended; the process stands anew."""
    metrics = Sleepy("update")
    member = await hall.join("operator-0", metrics=metrics, **BRISK)
    await until(lambda: member.count("started") == 1, "the work begins")
    await until(lambda: member.count("stopped") == 1, "it stops")
    assert metrics.slept
    assert "reason=expired" in await until_logged("stopped_leading")
    await until(lambda: member.count("started") == 2, "it leads again")


async def test_an_api_server_that_asks_for_patience_gets_some(hall: Hall) -> None:
    """Told by 429 to wait a second, a leader asks no more than once a second, and leads on as long as it may."""
    registry = CollectorRegistry()
    member = await hall.join(
        "operator-0", metrics=ElectionMetrics(registry), lease_duration=60, renew_deadline=40, retry_period=0.1
    )
    await member.leads()

    def throttled() -> float:
        labels = {"name": "operator-lock", "outcome": "throttled"}
        samples = [
            registry.get_sample_value("leadergate_election_requests_total", {**labels, "verb": verb})
            for verb in ("get", "update")
        ]
        return sum(sample or 0.0 for sample in samples)

    async with jailed(hall):
        await until(lambda: throttled() > 0, "the first 429")
        began, before = now(), throttled()
        await until(lambda: throttled() >= before + 3, "more of them")
        # With the retry period of 0.1 s they would come within a fraction of this.
        assert now() - began > 1.5
    assert member.elector.is_leader
    assert member.count("stopped") == 0
