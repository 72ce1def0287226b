"""Records to a real file: whole lines, whatever fills it, tears it, shares it or rotates it."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leadergate.record_output import TORN
from leadergate.records import DescriptorSink, RecordLost


def late() -> float:
    """A deadline that does not matter."""
    return asyncio.get_running_loop().time() + 20


async def test_a_regular_file_is_appended_to(tmp_path: Path) -> None:
    """Standard output may be a file that others write too."""
    path = tmp_path / "records"
    path.write_bytes(b"before\n")
    with path.open("ab") as file:
        sink = DescriptorSink(file.fileno())
        await sink.write(b"one\n", late())
        file.write(b"theirs\n")
        file.flush()
        await sink.write(b"two\n", late())
    assert path.read_bytes() == b"before\none\ntheirs\ntwo\n"


async def test_a_file_that_cannot_grow(tmp_path: Path) -> None:
    """A full disk loses records, and says why; what was written of one of them stays torn once there is room."""
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
    assert path.read_bytes() == b"begun " + TORN + b"next\n"


@pytest.mark.parametrize(
    ("left", "then"),
    [
        (b"", b"one\ntwo\n"),
        (b"whole\n", b"whole\none\ntwo\n"),
        (b"whole\nha", b"whole\nha" + TORN + b"one\ntwo\n"),
    ],
    ids=["empty", "whole", "torn"],
)
async def test_a_file_that_an_earlier_process_left(tmp_path: Path, left: bytes, then: bytes) -> None:
    """A process that was killed may have torn its last line: the next one's first begins a line of its own."""
    path = tmp_path / "records"
    path.write_bytes(left)
    with path.open("ab") as file:
        sink = DescriptorSink(file.fileno())
        await sink.write(b"one\n", late())
        await sink.write(b"two\n", late())
    assert path.read_bytes() == then


async def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it ends in a torn line cannot be seen, so it is taken to."""
    path = tmp_path / "records"
    path.write_bytes(b"ha")
    system = os.open

    def refused(name: str, flags: int) -> int:
        if flags & os.O_ACCMODE == os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return system(name, flags)

    with path.open("ab") as file:
        monkeypatch.setattr(os, "open", refused)
        sink = DescriptorSink(file.fileno())
        monkeypatch.undo()
        await sink.write(b"one\n", late())
        await sink.write(b"two\n", late())
    assert path.read_bytes() == b"ha" + TORN + b"one\ntwo\n"


async def test_a_file_that_can_only_be_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be opened anew it is appended to all the same, though the shell opened it without appending."""
    path = tmp_path / "records"

    def refused(name: str, flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    with path.open("wb") as file:
        monkeypatch.setattr(os, "open", refused)
        sink = DescriptorSink(file.fileno())
        monkeypatch.undo()
        await sink.write(b"one\n", late())
        os.truncate(path, 0)
        await sink.write(b"two\n", late())
    assert path.read_bytes() == b"two\n"


async def test_a_line_behind_what_another_process_tore(tmp_path: Path) -> None:
    """It would be part of a line that nobody can read, so it is written once more."""
    path = tmp_path / "records"
    with path.open("ab") as file:
        sink = DescriptorSink(file.fileno())
        await sink.write(b"one\n", late())
        file.write(b"their ha")
        file.flush()
        await sink.write(b"two\n", late())
        await sink.write(b"three\n", late())
    assert path.read_bytes() == b"one\ntheir hatwo\ntwo\nthree\n"


async def test_a_line_that_was_taken_is_not_lost_by_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails at the look behind it takes nothing back: the whole line stands there, so it was recorded."""
    path = tmp_path / "records"

    def fails(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with path.open("ab") as file:
        sink = DescriptorSink(file.fileno())
        await sink.write(b"one\n", late())
        monkeypatch.setattr(os, "pread", fails)
        await sink.write(b"two\n", late())
        monkeypatch.undo()
    assert path.read_bytes() == b"one\ntwo\n"


async def test_a_file_that_is_rotated(tmp_path: Path) -> None:
    """One that is renamed is written on; one that is copied and truncated goes on at its beginning."""
    path, renamed = tmp_path / "records", tmp_path / "records.1"
    with path.open("wb") as file:
        sink = DescriptorSink(file.fileno())
        await sink.write(b"one\n", late())
        path.rename(renamed)
        await sink.write(b"two\n", late())
        assert renamed.read_bytes() == b"one\ntwo\n"
        os.truncate(renamed, 0)
        await sink.write(b"three\n", late())
        await sink.write(b"four\n", late())
    assert renamed.read_bytes() == b"three\nfour\n"


APPENDING = """
import asyncio, sys
from leadergate.record_output import TORN
from leadergate.records import DescriptorSink

async def append(name):
    sink = DescriptorSink(sys.stdout.fileno())
    for number in range(500):
        await sink.write(f"{name} {number} {'x' * 3000}\\n".encode(), asyncio.get_running_loop().time() + 20)

asyncio.run(append(sys.argv[1]))
"""


def test_processes_that_share_a_file(tmp_path: Path) -> None:
    """Their lines are whole, all there, and each process's in its order."""
    path = tmp_path / "records"
    with path.open("wb") as file:
        appending = [subprocess.Popen([sys.executable, "-c", APPENDING, name], stdout=file) for name in "abc"]
        assert [process.wait(60) for process in appending] == [0, 0, 0]
    lines = [line.split(" ") for line in path.read_text().splitlines()]
    # A process that starts while another one is amid a line takes that for torn: its mark then stands by itself.
    lines = [line for line in lines if line != ["#torn"]]
    assert all(len(rest) == 3000 for _, _, rest in lines)
    for name in "abc":
        assert [int(number) for whose, number, _ in lines if whose == name] == list(range(500))
