"""Lines of several logs as they come, brought into the order of their times by holding each back for a moment."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator

from leadergate.audit.cluster.logs import LogLine, Stamped
from leadergate.audit.cluster.replicas import Replica

HOLD_SECONDS = 0.5
ROOM = 10_000
"""Lines that may be held back; beyond that the oldest goes on at once, and those who bring more wait."""


class Merge:
    """Takes lines by :meth:`put`, from several tasks, and is iterated by one.

    A line that comes later than its neighbours by more than ``hold`` seconds is handed on late, and never dropped.
    """

    def __init__(self, *, hold: float = HOLD_SECONDS, room: int = ROOM) -> None:
        self._hold, self._room = hold, room
        self._held: list[tuple[int, int, float, LogLine]] = []
        self._numbers = itertools.count()
        self._last: dict[str, int] = {}
        self._came, self._left = asyncio.Event(), asyncio.Event()
        self._fault: BaseException | None = None

    async def put(self, replica: Replica, line: Stamped) -> None:
        """Take one; it waits while there is no room. A line without a time stands behind the one before it."""
        while len(self._held) >= self._room:
            self._left.clear()
            await self._left.wait()
        at = self._last.get(replica.uid, 0) if line.nanos is None else line.nanos
        self._last[replica.uid] = at
        now = asyncio.get_running_loop().time()
        heapq.heappush(self._held, (at, next(self._numbers), now, line.line(replica)))
        self._came.set()

    def fail(self, fault: BaseException) -> None:
        """No more will come; what is held is handed on, and then this is raised."""
        self._fault = self._fault or fault
        self._came.set()

    def __aiter__(self) -> AsyncIterator[LogLine]:
        return self._lines()

    async def _lines(self) -> AsyncIterator[LogLine]:
        loop = asyncio.get_running_loop()
        while True:
            wait = self._held[0][2] + self._hold - loop.time() if self._held else None
            if wait is not None and (wait <= 0 or self._fault or len(self._held) >= self._room):
                line = heapq.heappop(self._held)[3]
                self._left.set()
                yield line
                continue
            if self._fault is not None and not self._held:
                raise self._fault
            self._came.clear()
            try:
                # A line that comes meanwhile may be older than all that are held.
                await asyncio.wait_for(self._came.wait(), wait)
            except TimeoutError:
                continue
