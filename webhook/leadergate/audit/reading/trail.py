"""Records in files, as DuckDB reads them: no import, no store, only what the process keeps while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from leadergate.audit.reading.columns import FLAT, NESTED, flattened, reader_columns

_WIDEST = 16 << 20
"""The longest line that is read, in bytes, and what each thread sets aside. A record is a few thousand bytes long."""

_MEMORY = "30%"
"""Of the machine's memory, or of what its group may have: the engine's own choice is 80 %, too much of a laptop on
which other programs run. What does not fit is spilled; a night fits."""

_TAKEN_APART = f"unnest([json_transform(json, '{json.dumps(NESTED)}')]) AS record"
"""Through a list of one, which no filter passes: else the JSON is taken apart anew for each column of a condition."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Something to select from, in the flat columns and ``ok``; ``raw`` is there as well where it was asked for."""

    sql: str
    parameters: tuple[Any, ...]


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """An engine that reads nothing but what it is told to, speaks UTC, and spills into the folder ``spill``."""
    engine = duckdb.connect(
        config={
            "temp_directory": str(spill),
            "memory_limit": _MEMORY,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    engine.execute("SET TimeZone = 'UTC'")
    return engine


def files(paths: Sequence[Path], *, raw: bool = False, holding: str | None = None) -> Relation:
    """The lines of plain files, plain or gzipped, one row each, blank ones left out; ``file`` names the file.

    ``raw`` adds a record's own JSON, fields and all that this version does not know, at twice the cost. A line that is
    no JSON, or a record that lacks what each has, is a row that is not ``ok``. With ``raw``, ``holding`` leaves out
    lines in which that text does not stand, at a third of the cost.
    """
    names = [literal(path) for path in paths]
    if raw:
        read = f"read_ndjson_objects(?, ignore_errors = true, filename = true, maximum_object_size = {_WIDEST})"
        found = (
            f"(SELECT filename, json, {_TAKEN_APART} FROM {read}{' WHERE contains(json::VARCHAR, ?)' * bool(holding)})"
        )
        inner = f"SELECT filename, json, unnest(record) FROM {found}"
        sql = f"(SELECT {flattened()}, json::VARCHAR AS raw, filename AS file FROM ({inner}))"
        return Relation(sql, (names, holding) if holding else (names,))
    read = (
        f"read_ndjson(?, columns = {reader_columns()}, ignore_errors = true, filename = true,"
        f" maximum_object_size = {_WIDEST})"
    )
    return Relation(f"(SELECT {flattened()}, filename AS file FROM {read})", (names,))


def batch(lines: Iterable[bytes]) -> Relation:
    """Records that are at hand as JSON, ``raw`` included: what has just come in from a log that is followed."""
    texts = [line.decode() for line in lines]
    given = "SELECT unnest(?::VARCHAR[])::JSON AS json"
    inner = f"SELECT json, unnest(record) FROM (SELECT json, {_TAKEN_APART} FROM ({given}))"
    return Relation(f"(SELECT {flattened()}, json::VARCHAR AS raw, NULL AS file FROM ({inner}))", (texts,))


def columns(*, raw: bool) -> tuple[str, ...]:
    """The names of the columns of a relation, without ``ok`` and ``file``."""
    return tuple(column.name for column in FLAT) + (("raw",) if raw else ())


def literal(path: Path) -> str:
    """The path as a pattern that matches it alone, since DuckDB takes each for one."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))
