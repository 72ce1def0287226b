"""What the explanation of a review needs of the records: those of its uid, and what was around them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from leadergate.audit.explain.record import RecordTold
from leadergate.audit.holders.seen import all_bands
from leadergate.audit.holders.takeovers import Takeover, takeovers
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.tally import COUNTED, Counted
from leadergate.audit.reading.trail import Relation

AROUND = timedelta(minutes=10)
"""How far before and after a record the rest is looked at."""
FAR = timedelta(hours=1)
"""How far before and after a record takeovers are looked for."""

_NEEDED = (
    "ok, time, gate, verdict, reason, standing, username, pod, holder, expired, acquire_time, renew_time, transitions,"
    " lease_resource_version, observed_age, duration_seconds"
)


@dataclass(frozen=True, slots=True)
class Found:
    """``uid`` is the one review that was meant, None where it is none or one of several; ``uids`` are all that fit.

    ``searched`` is how many records there are, from ``first`` to ``last``.
    """

    uid: str | None
    uids: tuple[str, ...]
    searched: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Around:
    """Rejections of the same requester within ``AROUND`` before and after, and the gate's takeovers next to it."""

    before: int
    after: int
    taken: Takeover | None
    next: Takeover | None


class Undecoded(Exception):
    """A record that DuckDB reads and Python does not, such as one that is nested thousands deep."""


def find(engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter, uid: str) -> tuple[Found, Counted]:
    """The uid of the review that is ``uid``, or the only one that begins so, in one scan. Raises duckdb.Error."""
    where = flt.where()
    meant = f"ok AND coalesce({where.sql}, false) AND starts_with(lower(uid), lower(?))"
    records, unread, first, last, matches = engine.execute(
        f"""SELECT {COUNTED}, min(time) FILTER (ok), max(time) FILTER (ok), list(DISTINCT uid) FILTER ({meant})
        FROM {relation.sql}""",
        [*where.parameters, uid, *relation.parameters],
    ).fetchall()[0]
    uids = sorted(matches or [])
    meant_uid = uid if uid in uids else uids[0] if len(uids) == 1 else None
    return Found(meant_uid, tuple(uids), records, first, last), Counted(records, unread or {})


def records_of(
    engine: duckdb.DuckDBPyConnection, relation: Relation, flt: Filter, uid: str
) -> tuple[dict[str, Any], ...]:
    """The records of a review, oldest first. ``relation`` has ``raw``. Raises duckdb.Error, and :class:`Undecoded`."""
    where = flt.where()
    rows = engine.execute(
        f"SELECT raw FROM {relation.sql} WHERE ok AND {where.sql} AND uid = ? ORDER BY time",
        [*relation.parameters, *where.parameters, uid],
    ).fetchall()
    try:
        return tuple(json.loads(raw) for (raw,) in rows)
    except (ValueError, RecursionError) as fault:
        raise Undecoded(str(fault)) from fault


def around(engine: duckdb.DuckDBPyConnection, relation: Relation, told: RecordTold) -> Around:
    """What else happened near a record that has a time. Raises duckdb.Error."""
    at = told.time
    if at is None:
        return Around(0, 0, None, None)
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE near AS SELECT {_NEEDED} FROM {relation.sql}"
        " WHERE ok AND gate = ? AND time BETWEEN ? AND ?",
        [*relation.parameters, told.gate, at - FAR, at + FAR],
    )
    before, after = engine.execute(
        """SELECT count(*) FILTER (time < ?), count(*) FILTER (time > ?) FROM near
        WHERE verdict <> 'Allow' AND username = ? AND coalesce(pod, '') = ? AND time BETWEEN ? AND ?""",
        [at, at, told.username, told.pod, at - AROUND, at + AROUND],
    ).fetchall()[0]
    changes = takeovers(all_bands(engine, Relation("near", ()), Filter(routine=True)))
    taken = next((change for change in reversed(changes) if change.at <= at), None)
    following = next((change for change in changes if change.at > at), None)
    return Around(before, after, taken, following)
