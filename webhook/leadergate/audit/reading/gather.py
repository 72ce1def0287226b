"""The records of all sources as one relation, and what else stood among them.

A file that holds records and nothing else is queried in place. What is mixed with other lines, compressed under another
name, or can be read but once, is gone through line by line, and its records are spooled to a private folder that lasts
as long as the command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import duckdb
import typer

from leadergate.audit.reading import parquet, trail
from leadergate.audit.reading.ending import swept
from leadergate.audit.reading.folder import private_folder, refuse_spool, spool
from leadergate.audit.reading.origin import Origin, OutOfReach
from leadergate.audit.reading.progress import Screen
from leadergate.audit.reading.sources import Kind, Source, copies, sources
from leadergate.audit.reading.spool import sifted
from leadergate.audit.reading.tally import COUNTED, BadLine, Counted, Tally
from leadergate.audit.reading.trail import Relation
from leadergate.gates.inputs import refuse
from leadergate_certs import reach

if TYPE_CHECKING:
    from leadergate.audit.reading.fetched import Brought

T = TypeVar("T")


class Gathered:
    """The sources of a command, ready to be queried with ``engine``.

    Most commands take :meth:`relation`, as often as they like. One that wants a single scan of large files uses
    :meth:`ask`. ``tally`` is complete once either has returned.
    """

    def __init__(
        self,
        engine: duckdb.DuckDBPyConnection,
        folder: Path,
        found: Sequence[Source],
        tally: Tally,
        origin: Origin | None = None,
    ) -> None:
        self.engine = engine
        self.screen = Screen()
        self._folder = folder
        self._found = list(found)
        self._spools: dict[int, Path] = {}
        self._tallies: dict[int, Tally] = {}
        self._keep = tally.keep
        self._tally = tally
        self._checked = False
        self.brought: Brought | None = None
        """What was fetched from the cluster; None where files were read."""
        if origin is not None:
            self._fetch(origin)
        for index, source in enumerate(self._found):
            if source.kind in (Kind.MIXED, Kind.STREAM):
                self._spool(index)

    @property
    def tally(self) -> Tally:
        """What the sources held, as far as it is known."""
        told = Tally(keep=self._keep, records=self._tally.records, gaps=[*self._tally.gaps], empty=self._tally.empty)
        for index in sorted(self._tallies):
            told.add(self._tallies[index])
        return told

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of record lines, as :func:`leadergate.audit.reading.trail.files` reads them: none of Parquet."""
        return tuple(
            self._spools.get(index, source.path)
            for index, source in enumerate(self._found)
            if source.kind is not Kind.PARQUET
        )

    def relation(self, *, raw: bool = False) -> Relation:
        """All sources in the flat columns, ``ok`` and ``file`` (and ``raw``). What is not ``ok`` is told already.

        The first call goes through the sources once to see that they can be read.
        """
        if not self._checked:
            self.ask(lambda _: (None, Counted()))
        return self._relation(raw=raw)

    def holding(self, text: str | None) -> Relation:
        """As :meth:`relation` with ``raw``, and quick: records in whose line that text stands. For ``use`` of
        :meth:`ask`, since nothing has been told of the sources yet.
        """
        return self._relation(raw=True, holding=text)

    def ask(self, use: Callable[[Relation], tuple[T, Counted]], *, raw: bool = False) -> T:
        """The answer of queries over all sources.

        ``use`` gets the relation and returns its answer with what it counted (``COUNTED`` in its SELECT list), or
        ``Counted()``. It is called again where a file turns out to need reading line by line. Raises duckdb.Error.
        """
        while True:
            try:
                answer, counted = self.screen.run(self.engine, lambda: self._used(use, raw=raw))
            except duckdb.InterruptException:
                raise
            except duckdb.Error:
                # Such as a line beyond all measure, or a .gz that ends early: go through the files one by one.
                if not self._spool_all():
                    raise
                continue
            if self._settled(counted.unread or {}):
                self._tally.records = counted.records
                self._checked = True
                return answer

    def _used(self, use: Callable[[Relation], tuple[T, Counted]], *, raw: bool) -> tuple[T, Counted]:
        relation = self._relation(raw=raw)
        answer, counted = use(relation)
        if counted.unread is None:
            sql = f"SELECT {COUNTED} FROM {relation.sql}"
            records, unread = self.engine.execute(sql, relation.parameters).fetchall()[0]
            counted = Counted(records, unread or {})
        return answer, counted

    def _relation(self, *, raw: bool, holding: str | None = None) -> Relation:
        stored = [source.path for source in self._found if source.kind is Kind.PARQUET]
        if not stored:
            return trail.files(self.paths, raw=raw, holding=holding)
        parts = [parquet.files(self.engine, stored, raw=raw)]
        if self.paths:
            parts.append(trail.files(self.paths, raw=raw, holding=holding))
        sql = " UNION ALL BY NAME ".join(f"SELECT * FROM {part.sql}" for part in parts)
        return Relation(f"({sql})", tuple(one for part in parts for one in part.parameters))

    def _fetch(self, origin: Origin) -> None:
        # Imported here: who reads files has no use for the way to a cluster.
        from leadergate.audit.reading.fetched import brought

        self.brought = brought(origin, self._folder, self.screen, keep=self._keep)
        self._tally.empty = self.brought.tally.empty
        self._tallies[len(self._found)] = self.brought.tally
        self._found.append(Source("the cluster", self.brought.path, Kind.REPLICAS))

    def _spool(self, index: int) -> None:
        source = self._found[index]
        path = self._folder / f"{index}.jsonl"
        tally = Tally(keep=self._keep)
        with spool(path) as into:
            sifted(source, tally, self.screen.lines, into)
        self.screen.clear()
        self._spools[index], self._tallies[index] = path, tally

    def _spool_all(self) -> bool:
        """Spool what is read in place so far; False where there is nothing."""
        rest = [
            index for index, source in enumerate(self._found) if source.kind is Kind.PLAIN and index not in self._spools
        ]
        for index in rest:
            self._spool(index)
        return bool(rest)

    def _settled(self, unread: Mapping[str, int]) -> bool:
        """Tell what the rows are that are not ``ok``. False where one of them is a record that only we can find."""
        rows = {os.path.realpath(file): count for file, count in unread.items()}
        settled = True
        for index, source in enumerate(self._found):
            count = rows.get(os.path.realpath(self._spools.get(index, source.path)), 0)
            if not count:
                continue
            if source.kind is Kind.PLAIN and index not in self._spools:
                tally = self._tallies[index] = Tally(keep=self._keep)
                alone = sifted(source, tally, self.screen.lines)
                self.screen.clear()
                if not alone:
                    self._spool(index)
                    settled = False
                    continue
                count -= tally.foreign + tally.bad + len(tally.unfinished)
            if count > 0:
                tally = self._tallies.setdefault(index, Tally(keep=self._keep))
                tally.note(BadLine(source.name, 0, "with a value that fits no record"), count)
        return settled


