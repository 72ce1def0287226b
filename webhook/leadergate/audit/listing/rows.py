"""Records one by one: which are shown, and how each is told in a line of a table or of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from leadergate.audit.reading.columns import FLAT, OBJECT, RESULT, WHO
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.gather import Gathered
from leadergate.audit.reading.tally import COUNTED, Counted
from leadergate.audit.reading.trail import Relation
from leadergate.audit.telling.output import Output
from leadergate.audit.telling.plain_text import csv_cell, printable
from leadergate.audit.telling.words import holder_named, none_asked_for
from leadergate.model import Standing

_KEPT = 10_000
"""So many are picked, newest first, and turned round; more are sorted, oldest first, and come as they are printed."""
_CHUNK = 1024
HEADS = ("TIME", "UID", "RESULT", "STANDING", "REASON", "GATE", "WHO", "OBJECT", "HOLDER")
SHRINK = ("GATE", "WHO", "OBJECT", "HOLDER")
SPARE = ("HOLDER", "GATE", "REASON", "UID")
"""What is left out, in this order, where a terminal is too narrow."""
_BEGINNING = 8
"""How much of a uid is shown: what ``explain`` takes at least."""
COLUMNS = tuple(column.name for column in FLAT)
"""The head of the CSV."""
_MADE = {"object": OBJECT, "who": WHO, "result": RESULT} | {
    # As RFC 3339, UTC (the engine's zone): the client library turns no times with a zone into values without another
    # package.
    column.name: f"strftime({column.name}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    for column in FLAT
    if column.type == "TIMESTAMPTZ"
}
EACH = (*COLUMNS, "object", "who", "result", "raw")
"""All columns of a row."""
NEEDED = {
    Output.TABLE: ("time", "uid", "result", "standing", "reason", "gate", "who", "object", "holder"),
    Output.JSON: ("raw",),
    Output.JSONL: ("raw",),
    Output.CSV: COLUMNS,
}
"""What each form is made of: what is not asked for is not read, which takes a quarter of the time off a table."""
COLOURS = {Standing.FORMER_HOLDER: "red", Standing.STRANGER: "yellow", None: "magenta"}
"""By standing; without one the Lease could not be read, or the write was allowed."""

Row = Mapping[str, Any]
"""A record by its columns, those of ``EACH`` that were asked for; times are RFC 3339 texts in UTC."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The records that are shown, oldest first, and how many are not: ``older`` are cut off, ``routine`` left out.

    ``none`` says in words what there is instead where nothing is what was asked for, not even what is routine.
    """

    rows: Iterable[Row]
    older: int
    routine: int
    none: str | None


def listed(sources: Gathered, flt: Filter, *, limit: int | None, names: Sequence[str] = EACH) -> Listed:
    """The newest ``limit`` records that are asked for (None: all of them), with these columns. Raises duckdb.Error."""

    def use(relation: Relation) -> tuple[tuple[Any, ...], Counted]:
        shown, all_of_them = flt.where(), replace(flt, routine=True).where()
        sql = (
            f"SELECT {COUNTED}, count(*) FILTER (ok AND shown), count(*) FILTER (ok AND matched),"
            " min(time) FILTER (ok), max(time) FILTER (ok)"
            f" FROM (SELECT *, {shown.sql} AS shown, {all_of_them.sql} AS matched FROM {relation.sql})"
        )
        parameters = [*shown.parameters, *all_of_them.parameters, *relation.parameters]
        records, unread, *rest = sources.engine.execute(sql, parameters).fetchall()[0]
        return (records, *rest), Counted(records, unread or {})

    # Two scans, since aggregates that keep the newest whole do not free what they replace: gigabytes in large files.
    records, count, matched, first, last = sources.ask(use)
    cut = count if limit is None else min(count, limit)
    rows = _streamed(sources, flt, skip=count - cut, keep=cut, names=names)
    none = none_asked_for(records, first, last) if records and not matched else None
    return Listed(rows if cut > _KEPT else list(rows)[::-1], count - cut, matched - count, none)


def selected(engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter) -> list[Row]:
    """The records of a batch that are asked for, by time. Raises duckdb.Error."""
    sql, parameters = _select(relation, flt, EACH)
    sql += " ORDER BY record.time, record.uid"
    return [dict(zip(EACH, values, strict=True)) for values in engine.execute(sql, parameters).fetchall()]


def cells(record: Row) -> tuple[str, ...]:
    """A record as a line of the table, harmless to a terminal."""
    return (
        f"{record['time'][: -len('000Z')]}Z",
        printable(record["uid"][:_BEGINNING]),
        record["result"],
        printable(record["standing"] or "-"),
        printable(record["reason"]),
        printable(record["gate"]),
        printable(record["who"] or "-"),
        printable(record["object"] or "-"),
        "-" if record["holder"] is None else printable(holder_named(record["holder"])),
    )


def csv_row(values: Iterable[Any]) -> str:
    """One line of CSV (RFC 4180, but for its line feed). Texts are made harmless; numbers and truths are as in JSON."""
    into = io.StringIO()
    csv.writer(into, lineterminator="\n").writerow([_csv_value(value) for value in values])
    return into.getvalue()


def _csv_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_cell(value) if isinstance(value, str) else str(value)


def _streamed(sources: Gathered, flt: Filter, *, skip: int, keep: int, names: Sequence[str]) -> Iterator[Row]:
    """Those that are asked for, without the ``skip`` oldest: newest first where they are few, else oldest first."""
    sql, parameters = _select(sources.relation(raw="raw" in names), flt, names)
    # The record's own time, not the text of it that is selected.
    few = f" ORDER BY record.time DESC, record.uid DESC LIMIT {keep}"
    sql += few if keep <= _KEPT else f" ORDER BY record.time, record.uid OFFSET {skip}"
    engine, run = sources.engine, sources.screen.run
    cursor = run(engine, lambda: engine.execute(sql, parameters))
    while chunk := run(engine, lambda: cursor.fetchmany(_CHUNK)):
        for values in chunk:
            yield dict(zip(names, values, strict=True))


def _select(relation: Relation, flt: Filter, names: Sequence[str]) -> tuple[str, list[Any]]:
    """The query of rows in no order, and its parameters."""
    where = flt.where()
    leaves = ", ".join(f"{_MADE.get(name, name)} AS {name}" for name in names)
    sql = f"SELECT {leaves} FROM {relation.sql} AS record WHERE ok AND ({where.sql})"
    return sql, [*relation.parameters, *where.parameters]
