"""Reading the Lease: linearizable, coalesced, bounded for each Lease by itself.

One read serves all the requests that arrived before it began; a request never joins a read that is already under way.
That is what makes a verdict rest on a Lease no older than the object which the API server is about to write
(``docs/guarantees.md``). A read begins once a turn of the event loop has brought nobody new: those who come together
share it, and a lone request waits for microseconds. Two reads of a Lease go side by side. When both hang, they hold up
their own Lease only for ``patience`` seconds, and no other Lease at all: then the next starts beside them, up to
``most_at_once`` in all.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from leadergate.history import LeaseHistory, expires, newer
from leadergate.lease_channel import Channel
from leadergate.lease_source import LeaseSource, ReadFailed
from leadergate.lease_waiters import TOO_LATE, Deadlines, Waiter, settle
from leadergate.model import Lease, LeaseKey, LeaseUnreadable, LeaseView, Reading


class ReadObserver(Protocol):
    """Who wants to know about the reads: metrics and the log."""

    def lease_read(self, key: LeaseKey, outcome: str, seconds: float, requests: int) -> None:
        """One read ended with ``outcome`` (found, absent, failed, timeout), having served ``requests`` reviews."""
        ...

    def takeovers_seen(self, key: LeaseKey, count: int) -> None:
        """``count`` more changes of holder were seen."""
        ...

    def lease_never_expires(self, key: LeaseKey, duration: int | None) -> None:
        """The Lease has no ``leaseDurationSeconds`` that expiry could rest on."""
        ...


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds of the reads; times in seconds. Reads of a Lease go ``side_by_side`` however quick they are.

    ``gathering`` is how long a read waits at most for requests that keep coming in.
    """

    side_by_side: int = 2
    gathering: float = 0.002
    patience: float = 0.1
    most_at_once: int = 4
    retry_after: float = 0.1
    most_leases: int = 1024
    skew: float = 10.0
    of_late: float = 600.0


