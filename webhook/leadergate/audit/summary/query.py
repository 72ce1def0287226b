"""What the summary needs of the records: one scan sums them up, the rest is asked of the sums."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import duckdb

from leadergate.audit.holders.bands import Evidence, Shown, bands
from leadergate.audit.holders.seen import SHOWN, seen_by
from leadergate.audit.holders.takeovers import Takeover, takeovers
from leadergate.audit.reading.columns import OBJECT, RESULT, ROUTINE, WHO
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.tally import Counted
from leadergate.audit.reading.trail import Relation
from leadergate.audit.summary.told import GateSummary, ObjectCount, Rate, Summary, WriterCount

_MINUTE = 60


def summarised(engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter, top: int) -> tuple[Summary, Counted]:
    """The summary of what ``flt`` asks for, ``top`` writers, objects and takeovers a gate. Raises duckdb.Error."""
    _sum_up(engine, relation, flt)
    count, begin, end, first, last = engine.execute(
        "SELECT coalesce(sum(records) FILTER (ok), 0)::BIGINT, min(first) FILTER (ok), max(last) FILTER (ok),"
        " min(first) FILTER (asked), max(last) FILTER (asked) FROM summed"
    ).fetchall()[0]
    unread = engine.execute("SELECT file, sum(records)::BIGINT FROM summed WHERE NOT ok GROUP BY file").fetchall()
    return Summary(count, begin, end, first, last, _gates(engine, flt, top)), Counted(count, dict(unread))


def _sum_up(engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter) -> None:
    seen, asked = seen_by(flt).where(), replace(flt, routine=True).where()
    hidden = "false" if flt.shows_routine else f"coalesce({ROUTINE}, false)"
    told = f"asked AND NOT {hidden} AND verdict <> 'Allow'"
    minute = f"floor(epoch(time) / {_MINUTE})"
    held = f"{SHOWN} = 'held'"
    dimensions = {
        # Where a Lease says of a time of holding it when it began, one row is enough to know it by.
        "reign_minute": f"CASE WHEN seen AND {held} AND acquire_time IS NULL AND transitions IS NULL THEN {minute} END",
        "holder": f"CASE WHEN seen AND {held} THEN holder END",
        "acquired": f"CASE WHEN seen AND {held} THEN acquire_time END",
        "transitions": f"CASE WHEN seen AND {held} THEN transitions END",
        "gate": "CASE WHEN seen THEN gate END",
        "result": f"CASE WHEN asked THEN {RESULT} END",
        "standing": f"CASE WHEN {told} THEN standing END",
        "reason": f"CASE WHEN {told} THEN reason END",
        "who": f"CASE WHEN {told} THEN {WHO} END",
        # Objects of what is not told of would be many.
        "object": f"CASE WHEN {told} THEN {OBJECT} END",
        "minute": f"CASE WHEN {told} THEN {minute} END",
        "shown": told,
        "hidden": f"asked AND {hidden}",
    }
    leaves = ", ".join(f"{expression} AS {name}" for name, expression in dimensions.items())
    engine.execute(
        f"""CREATE OR REPLACE TEMP TABLE summed AS
        SELECT ok, asked, CASE WHEN NOT ok THEN file END AS file, {leaves}, count(*) AS records,
            min(time) AS first, max(time) AS last, min(revision) AS low, max(revision) AS high,
            bool_or(revision IS NULL) AS odd
        FROM (SELECT *, TRY_CAST(lease_resource_version AS UBIGINT) AS revision,
                ok AND coalesce({seen.sql}, false) AS seen, ok AND coalesce({asked.sql}, false) AS asked
            FROM {relation.sql})
        GROUP BY ALL""",
        [*seen.parameters, *asked.parameters, *relation.parameters],
    )


def _takeovers(engine: duckdb.DuckDBPyConnection, flt: Filter) -> dict[str, list[Takeover]]:
    """By gate, from whom records show to have held its Lease; gaps between two holders are not looked at."""
    rows: list[tuple[Any, ...]] = engine.execute(
        """SELECT gate, holder, acquired, transitions, min(first), max(last),
            CASE WHEN NOT bool_or(odd) THEN min(low) END, CASE WHEN NOT bool_or(odd) THEN max(high) END
        FROM summed WHERE holder IS NOT NULL GROUP BY gate, holder, acquired, transitions, reign_minute
        ORDER BY gate, min(first)"""
    ).fetchall()
    found: dict[str, list[Takeover]] = {}
    for change in takeovers(bands([Evidence(gate, Shown.HELD, *rest) for gate, *rest in rows], flt.since)):
        found.setdefault(change.gate, []).append(change)
    return found


def _gates(engine: duckdb.DuckDBPyConnection, flt: Filter, top: int) -> tuple[GateSummary, ...]:
    changes = _takeovers(engine, flt)
    writers, objects, rates = _writers(engine, top), _objects(engine, top), _rates(engine)
    standings = _by(engine, "standing")
    results = _by(engine, "result")
    found: list[tuple[Any, ...]] = engine.execute(
        """SELECT gate, coalesce(sum(records) FILTER (shown), 0)::BIGINT AS count,
            coalesce(sum(records) FILTER (hidden), 0)::BIGINT AS routine,
            coalesce(sum(records) FILTER (result = 'allowed'), 0)::BIGINT,
            min(first) FILTER (shown), max(last) FILTER (shown),
            count(DISTINCT (who, standing, reason)) FILTER (shown), count(DISTINCT object) FILTER (shown)
        FROM summed WHERE asked GROUP BY gate ORDER BY count DESC, routine DESC, gate"""
    ).fetchall()
    return tuple(
        GateSummary(
            gate=gate,
            shown=shown,
            routine=routine,
            allowed=allowed,
            first=first,
            last=last,
            standings=standings.get(gate, {}),
            results=results.get(gate, {}),
            rate=_rate(shown, first, last, rates.get(gate)),
            takeovers=tuple(changes.get(gate, ())[-top:]),
            takeovers_in_all=len(changes.get(gate, ())),
            writers=tuple(writers.get(gate, ())),
            writers_in_all=writers_in_all,
            objects=tuple(objects.get(gate, ())),
            objects_in_all=objects_in_all,
        )
        for gate, shown, routine, allowed, first, last, writers_in_all, objects_in_all in found
    )


def _by(engine: duckdb.DuckDBPyConnection, column: str) -> dict[str, dict[str | None, int]]:
    found: dict[str, dict[str | None, int]] = {}
    sql = f"SELECT gate, {column}, sum(records)::BIGINT AS n FROM summed WHERE shown GROUP BY ALL"
    sql += f" ORDER BY n DESC, {column}"
    for gate, value, count in engine.execute(sql).fetchall():
        found.setdefault(gate, {})[value] = count
    return found


def _writers(engine: duckdb.DuckDBPyConnection, top: int) -> dict[str, list[WriterCount]]:
    found: dict[str, list[WriterCount]] = {}
    # A pod that led before stands first, however many strangers there are.
    order = "standing IS NOT DISTINCT FROM 'former-holder' DESC, count DESC, who, reason"
    rows = engine.execute(
        f"""SELECT gate, who, standing, reason, sum(records)::BIGINT AS count, min(first), max(last)
        FROM summed WHERE shown GROUP BY gate, who, standing, reason
        QUALIFY row_number() OVER (PARTITION BY gate ORDER BY {order}) <= ? ORDER BY gate, {order}""",
        [top],
    ).fetchall()
    for gate, *rest in rows:
        found.setdefault(gate, []).append(WriterCount(*rest))
    return found


def _objects(engine: duckdb.DuckDBPyConnection, top: int) -> dict[str, list[ObjectCount]]:
    found: dict[str, list[ObjectCount]] = {}
    rows = engine.execute(
        """SELECT gate, object, sum(records)::BIGINT AS count, count(DISTINCT who)
        FROM summed WHERE shown GROUP BY gate, object
        QUALIFY row_number() OVER (PARTITION BY gate ORDER BY count DESC, object) <= ?
        ORDER BY gate, count DESC, object""",
        [top],
    ).fetchall()
    for gate, *rest in rows:
        found.setdefault(gate, []).append(ObjectCount(*rest))
    return found


def _rates(engine: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, datetime]]:
    """The minute with most of them, and how many."""
    rows = engine.execute(
        f"""SELECT gate, max(count), to_timestamp(arg_max(minute, (count, -minute)) * {_MINUTE})
        FROM (SELECT gate, minute, sum(records)::BIGINT AS count FROM summed WHERE shown GROUP BY ALL)
        GROUP BY gate"""
    ).fetchall()
    return {gate: (count, at) for gate, count, at in rows}


def _rate(shown: int, first: datetime | None, last: datetime | None, peak: tuple[int, datetime] | None) -> Rate | None:
    if first is None or last is None or peak is None:
        return None
    minutes = max((last - first).total_seconds() / _MINUTE, 1.0)
    return Rate(shown / minutes, *peak)
