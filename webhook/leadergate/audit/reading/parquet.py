"""Records in Parquet files, as ``leadergate audit export`` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from leadergate.audit.reading.columns import FLAT, NEEDED
from leadergate.audit.reading.sources import Source
from leadergate.audit.reading.trail import Relation, literal
from leadergate.gates.refusals import Fault

_NEEDED = tuple(column.name for column in FLAT if column.name in NEEDED)
"""Columns that no export is without; later versions may add others."""


def files(engine: duckdb.DuckDBPyConnection, paths: Sequence[Path], *, raw: bool = False) -> Relation:
    """The rows of Parquet files in the columns of :func:`leadergate.audit.reading.trail.files`.

    A column that an older export lacks is null. Raises duckdb.Error.
    """
    shapes: dict[frozenset[str], list[str]] = {}
    for path in paths:
        shapes.setdefault(frozenset(_columns(engine, path)), []).append(literal(path))
    parts = []
    for shape in shapes:
        ok = " AND ".join(f"{name} IS NOT NULL" for name in _NEEDED)
        leaves = [
            f"{column.name if column.name in shape else 'NULL'}::{column.type} AS {column.name}" for column in FLAT
        ]
        if raw:
            leaves.append("raw::VARCHAR AS raw")
        parts.append(f"SELECT {ok} AS ok, {', '.join(leaves)}, filename AS file FROM read_parquet(?, filename = true)")
    return Relation(f"({' UNION ALL '.join(parts)})", tuple(shapes.values()))


def faults(engine: duckdb.DuckDBPyConnection, source: Source) -> list[Fault]:
    """What keeps a Parquet file from being one of ours."""
    remedy = "name what leadergate audit export wrote"
    try:
        present = _columns(engine, source.path)
    except duckdb.Error as fault:
        return [
            Fault("FILE", source.name, f" is Parquet that cannot be read: {str(fault).partition(chr(10))[0]}", remedy)
        ]
    missing = [name for name in (*_NEEDED, "raw") if name not in present]
    if not missing:
        return []
    return [Fault("FILE", source.name, f" is Parquet of something else: it has no column {', '.join(missing)}", remedy)]


def _columns(engine: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    rows = engine.execute("SELECT name FROM parquet_schema(?)", [literal(path)]).fetchall()
    return [name for (name,) in rows]
