"""The work queue: no key twice, none at once with itself, bounded back-off, a clean end."""

from __future__ import annotations

import asyncio

import pytest

from leadergate_operator.workqueue import WorkQueue, back_off


async def drain(queue: WorkQueue) -> list[str]:
    """Close it and take what is handed out."""
    queue.add("last")
    taken: list[str] = []
    while (key := await queue.get()) != "last":
        assert key is not None
        queue.done(key)
        taken.append(key)
    return taken


async def test_a_waiting_key_is_not_added_twice() -> None:
    """Keys come out once each, in order of arrival."""
    queue = WorkQueue()
    for key in ("a", "b", "a"):
        queue.add(key)
    assert await drain(queue) == ["a", "b"]


async def test_a_key_in_work_comes_again_afterwards() -> None:
    """Added while in work, a key is not handed to a second worker, but not lost either."""
    queue = WorkQueue()
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    queue.add("a")
    queue.add("b")
    assert await queue.get() == "b"
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert await drain(queue) == []


async def test_a_retried_key_comes_back_by_itself() -> None:
    """After its back-off it is handed out again."""
    queue = WorkQueue(first=0.001)
    queue.add("a")
    assert await queue.get() == "a"
    queue.retry("a")
    queue.done("a")
    assert await queue.get() == "a"


async def test_back_off_grows_until_forgotten() -> None:
    """Each failure in a row doubles the wait; success begins anew; keys do not share it."""
    queue = WorkQueue(first=1.0, longest=3.0)
    assert [queue.retry("a") for _ in range(4)] == [1.0, 2.0, 3.0, 3.0]
    assert queue.retry("b") == 1.0
    queue.forget("a")
    assert queue.retry("a") == 1.0


async def test_an_added_key_does_not_wait_for_its_back_off() -> None:
    """News of a key is worked on now, and its retry is then not due any more."""
    queue = WorkQueue(first=3600.0)
    queue.retry("a")
    queue.add("a")
    assert await drain(queue) == ["a"]


async def test_close_ends_every_worker() -> None:
    """Waiting workers get None, all of them; what was added but not begun is not handed out."""
    queue = WorkQueue()
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.close()
    assert await asyncio.gather(*workers) == [None, None, None]
    queue.add("late")
    assert await queue.get() is None


async def test_close_hands_out_nothing_more() -> None:
    """Keys that wait when it closes stay undone."""
    queue = WorkQueue()
    queue.add("a")
    queue.close()
    assert await queue.get() is None
    assert await queue.get() is None


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0.25), (1, 0.5), (6, 16.0), (7, 30.0), (10_000, 30.0)])
def test_back_off_is_bounded(failures: int, seconds: float) -> None:
    """It doubles up to the longest, however often a key fails."""
    assert back_off(failures, first=0.25, longest=30.0) == seconds
