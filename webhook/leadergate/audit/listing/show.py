"""Records from sources to standard output: once, and on as they come in."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import typer

from leadergate.audit.listing.printing import Printer, printer
from leadergate.audit.listing.rows import Row, listed, selected
from leadergate.audit.options import Asked
from leadergate.audit.reading import trail
from leadergate.audit.reading.ending import swept
from leadergate.audit.reading.follow import Followed, Unreadable, follow
from leadergate.audit.reading.gather import gathered
from leadergate.audit.reading.sift import Bad, RecordLine, sift
from leadergate.audit.reading.sources import Kind, Source, sources
from leadergate.audit.telling.output import Output
from leadergate.audit.telling.plain_text import printable
from leadergate.gates.inputs import refuse


def shown(asked: Asked, limit: int | None, output: Output) -> None:
    """Print the newest ``limit`` records (None: all)."""
    with gathered(asked.files, bad=asked.bad, strict=asked.strict) as held:
        out = printer(output)
        found = listed(held, asked.flt, limit=limit, raw=output.raw)
        out.show(found.rows)
        out.end()
        _left_out(found.older, found.routine, quiet=output is not Output.TABLE)


def followed(asked: Asked, limit: int | None, output: Output) -> None:
    """Print the newest ``limit`` records, and then what comes in, until pipes end or somebody ends it (130)."""
    found, faults = sources(asked.files)
    told = [str(fault) for fault in faults]
    told += [f"FILE {one.name!r} does not grow; leave it out, or --follow" for one in found if _finished(one)]
    if told:
        refuse("nothing can be followed", told)
    tails = [_tail(one) for one in found]
    out = printer(output)
    known: Counter[str] = Counter()
    try:
        there = [one.name for one in found if one.kind is not Kind.STREAM]
        if there:
            with gathered(there, bad=asked.bad) as held:
                first = listed(held, asked.flt, limit=limit, raw=True)
                # What came in while the files were read is met once more when they are followed.
                out.show(_noted(first.rows, known))
                _left_out(first.older, first.routine, quiet=True)
        sys.stdout.flush()
        with swept(), tempfile.TemporaryDirectory(prefix="leadergate-audit-") as folder:
            _follow(asked, tails, out, known, Path(folder))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Unreadable as fault:
        refuse("it can be followed no further", [str(fault)])
    finally:
        for tail in tails:
            tail.close()


def _follow(asked: Asked, tails: list[Followed], out: Printer, known: Counter[str], folder: Path) -> None:
    engine = trail.connect(folder / "spill")

    def new(name: str, lines: list[bytes]) -> None:
        records = []
        for line in lines:
            one = sift(line)
            if isinstance(one, RecordLine):
                records.append(one.json)
            elif isinstance(one, Bad):
                typer.echo(f"note: {printable(name)}: {printable(one.why)}", err=True)
        if records:
            rows = selected(engine, trail.batch(records), asked.flt)
            out.show([row for row in rows if not _met(row, known)])
            sys.stdout.flush()

    try:
        follow(tails, new)
    finally:
        engine.close()
    out.end()


def _noted(rows: Iterable[Row], known: Counter[str]) -> list[Row]:
    kept = list(rows)
    known.update(row["raw"] for row in kept)
    return kept


def _met(row: Row, known: Counter[str]) -> bool:
    if not known[row["raw"]]:
        return False
    known[row["raw"]] -= 1
    return True


def _tail(source: Source) -> Followed:
    if source.kind is Kind.STREAM and source.name == "standard input":
        return Followed.pipe(source.name, sys.stdin.fileno())
    tail = Followed.file(source.name, source.path)
    tail.skip_to_end()
    return tail


def _finished(source: Source) -> bool:
    return source.kind is Kind.PARQUET or source.name.endswith(".gz")


def _left_out(older: int, routine: int, *, quiet: bool) -> None:
    """What is not among the records: below a table, else on standard error, where no program reads it as a record."""
    if older:
        those = "1 older one is" if older == 1 else f"{older:,} older ones are"
        typer.echo(f"these are the newest; {those} not shown: --limit all shows all", err=quiet)
    if routine:
        those = "rejection of a follower" if routine == 1 else "rejections of followers"
        typer.echo(f"and {routine:,} routine {those}; --routine shows them", err=quiet)