@contextmanager
def gathered(
    names: Sequence[str], *, bad: int | None = None, strict: bool = False, origin: Origin | None = None
) -> Iterator[Gathered]:
    """The records of files, globs and standard input, or without any name those of ``origin``; see :class:`Gathered`.

    Names that cannot be read, and a cluster that cannot, end the command with 2, all at once. When the block is left in
    peace, what else stood among the records is told on standard error, at most ``bad`` lines of it (None: all), and
    with ``strict`` bad lines end the command with 1. Spooled records are gone afterwards, whichever way the block is
    left.
    """
    found, faults = ([], []) if origin is not None and not names else sources(names)
    with swept(), private_folder() as folder:
        engine = trail.connect(folder / "spill")
        try:
            for source in found:
                if source.kind is Kind.PARQUET:
                    faults += parquet.faults(engine, source)
            if faults:
                refuse("nothing is read", [str(fault) for fault in faults])
            held = Gathered(engine, folder, found, Tally(keep=bad, gaps=copies(found)), None if names else origin)
            yield held
        except OutOfReach as fault:
            reach.refuse(str(fault))
        except duckdb.Error as fault:
            refuse("the records cannot be queried", [str(fault).partition("\n")[0]])
        except OSError as fault:
            if fault.filename is None or not Path(str(fault.filename)).is_relative_to(folder):
                raise
            refuse_spool(folder, fault)
        finally:
            engine.close()
    tell(held.tally)
    if strict and held.tally.bad:
        raise typer.Exit(1)


def tell(tally: Tally) -> None:
    """What stood among the records, on standard error."""
    if sys.stdout is not None:
        sys.stdout.flush()
    for line in tally.lines():
        typer.echo(f"note: {line}", err=True)
