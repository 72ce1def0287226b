"""Records one by one: which are shown, and how each is told in a line of a table or of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import duckdb

from leadergate.audit.reading.columns import FLAT, OBJECT, RESULT, WHO
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.gather import Gathered
from leadergate.audit.reading.tally import COUNTED, Counted
from leadergate.audit.reading.trail import Relation
from leadergate.audit.telling.plain_text import csv_cell, printable
from leadergate.model import Standing

_KEPT = 10_000
"""So many are picked, newest first, and turned round; more are sorted, oldest first, and come as they are printed."""
_CHUNK = 1024
HEADS = ("TIME", "RESULT", "STANDING", "REASON", "GATE", "WHO", "OBJECT", "HOLDER")
SHRINK = ("GATE", "WHO", "OBJECT", "HOLDER")
COLUMNS = tuple(column.name for column in FLAT)
"""The head of the CSV."""
COLOURS = {Standing.FORMER_HOLDER: "red", Standing.STRANGER: "yellow", None: "magenta"}
"""By standing; without one the Lease could not be read, or the write was allowed."""

Row = Mapping[str, Any]
"""A record by its flat columns, times as RFC 3339 texts in UTC; ``object``, ``who``, ``result``; ``raw`` if asked."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The records that are shown, oldest first, and how many are not: ``older`` are cut off, ``routine`` left out."""

    rows: Iterable[Row]
    older: int
    routine: int


def listed(sources: Gathered, flt: Filter, *, limit: int | None, raw: bool = False) -> Listed:
    """The newest ``limit`` records that are asked for (None: all of them). Raises duckdb.Error."""

    def use(relation: Relation) -> tuple[tuple[int, int], Counted]:
        shown, all_of_them = flt.where(), replace(flt, routine=True).where()
        sql = (
            f"SELECT {COUNTED}, count(*) FILTER (ok AND shown), count(*) FILTER (ok AND matched)"
            f" FROM (SELECT *, {shown.sql} AS shown, {all_of_them.sql} AS matched FROM {relation.sql})"
        )
        parameters = [*shown.parameters, *all_of_them.parameters, *relation.parameters]
        records, unread, count, matched = sources.engine.execute(sql, parameters).fetchall()[0]
        return (count, matched - count), Counted(records, unread or {})

    # Two scans, since aggregates that keep the newest whole do not free what they replace: gigabytes in large files.
    count, routine = sources.ask(use)
    cut = count if limit is None else min(count, limit)
    rows = _streamed(sources, sources.relation(raw=raw), flt, skip=count - cut, keep=cut, raw=raw)
    return Listed(rows if cut > _KEPT else list(rows)[::-1], count - cut, routine)


def selected(engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter) -> list[Row]:
    """The records of a batch that are asked for, by time. Raises duckdb.Error."""
    sql, parameters, names = _select(relation, flt, raw=True)
    sql += " ORDER BY record.time, record.uid"
    return [dict(zip(names, values, strict=True)) for values in engine.execute(sql, parameters).fetchall()]


def cells(record: Row) -> tuple[str, ...]:
    """A record as a line of the table, harmless to a terminal."""
    return (
        f"{record['time'][: -len('000Z')]}Z",
        record["result"],
        printable(record["standing"] or "-"),
        printable(record["reason"]),
        printable(record["gate"]),
        printable(record["who"] or "-"),
        printable(record["object"] or "-"),
        "-" if record["holder"] is None else printable(record["holder"]) or "nobody",
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


class _Leaf(NamedTuple):
    name: str
    sql: str


_MADE = (_Leaf("object", OBJECT), _Leaf("who", WHO), _Leaf("result", RESULT))


def _leaves(*, raw: bool) -> list[_Leaf]:
    """What a row is made of: the client library turns no times with a zone into values without another package."""
    found = [_Leaf(column.name, _text(column.name) if column.type == "TIMESTAMPTZ" else column.name) for column in FLAT]
    return [*found, *_MADE, *([_Leaf("raw", "raw")] if raw else [])]


def _text(column: str) -> str:
    """A time as RFC 3339, UTC (the engine's zone), to the microsecond."""
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%fZ')"


def _streamed(sources: Gathered, relation: Relation, flt: Filter, *, skip: int, keep: int, raw: bool) -> Iterator[Row]:
    """Those that are asked for, without the ``skip`` oldest: newest first where they are few, else oldest first."""
    sql, parameters, names = _select(relation, flt, raw=raw)
    # The record's own time, not the text of it that is selected.
    few = f" ORDER BY record.time DESC, record.uid DESC LIMIT {keep}"
    sql += few if keep <= _KEPT else f" ORDER BY record.time, record.uid OFFSET {skip}"
    engine, run = sources.engine, sources.screen.run
    cursor = run(engine, lambda: engine.execute(sql, parameters))
    while chunk := run(engine, lambda: cursor.fetchmany(_CHUNK)):
        for values in chunk:
            yield dict(zip(names, values, strict=True))


def _select(relation: Relation, flt: Filter, *, raw: bool) -> tuple[str, list[Any], list[str]]:
    """The query of rows in no order, its parameters, and the names of its columns."""
    where = flt.where()
    leaves = _leaves(raw=raw)
    sql = (
        f"SELECT {', '.join(f'{leaf.sql} AS {leaf.name}' for leaf in leaves)} FROM {relation.sql}"
        f" AS record WHERE ok AND ({where.sql})"
    )
    return sql, [*relation.parameters, *where.parameters], [leaf.name for leaf in leaves]
