"""Records held against the API server's audit log, in the engine, whose tables are in memory or spilled.

Tables: ``rejected`` (records that are no Allow), ``review`` and ``call`` (what the audit log says), and what they come
to: ``agreed``, the ids of records that stand in both, and ``finding``, in ``COLUMNS``, for all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from leadergate.audit.reading.columns import OBJECT
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.trail import Relation
from leadergate.audit.reconcile.files import Spool
from leadergate.audit.reconcile.findings import SECOND, Finding, Judged
from leadergate.audit.reconcile.queries import PAIR, TABLES

COLUMNS = (
    "kind", "time", "gate", "mode", "verdict", "reason", "standing", "pod", "username", "resource", "object", "uid",
    "webhook", "code", "what", "source",
)  # fmt: skip
"""Of a finding, as programs get them. ``time`` is microseconds since 1970, ``what`` says more, ``source`` where."""
LONGEST = 60 * SECOND
"""How long a request may take: so much later than it came its record may be."""
_SLACK = SECOND // 10
_SAID = ("verdict", "reason", "mode", "gate", "username", "object", "standing", "holder", "lease_resource_version")
_WIDEST = 16 << 20
_STORE = "reconcile.duckdb"
_CHUNK = 1024

_REVIEW = {
    "uid": "VARCHAR", "webhook": "VARCHAR", "verdict": "VARCHAR", "reason": "VARCHAR", "mode": "VARCHAR",
    "gate": "VARCHAR", "standing": "VARCHAR", "holder": "VARCHAR", "lease_resource_version": "VARCHAR",
    "answered": "VARCHAR", "answered_reason": "VARCHAR",
}  # fmt: skip
_CALL = {"ending": "VARCHAR", "webhook": "VARCHAR", "why": "VARCHAR"}
_REQUEST = {
    "audit_id": "VARCHAR", "username": "VARCHAR", "pod": "VARCHAR", "object": "VARCHAR", "resource": "VARCHAR",
    "code": "BIGINT", "received": "BIGINT", "ended": "BIGINT", "file": "VARCHAR", "line": "BIGINT",
}  # fmt: skip


def load_log(engine: duckdb.DuckDBPyConnection, spool: Spool, folder: Path) -> None:
    """Make ``review`` and ``call`` of what was spooled, each of them once. All tables are kept in the folder."""
    engine.execute(f"ATTACH '{str(folder / _STORE).replace(chr(39), chr(39) * 2)}' AS held")
    engine.execute("USE held")
    for name, path, columns, same in (
        ("review", spool.reviews, _REVIEW, "uid, webhook"),
        ("call", spool.calls, _CALL, "audit_id, received, ended, webhook, ending"),
    ):
        types = "{" + ", ".join(f"'{column}': '{kind}'" for column, kind in {**columns, **_REQUEST}.items()) + "}"
        # The path is a private folder's; the lines are our own.
        read = f"read_ndjson(?, columns = {types}, maximum_object_size = {_WIDEST})"
        engine.execute(f"CREATE TABLE {name} AS FROM {read}", [str(path)])
        path.unlink()
        _once(engine, name, same)


def load_records(
    engine: duckdb.DuckDBPyConnection, relation: Relation, *, gates: tuple[str, ...], named: bool, near: Judged
) -> int:
    """Make ``rejected`` of the records about the times that are asked for; the same record is taken once.

    ``gates`` are patterns; they narrow the audit log as well. With ``named`` webhooks only their gates' records are
    taken, as far as their annotations tell which those are. Returns how many records were left out by that.
    """
    where = Filter(gate=gates, routine=True).where()
    engine.execute(
        f"CREATE TABLE ours AS SELECT DISTINCT webhook, gate, mode FROM review WHERE {where.sql}", where.parameters
    )
    asked = near.asked
    engine.execute(
        f"""
        CREATE TABLE rejected AS
        SELECT row_number() OVER () AS id, epoch_us(time) AS made, verdict, reason, mode, gate, uid, username, pod,
            {OBJECT} AS object,
            resource || CASE WHEN coalesce(api_group, '') = '' THEN '' ELSE '.' || api_group END AS resource,
            standing, holder, lease_resource_version, webhook_pod, file
        FROM {relation.sql}
        WHERE ok AND verdict <> 'Allow' AND epoch_us(time) >= ? AND epoch_us(time) < ?
            -- A record whose gate was changed differs from the review of its uid.
            AND (({where.sql}) OR uid IN (SELECT uid FROM review WHERE {where.sql}))
        """,
        [*relation.parameters, asked.first - LONGEST, asked.last + LONGEST] + where.parameters * 2,
    )
    engine.execute(
        f"DELETE FROM review WHERE NOT ({where.sql}) AND uid NOT IN (SELECT uid FROM rejected)", where.parameters
    )
    _once(engine, "rejected", f"uid, made, webhook_pod, hash({', '.join(_SAID)})")
    if not named:
        return 0
    return _changed(
        engine,
        """DELETE FROM rejected WHERE EXISTS (FROM ours)
           AND NOT EXISTS (FROM ours WHERE ours.gate = rejected.gate AND ours.mode = rejected.mode)
           AND uid NOT IN (SELECT uid FROM review)""",
    )


def compare(engine: duckdb.DuckDBPyConnection, near: Judged, *, webhooks: tuple[str, ...], tolerance: int) -> None:
    """Make ``finding`` of what was loaded.

    ``webhooks`` are ours by name; none named: those with annotations as ours have. Clocks may differ by ``tolerance``
    microseconds.
    """
    engine.execute("CREATE TABLE named AS SELECT DISTINCT webhook FROM ours")
    if webhooks:
        engine.execute("INSERT INTO named SELECT unnest(?::VARCHAR[])", [list(webhooks)])
    engine.execute("CREATE TABLE judged_log (first BIGINT, last BIGINT)")
    if near.log:
        engine.executemany("INSERT INTO judged_log VALUES (?, ?)", [list(one) for one in near.log])
    engine.execute(f"CREATE TABLE pair AS {PAIR}")
    # How far clocks really differ is seen where records and requests are known to belong together.
    together = engine.execute("SELECT count(*) FROM pair WHERE what = ''").fetchall()[0][0]
    parameters: dict[str, Any] = {
        "slack": min(tolerance, skew(engine) + _SLACK) if together else tolerance,
        "since": near.asked.first,
        "until": near.asked.last,
        "records_first": near.records.first if near.records else 0,
        "records_last": near.records.last if near.records else 0,
        "log_last": max((one.last for one in near.log), default=near.asked.first),
    }
    for table, sql in TABLES:
        used = {name: value for name, value in parameters.items() if f"${name}" in sql}
        engine.execute(f"CREATE TABLE {table} AS {sql}", used)


def counts(engine: duckdb.DuckDBPyConnection) -> dict[Finding, int]:
    """How many there are of each finding."""
    found = dict(engine.execute("SELECT kind, count(*) FROM finding GROUP BY kind").fetchall())
    found[Finding.BOTH.value] = engine.execute("SELECT count(*) FROM agreed").fetchall()[0][0]
    return {kind: found.get(kind.value, 0) for kind in Finding}


def findings(engine: duckdb.DuckDBPyConnection, kind: Finding, limit: int | None) -> Iterator[dict[str, Any]]:
    """The findings of one kind, oldest first, at most ``limit`` of them."""
    cut = "" if limit is None else f"LIMIT {limit}"
    sql = f"SELECT {', '.join(COLUMNS)} FROM finding WHERE kind = ? ORDER BY time, uid, webhook {cut}"
    cursor = engine.execute(sql, [kind.value])
    while chunk := cursor.fetchmany(_CHUNK):
        for values in chunk:
            yield dict(zip(COLUMNS, values, strict=True))


def strangers(engine: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """Webhooks that are not known to be ours, whose calls failed open, and how many."""
    return engine.execute(
        """SELECT webhook, count(*) FROM call WHERE ending = 'failed-open' AND webhook NOT IN (FROM named)
           GROUP BY webhook ORDER BY webhook"""
    ).fetchall()


def skew(engine: duckdb.DuckDBPyConnection) -> int:
    """By how much records lie outside their requests' times, at most, in microseconds: clocks that differ."""
    (found,) = engine.execute(
        "SELECT coalesce(max(greatest(received - made, made - ended, 0)), 0) FROM pair WHERE what = ''"
    ).fetchall()[0]
    return int(found)


def recorded(relation: Relation) -> str:
    """The SELECT list for the first and last time of records, in microseconds since 1970."""
    return f"min(epoch_us(time)) FILTER (ok), max(epoch_us(time)) FILTER (ok) FROM {relation.sql}"


def _once(engine: duckdb.DuckDBPyConnection, table: str, same: str) -> None:
    """Leave one row of those that are the same."""
    engine.execute(f"DELETE FROM {table} WHERE rowid NOT IN (SELECT min(rowid) FROM {table} GROUP BY {same})")


def _changed(engine: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(engine.execute(sql).fetchall()[0][0])
