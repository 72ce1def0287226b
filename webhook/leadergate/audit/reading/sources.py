"""Names of sources -> files, and what each of them is."""

from __future__ import annotations

import glob
import os
import shlex
import stat
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from leadergate.audit.reading.sift import Foreign, RecordLine, sift
from leadergate.audit.telling.plain_text import printable
from leadergate.gates.refusals import Fault

STDIN = "-"
BEGINNING = 256 << 10
"""How much of a file is looked at to tell what it is, in bytes."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_PARQUET = b"PAR1"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_REMEDY = "name logs with records, a glob of them, or - for standard input"


class Kind(Enum):
    """How a source is read."""

    PLAIN = auto()
    """In place: its lines are records and nothing else, as far as its beginning shows."""
    MIXED = auto()
    """Line by line: records stand among other lines, or behind prefixes."""
    STREAM = auto()
    """Line by line, and but once: standard input, a pipe."""
    PARQUET = auto()
    """In place: what ``leadergate audit export`` wrote."""
    REPLICAS = auto()
    """In place: records of the webhook's replicas, which were fetched and spooled."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source. ``name`` is how people know it; ``path`` is where it is read from, standard input's its device."""

    name: str
    path: Path
    kind: Kind
    begins: bytes = b""
    """The first record of a file, as far as its beginning shows one."""


def sources(names: Sequence[str]) -> tuple[list[Source], list[Fault]]:
    """What is to be read, each file once, in the order of the names; what cannot be read becomes a fault."""
    found: list[Source] = []
    faults: list[Fault] = []
    seen: set[tuple[int, int] | str] = set()
    if not names:
        faults.append(Fault("FILE", None, " is missing", _REMEDY))
    for name in names:
        for one in _matches(name, faults):
            _source(one, found, faults, seen)
    return found, faults


def copies(found: Sequence[Source]) -> list[str]:
    """What is to be told of files that begin alike, a sentence each: one is a copy of another, or has grown from it."""
    alike: dict[bytes, list[str]] = {}
    for one in found:
        if one.begins:
            alike.setdefault(one.begins, []).append(one.name)
    return [
        f"{', '.join(names[:3])}{f' and {len(names) - 3:,} more' * (len(names) > 3)} begin with the same record:"
        " what stands in several files is counted as often; give one of them"
        for names in alike.values()
        if len(names) > 1
    ]


def plain(beginning: bytes) -> bool:
    """Whether lines are records and nothing else: whole lines are looked at, blank ones passed over.

    A record that cannot be read is no foreign line: DuckDB counts it, and it is told apart later.
    """
    records = False
    for line in beginning.split(b"\n")[:-1]:
        text = line.strip()
        if not text:
            continue
        one = sift(text)
        if isinstance(one, Foreign) or (isinstance(one, RecordLine) and one.json != text):
            return False
        records = records or isinstance(one, RecordLine)
    return records


def gzipped(path: Path) -> bool:
    """Whether the file is compressed with gzip, whatever its name is. Raises OSError."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def _quoted(name: str) -> str:
    return printable(shlex.quote(name))


def _matches(name: str, faults: list[Fault]) -> list[str]:
    """The names that a name stands for; a file may itself be called as a pattern is."""
    if name == STDIN or not glob.has_magic(name) or os.path.lexists(name):
        return [name]
    # Path.glob takes no absolute patterns.
    matches = sorted(one for one in glob.glob(name, recursive=True) if not Path(one).is_dir())  # noqa: PTH207
    if not matches:
        faults.append(Fault("FILE", name, " matches no file", _REMEDY))
    return matches


def _source(name: str, found: list[Source], faults: list[Fault], seen: set[tuple[int, int] | str]) -> None:
    try:
        if name == STDIN:
            if sys.stdin is None:
                faults.append(Fault("FILE", name, ": standard input is closed", "send it a log, or name files"))
            elif STDIN not in seen:
                seen.add(STDIN)
                found.append(Source("standard input", Path("/dev/stdin"), Kind.STREAM))
            return
        path = Path(name)
        status = path.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        if stat.S_ISDIR(status.st_mode):
            faults.append(Fault("FILE", name, " is a folder", f"name its files: {_quoted(name.rstrip('/') + '/*')}"))
        elif not stat.S_ISREG(status.st_mode):
            found.append(Source(name, path, Kind.STREAM))
        else:
            _file(name, path, found, faults)
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
        faults.append(Fault("FILE", name, f" cannot be read: {why}", _REMEDY))


def _file(name: str, path: Path, found: list[Source], faults: list[Fault]) -> None:
    with path.open("rb") as file:
        beginning = file.read(BEGINNING)
    if beginning.startswith(_ZSTD):
        remedy = f"unpack it: zstd -dc {_quoted(name)} | leadergate audit ... -"
        faults.append(Fault("FILE", name, " is compressed with zstd", remedy))
        return
    if beginning.startswith(_UTF_16):
        remedy = f"convert it: iconv -f UTF-16 -t UTF-8 {_quoted(name)} | leadergate audit ... -"
        faults.append(Fault("FILE", name, " is UTF-16, as PowerShell writes what it redirects", remedy))
        return
    if beginning.startswith(_PARQUET):
        found.append(Source(name, path, Kind.PARQUET))
        return
    compressed = beginning.startswith(_GZIP)
    if compressed:
        beginning = _unpacked(beginning)
    # DuckDB goes by the name.
    in_place = compressed == name.endswith(".gz") and plain(beginning)
    found.append(Source(name, path, Kind.PLAIN if in_place else Kind.MIXED, _first(beginning)))


def _first(beginning: bytes) -> bytes:
    for line in beginning.split(b"\n"):
        one = sift(line)
        if isinstance(one, RecordLine):
            return one.json
    return b""


def _unpacked(beginning: bytes) -> bytes:
    """As much of it as can be read."""
    try:
        return zlib.decompressobj(wbits=31).decompress(beginning, BEGINNING)
    except zlib.error:
        return b""
