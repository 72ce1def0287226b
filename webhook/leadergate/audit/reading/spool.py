"""Sources that are read line by line: their records alone go into a spool file; all else is counted."""

from __future__ import annotations

from typing import BinaryIO

from leadergate.audit.reading.lines import Progress, lines
from leadergate.audit.reading.sift import FOREIGN, Bad, Foreign, RecordLine, Sifted, sift
from leadergate.audit.reading.sources import Source
from leadergate.audit.reading.tally import BadLine, Tally

WIDEST = 16 << 20
"""The longest line that is looked into, in bytes: as DuckDB has it (``trail``). A record is a few thousand long."""
_TOO_LONG = Bad(f"it is longer than {WIDEST >> 20} MiB")


def sifted(source: Source, tally: Tally, progress: Progress, into: BinaryIO | None = None) -> bool:
    """Go through a source: count its lines in ``tally``, and write its records to ``into``.

    Returns whether each record stood on a line of its own, with nothing around it. A source that cannot be read to its
    end has a bad line there. Raises OSError where ``into`` cannot be written.
    """
    alone = True
    for number, line in lines(source, WIDEST, tally.note, progress):
        one = _one(line)
        if isinstance(one, RecordLine):
            tally.records += 1
            alone = alone and one.json == line.strip()
            if into is not None:
                into.write(one.json + b"\n")
        elif not line.endswith(b"\n") and line.lstrip().startswith(b"{") and len(line) < WIDEST:
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
