"""Coalesced Lease reads: who shares which read, and what a slow read does to others.

The source is a fake of our own Protocol whose reads end when the test says so; time is virtual.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from leadergate.model import Lease, LeaseAbsent, LeaseKey, LeaseUnreadable, LeaseView

if TYPE_CHECKING:
    from tests.unit.conftest import Run, Scene

WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY, OTHER = LeaseKey("shop", "operator"), LeaseKey("shop", "other")
TOO_LATE = LeaseUnreadable("the API server did not answer the read in time")
CROWDED = LeaseUnreadable("earlier reads of it are still unanswered by the API server")


def lease(holder: str = "pod-a", version: int = 1, duration: int | None = 15) -> Lease:
    """A Lease as the source gives it."""
    return Lease(holder, str(version), duration=duration, renew_time=WALL)


def now() -> float:
    """The loop's time."""
    return asyncio.get_running_loop().time()


async def until(moment: float) -> None:
    """Let everything happen that happens before this moment."""
    await asyncio.sleep(moment - now())


def test_all_that_arrive_before_a_read_begins_share_it(in_virtual_time: Run, scene: Scene) -> None:
    """One read serves them all, and the observer is told how many."""

    async def scenario() -> None:
        requests = [scene.arrives() for _ in range(5)]
        await scene.source.wait_for(1)
        scene.source.end(0, lease())
        assert {(await request)[0] for request in requests} == {LeaseView(lease(), 0.0, expired=False)}
        assert len(scene.source.reads) == 1
        assert scene.observed.reads == [(KEY, "found", 0.0, 5)]

    in_virtual_time(scenario())


def test_nobody_joins_a_read_under_way(in_virtual_time: Run, scene: Scene) -> None:
    """Whoever arrives later gets what a later read shows, and not what the earlier one does."""

    async def scenario() -> None:
        early = scene.arrives()
        await scene.source.wait_for(1)
        late = [scene.arrives(), scene.arrives()]
        await until(0.05)
        assert len(scene.source.reads) == 1
        scene.source.end(0, lease("pod-a", 1))
        await scene.source.wait_for(2)
        assert now() == 0.05
        scene.source.end(1, lease("pod-b", 2))
        assert isinstance(view := (await early)[0], LeaseView)
        assert view.lease.holder == "pod-a"
        for request in late:
            assert isinstance(view := (await request)[0], LeaseView)
            assert view.lease.holder == "pod-b"
        assert len(scene.source.reads) == 2

    in_virtual_time(scenario())


def test_a_slow_lease_delays_no_other(in_virtual_time: Run, scene: Scene) -> None:
    """While as many reads of one Lease hang as may, another Lease is read at once."""

    async def scenario() -> None:
        for count in range(1, scene.limits.most_at_once + 1):
            scene.arrives()
            await scene.source.wait_for(count)
        before = now()
        request = scene.arrives(key=OTHER)
        await scene.source.wait_for(scene.limits.most_at_once + 1)
        scene.source.end(-1, LeaseAbsent())
        assert await request == (LeaseAbsent(), round(before, 6))
        await scene.reader.close()

    in_virtual_time(scenario())


def test_reads_go_side_by_side_and_none_is_joined(in_virtual_time: Run, scene: Scene) -> None:
    """A second read begins while the first is under way; whoever comes then waits for a third one."""

    async def scenario() -> None:
        pair = type(scene)(side_by_side=2)
        requests = []
        for count in (1, 2):
            requests.append(pair.arrives())
            await pair.source.wait_for(count)
        third = pair.arrives()
        await until(0.05)
        assert len(pair.source.reads) == 2
        pair.source.end(1, lease("pod-b", 2))
        await pair.source.wait_for(3)
        assert now() == 0.05, "room for the third as soon as one has ended"
        pair.source.end(0, lease("pod-a", 1))
        pair.source.end(2, lease("pod-c", 3))
        holders = [view.lease.holder for view, _ in [await request for request in [*requests, third]]]
        assert holders == ["pod-a", "pod-b", "pod-c"]

    in_virtual_time(scenario())


def test_a_read_waits_for_those_who_come_with_the_first(in_virtual_time: Run, scene: Scene) -> None:
    """As long as each turn of the loop brings somebody, they are all in one read; no time passes for a lone one."""

    async def scenario() -> None:
        requests = []
        for _ in range(20):
            requests.append(scene.arrives())
            await asyncio.sleep(0)
        await scene.source.wait_for(1)
        scene.source.end(0, lease())
        assert {at for _, at in [await request for request in requests]} == {0.0}
        assert scene.observed.reads == [(KEY, "found", 0.0, 20)]

    in_virtual_time(scenario())


