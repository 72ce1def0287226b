"""The program's own log never makes the program wait for who reads it."""

from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadergate_election.logs import NeverWaits, to_stderr

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


def test_room_that_another_takes_first_is_not_waited_for(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with ``2>&1`` on a pipe: between the look and the write it may have been filled. That this ends shows it."""
    reader, writer = pipe
    handler = NeverWaits(writer)
    os.write(writer, b"x" * CAPACITY)
    monkeypatch.setattr(handler, "_has_room", lambda: True)
    say(handler, "left out")
    assert os.read(reader, 2 * CAPACITY) == b"x" * CAPACITY
    say(handler, "next")
    assert os.read(reader, CAPACITY).endswith(b"\nnext\n")
    handler.close()


def test_a_file_is_only_ever_appended_to(tmp_path: Path) -> None:
    """As with ``> log 2>&1``: what others append to the same file meanwhile is not written over."""
    path = tmp_path / "log"
    with path.open("wb") as file:
        handler = NeverWaits(file.fileno())
        say(handler, "one")
        with path.open("ab") as other:
            other.write(b"theirs\n")
        say(handler, "two")
    assert path.read_bytes() == b"one\ntheirs\ntwo\n"


def test_a_message_that_cannot_be_formatted_is_told_as_a_line(
    pipe: tuple[int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    """A trace on standard error, as the standard library would have it, would wait for whoever reads that."""
    reader, writer = pipe
    handler = NeverWaits(writer)
    handler.handle(logging.LogRecord("some.library", logging.INFO, "path", 1, "%d of %s", ("one",), None))
    (line,) = os.read(reader, CAPACITY).splitlines()
    told = json.loads(line)
    assert (told["event"], told["logger"], told["message"]) == ("log_line_failed", "some.library", "%d of %s")
    assert told["fault"].startswith("TypeError: ")
    assert capfd.readouterr().err == ""


def test_a_stream_in_memory_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is in place of standard error where a program is called from another one."""
    told = io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)
    to_stderr().handle(logging.LogRecord("name", logging.INFO, "path", 1, "said", None, None))
    assert told.getvalue() == "said\n"
