"""The API server's audit logs: gone through once, line by line, and what they say of gates is spooled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from leadergate.audit.reading.lines import Progress, lines
from leadergate.audit.reading.sources import Kind, Source, sources
from leadergate.audit.reading.tally import BadLine
from leadergate.audit.reconcile.kinds import Damaged, Event
from leadergate.audit.reconcile.line import parse
from leadergate.audit.telling.plain_text import printable
from leadergate.gates.refusals import Fault

WIDEST = 64 << 20
"""The longest line that is looked into, in bytes. A write has at most 3 MiB, and its answer as much."""
_OPTION = "--audit-log"
_REMEDY = "name the files of kube-apiserver --audit-log-path, plain or .gz, a glob of them, or -"


@dataclass(frozen=True, slots=True)
class Span:
    """What one file covers: the time of its first and last event, in microseconds since 1970."""

    file: str
    first: int
    last: int


@dataclass(slots=True)
class LogTally:
    """What the audit logs held. ``first`` are the first bad lines, at most ``keep`` of them (None: all).

    ``unfinished`` names files whose last line is still being written, or was cut off.
    """

    keep: int | None = None
    events: int = 0
    others: int = 0
    bad: int = 0
    first: list[BadLine] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)

    def note(self, line: BadLine) -> None:
        """Count a bad line."""
        self.bad += 1
        if self.keep is None or len(self.first) < self.keep:
            self.first.append(line)

    def lines(self) -> list[str]:
        """What is to be told of it on standard error."""
        told = [f"{printable(one.file)}:{one.line}: {printable(one.why)}" for one in self.first]
        if self.bad:
            rest = self.keep is not None and self.bad > self.keep
            told.append(f"audit log: {_lines(self.bad)} could not be read{'; --bad all shows each' * rest}")
        told += [
            f"{printable(name)} ends within a line: it is being written, or was cut off" for name in self.unfinished
        ]
        if self.others:
            told.append(f"audit log: {_lines(self.others)} of other programs passed over")
        return told


@dataclass(frozen=True, slots=True)
class Spool:
    """Where what was found stands, as JSON lines of ``apiserver_log.Review`` and ``Call``."""

    reviews: Path
    calls: Path


def log_sources(names: Sequence[str]) -> tuple[list[Source], list[Fault]]:
    """The audit logs that are named, each once; what cannot be read becomes a fault."""
    found, faults = sources(names)
    faults = [Fault(_OPTION, fault.value, fault.why, _REMEDY) for fault in faults]
    faults += [
        Fault(_OPTION, one.name, " is Parquet", "give it the JSON lines that the API server wrote")
        for one in found
        if one.kind is Kind.PARQUET
    ]
    return found, faults


def spooled(
    found: Sequence[Source],
    webhooks: Collection[str],
    folder: Path,
    tally: LogTally,
    progress: Progress,
) -> Spool:
    """Go through the logs: count lines in ``tally``, and keep in ``folder`` what they say of ``webhooks`` (none named:
    of all that have our annotations), in bounded memory. A file that cannot be read to its end has a bad line there.
    Raises OSError where the spool cannot be written.
    """
    spool = Spool(folder / "reviews.jsonl", folder / "calls.jsonl")
    encoder = msgspec.json.Encoder()
    with spool.reviews.open("wb") as reviews, spool.calls.open("wb") as calls:
        for source in found:
            first = last = None
            for number, line in lines(source, WIDEST, tally.note, progress):
                if len(line) == WIDEST and not line.endswith(b"\n"):
                    tally.note(BadLine(source.name, number, f"it is longer than {WIDEST >> 20} MiB"))
                    continue
                one = parse(line, source.name, number, webhooks)
                if isinstance(one, Event):
                    tally.events += 1
                    first = one.at if first is None else min(first, one.at)
                    last = one.at if last is None else max(last, one.at)
                    for review in one.reviews:
                        reviews.write(encoder.encode(review) + b"\n")
                    for call in one.calls:
                        calls.write(encoder.encode(call) + b"\n")
                elif isinstance(one, Damaged) and not line.endswith(b"\n"):
                    tally.unfinished.append(source.name)
                elif isinstance(one, Damaged):
                    tally.note(BadLine(source.name, number, one.why))
                elif line.strip():
                    tally.others += 1
            if first is not None and last is not None:
                tally.spans.append(Span(source.name, first, last))
    return spool


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"