class CoalescingReader:
    """Reads Leases through a :class:`LeaseSource` for many reviews at once. Belongs to one event loop."""

    def __init__(
        self,
        source: LeaseSource,
        observer: ReadObserver,
        limits: ReadLimits,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._observer = observer
        self._limits = limits
        self._wall = wall
        self._channels: OrderedDict[LeaseKey, Channel] = OrderedDict()

    def history(self, key: LeaseKey) -> LeaseHistory:
        """What has been seen of this Lease so far."""
        return self._channel(key).history

    async def read(self, key: LeaseKey, deadline: float) -> Reading:
        """The Lease at some moment between this call and its end, at ``deadline`` (loop time, seconds) at the latest.

        Failures that may pass (a refused connection, 429, 5xx) are tried again until the deadline.
        """
        loop = asyncio.get_running_loop()
        channel = self._channel(key)
        failure = "there was no time left to read it"
        while loop.time() < deadline:
            waiter = Waiter(deadline, loop.create_future())
            channel.join(waiter)
            self._pump(channel)
            result = await waiter.future
            if not isinstance(result, ReadFailed):
                return result
            failure = result.why
            if not result.passing or loop.time() + self._limits.retry_after >= deadline:
                break
            await asyncio.sleep(self._limits.retry_after)
        return LeaseUnreadable(failure)

    async def close(self) -> None:
        """Cancel what is under way."""
        tasks = [task for channel in self._channels.values() for task in channel.under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _channel(self, key: LeaseKey) -> Channel:
        channel = self._channels.get(key)
        if channel is None:
            channel = Channel(key, LeaseHistory(self._limits.skew, self._limits.of_late))
            self._channels[key] = channel
            self._forget_idle()
        else:
            self._channels.move_to_end(key)
        return channel

    def _forget_idle(self) -> None:
        """Anyone who reaches the port can name a Lease, so what is kept for each must be bounded."""
        if len(self._channels) <= self._limits.most_leases:
            return
        for key, channel in self._channels.items():
            if not channel.under_way and not channel.waiting:
                del self._channels[key]
                return

    def _pump(self, channel: Channel) -> None:
        """Start the next read of this Lease if it may start now, else see to it that it does later."""
        if not channel.waiting or channel.gathering:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        at = self._next_start(channel)
        if at <= now:
            channel.gathering = True
            loop.call_soon(self._gather, channel, 0, now + self._limits.gathering)
            return
        at = min(at, channel.nearest)
        if channel.wake is None or channel.wake_at > at:
            if channel.wake is not None:
                channel.wake.cancel()
            channel.wake, channel.wake_at = loop.call_at(at, self._woken, channel), at

    def _next_start(self, channel: Channel) -> float:
        """When another read of this Lease may start (loop time), as long as none that is under way ends."""
        if len(channel.under_way) < self._limits.side_by_side:
            return -math.inf
        if len(channel.under_way) < self._limits.most_at_once:
            return channel.last_start + self._limits.patience
        return math.inf

    def _woken(self, channel: Channel) -> None:
        channel.wake = None
        now = asyncio.get_running_loop().time()
        unanswered = ReadFailed("earlier reads of it are still unanswered by the API server", passing=False)
        settle(channel.overdue(now), unanswered)
        self._pump(channel)

    def _gather(self, channel: Channel, known: int, until: float) -> None:
        """Start the read once nobody has come since the last turn, when ``known`` were there."""
        loop = asyncio.get_running_loop()
        if len(channel.waiting) > known and loop.time() < until:
            loop.call_soon(self._gather, channel, len(channel.waiting), until)
            return
        channel.gathering = False
        if channel.waiting:
            self._start(channel)

    def _start(self, channel: Channel) -> None:
        channel.last_start = asyncio.get_running_loop().time()
        task = asyncio.create_task(self._run(channel))
        channel.under_way.add(task)
        task.add_done_callback(lambda done: self._ended(channel, done))

    def _ended(self, channel: Channel, task: asyncio.Task[None] | None) -> None:
        if task not in channel.under_way:
            return
        channel.under_way.discard(task)
        if channel.wake is not None:
            channel.wake.cancel()
            channel.wake = None
        self._pump(channel)

    async def _run(self, channel: Channel) -> None:
        # The batch is sealed here, when the read begins: all who arrived in this turn of the loop are in it.
        batch = channel.sealed()
        if not batch:
            return
        loop = asyncio.get_running_loop()
        began = channel.last_start = loop.time()
        taken_in_before = channel.taken_in
        deadlines = Deadlines(batch, loop)
        outcome = "failed"
        result: Reading | ReadFailed = ReadFailed("the read was abandoned", passing=True)
        try:
            async with asyncio.timeout_at(max(waiter.deadline for waiter in batch)):
                found = await self._source.get(channel.key)
            outcome = "found" if isinstance(found, Lease) else "absent"
            result = self._taken_in(channel, taken_in_before, found) if isinstance(found, Lease) else found
        except ReadFailed as error:
            result = error
        except TimeoutError:
            outcome = "timeout"
            result = ReadFailed(TOO_LATE, passing=False)
        except Exception as error:
            # Nobody awaits this task: what nobody foresaw must reach those who wait, or they would never learn why.
            result = ReadFailed(f"the read failed in an unforeseen way: {error!r}", passing=True)
        finally:
            deadlines.cancel()
            # The next read goes out before those who waited for this one are answered: it has the longer way.
            self._ended(channel, asyncio.current_task())
            settle(batch, result)
            self._observer.lease_read(channel.key, outcome, loop.time() - began, len(batch))

    def _taken_in(self, channel: Channel, taken_in_before: int, lease: Lease) -> LeaseView:
        now = asyncio.get_running_loop().time()
        if channel.taken_in != taken_in_before and not newer(lease.resource_version, channel.newest):
            # Another read, under way together with this one, has answered already: this one may show an older Lease.
            return channel.history.view(lease, now=now)
        channel.taken_in += 1
        channel.newest = lease.resource_version
        if not expires(lease) and not channel.warned:
            channel.warned = True
            self._observer.lease_never_expires(channel.key, lease.duration)
        before = channel.history.takeovers
        view = channel.history.observe(lease, now=now, wall=self._wall())
        if channel.history.takeovers != before:
            self._observer.takeovers_seen(channel.key, channel.history.takeovers - before)
        return view