def test_a_read_does_not_wait_without_end(in_virtual_time: Run, scene: Scene) -> None:
    """It begins when gathering has taken its time, even if requests go on coming in."""

    async def scenario() -> None:
        hasty = type(scene)(gathering=0.0)
        requests = []
        for _ in range(20):
            requests.append(hasty.arrives())
            await asyncio.sleep(0)
        await hasty.source.wait_for(1)
        hasty.source.end(0, lease())
        await hasty.source.wait_for(2)
        hasty.source.end(1, lease())
        assert {at for _, at in [await request for request in requests]} == {0.0}
        first, second = (count for *_, count in hasty.observed.reads)
        assert first < 5
        assert first + second == 20

    in_virtual_time(scenario())


def test_a_hung_read_holds_up_its_lease_for_the_patience_only(in_virtual_time: Run, scene: Scene) -> None:
    """The next read begins beside it when the patience is over, with all who came meanwhile."""

    async def scenario() -> None:
        hung = scene.arrives(deadline=2.0)
        await scene.source.wait_for(1)
        await until(0.03)
        waiting = [scene.arrives(), scene.arrives()]
        await scene.source.wait_for(2)
        assert now() == pytest.approx(scene.limits.patience)
        scene.source.end(1, LeaseAbsent())
        assert [await request for request in waiting] == [(LeaseAbsent(), 0.1), (LeaseAbsent(), 0.1)]
        assert await hung == (TOO_LATE, 2.0)
        assert scene.source.reads[0][1].cancelled()
        assert scene.observed.reads == [(KEY, "absent", 0.0, 2), (KEY, "timeout", 2.0, 1)]

    in_virtual_time(scenario())


def test_reads_of_one_lease_are_bounded(in_virtual_time: Run, scene: Scene) -> None:
    """However many wait, no more reads hang than may; whoever finds no room is told so at its own deadline."""

    async def scenario() -> None:
        hung = []
        for count in range(1, scene.limits.most_at_once + 1):
            hung.append(scene.arrives(deadline=5.0))
            await scene.source.wait_for(count)
        crowd = [scene.arrives(deadline=deadline) for deadline in (4.0, 1.0, 3.0)]
        assert [await request for request in crowd] == [(CROWDED, 4.0), (CROWDED, 1.0), (CROWDED, 3.0)]
        assert len(scene.source.reads) == scene.limits.most_at_once
        assert [await request for request in hung] == [(TOO_LATE, 5.0)] * scene.limits.most_at_once

    in_virtual_time(scenario())


def test_room_that_comes_free_is_used(in_virtual_time: Run, scene: Scene) -> None:
    """As soon as one of the hung reads ends, those who wait get theirs."""

    async def scenario() -> None:
        for count in range(1, scene.limits.most_at_once + 1):
            scene.arrives(deadline=5.0)
            await scene.source.wait_for(count)
        request = scene.arrives(deadline=5.0)
        await until(1.0)
        scene.source.end(1, LeaseAbsent())
        await scene.source.wait_for(scene.limits.most_at_once + 1)
        assert now() == 1.0
        scene.source.end(scene.limits.most_at_once, LeaseAbsent())
        assert await request == (LeaseAbsent(), 1.0)
        await scene.reader.close()

    in_virtual_time(scenario())


def test_each_is_answered_at_its_own_deadline(in_virtual_time: Run, scene: Scene) -> None:
    """A read that some can no longer wait for goes on for the others."""

    async def scenario() -> None:
        requests = [scene.arrives(deadline=deadline) for deadline in (0.5, 3.0, 1.0)]
        await until(2.0)
        scene.source.end(0, LeaseAbsent())
        assert [await request for request in requests] == [(TOO_LATE, 0.5), (LeaseAbsent(), 2.0), (TOO_LATE, 1.0)]
        assert scene.observed.reads == [(KEY, "absent", 2.0, 3)]

    in_virtual_time(scenario())


def test_a_deadline_that_is_over_asks_nobody(in_virtual_time: Run, scene: Scene) -> None:
    """There is no point in a read whose answer would come too late."""

    async def scenario() -> None:
        assert await scene.arrives(deadline=0.0) == (LeaseUnreadable("there was no time left to read it"), 0.0)
        assert scene.source.reads == []

    in_virtual_time(scenario())
