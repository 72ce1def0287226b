"""The log of one run of a container, in the format of container runtimes, and reading it as a kubelet does.

A line is ``TIME STREAM TAG CONTENT``: RFC 3339 with nanoseconds, ``stdout`` or ``stderr``, and ``F``, or ``P`` for a
piece of a line that goes on (cri-api, ``pkg/apis/runtime/v1``; containerd cuts lines after 16 KiB). How it is read,
with which options, is k8s.io/cri-client ``pkg/logs``.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

_PIECE = 16 * 1024
_LOOK_SECONDS = 0.05


class Journal:
    """What one run writes, of both streams. The file may be moved away as rotation does: a new one is begun then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ended = False
        path.touch()

    async def take(self, stream: str, reader: asyncio.StreamReader, raw: BinaryIO) -> None:
        """Keep what comes by a pipe until its end, line by line; ``raw`` gets it as it is."""
        rest = b""
        while chunk := await reader.read(65536):
            raw.write(chunk)
            raw.flush()
            *lines, rest = (rest + chunk).split(b"\n")
            self._write(stream, lines)
            while len(rest) > _PIECE:
                self._write(stream, [rest[:_PIECE]], "P")
                rest = rest[_PIECE:]
        if rest:
            self._write(stream, [rest])

    def _write(self, stream: str, lines: list[bytes], tag: str = "F") -> None:
        made = []
        for line in lines:
            pieces = [line[at : at + _PIECE] for at in range(0, len(line), _PIECE)] or [b""]
            made += [_entry(stream, "P", piece) for piece in pieces[:-1]]
            made.append(_entry(stream, tag, pieces[-1]))
        with self.path.open("ab", buffering=0) as file:
            file.write(b"".join(made))


def _entry(stream: str, tag: str, content: bytes) -> bytes:
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    at = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09}Z"
    return f"{at} {stream} {tag} ".encode() + content + b"\n"


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a log is wanted (core/v1, PodLogOptions). ``since`` is seconds since 1970."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: float = 0.0
    tail_lines: int | None = None
    limit_bytes: int | None = None
    stream: str = "All"


async def read(journal: Journal, wish: Wish) -> AsyncIterator[bytes]:
    """What a kubelet answers, in pieces."""
    left = wish.limit_bytes
    whole = True
    async for at, stream, tag, content in _entries(journal, wish):
        if _seconds(at) < wish.since or wish.stream.lower() not in ("all", stream):
            continue
        piece = (at.encode() + b" " if wish.timestamps and whole else b"") + content + (b"\n" if tag == "F" else b"")
        whole = tag == "F"
        if left is not None:
            piece = piece[:left]
            left -= len(piece)
        yield piece
        if left == 0:
            return


async def _entries(journal: Journal, wish: Wish) -> AsyncIterator[tuple[str, str, str, bytes]]:
    file: BinaryIO = journal.path.open("rb")
    try:
        if wish.tail_lines is not None:
            lines = file.read().splitlines(keepends=True)
            file.seek(sum(map(len, lines[: max(len(lines) - wish.tail_lines, 0)])))
        last = False
        while True:
            start = file.tell()
            line = file.readline()
            if line.endswith(b"\n"):
                at, stream, tag, content = line[:-1].split(b" ", 3)
                yield at.decode(), stream.decode(), tag.decode(), content
                continue
            file.seek(start)
            if moved := _moved(file, journal.path):
                file.close()
                file = moved
            elif not wish.follow or last:
                return
            else:
                # What was written before its end is read first.
                last = journal.ended
                await asyncio.sleep(0 if last else _LOOK_SECONDS)
    finally:
        file.close()


def _moved(file: BinaryIO, path: Path) -> BinaryIO | None:
    """The new file, once the one that is read has been rotated away."""
    try:
        if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            return None
        return path.open("rb")
    except FileNotFoundError:
        return None


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
