"""Coalesced Lease reads on uvloop, the loop that serves: its timers round to milliseconds and run at once when due."""

from __future__ import annotations

import asyncio

import uvloop

from leadergate.leases import CoalescingReader, ReadLimits
from leadergate.model import Lease, LeaseAbsent, LeaseKey, LeaseView

from .conftest import Observed

KEY = LeaseKey("shop", "operator")


class _SlowSource:
    """Takes longer for each read than the reader's patience."""

    async def get(self, key: LeaseKey) -> Lease | LeaseAbsent:
        await asyncio.sleep(0.005)
        return Lease("pod-a", "1", duration=15)


def test_requests_at_any_moment_of_slow_reads_are_answered() -> None:
    """Hundreds that arrive one after the other, while reads are due now, due soon or as many as may be: all get one."""

    async def scenario() -> None:
        reader = CoalescingReader(_SlowSource(), Observed(), ReadLimits(patience=0.001))
        loop = asyncio.get_running_loop()
        requests = []
        for number in range(400):
            requests.append(asyncio.create_task(reader.read(KEY, loop.time() + 20)))
            await asyncio.sleep(0.0001 * (number % 10))
        views = await asyncio.gather(*requests)
        assert all(isinstance(view, LeaseView) for view in views)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
