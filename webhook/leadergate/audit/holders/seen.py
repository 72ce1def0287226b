"""What records saw of each Lease, summed up by DuckDB; ``bands`` makes of it who held it when."""

from __future__ import annotations

import duckdb

from leadergate.audit.holders.bands import Band, Evidence, Held, Shown, bands
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.trail import Relation

SHOWN = (
    "CASE WHEN reason = 'LeaseUnreadable' THEN 'unreadable' WHEN reason = 'LeaseNotFound' THEN 'absent'"
    " WHEN holder = '' THEN 'unheld' WHEN holder IS NOT NULL AND expired THEN 'expired'"
    " WHEN holder IS NOT NULL THEN 'held' END"
)
"""What the read behind a record showed, over the flat columns; null where the record does not tell."""

SEEN: dict[str, str] = {
    "gate": "gate",
    "shown": SHOWN,
    "holder": "coalesce(holder, '')",
    "acquired": "acquire_time",
    "transitions": "transitions",
}
"""What a piece of evidence is told apart by, over the flat columns."""

_VERSION = "TRY_CAST(lease_resource_version AS UBIGINT)"
MEASURED: dict[str, str] = {
    "first": "min(time)",
    "last": "max(time)",
    "low": f"min({_VERSION})",
    "high": f"max({_VERSION})",
    "odd": f"count(*) FILTER (lease_resource_version IS NOT NULL AND {_VERSION} IS NULL)",
    "renewed": "max(renew_time)",
    # An age beyond all measure is forged, and fits no time.
    "ended": "min(CASE WHEN expired AND observed_age - duration_seconds BETWEEN -1e9 AND 1e9"
    " THEN time - to_microseconds(round((observed_age - duration_seconds) * 1e6)::BIGINT) END)",
    "duration": "max(duration_seconds)",
    "records": "count(*)",
}
"""What is known of a piece of evidence, over the flat columns."""

GRAIN = 1.0
"""In how many seconds of time records are summed up."""


def held(engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter) -> list[Held]:
    """Who held each Lease when, as far as the records of the filter's time and gates tell, gaps left out.

    What else the filter asks for is not looked at: each record is evidence, routine ones above all. Raises
    duckdb.Error.
    """
    return [band for band in all_bands(engine, relation, flt) if isinstance(band, Held)]


def all_bands(engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter) -> list[Band]:
    """As :func:`held`, gaps included."""
    where = seen_by(flt).where()
    dimensions = ", ".join(f"{expression} AS {name}" for name, expression in SEEN.items())
    measures = ", ".join(f"{expression} AS {name}" for name, expression in MEASURED.items())
    source = (
        f"SELECT {dimensions}, floor(epoch(time) / {GRAIN}) AS slot, {measures} FROM {relation.sql}"
        f" WHERE ok AND {where.sql} GROUP BY ALL"
    )
    return bands(evidence(engine, source, [*relation.parameters, *where.parameters]), flt.since)


def seen_by(flt: Filter) -> Filter:
    """The filter of what counts as evidence for what ``flt`` asks for: its time and gates alone."""
    return Filter(since=flt.since, until=flt.until, gate=flt.gate, routine=True)


def evidence(engine: duckdb.DuckDBPyConnection, source: str, parameters: list[object]) -> list[Evidence]:
    """The pieces of evidence in ``source``, which has the columns of ``SEEN`` and ``MEASURED``, and ``slot``.

    Neighbours that saw the same are one piece. Where some could read the Lease, it counts as readable. Raises
    duckdb.Error.
    """
    key = "gate, shown, holder, acquired, transitions"
    known = "(shown, holder, acquired, transitions)"
    found = engine.execute(
        f"""WITH summed AS ({source}),
        slots AS (SELECT {key}, slot, min(first) AS first, max(last) AS last, min(low) AS low, max(high) AS high,
            sum(odd) AS odd, max(renewed) AS renewed, min(ended) AS ended, max(duration) AS duration,
            sum(records) AS records FROM summed WHERE shown IS NOT NULL GROUP BY ALL),
        sure AS (SELECT * FROM slots
            QUALIFY shown <> 'unreadable' OR count(*) OVER (PARTITION BY gate, slot) = 1),
        turned AS (SELECT *, {known} IS DISTINCT FROM lag({known}) OVER timely AS turned FROM sure
            WINDOW timely AS (PARTITION BY gate ORDER BY first, last)),
        islands AS (SELECT *, sum(turned::INTEGER) OVER (PARTITION BY gate ORDER BY first, last
            ROWS UNBOUNDED PRECEDING) AS island FROM turned)
        SELECT {key}, min(first), max(last), CASE WHEN sum(odd) = 0 THEN min(low) END,
            CASE WHEN sum(odd) = 0 THEN max(high) END, max(renewed), min(ended), max(duration), sum(records)::BIGINT
        FROM islands GROUP BY {key}, island ORDER BY gate, min(first), max(last)""",
        parameters,
    ).fetchall()
    return [Evidence(gate, Shown(shown), *rest) for gate, shown, *rest in found]
