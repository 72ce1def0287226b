"""What was found among the lines besides the records, and how it is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from leadergate.audit.telling.plain_text import printable


class BadLine(NamedTuple):
    """A record that cannot be read. ``line`` counts from 1; it is 0 where it is not known (in Parquet)."""

    file: str
    line: int
    why: str


class Counted(NamedTuple):
    """What a query counted beside its answer: records, and by file the rows that are not ``ok``.

    ``unread`` is None where the query did not count: then it is counted in a query of its own.
    """

    records: int = 0
    unread: Mapping[str, int] | None = None


COUNTED = "count(*) FILTER (ok), histogram(file) FILTER (NOT ok)"
"""The two columns of :class:`Counted`, over a relation."""


@dataclass(slots=True)
class Tally:
    """What the sources held. ``first`` are the first bad lines, at most ``keep`` of them (None: all).

    ``unfinished`` names files whose last line is still being written, or was cut off by a crash. ``gaps`` tells what
    may be missing altogether, a sentence each, and ``empty`` that there is no record, not even one that is bad.
    """

    keep: int | None = None
    records: int = 0
    foreign: int = 0
    bad: int = 0
    first: list[BadLine] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    empty: str = "there is no record: are these logs of leadergate serve, and from a time with rejections?"

    def add(self, other: Tally) -> None:
        """Take in what another one counted, but its records."""
        self.foreign += other.foreign
        self.unfinished += other.unfinished
        self.gaps += other.gaps
        self.bad += other.bad
        self.first += other.first if self.keep is None else other.first[: max(self.keep - len(self.first), 0)]

    def note(self, line: BadLine, count: int = 1) -> None:
        """Count a bad line, or several that are told as one."""
        self.bad += count
        if self.keep is None or len(self.first) < self.keep:
            self.first.append(line)

    def lines(self) -> list[str]:
        """What is to be told of it on standard error; nothing where there is nothing but records."""
        told = [f"{printable(one.file)}{f':{one.line}' * bool(one.line)}: {printable(one.why)}" for one in self.first]
        if self.bad:
            rest = self.keep is not None and self.bad > self.keep
            told.append(f"{_lines(self.bad)} of ours could not be read{'; --bad all shows each' * rest}")
        told += [
            f"{printable(name)} ends within a line: it is being written, or was cut off" for name in self.unfinished
        ]
        if self.foreign:
            told.append(f"{_lines(self.foreign)} of other programs passed over")
        told += [printable(gap) for gap in self.gaps]
        if not self.records and not self.bad:
            told.append(self.empty)
        return told


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"
