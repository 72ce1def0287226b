"""Records to a real pipe: whole lines, each by its deadline, torn ones marked; the event loop never stands still."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import logging
import os
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import structlog
import uvloop

from leadergate.record_output import TORN
from leadergate.records import DescriptorSink, RecordLost
from leadergate_election.logs import set_up

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
    """Write a line that is the first for which there is no room; the message of its loss, not before its deadline."""
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


def test_a_line_that_was_begun_stays_torn(run: Run, pipe: Pipe) -> None:
    """Its answer is withheld: what there is of it is ended by a mark, so that it looks like no record."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        await loses(sink, b"a" * (2 * CAPACITY) + b"\n")
        assert pipe.take() == b"a" * CAPACITY
        await sink.write(b"b\n", late())
        await sink.write(b"c\n", late())
        assert pipe.take() == TORN + b"b\nc\n"

    run(scenario())


def test_a_line_that_lacks_but_its_newline_is_torn(run: Run, pipe: Pipe) -> None:
    """Its bytes are a whole JSON object, and yet its answer was withheld: no parser must take it for a record."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        whole = json.dumps({"text": "x" * (CAPACITY - len('{"text": ""}'))}).encode()
        assert len(whole) == CAPACITY
        await loses(sink, whole + b"\n")
        taken = pipe.take()
        await sink.write(b"{}\n", late())
        torn, record = (taken + pipe.take()).splitlines()
        with pytest.raises(json.JSONDecodeError):
            json.loads(torn)
        assert record == b"{}"

    run(scenario())


def test_one_torn_line_after_another(run: Run, pipe: Pipe) -> None:
    """Each is ended by its mark."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        await loses(sink, b"a" * (2 * CAPACITY) + b"\n")
        pipe.take()
        await loses(sink, b"b" * (2 * CAPACITY) + b"\n")
        pipe.take()
        write = asyncio.create_task(sink.write(b"c" * (CAPACITY - len(TORN) - 1) + b"\n", late()))
        await write
        assert pipe.take().startswith(TORN + b"c")

    run(scenario())


def test_after_one_has_waited_in_vain_nobody_waits(run: Run, pipe: Pipe) -> None:
    """Until there is room again: else a storm of records would fill the process with reviews that wait."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        pipe.fill()
        patient = asyncio.create_task(sink.write(b"patient\n", late()))
        await begun(patient)
        await loses(sink, b"first\n")
        for _ in range(100):
            with pytest.raises(RecordLost, match="its pipe is full"):
                await sink.write(b"later\n", late())
        pipe.take()
        await patient
        await sink.write(b"next\n", late())
        assert pipe.take() == b"patient\nnext\n"
        pipe.fill()
        waits = asyncio.create_task(sink.write(b"waits\n", late()))
        await begun(waits)
        pipe.take()
        await waits

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


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE, errno.EBADF])
def test_each_error_of_the_log_is_a_lost_record(
    run: Run, pipe: Pipe, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Whatever the system says, the writer is told that its record is lost, and the next one may succeed."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)

        def failing(descriptor: int, data: bytes) -> int:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "write", failing)
        with pytest.raises(RecordLost, match=os.strerror(number)):
            await sink.write(b"lost\n", late())
        monkeypatch.undo()
        await sink.write(b"next\n", late())
        assert pipe.take() == b"next\n"

    run(scenario())


@pytest.fixture(name="_own_log")
def what_a_test_sets_up_of_the_log_is_taken_back() -> Iterator[None]:
    """The log would go on writing to a number that another file has by then."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("_own_log")
def test_a_loss_is_told_now_and_then(run: Run, pipe: Pipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its cause, once for all that are lost within some seconds: a storm of them must not flood the log."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        pipe.hang_up()
        for _ in range(100):
            with pytest.raises(RecordLost):
                await sink.write(b"line\n", late())

    with (tmp_path / "log").open("w+") as told:
        monkeypatch.setattr(sys, "stderr", told)
        set_up("info")
        run(scenario())
        told.seek(0)
        (line,) = (json.loads(line) for line in told)
    assert (line["event"], line["fault"], line["lost"]) == (
        "records_lost",
        "the log cannot be written: Broken pipe",
        1,
    )


@pytest.mark.usefixtures("_own_log")
def test_a_loss_is_not_told_to_a_full_pipe(run: Run, pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error may be the very pipe that is full: that this test ends shows that nothing waits for it."""

    async def scenario() -> None:
        sink = DescriptorSink(pipe.writer)
        pipe.fill()
        await loses(sink, b"lost\n")

    with os.fdopen(os.dup(pipe.writer), "w") as shared:
        monkeypatch.setattr(sys, "stderr", shared)
        set_up("info")
        run(scenario())
    assert b"records_lost" not in pipe.take()
