"""Files and pipes as they grow: new lines appended, files rotated or truncated, as ``tail -F`` follows them."""

from __future__ import annotations

import os
import select
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Self

POLL_SECONDS = 0.25
_CHUNK = 1 << 20
_BATCH = 4096
_WIDEST = 16 << 20
"""A line that grows beyond this is let go up to its end, in bytes."""


class Followed:
    """One file or pipe that is followed. Lines come out whole, without their ends.

    A file is followed by its name: where another file stands under it (rotation by renaming), the rest of the old one
    comes first. One that has become shorter (rotation by truncating) is read from its beginning. A name that is missing
    for a while is waited for.
    """

    def __init__(self, name: str, descriptor: int, path: Path | None) -> None:
        self.name = name
        self.ended = False
        self._fd = descriptor
        self._path = path
        self._rest = b""
        self._skips = False

    @classmethod
    def file(cls, name: str, path: Path) -> Self:
        """Follow a file, or a named pipe, from its beginning. Raises OSError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return cls(name, descriptor, path if stat.S_ISREG(os.fstat(descriptor).st_mode) else None)

    @classmethod
    def pipe(cls, name: str, descriptor: int) -> Self:
        """Follow what is open already, such as standard input."""
        return cls(name, os.dup(descriptor), None)

    def skip_to_end(self) -> None:
        """Leave out the whole lines that stand there already; one that is still being written is not left out."""
        if self._path is None:
            return
        at = os.fstat(self._fd).st_size
        while at:
            begin = max(at - _CHUNK, 0)
            found = os.pread(self._fd, at - begin, begin).rfind(b"\n")
            if found >= 0:
                at = begin + found + 1
                break
            at = begin
        os.lseek(self._fd, at, os.SEEK_SET)

    def take(self) -> Iterator[bytes]:
        """The lines that have come since; a line that will never be ended comes as it is. Raises OSError."""
        while not self.ended:
            if data := self._read():
                yield from self._lines(data)
            elif self._again():
                continue
            elif self.ended or self._reopened():
                if self._rest:
                    yield self._rest
                self._rest, self._skips = b"", False
            else:
                return

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)

    def _read(self) -> bytes:
        if self._path is not None:
            return os.read(self._fd, _CHUNK)
        waiting = select.poll()
        waiting.register(self._fd, select.POLLIN)
        if not waiting.poll(0):
            return b""
        data = os.read(self._fd, _CHUNK)
        self.ended = not data
        return data

    def _lines(self, data: bytes) -> Iterator[bytes]:
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._skips:
                self._skips = False
            else:
                yield line
        self._rest = rest
        if len(rest) > _WIDEST:
            self._rest, self._skips = b"", True

    def _again(self) -> bool:
        """Whether there is more by now: a file that was renamed is read to its end before it is left."""
        return self._path is not None and os.fstat(self._fd).st_size > os.lseek(self._fd, 0, os.SEEK_CUR)

    def _reopened(self) -> bool:
        """At the end: whether the file goes on from its beginning, or under its name in another file."""
        if self._path is None:
            return False
        own = os.fstat(self._fd)
        if own.st_size < os.lseek(self._fd, 0, os.SEEK_CUR):
            os.lseek(self._fd, 0, os.SEEK_SET)
            return True
        try:
            named = self._path.stat()
            if (named.st_dev, named.st_ino) == (own.st_dev, own.st_ino) or self._again():
                return False
            fresh = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # the name is gone for a moment
            return False
        os.close(self._fd)
        self._fd = fresh
        return True


class Unreadable(Exception):
    """What is followed can be read no more; the message says what and why."""


def follow(
    files: Sequence[Followed],
    new: Callable[[str, list[bytes]], None],
    *,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Hand on new lines, by file, until every one of them has ended, as pipes do. Raises :class:`Unreadable`."""
    while True:
        came = False
        for one in files:
            for lines in _batches(one):
                came = True
                new(one.name, lines)
        if all(one.ended for one in files):
            return
        if not came:
            wait(POLL_SECONDS)


def _batches(one: Followed) -> Iterator[list[bytes]]:
    lines = one.take()
    while True:
        try:
            batch = list(islice(lines, _BATCH))
        except OSError as fault:
            raise Unreadable(f"{one.name}: {fault.strerror}") from fault
        if not batch:
            return
        yield batch
