"""Files that grow, rotated and truncated meanwhile, are followed without a gap or a repetition."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from leadergate.audit.reading.follow import Followed, follow

from .written import late, made, written


def test_lines_come_whole(tmp_path: Path) -> None:
    """A line that is being written waits for its end."""
    path = tmp_path / "a"
    path.write_bytes(b"one\ntw")
    tail = Followed.file("a", path)
    assert list(tail.take()) == [b"one"]
    with path.open("ab") as file:
        file.write(b"o\nthree\n")
    assert list(tail.take()) == [b"two", b"three"]
    assert list(tail.take()) == []
    tail.close()


def test_skipping_keeps_the_line_that_is_being_written(tmp_path: Path) -> None:
    """Only whole lines count as known."""
    path = tmp_path / "a"
    path.write_bytes(b"one\ntw")
    tail = Followed.file("a", path)
    tail.skip_to_end()
    with path.open("ab") as file:
        file.write(b"o\n")
    assert list(tail.take()) == [b"two"]
    tail.close()


def test_rotation_by_renaming(tmp_path: Path) -> None:
    """The rest of the old file comes first, what it left unfinished as it is; a missing name is waited for."""
    path = tmp_path / "a"
    path.write_bytes(b"one\n")
    tail = Followed.file("a", path)
    assert list(tail.take()) == [b"one"]
    with path.open("ab") as old:
        path.rename(tmp_path / "a.1")
        assert list(tail.take()) == []
        old.write(b"two\nhalf")
        old.flush()
        path.write_bytes(b"three\n")
        assert list(tail.take()) == [b"two", b"half", b"three"]
    tail.close()


def test_rotation_by_truncating(tmp_path: Path) -> None:
    """What is written after it is read from the beginning."""
    path = tmp_path / "a"
    path.write_bytes(b"one\ntwo\n")
    tail = Followed.file("a", path)
    assert list(tail.take()) == [b"one", b"two"]
    os.truncate(path, 0)
    with path.open("ab") as file:
        file.write(b"3\n")
    assert list(tail.take()) == [b"3"]
    tail.close()


def test_pipes_end() -> None:
    """And with the last of them following ends; a last line without an end is one."""
    reader, writer = os.pipe()
    os.write(writer, b"one\ntwo")
    os.close(writer)
    got: list[bytes] = []
    tail = Followed.pipe("-", reader)
    os.close(reader)
    follow([tail], lambda _, lines: got.extend(lines), wait=lambda _: None)
    tail.close()
    assert got == [b"one", b"two"]


def test_the_command(tmp_path: Path) -> None:
    """What is there comes first, then what comes in, filtered alike, each once; Ctrl-C ends it with 130."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(written(made(0), late(1)))
    command = [sys.executable, "-m", "leadergate", "audit", "list", str(path), "--follow", "-o", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        uids: Iterator[str] = (json.loads(line)["uid"] for line in process.stdout)
        assert next(uids) == "uid-1"
        with path.open("ab") as file:
            file.write(written(made(2), late(3)) + b"foreign\n" + written(late(4)).replace(b"/v1", b"/v9"))
        assert next(uids) == "uid-3"
        path.rename(tmp_path / "a.1")
        path.write_bytes(written(late(5)))
        assert next(uids) == "uid-5"
        process.send_signal(signal.SIGINT)
        assert list(uids) == []
        told = process.stderr.read().decode()
    assert process.returncode == 130
    assert "this leadergate reads v1" in told
    assert "Traceback" not in told


def test_following_a_pipe(tmp_path: Path) -> None:
    """Standard input is followed until it ends; what cannot grow is refused."""
    command = [sys.executable, "-m", "leadergate", "audit", "list", "-", "-f", "-o", "csv"]
    ended = subprocess.run(command, input=b"hello\n" + written(made(0), late(1)), capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 2
    (tmp_path / "a.gz").write_bytes(b"\x1f\x8b")
    ended = subprocess.run([*command[:5], str(tmp_path / "a.gz"), "-f"], capture_output=True, check=False)
    assert ended.returncode == 2
    assert b"does not grow" in ended.stderr
