"""What the explanation of a review needs of the records: those of its uid, and what was around them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from leadergate.audit.explain.record import RecordTold, record_told
from leadergate.audit.holders.bands import bands
from leadergate.audit.holders.seen import GRAIN, MEASURED, SEEN, evidence
from leadergate.audit.holders.takeovers import Takeover, takeovers
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.sift import first_values
from leadergate.audit.reading.tally import COUNTED, Counted
from leadergate.audit.reading.trail import Relation

AROUND = timedelta(minutes=10)
"""How far before and after a record the rest is looked at."""
FAR = timedelta(hours=1)
"""How far before and after a record takeovers are looked for."""
_UNESCAPED = re.compile("[0-9A-Za-z-]+")

Holding = Callable[[str | None], Relation]
"""The records in whose line a text stands, ``raw`` included; without a text, all of them."""


@dataclass(frozen=True, slots=True)
class Around:
    """Rejections of the same requester within ``AROUND`` before and after, and the gate's takeovers next to it."""

    before: int
    after: int
    taken: Takeover | None
    next: Takeover | None


@dataclass(frozen=True, slots=True)
class Found:
    """``records`` are those of the one review that was meant, oldest first, and ``near`` is what was around the last.

    Without records: ``uids`` are all that fit, none or several, and ``searched`` is how many records there are, from
    ``first`` to ``last``.
    """

    records: tuple[dict[str, Any], ...] = ()
    near: Around | None = None
    uids: tuple[str, ...] = ()
    searched: int = 0
    first: datetime | None = None
    last: datetime | None = None


class Undecoded(Exception):
    """A record that DuckDB reads and Python does not, such as one that is nested thousands deep."""


def look(
    engine: duckdb.DuckDBPyConnection, relation: Relation, holding: Holding, flt: Filter, uid: str
) -> tuple[Found, Counted]:
    """The review whose uid is ``uid``, or the only one whose uid begins so. Raises duckdb.Error, :class:`Undecoded`.

    Its lines are found by their text first, which is quick; then all records are gone through once, for what was
    around it.
    """
    reviews = _reviews(engine, holding, flt, uid)
    searched, counted = Found(), Counted()
    if not reviews:
        searched, counted = _search(engine, relation, flt, uid)
        if len(searched.uids) == 1:  # in other letters, or with escapes
            reviews = _reviews(engine, holding, flt, searched.uids[0])
    meant = uid if uid in reviews else next(iter(reviews)) if len(reviews) == 1 else None
    if meant is None:
        return (Found(uids=tuple(sorted(reviews))) if reviews else searched), counted
    try:
        records = tuple(json.loads(raw, object_pairs_hook=first_values) for raw in reviews[meant])
    except (ValueError, RecursionError) as fault:
        raise Undecoded(str(fault)) from fault
    near, counted = _around(engine, relation, record_told(records[-1]))
    return Found(records, near), counted


def _reviews(engine: duckdb.DuckDBPyConnection, holding: Holding, flt: Filter, uid: str) -> dict[str, list[str]]:
    """By uid, the JSON of the records of reviews that begin so, oldest first."""
    # A uid as the API server makes them stands in its record as it is.
    relation = holding(uid if _UNESCAPED.fullmatch(uid) else None)
    where = flt.where()
    rows = engine.execute(
        f"SELECT uid, raw FROM {relation.sql} WHERE ok AND ({where.sql}) AND starts_with(lower(uid), lower(?))"
        " ORDER BY time",
        [*relation.parameters, *where.parameters, uid],
    ).fetchall()
    found: dict[str, list[str]] = {}
    for one, raw in rows:
        found.setdefault(one, []).append(raw)
    return found


def _search(engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter, uid: str) -> tuple[Found, Counted]:
    where = flt.where()
    meant = f"ok AND coalesce({where.sql}, false) AND starts_with(lower(uid), lower(?))"
    records, unread, first, last, uids = engine.execute(
        f"""SELECT {COUNTED}, min(time) FILTER (ok), max(time) FILTER (ok), histogram(uid) FILTER ({meant})
        FROM {relation.sql}""",
        [*where.parameters, uid, *relation.parameters],
    ).fetchall()[0]
    return Found((), None, tuple(uids or ()), records, first, last), Counted(records, unread or {})


def _around(engine: duckdb.DuckDBPyConnection, relation: Relation, told: RecordTold) -> tuple[Around | None, Counted]:
    """What else happened near a record; None where it has no time."""
    at = told.time
    if at is None:
        return None, Counted()
    wanted = SEEN | {"slot": f"floor(epoch(time) / {GRAIN})"}
    dimensions = ", ".join(f"CASE WHEN seen THEN {expression} END AS {name}" for name, expression in wanted.items())
    measures = ", ".join(f"{expression} AS {name}" for name, expression in MEASURED.items())
    same = "seen AND verdict <> 'Allow' AND username = ? AND coalesce(pod, '') = ?"
    engine.execute(
        f"""CREATE OR REPLACE TEMP TABLE near AS
        SELECT ok, seen, CASE WHEN NOT ok THEN file END AS file, {dimensions}, {measures},
            count(*) FILTER ({same} AND time >= ? AND time < ?) AS before,
            count(*) FILTER ({same} AND time > ? AND time <= ?) AS after
        FROM (SELECT *, ok AND coalesce(gate = ? AND time BETWEEN ? AND ?, false) AS seen FROM {relation.sql})
        GROUP BY ALL""",
        [told.username, told.pod, at - AROUND, at, told.username, told.pod, at, at + AROUND,
         told.gate, at - FAR, at + FAR, *relation.parameters],
    )  # fmt: skip
    count, before, after = engine.execute(
        "SELECT coalesce(sum(records) FILTER (ok), 0)::BIGINT, sum(before)::BIGINT, sum(after)::BIGINT FROM near"
    ).fetchall()[0]
    unread = engine.execute("SELECT file, sum(records)::BIGINT FROM near WHERE NOT ok GROUP BY file").fetchall()
    seen = evidence(engine, f"SELECT {', '.join([*SEEN, *MEASURED])}, slot FROM near WHERE seen", [])
    changes = takeovers(bands(seen))
    taken = next((change for change in reversed(changes) if change.at <= at), None)
    following = next((change for change in changes if change.at > at), None)
    return Around(before or 0, after or 0, taken, following), Counted(count, dict(unread))
