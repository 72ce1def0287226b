"""How Lease reads end: failures, retries, answers out of order, cancellation, and what is forgotten."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from leadergate.lease_source import ReadFailed
from leadergate.model import Lease, LeaseAbsent, LeaseKey, LeaseUnreadable, LeaseView

if TYPE_CHECKING:
    from tests.unit.conftest import Run, Scene

WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = LeaseKey("shop", "operator")


def lease(holder: str = "pod-a", version: str = "1", duration: int | None = 15) -> Lease:
    """A Lease as the source gives it."""
    return Lease(holder, version, duration=duration, renew_time=WALL)


def test_a_passing_failure_is_tried_again(in_virtual_time: Run, scene: Scene) -> None:
    """Those who shared the failed read share the next one too, after a pause."""

    async def scenario() -> None:
        requests = [scene.arrives() for _ in range(3)]
        for attempt in range(2):
            await scene.source.wait_for(attempt + 1)
            scene.source.end(attempt, ReadFailed("the API server answered 500", passing=True))
        await scene.source.wait_for(3)
        scene.source.end(2, LeaseAbsent())
        assert [await request for request in requests] == [(LeaseAbsent(), 0.2)] * 3
        assert [(outcome, served) for _, outcome, _, served in scene.observed.reads] == [
            ("failed", 3),
            ("failed", 3),
            ("absent", 3),
        ]

    in_virtual_time(scenario())


def test_a_failure_that_goes_on_is_told_by_the_deadline(in_virtual_time: Run, scene: Scene) -> None:
    """Another attempt is made only while there is time for its pause; then the last failure is the answer."""

    async def scenario() -> None:
        request = scene.arrives(deadline=0.35)
        for attempt in range(4):
            await scene.source.wait_for(attempt + 1)
            scene.source.end(attempt, ReadFailed(f"failure {attempt}", passing=True))
        reading, moment = await request
        assert reading == LeaseUnreadable("failure 3")
        assert moment == pytest.approx(0.3)

    in_virtual_time(scenario())


def test_a_failure_that_will_not_pass_is_told_at_once(in_virtual_time: Run, scene: Scene) -> None:
    """No attempt mends a missing permission."""

    async def scenario() -> None:
        request = scene.arrives()
        await scene.source.wait_for(1)
        scene.source.end(0, ReadFailed("the API server answered 403", passing=False))
        assert await request == (LeaseUnreadable("the API server answered 403"), 0.0)
        assert len(scene.source.reads) == 1

    in_virtual_time(scenario())


@pytest.mark.parametrize(
    ("first_to_answer", "holders", "held"),
    [
        pytest.param(1, {0: ("pod-a", "9"), 1: ("pod-b", "10")}, "pod-b", id="the older read answers last"),
        pytest.param(0, {0: ("pod-b", "10"), 1: ("pod-a", "9")}, "pod-b", id="the older read saw the newer Lease"),
        pytest.param(0, {0: ("pod-a", "9"), 1: ("pod-b", "10")}, "pod-b", id="in order"),
        pytest.param(1, {0: ("pod-b", "10"), 1: ("pod-a", "9")}, "pod-b", id="the older read is last, and newer"),
    ],
)
def test_answers_out_of_order_do_not_move_history_back(
    in_virtual_time: Run, scene: Scene, first_to_answer: int, holders: dict[int, tuple[str, str]], held: str
) -> None:
    """Of two reads under way together, what is newer is known by the Lease's version, not by the reads' order."""

    async def scenario() -> None:
        requests = [scene.arrives()]
        await scene.source.wait_for(1)
        requests.append(scene.arrives())
        await scene.source.wait_for(2)
        for number in (first_to_answer, 1 - first_to_answer):
            scene.source.end(number, lease(*holders[number]))
            reading, _ = await requests[number]
            assert isinstance(reading, LeaseView)
            assert reading.lease == lease(*holders[number]), "each request gets what its own read showed"
        latest = scene.reader.history(KEY).view(lease(held, "10"), now=asyncio.get_running_loop().time() + 5)
        assert latest.age == pytest.approx(5.0), "the newer Lease is what history rests on"
        assert scene.observed.takeovers <= 1

    in_virtual_time(scenario())


@pytest.mark.parametrize(
    ("first", "second"), [("10", "9"), ("10", "opaque"), ("opaque", "11")], ids=["lower", "odd", "was odd"]
)
def test_a_read_that_began_later_is_believed(in_virtual_time: Run, scene: Scene, first: str, second: str) -> None:
    """After a restore from a backup versions start lower; a read that overlaps no other is the newest all the same."""

    async def scenario() -> None:
        for number, (holder, version) in enumerate([("pod-a", first), ("pod-b", second)]):
            request = scene.arrives()
            await scene.source.wait_for(number + 1)
            scene.source.end(number, lease(holder, version))
            await request
        assert scene.observed.takeovers == 1

    in_virtual_time(scenario())


def test_takeovers_and_endless_leases_are_told(in_virtual_time: Run, scene: Scene) -> None:
    """Each takeover is told; that a Lease never expires is told once."""

    async def scenario() -> None:
        for number, holder in enumerate(["pod-a", "pod-b", "", "pod-c"]):
            request = scene.arrives()
            await scene.source.wait_for(number + 1)
            scene.source.end(number, lease(holder, str(number), duration=None))
            await request
        assert scene.observed.takeovers == 2
        assert scene.observed.endless == [None]

    in_virtual_time(scenario())


def test_a_request_that_gives_up_leaves_nothing_behind(in_virtual_time: Run, scene: Scene) -> None:
    """Cancelled requests disturb no other, and after their deadlines no read of theirs is under way."""

    async def scenario() -> None:
        mine = asyncio.current_task()
        gone = [scene.arrives(deadline=1.0), scene.arrives(deadline=1.0)]
        await scene.source.wait_for(1)
        gone.append(scene.arrives(deadline=1.0))
        stays = scene.arrives(deadline=2.0)
        await asyncio.sleep(0)
        for request in gone:
            request.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*gone, return_exceptions=True)
        )
        await scene.source.wait_for(2)
        scene.source.end(1, LeaseAbsent())
        assert (await stays)[0] == LeaseAbsent()
        await asyncio.sleep(5.0)
        assert scene.source.reads[0][1].cancelled()
        assert asyncio.all_tasks() == {mine}

    in_virtual_time(scenario())


def test_a_request_that_gives_up_before_the_read_begins(in_virtual_time: Run, scene: Scene) -> None:
    """The rest of its batch is served."""

    async def scenario() -> None:
        gone, stays = scene.arrives(), scene.arrives()
        await asyncio.sleep(0)
        gone.cancel()
        await scene.source.wait_for(1)
        scene.source.end(0, LeaseAbsent())
        assert (await stays)[0] == LeaseAbsent()

    in_virtual_time(scenario())


def test_closing_ends_what_is_under_way(in_virtual_time: Run, scene: Scene) -> None:
    """No read outlives the reader."""

    async def scenario() -> None:
        request = scene.arrives(deadline=0.05)
        await scene.source.wait_for(1)
        await scene.reader.close()
        assert scene.source.reads[0][1].cancelled()
        assert isinstance((await request)[0], LeaseUnreadable)

    in_virtual_time(scenario())


def test_an_unforeseen_error_is_a_failure_like_others(in_virtual_time: Run, scene: Scene) -> None:
    """Whatever goes wrong in the source, a request is answered that the Lease is unreadable, and why."""

    async def scenario() -> None:
        request = scene.arrives(deadline=0.05)
        await scene.source.wait_for(1)
        scene.source.end(0, RuntimeError("session is closed"))
        reading, _ = await request
        assert isinstance(reading, LeaseUnreadable)
        assert "session is closed" in reading.why
        assert scene.observed.reads == [(KEY, "failed", 0.0, 1)]

    in_virtual_time(scenario())


def test_only_so_many_leases_are_remembered(in_virtual_time: Run, scene: Scene) -> None:
    """Anyone may name a Lease, so the one used longest ago is forgotten; one in use never is."""

    async def scenario() -> None:
        in_use = scene.arrives(key=LeaseKey("shop", "in-use"))
        await scene.source.wait_for(1)
        kept = scene.reader.history(KEY)
        for number in range(scene.limits.most_leases - 2):
            scene.reader.history(LeaseKey("shop", f"filler-{number}"))
        assert scene.reader.history(KEY) is kept
        for number in range(scene.limits.most_leases - 2):
            scene.reader.history(LeaseKey("shop", f"more-{number}"))
        assert scene.reader.history(KEY) is kept
        for number in range(scene.limits.most_leases):
            scene.reader.history(LeaseKey("shop", f"flood-{number}"))
        assert scene.reader.history(KEY) is not kept
        scene.source.end(0, LeaseAbsent())
        assert (await in_use)[0] == LeaseAbsent()

    in_virtual_time(scenario())


def test_when_all_leases_are_in_use_one_more_is_still_read(in_virtual_time: Run, scene: Scene) -> None:
    """The bound is on what is remembered; it never refuses a read."""

    async def scenario() -> None:
        keys = [LeaseKey("shop", f"busy-{number}") for number in range(scene.limits.most_leases + 2)]
        requests = [scene.arrives(key=key) for key in keys]
        await scene.source.wait_for(len(keys))
        for number in range(len(keys)):
            scene.source.end(number, LeaseAbsent())
        assert [(await request)[0] for request in requests] == [LeaseAbsent()] * len(keys)

    in_virtual_time(scenario())
