"""The end of leadership: the work ends first, the Lease is released after it, and nobody works twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from leadergate_election.health import LeaderHealthzAdaptor

from .conftest import BRISK, PATIENCE, Hall, Member, until

Work = Callable[[Member], Awaitable[None]]


class Stubborn:
    """Work that does not end when it is cancelled, until it is let go."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.asked = False

    async def __call__(self, member: Member) -> None:
        """Work."""
        while not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                self.asked = True


async def test_work_ends_before_the_lease_is_released(hall: Hall) -> None:
    """When the work is asked to end the process leads no more, yet it still holds the Lease; later it does not."""
    seen: list[tuple[bool, str]] = []

    async def tidy(member: Member) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append((member.elector.is_leader, hall.spec()["holderIdentity"]))
            await asyncio.sleep(0.3)
            seen.append((member.elector.is_leader, hall.spec()["holderIdentity"]))

    member = await hall.join("operator-0", work=tidy)
    await until(lambda: member.count("started") == 1, "the work begins")
    await member.end()
    assert seen == [(False, "operator-0"), (False, "operator-0")]
    assert hall.spec()["holderIdentity"] == ""
    assert [what for what, _ in member.told[-2:]] == ["stopped", "work ended"]


async def test_lease_is_held_for_as_long_as_the_work_takes_to_end(hall: Hall) -> None:
    """A drain that lasts longer than the Lease is renewed through: nobody takes it until the work has ended."""
    work = Stubborn()
    leader = await hall.join("operator-0", work=work, drain_seconds=60, lease_duration=5, renew_deadline=4)
    await until(lambda: leader.count("started") == 1, "the work begins")
    follower = await hall.join("operator-1")
    await follower.follows("operator-0")
    leader.stop.set()
    await until(lambda: work.asked, "the work is asked to end")
    asked = datetime.fromisoformat(hall.spec()["renewTime"])

    def outlived() -> bool:
        assert not leader.elector.is_leader
        assert not follower.elector.is_leader
        return datetime.fromisoformat(hall.spec()["renewTime"]) > asked + timedelta(seconds=5)

    await until(outlived, "the Lease is renewed though it would have expired")
    work.released.set()
    await leader.over()
    await follower.leads()
    assert follower.when("new leader operator-1") >= leader.when("work ended")


async def test_work_that_does_not_end_keeps_the_lease(
    hall: Hall, until_logged: Callable[[str], Awaitable[str]]
) -> None:
    """When the drain takes too long the Lease is not released, and the log says so: it has to expire."""
    work = Stubborn()
    member = await hall.join("operator-0", work=work, drain_seconds=0.3)
    await until(lambda: member.count("started") == 1, "the work begins")
    await member.end()
    assert hall.spec()["holderIdentity"] == "operator-0"
    assert "on_started_leading has not ended within 0.3 s" in await until_logged("not_released")
    work.released.set()
    await until(lambda: member.count("work ended") == 1, "the work ends")


async def test_nobody_stands_anew_while_he_still_works(
    hall: Hall, until_logged: Callable[[str], Awaitable[str]]
) -> None:
    """After leadership was lost, work that does not end keeps the process from standing again, and makes it ill."""
    work = Stubborn()
    member = await hall.join("operator-0", work=work, drain_seconds=0.3, **BRISK)
    health = LeaderHealthzAdaptor(member.elector, timeout=0.2)
    await until(lambda: member.count("started") == 1, "the work begins")
    hall.patch(spec={"holderIdentity": "thief", "leaseDurationSeconds": 1})
    await until(lambda: work.asked, "the work is asked to end")
    await until_logged("work_outlives_leadership")
    await until(lambda: health.check() != "", "it is ill")
    assert not member.elector.is_leader
    assert hall.spec()["holderIdentity"] == "thief"
    work.released.set()
    await until(lambda: member.count("started") == 2, "it leads again")
    assert health.check() == ""


async def test_work_that_fails_at_its_end_harms_nobody(
    hall: Hall, until_logged: Callable[[str], Awaitable[str]]
) -> None:
    """What the work raises when it is asked to end is logged; the Lease is released and the run ends well."""

    async def clumsy(member: Member) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError("no goodbye")

    member = await hall.join("operator-0", work=clumsy)
    await until(lambda: member.count("started") == 1, "the work begins")
    await member.end()
    assert hall.spec()["holderIdentity"] == ""
    assert "ConnectionError: no goodbye" in await until_logged("work_failed_at_end")


async def test_end_is_bounded_when_nothing_answers(
    rough_hall: Hall, until_logged: Callable[[str], Awaitable[str]]
) -> None:
    """With a hung API server a leader and a follower both end, and the leader says that it has not released."""
    leader = await rough_hall.join("operator-0", drain_seconds=1, **BRISK)
    await leader.leads()
    follower = await rough_hall.join("operator-1", **BRISK)
    await follower.follows("operator-0")
    rough_hall.server.freeze()
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(leader.end(), follower.end())
    finally:
        rough_hall.server.thaw()
    assert not leader.elector.is_leader
    await until_logged("not_released")


async def test_write_under_way_at_the_end_does_not_outlive_the_release(rough_hall: Hall) -> None:
    """A renewal that was sent and never answered cannot undo the release: it is guarded by the resourceVersion."""
    member = await rough_hall.join("operator-0", lease_duration=30, renew_deadline=20, retry_period=0.1)
    await member.leads()
    rough_hall.server.freeze()
    await asyncio.sleep(0.3)
    member.stop.set()
    await asyncio.sleep(0.1)
    rough_hall.server.thaw()
    await member.over()
    assert rough_hall.spec()["holderIdentity"] == ""
    await asyncio.sleep(0.5)
    assert rough_hall.spec()["holderIdentity"] == ""
