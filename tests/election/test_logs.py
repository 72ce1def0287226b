"""The program's own log never makes the program wait for who reads it."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator

import pytest

from leadergate_election.logs import NeverWaits

CAPACITY = 16384  # four pages: Linux calls a pipe writable while one of them is free


@pytest.fixture(name="pipe")
def a_small_pipe() -> Iterator[tuple[int, int]]:
    """A small real pipe, whose ends both wait as a shell hands them over."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, CAPACITY)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def say(handler: NeverWaits, text: str) -> None:
    """Log one message."""
    handler.handle(logging.LogRecord("name", logging.INFO, "path", 1, text, None, None))


def test_lines_are_written_at_once(pipe: tuple[int, int]) -> None:
    """Each message is a line."""
    reader, writer = pipe
    handler = NeverWaits(writer)
    say(handler, "one")
    say(handler, "two")
    assert os.read(reader, CAPACITY) == b"one\ntwo\n"


def test_a_full_pipe_leaves_lines_out_and_says_how_many(pipe: tuple[int, int]) -> None:
    """That this test ends shows that nothing waits."""
    reader, writer = pipe
    handler = NeverWaits(writer)
    os.write(writer, b"x" * CAPACITY)
    for number in range(3):
        say(handler, f"left out {number}")
    assert os.read(reader, 2 * CAPACITY) == b"x" * CAPACITY
    say(handler, "next")
    assert os.read(reader, CAPACITY).splitlines() == [
        b'{"event":"log_lines_left_out","count":3,"level":"warning"}',
        b"next",
    ]
    say(handler, "and on")
    assert os.read(reader, CAPACITY) == b"and on\n"


def test_a_long_line_that_finds_no_room_is_broken_off(pipe: tuple[int, int]) -> None:
    """What follows begins a line of its own."""
    reader, writer = pipe
    handler = NeverWaits(writer)
    say(handler, "y" * (CAPACITY + 100))
    assert os.read(reader, 2 * CAPACITY) == b"y" * CAPACITY
    say(handler, "next")
    first, told, last = os.read(reader, CAPACITY).split(b"\n", 2)
    assert (first, last) == (b"", b"next\n")
    assert b'"count":1' in told


def test_a_pipe_that_nobody_reads_any_more_is_no_fault() -> None:
    """The program goes on without its log."""
    reader, writer = os.pipe()
    handler = NeverWaits(writer)
    os.close(reader)
    say(handler, "gone")
    os.close(writer)
