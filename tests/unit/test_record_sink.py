"""Records to a real pipe or file: whole lines or none, each by its deadline, and the event loop never stands still."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import signal
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import uvloop

from leadergate.records import DescriptorSink, RecordLost

CAPACITY = 4096  # the smallest pipe that Linux makes
SOON = 0.05


class Run(Protocol):
    """Runs one coroutine to its end, on the loop under test."""

    def __call__(self, scenario: Coroutine[Any, Any, None]) -> None:
        """Run it."""


@pytest.fixture(name="run", params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run_on_each_loop(request: pytest.FixtureRequest) -> Iterator[Run]:
    """The loops watch descriptors each in its own way, so each scenario runs on both."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield lambda scenario: runner.run(asyncio.wait_for(scenario, 30))


class Pipe:
    """A pipe of the least capacity, its writing end blocking as a shell hands it over."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, CAPACITY)
        os.set_blocking(self.reader, False)

    def fill(self) -> None:
        """Leave no room."""
        os.write(self.writer, b"x" * (CAPACITY - 1) + b"\n")

    def take(self) -> bytes:
        """All that is in it now."""
        parts = []
        try:
            while part := os.read(self.reader, 65536):
                parts.append(part)
        except BlockingIOError:
            pass
        return b"".join(parts)

    def close(self) -> None:
        """Close both ends that are open."""
        for end in (self.reader, self.writer):
            if end >= 0:
                os.close(end)

    def hang_up(self) -> None:
        """Close the reading end."""
        os.close(self.reader)
        self.reader = -1


@pytest.fixture(name="pipe")
def a_pipe() -> Iterator[Pipe]:
    """A real pipe."""
    pipe = Pipe()
    yield pipe
    pipe.close()


def soon() -> float:
    """A deadline that comes soon."""
    return asyncio.get_running_loop().time() + SOON


def late() -> float:
    """A deadline that does not matter."""
    return asyncio.get_running_loop().time() + 20


async def loses(sink: DescriptorSink, line: bytes) -> str:
    """Write a line that cannot be written; the message of its loss, which comes no sooner than the deadline."""
    deadline = soon()
    with pytest.raises(RecordLost) as lost:
        await sink.write(line, deadline)
    assert asyncio.get_running_loop().time() >= deadline - 0.001, "uvloop's clock ticks in milliseconds"
    return str(lost.value)


async def begun(task: asyncio.Task[None]) -> None:
    """Let the task come to where it waits; that this returns shows that the loop is not blocked."""
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()


def test_lines_reach_the_pipe_at_once(run: Run, pipe: Pipe) -> None:
    """While there is room nobody waits."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        await sink.write(b"one\n", late())
        await sink.write(b"two\n", late())
        assert pipe.take() == b"one\ntwo\n"

    run(scenario())


def test_a_line_lost_to_a_full_pipe_never_turns_up(run: Run, pipe: Pipe) -> None:
    """Its answer was withheld, so a later record of it would be wrong."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        pipe.fill()
        assert await loses(sink, b"lost\n") == "the log takes no more: its pipe is full"
        pipe.take()
        await sink.write(b"next\n", late())
        assert pipe.take() == b"next\n"

    run(scenario())


def test_equal_lines_are_lost_each_by_itself(run: Run, pipe: Pipe) -> None:
    """One that gives up while it waits its turn does not take its equal with it."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        pipe.fill()
        line = b"same\n"
        patient = asyncio.create_task(sink.write(line, late()))
        await begun(patient)
        await loses(sink, line)
        pipe.take()
        await patient
        assert pipe.take() == line

    run(scenario())


def test_a_line_that_was_begun_is_completed_first(run: Run, pipe: Pipe) -> None:
    """A part of a line is in the pipe already: its end comes before anything else, though its writer gave up."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        long = b"a" * (2 * CAPACITY) + b"\n"
        await loses(sink, long)
        taken = pipe.take()
        assert taken == long[:CAPACITY]
        await loses(sink, b"b" * CAPACITY + b"\n")
        taken += pipe.take()
        await sink.write(b"c\n", late())
        assert taken + pipe.take() == long + b"c\n"

    run(scenario())


def test_a_reader_that_resumes_gets_whole_lines_in_order(run: Run, pipe: Pipe) -> None:
    """Writers queue while the pipe is full; the loop goes on meanwhile."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        pipe.fill()
        lines = [bytes([letter]) * 3000 + b"\n" for letter in b"abcdef"]
        writes = []
        for line in lines:
            writes.append(asyncio.create_task(sink.write(line, late())))
            await begun(writes[-1])
        taken = b""
        while not all(write.done() for write in writes):
            taken += pipe.take()
            await asyncio.sleep(0)
        taken += pipe.take()
        assert taken == b"x" * (CAPACITY - 1) + b"\n" + b"".join(lines)

    run(scenario())


def test_a_cancelled_line_leaves_the_sink_sound(run: Run, pipe: Pipe) -> None:
    """Neither does it turn up later, nor does it keep others waiting."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        pipe.fill()
        write = asyncio.create_task(sink.write(b"gone\n", late()))
        await begun(write)
        write.cancel()
        await asyncio.gather(write, return_exceptions=True)
        pipe.take()
        await sink.write(b"next\n", late())
        assert pipe.take() == b"next\n"

    run(scenario())


def test_a_pipe_that_nobody_reads_any_more(run: Run, pipe: Pipe) -> None:
    """The loss is told at once, not at the deadline."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        pipe.hang_up()
        for _ in range(2):
            with pytest.raises(RecordLost, match="cannot be written: Broken pipe"):
                await sink.write(b"line\n", late())

    run(scenario())


def test_a_reader_that_hangs_up_while_a_line_waits(run: Run, pipe: Pipe) -> None:
    """The waiting writer learns of it."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        pipe.fill()
        write = asyncio.create_task(sink.write(b"line\n", late()))
        await begun(write)
        pipe.hang_up()
        with pytest.raises(RecordLost, match="Broken pipe"):
            await write

    run(scenario())


def test_the_original_descriptor_stays_blocking(run: Run, pipe: Pipe) -> None:
    """A shell or another process may share it."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        await sink.write(b"line\n", late())
        assert os.get_blocking(pipe.writer)

    run(scenario())


def test_a_regular_file_is_appended_to(run: Run, tmp_path: Path) -> None:
    """Standard output may be a file that others write too."""

    async def scenario() -> None:
        path = tmp_path / "records"
        path.write_bytes(b"before\n")
        with path.open("ab") as file:
            sink = DescriptorSink(file.fileno())
            await sink.write(b"one\n", late())
            file.write(b"theirs\n")
            file.flush()
            await sink.write(b"two\n", late())
        assert path.read_bytes() == b"before\none\ntheirs\ntwo\n"

    run(scenario())


def test_a_file_that_cannot_grow(run: Run, tmp_path: Path) -> None:
    """A full disk loses records, and says why; a line that was begun is completed once there is room."""

    async def scenario() -> None:
        path = tmp_path / "records"
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            with path.open("ab") as file:
                sink = DescriptorSink(file.fileno())
                resource.setrlimit(resource.RLIMIT_FSIZE, (6, hard))
                for line in (b"begun line\n", b"lost 1\n", b"lost 2\n"):
                    with pytest.raises(RecordLost, match="cannot be written: File too large"):
                        await sink.write(line, late())
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
                await sink.write(b"next\n", late())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, ignored)
        assert path.read_bytes() == b"begun line\nnext\n"

    run(scenario())
