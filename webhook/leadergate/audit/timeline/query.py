"""What the timeline needs of the records: one scan sums them up by the second, the rest is asked of the sums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import duckdb

from leadergate.audit.holders.bands import Shown, bands
from leadergate.audit.holders.seen import GRAIN, MEASURED, SEEN, evidence, seen_by
from leadergate.audit.reading.columns import OBJECT, ROUTINE
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.tally import Counted
from leadergate.audit.reading.trail import Relation
from leadergate.audit.timeline.parts import Axis, Count, Kind, Late, Who
from leadergate.audit.timeline.picture import Timeline, told

_KIND = (
    f"CASE WHEN verdict = 'Allow' THEN NULL WHEN coalesce({ROUTINE}, false) THEN 'routine'"
    " WHEN verdict = 'Indeterminate' THEN 'cannot-tell' WHEN standing = 'former-holder' THEN 'former-holder'"
    " WHEN standing = 'stranger' THEN 'stranger'"
    " WHEN reason IN ('LeaseNotFound', 'LeaseUnheld', 'LeaseExpired') THEN 'no-holder' ELSE 'other' END"
)
_WHO = {
    "namespace": "requester_namespace",
    "account": "account",
    "pod": "pod",
    "username": "username",
    "node": "node",
}
_MOST = 3


@dataclass(frozen=True, slots=True)
class Range:
    """What all the sources hold: how many records, from when until when (None where there are none)."""

    records: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The timeline, None where no record is in the time and gates asked for, and what there is in all."""

    timeline: Timeline | None
    sources: Range


def drawn(engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter, columns: int) -> tuple[Drawn, Counted]:
    """The timeline of what ``flt`` asks for in so many columns. Raises duckdb.Error."""
    _sum_up(engine, relation, flt)
    records, first, last = engine.execute(
        "SELECT coalesce(sum(records), 0)::BIGINT, min(first), max(last) FROM summed WHERE ok"
    ).fetchall()[0]
    unread = engine.execute("SELECT file, sum(records)::BIGINT FROM summed WHERE NOT ok GROUP BY file").fetchall()
    whole = Range(records, first, last)
    counted = Counted(records, dict(unread))
    begin, end = engine.execute("SELECT min(first), max(last) FROM summed WHERE inside").fetchall()[0]
    if begin is None:
        return Drawn(None, whole), counted
    axis = Axis(begin, max(end, begin + timedelta(seconds=1)), columns)
    # Within the sums, a time asked for has been seen to.
    seen = evidence(engine, f"SELECT {', '.join([*SEEN, *MEASURED])}, slot FROM summed WHERE inside", [])
    timeline = told(
        axis,
        bands(seen, begin),
        _counts(engine, axis),
        _late(engine),
        _modes(engine),
        routine=flt.shows_routine,
    )
    return Drawn(timeline, whole), counted


def _sum_up(engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter) -> None:
    inside = seen_by(flt).where()
    asked = replace(flt, routine=True).where()
    kind = f"CASE WHEN asked THEN {_KIND} END"
    # The objects of routine rejections would be many, and nobody asks for them.
    thing = f"CASE WHEN {kind} = 'former-holder' THEN {OBJECT} END"
    wanted = SEEN | {"slot": f"floor(epoch(time) / {GRAIN})", "kind": kind, "object": thing, "mode": "mode"}
    wanted |= {f"who_{name}": f"CASE WHEN {kind} IS NOT NULL THEN {column} END" for name, column in _WHO.items()}
    dimensions = ", ".join(f"CASE WHEN inside THEN {expression} END AS {name}" for name, expression in wanted.items())
    measures = ", ".join(f"{expression} AS {name}" for name, expression in MEASURED.items())
    engine.execute(
        f"""CREATE OR REPLACE TEMP TABLE summed AS
        SELECT ok, inside, CASE WHEN NOT ok THEN file END AS file, {dimensions}, {measures}
        FROM (SELECT *, ok AND coalesce({inside.sql}, false) AS inside, coalesce({asked.sql}, false) AS asked
            FROM {relation.sql})
        GROUP BY ALL""",
        [*inside.parameters, *asked.parameters, *relation.parameters],
    )


def _counts(engine: duckdb.DuckDBPyConnection, axis: Axis) -> list[Count]:
    who = ", ".join(f"who_{name}" for name in _WHO)
    found: list[tuple[Any, ...]] = engine.execute(
        f"""SELECT gate, kind, {who},
            greatest(0, least(?, floor((epoch(first) - ?) / ?)))::INTEGER AS place, sum(records)::BIGINT,
            min(first), max(last)
        FROM summed WHERE kind IS NOT NULL GROUP BY ALL""",
        [axis.columns - 1, axis.begin.timestamp(), axis.step.total_seconds()],
    ).fetchall()
    return [Count(row[0], Kind(row[1]), Who(*row[2:7]), *row[7:]) for row in found]


def _late(engine: duckdb.DuckDBPyConnection) -> list[Late]:
    who = ", ".join(f"who_{name}" for name in _WHO)
    key = f"gate, holder, acquired, transitions, shown, {who}"
    found: list[tuple[Any, ...]] = engine.execute(
        f"""SELECT {key}, sum(writes)::BIGINT, min(first), max(last), count(*),
            max_by([object, writes::VARCHAR], (writes, object), {_MOST})
        FROM (SELECT {key}, object, sum(records) AS writes, min(first) AS first, max(last) AS last
            FROM summed WHERE kind = 'former-holder' AND shown IS NOT NULL GROUP BY ALL)
        GROUP BY {key}"""
    ).fetchall()
    return [
        Late(row[0], row[1:4], Shown(row[4]), Who(*row[5:10]), row[10], row[11], row[12], row[13],
             tuple((thing, int(writes)) for thing, writes in row[14]))
        for row in found
    ]  # fmt: skip


def _modes(engine: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    sql = "SELECT gate, list(DISTINCT mode ORDER BY mode) FROM summed WHERE inside GROUP BY gate"
    return dict(engine.execute(sql).fetchall())
