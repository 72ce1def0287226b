"""Copies in the background: bounded, counted, in nobody's way."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from structlog.testing import capture_logs

from leadergate.otlp.copies import BATCH, Copies, CopyingSink, ExportFailed
from leadergate.otlp.metrics import Outcome
from leadergate.records import RecordLost
from leadergate_lab.processes import wait_until

PATIENCE = 60.0
A_DAY = 86400.0


class Tally:
    """Counts outcomes."""

    def __init__(self) -> None:
        self.found: Counter[Outcome] = Counter()

    def copies(self, outcome: Outcome, count: int) -> None:
        """So many came to this."""
        self.found[outcome] += count


class Collector:
    """Takes batches when ``open`` is set, or raises what is in ``faults`` first."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.faults: list[Exception] = []
        self.asked = threading.Event()
        self.open = threading.Event()
        self.open.set()

    def __call__(self, lines: Sequence[bytes]) -> None:
        """Take one batch."""
        self.asked.set()
        self.open.wait()
        if self.faults:
            raise self.faults.pop(0)
        self.batches.append(list(lines))

    @property
    def lines(self) -> list[bytes]:
        """All that it took."""
        return [line for batch in self.batches for line in batch]


Begin = Callable[..., tuple[Copies, Tally]]


@pytest.fixture
def collector() -> Collector:
    """One that takes everything."""
    return Collector()


def begun(collector: Collector, *, room: int = 1000, linger: float = 0.0) -> tuple[Copies, Tally]:
    """Copies under way, and their count."""
    copies, tally = Copies(collector, room=room, linger=linger), Tally()
    copies.start(tally)
    return copies, tally


def numbered(count: int) -> list[bytes]:
    """Lines to tell apart."""
    return [b"%d" % number for number in range(count)]


async def test_all_arrive_in_order(collector: Collector) -> None:
    """Whatever batches they come in."""
    copies, tally = begun(collector, room=5000)
    for line in numbered(3000):
        copies.offer(line)
    await copies.close(PATIENCE)
    assert collector.lines == numbered(3000)
    assert max(map(len, collector.batches)) <= BATCH
    assert tally.found == {Outcome.EXPORTED: 3000}
    assert copies.waiting() == 0


async def test_none_waits_once_all_have_an_outcome(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the thread has ended before whoever woke it goes on."""
    copies, _ = begun(collector, linger=A_DAY)
    copies.offer(b"one")
    put = copies._queue.put_nowait

    def put_and_rest(item: bytes) -> None:
        put(item)
        copies._thread.join(PATIENCE)

    monkeypatch.setattr(copies._queue, "put_nowait", put_and_rest)
    await copies.close(PATIENCE)
    assert copies.waiting() == 0


async def test_those_that_come_together_share_a_request(collector: Collector) -> None:
    """The first one lingers for them, and an end does not wait for its day to be over."""
    copies, _ = begun(collector, linger=A_DAY)
    for line in numbered(10):
        copies.offer(line)
    await copies.close(PATIENCE)
    assert collector.batches == [numbered(10)]


async def test_what_finds_no_room_is_dropped_and_counted(collector: Collector) -> None:
    """Offering never waits, not even while the collector hangs; what has a place keeps it."""
    copies, tally = begun(collector, room=5)
    collector.open.clear()
    copies.offer(b"under way")
    assert await asyncio.to_thread(collector.asked.wait, PATIENCE)
    for line in numbered(8):
        copies.offer(line)
    assert tally.found == {Outcome.DROPPED: 3}
    assert copies.waiting() == 6
    collector.open.set()
    await copies.close(PATIENCE)
    assert collector.lines == [b"under way", *numbered(5)]
    assert tally.found == {Outcome.DROPPED: 3, Outcome.EXPORTED: 6}


async def test_a_failure_is_counted_and_told_once(collector: Collector) -> None:
    """And so is that it is over; what comes later arrives."""
    copies, tally = begun(collector)
    collector.faults = [ExportFailed("connection refused"), ExportFailed("connection refused"), RuntimeError("a bug")]
    with capture_logs() as told:
        for number in (1, 2, 3):
            copies.offer(b"lost")
            wait_until(lambda: tally.found[Outcome.FAILED] == number, what="it failed", timeout=PATIENCE)  # noqa: B023
        copies.offer(b"kept")
        await copies.close(PATIENCE)
    assert collector.lines == [b"kept"]
    assert tally.found == {Outcome.FAILED: 3, Outcome.EXPORTED: 1}
    assert [line["event"] for line in told] == ["otlp_export_failing", "otlp_export_works_again"]
    assert told[0]["fault"] == "connection refused"


async def test_a_fault_of_ours_does_not_end_the_thread(collector: Collector) -> None:
    """It is logged with its trace, as the first of a failure, and the next batch is sent."""
    copies, tally = begun(collector)
    collector.faults = [KeyError("message")]
    with capture_logs() as told:
        copies.offer(b"odd")
        wait_until(lambda: tally.found[Outcome.FAILED] == 1, what="it failed", timeout=PATIENCE)
        copies.offer(b"kept")
        await copies.close(PATIENCE)
    assert (told[0]["event"], told[0]["log_level"], told[0]["exc_info"]) == ("otlp_export_failing", "error", True)
    assert collector.lines == [b"kept"]


async def test_a_collector_that_hangs_does_not_keep_us(collector: Collector) -> None:
    """The end comes when its bound is over, and what is left is told."""
    copies, _ = begun(collector)
    collector.open.clear()
    copies.offer(b"under way")
    assert await asyncio.to_thread(collector.asked.wait, PATIENCE)
    copies.offer(b"behind it")
    with capture_logs() as told:
        await copies.close(0.05)
    assert told == [{"event": "otlp_records_left", "log_level": "warning", "count": 2, "waited_seconds": 0.05}]
    collector.open.set()


async def test_the_end_with_a_full_queue(collector: Collector) -> None:
    """There is no room even to wake the thread, which is awake."""
    copies, tally = begun(collector, room=2)
    collector.open.clear()
    copies.offer(b"under way")
    assert await asyncio.to_thread(collector.asked.wait, PATIENCE)
    copies.offer(b"1")
    copies.offer(b"2")
    closing = asyncio.create_task(copies.close(PATIENCE))
    await asyncio.sleep(0)
    collector.open.set()
    await closing
    assert tally.found == {Outcome.EXPORTED: 3}


class First:
    """A sink that can be told to lose its line."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.full = False

    async def write(self, line: bytes, deadline: float) -> None:
        """Take it or not."""
        if self.full:
            raise RecordLost("the log takes no more: its pipe is full")
        self.lines.append(line)


async def test_only_what_was_written_is_copied(collector: Collector) -> None:
    """A record that was lost was withheld from its client as well, so no copy may tell of it."""
    copies, _ = begun(collector)
    first = First()
    sink = CopyingSink(first, copies)
    await sink.write(b"one", 0)
    first.full = True
    with pytest.raises(RecordLost):
        await sink.write(b"two", 0)
    await copies.close(PATIENCE)
    assert (first.lines, collector.lines) == ([b"one"], [b"one"])
