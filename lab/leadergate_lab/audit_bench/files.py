"""The files that are measured on: a night of records, its beginning, and what logs make of it."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from leadergate_lab.audit_bench.process import Failed
from leadergate_lab.nights import night
from leadergate_lab.progress import Report, ticking

RECORD_BYTES = 1_200
"""About what a record takes."""
FOREIGN_EVERY = 1_000
"""A line of the webhook's own log stands after so many records, as where standard error is in the same log."""

_BUFFER = 4 << 20
_PREFIXES = (b"[pod/leadergate-5f6d8b7c4d-t4xk2/webhook] ", b"[pod/leadergate-5f6d8b7c4d-9vqmz/webhook] ")
_FOREIGN = b'{"event":"lease_watch_began","level":"info","timestamp":"2026-03-01T22:00:00Z"}\n'


def write_night(path: Path, records: int, report: Report) -> Path:
    """So many records, each its own."""
    return _write(path, night(records), f"of {records:,} records written to {path}", report)


def write_beginning(path: Path, source: Path, records: int, report: Report) -> Path:
    """The first records of a file."""
    with source.open("rb", _BUFFER) as lines:
        return _write(path, islice(lines, records), f"of {records:,} records copied to {path}", report)


def write_log(path: Path, source: Path, report: Report) -> Path:
    """A file of records as ``kubectl logs --prefix`` shows it."""
    with source.open("rb", _BUFFER) as lines:
        return _write(path, _prefixed(lines), f"lines of a log written to {path}", report)


def write_gzip(path: Path, source: Path) -> Path:
    """The file compressed, as rotation of logs leaves it."""
    with source.open("rb") as lines, gzip.open(path, "wb", compresslevel=6) as packed:
        shutil.copyfileobj(lines, packed, _BUFFER)
    return path


def last_uid(path: Path) -> str:
    """The uid of the file's last record. Raises Failed where its last line is none."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 20)))
        lines = file.read().splitlines()
    try:
        return str(json.loads(lines[-1])["uid"])
    except (IndexError, KeyError, TypeError, ValueError):
        raise Failed(f"the last line of {path} is no record") from None


def lacking(folder: Path, needed: int) -> str | None:
    """Why a folder has no room for so many bytes; None where it has."""
    free = shutil.disk_usage(folder).free
    if free > needed:
        return None
    gibs = 1 << 30
    return (
        f"{folder} has {free / gibs:.1f} GiB free, and the files need {needed / gibs:.1f} GiB: name another folder with"
        " --folder, or fewer records with --records"
    )


def _prefixed(lines: Iterable[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        prefix = _PREFIXES[number & 1]
        yield prefix + line
        if not number % FOREIGN_EVERY:
            yield prefix + _FOREIGN


def _write(path: Path, lines: Iterable[bytes], what: str, report: Report) -> Path:
    written = 0
    lines = iter(lines)
    with ticking(report, lambda: f"{written:,} {what}"), path.open("wb", _BUFFER) as file:
        while part := list(islice(lines, 10_000)):
            file.writelines(part)
            written += len(part)
        file.flush()
        # What is still to be written back would be written while others are measured.
        os.fsync(file.fileno())
    return path
