"""The lines of a source that is gone through, whatever it is packed in and however long they are."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from leadergate.audit.reading.sources import Kind, Source, gzipped
from leadergate.audit.reading.tally import BadLine

Progress = Callable[[str, int, int], None]
"""Told of a source's name, and of the lines and bytes that were read of it."""
_TELL_LINES = 4096


def lines(
    source: Source, widest: int, note: Callable[[BadLine], None], progress: Progress
) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers and their ends. Of one that is longer than ``widest`` bytes, its end counted, so
    many are kept: it is as long as that, and has no end.

    A source that cannot be read to its end has a bad line there, which ``note`` is told.
    """
    number = size = 0
    try:
        with _opened(source) as file:
            while line := file.readline(widest):
                number += 1
                size += len(line)
                rest = line
                while len(rest) == widest and not rest.endswith(b"\n"):
                    rest = file.readline(widest)
                    size += len(rest)
                if not number % _TELL_LINES:
                    progress(source.name, number, size)
                yield number, line
    except (OSError, EOFError, zlib.error) as fault:
        why = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        note(BadLine(source.name, number + 1, f"the file cannot be read any further: {why}"))


@contextmanager
def _opened(source: Source) -> Iterator[IO[bytes]]:
    """The bytes of a source, unpacked where it is compressed. Raises OSError."""
    if source.kind is Kind.STREAM:
        with _stream(source) as stream:
            # A pipe can be compressed as well, and cannot be read again.
            packed = stream.peek(2)[:2] == b"\x1f\x8b"
            yield cast("IO[bytes]", gzip.GzipFile(fileobj=stream)) if packed else stream
    elif gzipped(source.path):
        with gzip.open(source.path, "rb") as unpacked:
            yield cast("IO[bytes]", unpacked)
    else:
        with source.path.open("rb", buffering=1 << 20) as file:
            yield file


@contextmanager
def _stream(source: Source) -> Iterator[io.BufferedReader[Any]]:
    if source.name == "standard input":
        reader = io.BufferedReader(cast("io.RawIOBase", sys.stdin.buffer))
        try:
            yield reader
        finally:
            # It is not ours to close.
            reader.detach()
    else:
        with source.path.open("rb") as file:
            yield file
