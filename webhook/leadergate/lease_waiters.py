"""Those who wait for one read of a Lease, each until a deadline of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from leadergate.lease_source import ReadFailed
from leadergate.model import Reading

TOO_LATE = "the API server did not answer the read in time"


@dataclass(slots=True)
class Waiter:
    """One request. ``deadline`` is in loop time; ``future`` is settled once, with what it gets to know."""

    deadline: float
    future: asyncio.Future[Reading | ReadFailed]


def settle(waiters: Iterable[Waiter], result: Reading | ReadFailed) -> None:
    """Answer all who have no answer yet."""
    for waiter in waiters:
        if not waiter.future.done():
            waiter.future.set_result(result)


class Deadlines:
    """Answers each waiter of a batch at its own deadline, while the read goes on for the others.

    One timer at a time: one for each waiter would cost more than all the rest that a shared read leaves it to do.
    """

    def __init__(self, batch: list[Waiter], loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.Handle | None = None
        self._arm(batch)

    def cancel(self) -> None:
        """The read has ended."""
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self, waiting: list[Waiter]) -> None:
        if waiting:
            at = min(waiter.deadline for waiter in waiting)
            self._timer = self._loop.call_at(at, self._expire, waiting, at)

    def _expire(self, waiting: list[Waiter], at: float) -> None:
        settle((waiter for waiter in waiting if waiter.deadline <= at), ReadFailed(TOO_LATE, passing=False))
        self._arm([waiter for waiter in waiting if waiter.deadline > at])
