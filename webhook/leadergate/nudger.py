"""Looks for takeovers while objects are stuck, has those objects nudged, and looks whether it helped.

The write that a nudge brings about may be admitted by way of another replica of the webhook. So an object that seems
stuck after its nudge is looked at again, ever less often: else this replica would count it although it is right. What
was refused is tried again likewise: an API server that has just started refuses with 403 what it will soon allow.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from leadergate.model import LeaseKey, LeaseView, Reading
from leadergate.nudge import Nudge, Outcome, mark
from leadergate.stuck import StuckObjects

log: structlog.stdlib.BoundLogger = structlog.get_logger("leadergate")

POLL_SECONDS = 1.0
READ_SECONDS = 3.0
MAX_POLLED = 64
IN_FLIGHT = 10
CHECK_SECONDS = 15.0
RETRY_SECONDS = 2.0
LONGEST_SECONDS = 2048.0

_SENT = {Outcome.NUDGED, Outcome.ALREADY}
_REFUSED = {Outcome.FORBIDDEN, Outcome.FAILED}
_Job = Callable[[], Awaitable[object]]


class Reader(Protocol):
    """Reads a Lease no older than the call."""

    def read(self, key: LeaseKey, deadline: float) -> Awaitable[Reading]:
        """The Lease, read by ``deadline`` (loop time)."""
        ...


class Sender(Protocol):
    """Nudges one object."""

    def nudge(self, nudge: Nudge, needed: Callable[[], bool]) -> Awaitable[Outcome | None]:
        """What came of it; None when it was no longer ``needed``."""
        ...

    def check(self, nudge: Nudge, needed: Callable[[], bool]) -> Awaitable[None]:
        """Forget the object if its status was written since."""
        ...


class NudgeObserver(Protocol):
    """Who counts nudges."""

    def nudge(self, lease: LeaseKey, outcome: Outcome) -> None:
        """One nudge has come to its end."""
        ...


@dataclass(slots=True)
class _Takeover:
    """What is left to do for one takeover."""

    lease: LeaseKey
    holder: str
    left: int
    began: float
    outcomes: Counter[str] = field(default_factory=Counter)


class Nudger:
    """Has ``sender`` nudge what ``memory`` holds. Belongs to one event loop."""

    def __init__(
        self,
        memory: StuckObjects,
        reader: Reader,
        sender: Sender,
        observer: NudgeObserver,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memory = memory
        self._reader = reader
        self._sender = sender
        self._observer = observer
        self._clock = clock
        # What a takeover asks for comes before what was put off, and each in the order in which they came.
        self._queue: asyncio.PriorityQueue[tuple[bool, int, _Job]] = asyncio.PriorityQueue()
        self._later: list[tuple[float, int, Nudge, _Job]] = []
        self._numbers = itertools.count()
        self._polled = 0
        self._leaving = False

    def leave(self) -> None:
        """Send no more nudges; those under way end by themselves."""
        self._leaving = True

    async def run(self) -> None:
        """Look for takeovers and nudge until :meth:`leave`, or until cancelled."""
        workers = [asyncio.create_task(self._work()) for _ in range(IN_FLIGHT)]
        try:
            while not self._leaving:
                await self._look()
                self._take_up_what_is_due()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _look(self) -> None:
        """Read the Leases that have stuck objects: a takeover must be seen even when no review comes."""
        leases = self._memory.leases()
        if len(leases) > MAX_POLLED:
            # Anyone who reaches the port can name a Lease, so that the reads are bounded; each has its turn.
            self._polled = (self._polled + MAX_POLLED) % len(leases)
            leases = [*leases[self._polled :], *leases][:MAX_POLLED]
        await asyncio.gather(*(self._look_at(lease) for lease in leases))

    async def _look_at(self, key: LeaseKey) -> None:
        reading = await self._reader.read(key, asyncio.get_running_loop().time() + READ_SECONDS)
        if not isinstance(reading, LeaseView) or reading.expired or not reading.lease.holder:
            return
        now = self._clock()
        holder, value = reading.lease.holder, mark(reading.lease)
        due = self._memory.due(key, holder, now)
        if not due:
            return
        log.info("nudging", lease=str(key), holder=holder, objects=len(due))
        takeover = _Takeover(key, holder, len(due), now)
        for found, stuck in due:
            nudge = Nudge(found, stuck, stuck.takeovers, value)
            self._queue.put_nowait((False, next(self._numbers), partial(self._first, nudge, takeover)))

    def _take_up_what_is_due(self) -> None:
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            _, number, nudge, job = heapq.heappop(self._later)
            if self._needed(nudge):
                self._queue.put_nowait((True, number, job))

    async def _work(self) -> None:
        while True:
            _, _, job = await self._queue.get()
            await job()

    async def _first(self, nudge: Nudge, takeover: _Takeover) -> None:
        self._count(takeover, await self._nudge(nudge, RETRY_SECONDS))

    async def _nudge(self, nudge: Nudge, patience: float) -> Outcome | None:
        """Nudge, and see to what must follow; after a refusal, again in ``patience`` seconds."""
        try:
            outcome = await self._sender.nudge(nudge, partial(self._needed, nudge))
        except Exception:
            # Nobody awaits this: what nobody foresaw costs one nudge, not all that follow.
            log.exception("nudge_failed", object=nudge.key.name)
            outcome = Outcome.FAILED
        if outcome is not None:
            self._observer.nudge(nudge.key.lease, outcome)
        if outcome in _SENT:
            self._put_off(CHECK_SECONDS, nudge, self._check)
        elif outcome in _REFUSED:
            self._put_off(patience, nudge, self._nudge)
        return outcome

    async def _check(self, nudge: Nudge, patience: float) -> None:
        try:
            await self._sender.check(nudge, partial(self._needed, nudge))
        except Exception:
            log.exception("nudge_failed", object=nudge.key.name)
        self._put_off(patience, nudge, self._check)

    def _put_off(self, seconds: float, nudge: Nudge, do: Callable[[Nudge, float], Awaitable[object]]) -> None:
        """Do it later, if it is needed then; and it is to wait twice as long before it does it once more."""
        if seconds <= LONGEST_SECONDS and self._needed(nudge):
            job: _Job = partial(do, nudge, 2 * seconds)
            heapq.heappush(self._later, (self._clock() + seconds, next(self._numbers), nudge, job))

    def _count(self, takeover: _Takeover, outcome: Outcome | None) -> None:
        takeover.left -= 1
        takeover.outcomes[outcome or "not-needed"] += 1
        if not takeover.left:
            log.info(
                "nudges_sent",
                lease=str(takeover.lease),
                holder=takeover.holder,
                seconds=round(self._clock() - takeover.began, 3),
                **takeover.outcomes,
            )

    def _needed(self, nudge: Nudge) -> bool:
        """Not when the object's write was admitted meanwhile, and not for a takeover that another one followed."""
        if self._leaving or nudge.takeover != nudge.stuck.takeovers:
            return False
        return self._memory.still(nudge.key, nudge.stuck)
