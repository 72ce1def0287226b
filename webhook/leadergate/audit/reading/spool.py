"""Sources that are read line by line: their records alone go into a spool file; all else is counted."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, cast

from leadergate.audit.reading.sift import FOREIGN, Bad, Foreign, RecordLine, Sifted, sift
from leadergate.audit.reading.sources import Kind, Source, gzipped
from leadergate.audit.reading.tally import BadLine, Tally

WIDEST = 16 << 20
"""The longest line that is looked into, in bytes: as DuckDB has it (``trail``). A record is a few thousand long."""
_TELL_LINES = 4096
_TOO_LONG = Bad(f"it is longer than {WIDEST >> 20} MiB")

Progress = Callable[[str, int, int], None]
"""Told of a source's name, and of the lines and bytes that were read of it."""


def sifted(source: Source, tally: Tally, progress: Progress, into: BinaryIO | None = None) -> bool:
    """Go through a source: count its lines in ``tally``, and write its records to ``into``.

    Returns whether each record stood on a line of its own, with nothing around it. A source that cannot be read to its
    end has a bad line there. Raises OSError where ``into`` cannot be written.
    """
    alone = True
    size = 0
    for number, line in enumerate(_lines(source, tally), 1):
        size += len(line)
        if not number % _TELL_LINES:
            progress(source.name, number, size)
        whole = line.endswith(b"\n")
        one = _one(line)
        if isinstance(one, RecordLine):
            tally.records += 1
            alone = alone and one.json == line.strip()
            if into is not None:
                into.write(one.json + b"\n")
        elif not whole and line.lstrip().startswith(b"{") and len(line) < WIDEST:
            tally.unfinished.append(source.name)
        elif isinstance(one, Bad):
            tally.note(BadLine(source.name, number, one.why))
        elif line.strip():
            tally.foreign += 1
    return alone


def _one(line: bytes) -> Sifted:
    if len(line) < WIDEST:
        return sift(line)
    return FOREIGN if isinstance(sift(line[:4096]), Foreign) else _TOO_LONG


def _lines(source: Source, tally: Tally) -> Iterator[bytes]:
    """The lines with their ends; of one that is too long no more than the beginning is kept."""
    number = 0
    try:
        with opened(source) as file:
            while line := file.readline(WIDEST):
                number += 1
                while not line.endswith(b"\n") and len(line) >= WIDEST and (rest := file.readline(WIDEST)):
                    if rest.endswith(b"\n"):
                        break
                yield line
    except (OSError, EOFError, zlib.error) as fault:
        why = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        tally.note(BadLine(source.name, number + 1, f"the file cannot be read any further: {why}"))


@contextmanager
def opened(source: Source) -> Iterator[IO[bytes]]:
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
