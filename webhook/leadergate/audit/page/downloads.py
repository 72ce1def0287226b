"""What is filtered, as a file: CSV for spreadsheets, JSON for programs, JSON lines for `leadergate audit` itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from leadergate.audit.listing.rows import COLUMNS
from leadergate.audit.page.store import TABLE, Store
from leadergate.audit.reading.columns import FLAT
from leadergate.audit.reading.filters import Filter
from leadergate.audit.telling.plain_text import csv_cell

_CHUNK = 2_000
_FLAT = ", ".join(
    f"strftime({column.name}, '%Y-%m-%dT%H:%M:%S.%fZ')" if column.type == "TIMESTAMPTZ" else column.name
    for column in FLAT
)
_safe = lru_cache(1 << 14)(csv_cell)
"""Names come again and again."""


@dataclass(frozen=True, slots=True)
class Form:
    """How records are written to a file. ``joined`` writes some rows; it is told whether they are the first ones."""

    media_type: str
    columns: str
    begin: str
    end: str
    joined: Callable[[list[tuple[Any, ...]], bool], str]


def _csv(rows: list[tuple[Any, ...]], first: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if first:
        writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _json(rows: list[tuple[Any, ...]], first: bool) -> str:
    joined = ",\n".join(row[0] for row in rows)
    return joined if first or not joined else f",\n{joined}"


def _lines(rows: list[tuple[Any, ...]], first: bool) -> str:  # noqa: ARG001 - lines are alike
    return "".join(f"{row[0]}\n" for row in rows)


FORMS = {
    "csv": Form("text/csv; charset=utf-8; header=present", _FLAT, "", "", _csv),
    "json": Form("application/json", "raw", "[\n", "\n]\n", _json),
    "jsonl": Form("application/x-ndjson", "raw", "", "", _lines),
}
"""By the file name's suffix."""


def written(store: Store, flt: Filter, form: Form) -> Iterator[bytes]:
    """The parts of the file, in the order of time. Whoever stops early closes the iterator."""
    where, parameters = flt.where()
    with store.cursor() as cursor:
        cursor.execute(f"SELECT {form.columns} FROM {TABLE} WHERE {where} ORDER BY time, uid", parameters)
        yield form.begin.encode()
        first = True
        while rows := cursor.fetchmany(_CHUNK):
            yield form.joined(rows, first).encode()
            first = False
        if first:
            yield form.joined([], True).encode()
        yield form.end.encode()


def file_name(suffix: str, first: datetime | None, last: datetime | None) -> str:
    """Says what is in it: the times of the first and the last record."""
    span = "-".join(one.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for one in (first, last) if one is not None)
    return f"leadergate-records{'-' if span else ''}{span}.{suffix}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _safe(value) if isinstance(value, str) else str(value)
