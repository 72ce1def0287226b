"""The records that the page shows, once read: a table in a temporary database that lives as long as the process.

A file and not memory: 1 million records (1.1 GB of JSON) took 2.1 GB of memory as a table there. On disk, with each
record's own JSON compressed by zstd, they take 130 MB and the process 320 to 600 MB, and queries are as fast or
faster, since columns of few values are compressed to nearly nothing and skipped by their least and greatest values
(``docs/review-page.md``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from leadergate.audit.reading import trail
from leadergate.audit.reading.columns import FLAT, ROUTINE
from leadergate.audit.reading.gather import Gathered
from leadergate.audit.reading.tally import COUNTED, Counted
from leadergate.audit.reading.trail import Relation

TABLE = "page.record"
RECORDS = Relation(TABLE, ())
"""The table as what queries of the review select from."""

MEMORY = "1GB"
"""What DuckDB may hold in memory. What it needs beyond goes to the disk."""

KIND = f"""CASE
    WHEN verdict = 'Allow' THEN 'allowed'
    WHEN verdict = 'Indeterminate' THEN 'undecided'
    WHEN coalesce({ROUTINE}, false) THEN 'routine'
    WHEN standing IN ('former-holder', 'stranger') THEN standing
    ELSE 'other' END"""
"""What a record is to whoever reviews, in one word; ``other`` is a rejection for want of a valid holder."""

_FLAT = ", ".join(column.name for column in FLAT)
# The same review gives the same key wherever it is read, so that a link to it can be shared.
_KEY = "(md5_number_lower(coalesce(uid, '') || ' ' || coalesce(epoch_us(time), 0)) & 9007199254740991)::BIGINT"


class Store:
    """The table, and cursors on it for whoever asks, in whatever thread."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
        self.records = 0
        place = str(folder / "records.duckdb").replace("'", "''")
        engine.execute(f"SET memory_limit = '{MEMORY}'")
        engine.execute(f"ATTACH '{place}' AS page (STORAGE_VERSION 'latest')")

    def load(self, held: Gathered) -> None:
        """Read all sources. What cannot be read is in ``held.tally`` afterwards. Raises duckdb.Error."""
        held.ask(self._fill, raw=True)
        self.records = held.tally.records

    def append(self, lines: Sequence[bytes]) -> int:
        """Take in records that have come since; returns how many of them are not there already."""
        relation = trail.batch(lines)
        fresh = f"ok AND {_KEY} NOT IN (SELECT key FROM {TABLE})"
        with self.cursor() as cursor:
            added = cursor.execute(f"{_insert(relation)} WHERE {fresh}", relation.parameters).fetchall()[0][0]
        self.records += added
        return int(added)

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for the caller alone."""
        with self._lock:
            cursor = self._engine.cursor()
            self._cursors.add(cursor)
        try:
            # A cursor is a session of its own, and begins in the machine's zone.
            cursor.execute("SET TimeZone = 'UTC'")
            yield cursor
        finally:
            with self._lock:
                self._cursors.discard(cursor)
            cursor.close()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of a query by the names of its columns."""
        with self.cursor() as cursor:
            cursor.execute(sql, parameters)
            names = [one[0] for one in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def interrupt(self) -> None:
        """End the queries that run."""
        with self._lock:
            for cursor in self._cursors:
                with suppress(duckdb.Error):
                    cursor.interrupt()

    def clear(self) -> None:
        """Make the table, empty."""
        columns = ", ".join(f"{column.name} {column.type}" for column in FLAT)
        self._engine.execute(
            f"CREATE OR REPLACE TABLE {TABLE}"
            f" (ok BOOLEAN, key BIGINT, kind VARCHAR, {columns}, file VARCHAR, raw VARCHAR USING COMPRESSION zstd)"
        )

    def _fill(self, relation: Relation) -> tuple[None, Counted]:
        engine = self._engine
        self.clear()
        engine.execute(_insert(relation), relation.parameters)
        records, unread = engine.execute(f"SELECT {COUNTED} FROM {TABLE}").fetchall()[0]
        if unread:
            engine.execute(f"DELETE FROM {TABLE} WHERE NOT ok")
        engine.execute("CHECKPOINT page")
        return None, Counted(records, unread or {})


def _insert(relation: Relation) -> str:
    return f"INSERT INTO {TABLE} SELECT ok, {_KEY}, {KIND}, {_FLAT}, file, raw FROM {relation.sql}"
