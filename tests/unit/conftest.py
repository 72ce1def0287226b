"""For the Lease reads: an event loop of virtual time, and a source whose reads end when the test says so."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from leadergate.leases import CoalescingReader, ReadLimits
from leadergate.model import Lease, LeaseAbsent, LeaseKey, Reading

WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPERATOR = LeaseKey("shop", "operator")


class Run(Protocol):
    """Runs one coroutine to its end, on the loop under test."""

    def __call__(self, scenario: Coroutine[Any, Any, None]) -> None:
        """Run it."""


class _JumpingSelector(selectors.DefaultSelector):
    """Where a selector would wait for the next timer, this one lets the loop's clock jump there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; never waits."""
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits, and no timer is left that could end it")
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs a scenario of minutes in no time, in the same order each time."""

    def __init__(self) -> None:
        self._selector_of_time = _JumpingSelector()
        super().__init__(self._selector_of_time)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._selector_of_time.now


@pytest.fixture(name="in_virtual_time")
def run_in_virtual_time() -> Iterator[Run]:
    """Runs a coroutine on a loop of virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        yield lambda scenario: runner.run(scenario)


@dataclass
class Source:
    """Reads that stay under way until the test ends them."""

    reads: list[tuple[LeaseKey, asyncio.Future[Lease | LeaseAbsent]]] = field(default_factory=list)
    began: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def get(self, key: LeaseKey) -> Lease | LeaseAbsent:
        """Begin a read."""
        answer: asyncio.Future[Lease | LeaseAbsent] = asyncio.get_running_loop().create_future()
        self.reads.append((key, answer))
        async with self.began:
            self.began.notify_all()
        return await answer

    async def wait_for(self, count: int) -> None:
        """Wait until so many reads have begun."""
        async with self.began:
            await self.began.wait_for(lambda: len(self.reads) >= count)

    def end(self, number: int, result: Lease | LeaseAbsent | Exception) -> None:
        """Let the read of this number, from 0, succeed or fail."""
        answer = self.reads[number][1]
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)


@dataclass
class Observed:
    """Keeps what it was told."""

    reads: list[tuple[LeaseKey, str, float, int]] = field(default_factory=list)
    takeovers: int = 0
    endless: list[int | None] = field(default_factory=list)

    def lease_read(self, key: LeaseKey, outcome: str, seconds: float, requests: int) -> None:
        """Keep it."""
        self.reads.append((key, outcome, round(seconds, 6), requests))

    def takeovers_seen(self, key: LeaseKey, count: int) -> None:
        """Count them."""
        self.takeovers += count

    def lease_never_expires(self, key: LeaseKey, duration: int | None) -> None:
        """Keep the duration."""
        self.endless.append(duration)


class Scene:
    """A reader, its source, and requests that come in."""

    def __init__(self, *, side_by_side: int = 1, gathering: float = 0.002) -> None:
        self.limits = ReadLimits(
            side_by_side=side_by_side,
            gathering=gathering,
            patience=0.1,
            most_at_once=3,
            retry_after=0.1,
            most_leases=4,
        )
        self.source = Source()
        self.observed = Observed()
        self.reader = CoalescingReader(self.source, self.observed, self.limits, wall=lambda: WALL)

    def arrives(self, *, deadline: float = 10.0, key: LeaseKey = OPERATOR) -> asyncio.Task[tuple[Reading, float]]:
        """One request; its task gives the reading and when it was had."""

        async def request() -> tuple[Reading, float]:
            reading = await self.reader.read(key, deadline)
            return reading, round(asyncio.get_running_loop().time(), 6)

        return asyncio.create_task(request())


@pytest.fixture(name="scene")
def a_scene() -> Scene:
    """A reader with nothing under way yet."""
    return Scene()
