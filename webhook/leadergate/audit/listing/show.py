"""Records from sources to standard output: once, and on as they come in."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import typer

from leadergate.audit.listing.printing import Printer, printer
from leadergate.audit.listing.rows import NEEDED, Listed, Row, listed, selected
from leadergate.audit.options import Asked
from leadergate.audit.reading import trail
from leadergate.audit.reading.ending import swept
from leadergate.audit.reading.folder import private_folder
from leadergate.audit.reading.follow import Unreadable, follow
from leadergate.audit.reading.gather import gathered
from leadergate.audit.reading.origin import Origin, OutOfReach
from leadergate.audit.reading.sift import Bad, RecordLine, sift
from leadergate.audit.reading.sources import Kind
from leadergate.audit.reading.tails import growing, tail
from leadergate.audit.telling.output import Output
from leadergate.audit.telling.plain_text import printable
from leadergate.gates.inputs import refuse
from leadergate_certs import reach


def shown(asked: Asked, limit: int | None, output: Output) -> None:
    """Print the newest ``limit`` records (None: all)."""
    with gathered(asked.files, bad=asked.bad, strict=asked.strict, origin=asked.origin) as held:
        out = printer(output)
        found = listed(held, asked.flt, limit=limit, names=NEEDED[output])
        out.show(found.rows)
        out.end()
        _left_out(found, quiet=output is not Output.TABLE)


def followed(asked: Asked, limit: int | None, output: Output) -> None:
    """Print the newest ``limit`` records, and then what comes in, until pipes end or somebody ends it (130).

    From the cluster it is what it has since ``--since``, else nothing, and then what comes in.
    """
    if asked.origin is not None:
        _followed_cluster(asked, asked.origin, printer(output))
        return
    found = growing(asked.files)
    tails = [tail(one) for one in found]
    out = printer(output)
    known: Counter[str] = Counter()
    try:
        there = [one.name for one in found if one.kind is not Kind.STREAM]
        if there:
            with gathered(there, bad=asked.bad) as held:
                first = listed(held, asked.flt, limit=limit)
                # What came in while the files were read is met once more when they are followed.
                out.show(_noted(first.rows, known))
                _left_out(first, quiet=True)
        sys.stdout.flush()
        with _taking(asked, out, known) as new:
            follow(tails, new)
        out.end()
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Unreadable as fault:
        refuse("it can be followed no further", [str(fault)])
    finally:
        for one in tails:
            one.close()


def _followed_cluster(asked: Asked, origin: Origin, out: Printer) -> None:
    # Imported here: who follows files has no use for the way to a cluster.
    from leadergate.audit.reading.live import follow_replicas

    try:
        with _taking(asked, out, Counter()) as new:
            follow_replicas(origin, new)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except OutOfReach as fault:
        reach.refuse(str(fault))


@contextmanager
def _taking(asked: Asked, out: Printer, known: Counter[str]) -> Iterator[Callable[[str, list[bytes]], None]]:
    """What takes new lines of a source by its name, and prints those that are asked for and not ``known``."""
    with swept(), private_folder() as folder:
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
            yield new
        finally:
            engine.close()


def _noted(rows: Iterable[Row], known: Counter[str]) -> list[Row]:
    kept = list(rows)
    known.update(row["raw"] for row in kept)
    return kept


def _met(row: Row, known: Counter[str]) -> bool:
    if not known[row["raw"]]:
        return False
    known[row["raw"]] -= 1
    return True


def _left_out(found: Listed, *, quiet: bool) -> None:
    """What is not among the records: below a table, else on standard error, where no program reads it as a record."""
    if found.none is not None:
        typer.echo(found.none, err=quiet)
    if found.older:
        those = "1 older one is" if found.older == 1 else f"{found.older:,} older ones are"
        typer.echo(f"these are the newest; {those} not shown: --limit all shows all", err=quiet)
    if found.routine:
        those = "rejection of a follower" if found.routine == 1 else "rejections of followers"
        typer.echo(f"and {found.routine:,} routine {those}; --routine shows them", err=quiet)
