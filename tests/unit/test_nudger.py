"""Looking for takeovers while objects are stuck: when they are seen, and what is nudged for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from leadergate.change import Change
from leadergate.model import (
    Lease,
    LeaseAbsent,
    LeaseKey,
    LeaseUnreadable,
    LeaseView,
    Reading,
    Requester,
    Resource,
    Write,
)
from leadergate.nudge import Nudge, Outcome
from leadergate.nudger import MAX_POLLED, POLL_SECONDS, Nudger
from leadergate.stuck import StuckObjects

from .conftest import Run

LEASE = LeaseKey("shop", "operator")


def held(holder: str, *, expired: bool = False) -> LeaseView:
    """The Lease under this holder."""
    return LeaseView(Lease(holder, "9", 1, 15), 0.0, expired)


def reject(memory: StuckObjects, name: str, *, lease: LeaseKey = LEASE, holder: str = "a") -> None:
    """A write of this object was rejected."""
    requester = Requester("u", "1", "shop", "operator", "b", "p", None, "c")
    write = Write("review", "UPDATE", Resource("g", "v1", "things"), "status", "shop", name, False, requester)
    memory.rejected(lease, write, Change("7", hash(b'"as it was"'), differs=True), holder, 0.0)


@dataclass
class Reader:
    """Shows one reading for every Lease."""

    reading: Reading = field(default_factory=lambda: held("b"))
    reads: list[LeaseKey] = field(default_factory=list)

    async def read(self, key: LeaseKey, deadline: float) -> Reading:
        """Show it."""
        self.reads.append(key)
        return self.reading


@dataclass
class Sender:
    """Takes note of what it is to nudge."""

    outcome: Outcome | Exception = Outcome.NUDGED
    sent: list[tuple[float, str, str]] = field(default_factory=list)
    seconds: float = 0.0
    checked: list[tuple[float, str]] = field(default_factory=list)
    nudges: dict[str, Nudge] = field(default_factory=dict)

    async def nudge(self, nudge: Nudge, needed: Callable[[], bool]) -> Outcome | None:
        """Take note."""
        await asyncio.sleep(self.seconds)
        if not needed():
            return None
        self.nudges[nudge.key.name] = nudge
        self.sent.append((round(asyncio.get_running_loop().time(), 3), nudge.key.name, nudge.value))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def check(self, nudge: Nudge, needed: Callable[[], bool]) -> None:
        """Take note."""
        assert needed()
        self.checked.append((round(asyncio.get_running_loop().time()), nudge.key.name))
        if isinstance(self.outcome, Exception):
            raise self.outcome


@dataclass
class Counted:
    """Keeps outcomes."""

    outcomes: list[Outcome] = field(default_factory=list)

    def nudge(self, lease: LeaseKey, outcome: Outcome) -> None:
        """Keep it."""
        self.outcomes.append(outcome)


class Scene:
    """A nudger with all that it was given."""

    def __init__(self, sender: Sender | None = None) -> None:
        self.memory, self.reader, self.counted = StuckObjects(1000), Reader(), Counted()
        self.sender = sender or Sender()
        self.nudger = Nudger(self.memory, self.reader, self.sender, self.counted, clock=asyncio.get_running_loop().time)

    async def for_seconds(self, seconds: float) -> None:
        """Let it work for so long."""
        running = asyncio.create_task(self.nudger.run())
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_a_takeover_is_seen_though_no_review_comes(in_virtual_time: Run) -> None:
    """By reading the Lease each second, for as long as there are stuck objects under it."""

    async def scenario() -> None:
        scene = Scene()
        running = asyncio.create_task(scene.for_seconds(10))
        await asyncio.sleep(2.5)
        assert scene.reader.reads == []
        reject(scene.memory, "x")
        reject(scene.memory, "y")
        scene.reader.reading = held("a")
        await asyncio.sleep(2)
        assert (scene.reader.reads, scene.sender.sent) == ([LEASE] * 2, [])
        scene.reader.reading = held("b")
        await running
        assert scene.sender.sent == [(5.0, "y", "b/1/"), (5.0, "x", "b/1/")]
        assert scene.counted.outcomes == [Outcome.NUDGED] * 2

    in_virtual_time(scenario())


@pytest.mark.parametrize("reading", [LeaseAbsent(), LeaseUnreadable("etcd is gone"), held(""), held("b", expired=True)])
def test_nobody_is_nudged_for_nobody(in_virtual_time: Run, reading: Reading) -> None:
    """While the Lease has no holder, nobody could write what a nudge asks for."""

    async def scenario() -> None:
        scene = Scene()
        scene.reader.reading = reading
        reject(scene.memory, "x")
        await scene.for_seconds(3.5)
        assert (len(scene.reader.reads), scene.sender.sent) == (4, [])

    in_virtual_time(scenario())


def test_reads_are_bounded(in_virtual_time: Run) -> None:
    """However many Leases have stuck objects; each has its turn."""

    async def scenario() -> None:
        scene = Scene()
        scene.reader.reading = LeaseAbsent()
        named = [LeaseKey("shop", f"l{number}") for number in range(MAX_POLLED + 10)]
        for lease in named:
            reject(scene.memory, "x", lease=lease)
        await scene.for_seconds(POLL_SECONDS / 2)
        assert len(scene.reader.reads) == MAX_POLLED
        await scene.for_seconds(POLL_SECONDS * 1.5)
        assert set(scene.reader.reads) == set(named)

    in_virtual_time(scenario())


def test_a_fault_costs_one_nudge(in_virtual_time: Run) -> None:
    """And not those that follow."""

    async def scenario() -> None:
        scene = Scene(Sender(ZeroDivisionError()))
        for number in range(2):
            reject(scene.memory, str(number))
        await scene.for_seconds(0.5)
        assert (len(scene.sender.sent), scene.counted.outcomes) == (2, [Outcome.FAILED] * 2)

    in_virtual_time(scenario())


def test_leaving_ends_it(in_virtual_time: Run) -> None:
    """What is queued is let be, and no more Leases are read."""

    async def scenario() -> None:
        scene = Scene(Sender(seconds=0.3))
        for number in range(30):
            reject(scene.memory, str(number))
        running = asyncio.create_task(scene.nudger.run())
        await asyncio.sleep(0.4)
        scene.nudger.leave()
        await running
        assert (len(scene.sender.sent), len(scene.reader.reads)) == (10, 1)

    in_virtual_time(scenario())


def test_a_further_takeover_overtakes_what_is_queued(in_virtual_time: Run) -> None:
    """Each object is nudged for the last of them alone."""

    async def scenario() -> None:
        scene = Scene(Sender(seconds=0.7))
        for number in range(20):
            reject(scene.memory, str(number))
        running = asyncio.create_task(scene.for_seconds(10))
        await asyncio.sleep(0.9)
        scene.reader.reading = held("c")
        await running
        values = [value for _, _, value in scene.sender.sent]
        assert values == ["b/1/"] * 10 + ["c/1/"] * 20

    in_virtual_time(scenario())


@pytest.mark.parametrize("outcome", [Outcome.NUDGED, Outcome.ALREADY])
def test_whether_it_helped_is_looked_at(in_virtual_time: Run, outcome: Outcome) -> None:
    """Ever less often, while the object seems stuck: its write may have gone by way of another replica."""

    async def scenario() -> None:
        scene = Scene(Sender(outcome))
        for name in ("x", "y"):
            reject(scene.memory, name)
        running = asyncio.create_task(scene.for_seconds(3000))
        await asyncio.sleep(50)
        assert scene.sender.checked == [(at, name) for at in (15, 45) for name in ("y", "x")]
        done = scene.sender.nudges["y"]
        scene.memory.moved_on(done.key, done.stuck)
        await asyncio.sleep(900.5)
        assert scene.sender.checked[4:] == [(at, "x") for at in (105, 225, 465, 945)]
        scene.reader.reading = held("c")
        await running
        assert scene.sender.checked[8:] == [(at, "x") for at in (966, 996, 1056, 1176, 1416, 1896, 2856)]

    in_virtual_time(scenario())


@pytest.mark.parametrize("outcome", [Outcome.FORBIDDEN, Outcome.FAILED, ZeroDivisionError()])
def test_what_was_refused_is_tried_again(in_virtual_time: Run, outcome: Outcome | Exception) -> None:
    """Ever less often, until it is sent: an API server that has just started refuses what it will soon allow."""

    async def scenario() -> None:
        scene = Scene(Sender(outcome))
        reject(scene.memory, "x")
        running = asyncio.create_task(scene.for_seconds(100))
        await asyncio.sleep(20)
        assert [at for at, _, _ in scene.sender.sent] == [0, 2, 6, 14]
        scene.sender.outcome = Outcome.NUDGED
        await running
        assert [at for at, _, _ in scene.sender.sent[4:]] == [30]
        assert scene.sender.checked == [(45, "x"), (75, "x")]

    in_virtual_time(scenario())


def test_what_is_refused_for_ever_ends(in_virtual_time: Run) -> None:
    """Within the hour for which an object is remembered, and at once when it needs no nudge any more."""

    async def scenario() -> None:
        scene = Scene(Sender(Outcome.FORBIDDEN))
        for name in ("x", "y"):
            reject(scene.memory, name)
        running = asyncio.create_task(scene.for_seconds(9000))
        await asyncio.sleep(1)
        done = scene.sender.nudges["y"]
        scene.memory.moved_on(done.key, done.stuck)
        await asyncio.sleep(8000)
        sent = [name for _, name, _ in scene.sender.sent]
        assert (sent.count("x"), sent.count("y")) == (11, 1)
        running.cancel()

    in_virtual_time(scenario())


@pytest.mark.parametrize("outcome", [Outcome.UNANSWERED, Outcome.GONE])
def test_what_was_not_sent_is_not_looked_at(in_virtual_time: Run, outcome: Outcome) -> None:
    """There is nothing that it could have brought about."""

    async def scenario() -> None:
        scene = Scene(Sender(outcome))
        reject(scene.memory, "x")
        await scene.for_seconds(60)
        assert (len(scene.sender.sent), scene.sender.checked) == (1, [])

    in_virtual_time(scenario())
