"""The plot: who held each gate's Lease, and who was rejected meanwhile, put together so that it can be drawn.

However many records there are, at most ``BUCKETS`` times ``LANES + 1`` times the kinds of marks are sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from leadergate.audit.holders.bands import Band, Gap
from leadergate.audit.holders.takeovers import Takeover
from leadergate.audit.page.frame import DAY, Frame, Run, framed
from leadergate.audit.page.store import TABLE, Store
from leadergate.audit.page.view import Leases
from leadergate.audit.reading.columns import WHO
from leadergate.audit.reading.filters import Filter, exactly

BUCKETS = 180
LANES = 8
GATES = 6
BANDS = 2_000
"""The most bands that are drawn; a range with more is to be narrowed first."""

_SECONDS = (1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600)
_STEPS = (10, 20, 50, 100, 200, 500, *(one * 1000 for one in _SECONDS))
_HOUR = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def within(changes: Iterable[Takeover], flt: Filter, gates: Iterable[str]) -> list[Takeover]:
    """The changes of holder of some gates in the filter's time, in order."""
    wanted = set(gates)
    found = [
        one
        for one in changes
        if one.gate in wanted
        and (flt.since is None or one.at >= flt.since)
        and (flt.until is None or one.at < flt.until)
    ]
    return sorted(found, key=lambda one: one.at)


def gates(store: Store, flt: Filter) -> list[str]:
    """The gates of which the filter selects any record, at any time; those with the most that matter first."""
    where, parameters = replace(flt, since=None, until=None, routine=True).where()
    matter = "count(*) FILTER (kind NOT IN ('routine', 'allowed'))"
    sql = f"SELECT gate FROM {TABLE} WHERE {where} GROUP BY 1 ORDER BY {matter} DESC, count(*) DESC, 1"
    return [one["gate"] for one in store.rows(sql, parameters)]


def plot(store: Store, flt: Filter, leases: Leases) -> dict[str, Any]:
    """What is drawn: times in milliseconds since 1970."""
    found = gates(store, flt)
    drawing = _frame(store, flt)
    if drawing is None:
        return {
            "since": None,
            "until": None,
            "gates": [],
            "bands": [],
            "takeovers": [],
            "takeovers_left_out": 0,
            "lanes": [],
            "marks": [],
            "routine": [],
        }
    since, until, far = drawing
    if far:
        flt = replace(flt, since=_moment(since), until=_moment(until))
    width = step(until - since)
    lanes, marks = _marks(store, flt, width)
    drawn = found[:GATES]
    changes = within(leases.takeovers, flt, found)
    held = [band for gate in drawn for band in leases.bands if band.gate == gate]
    cut = [one for one in (_band(band, since, until, leases.colours) for band in held) if one is not None]
    return {
        "since": since,
        "until": until,
        "far": [{"since": run.first, "until": run.last + 1000, "count": run.records} for run in far],
        "width": width,
        "gates": drawn,
        "gates_left_out": len(found) - len(drawn),
        "bands": cut[:BANDS],
        "bands_left_out": max(len(cut) - BANDS, 0),
        "takeovers": [_change(one) for one in changes[:BANDS]],
        "takeovers_left_out": max(len(changes) - BANDS, 0),
        "lanes": lanes,
        "marks": marks,
        "routine": _routine(store, flt, width),
    }


def _frame(store: Store, flt: Filter) -> Frame | None:
    where, parameters = replace(flt, routine=True).where()
    days = store.rows(
        f"SELECT epoch_ms(min(time)) AS first, epoch_ms(max(time)) AS last, count(*) AS records FROM {TABLE}"
        f" WHERE {where} GROUP BY epoch_ms(time) // {DAY} ORDER BY 1",
        parameters,
    )
    since, until = (None if one is None else _milliseconds(one) for one in (flt.since, flt.until))
    return framed([Run(**day) for day in days], since, until)


def step(span: int) -> int:
    """The width of a bucket, in milliseconds, that a person would choose for so long a range."""
    for one in _STEPS:
        if span <= one * BUCKETS:
            return one
    return -(-span // (BUCKETS * _HOUR)) * _HOUR


def _marks(store: Store, flt: Filter, width: int) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """The writers that are drawn, and ``[lane, kind, bucket, count]`` of each mark. The last lane may be all others.

    Pods are named with their namespaces where their names alone would be the same.
    """
    where, parameters = flt.where()
    ranked = store.rows(
        f"SELECT {WHO} AS who, any_value(pod) AS pod, any_value(username) AS username, count(*) AS count,"
        " count(*) FILTER (kind NOT IN ('allowed', 'other')) AS grave"
        f" FROM {TABLE} WHERE kind <> 'routine' AND {where} GROUP BY who ORDER BY grave DESC, count DESC, who",
        parameters,
    )
    named = Counter(one["pod"] for one in ranked[:LANES])
    lanes = [
        {
            "who": one["who"],
            "name": one["username"] if one["pod"] is None else one["pod"] if named[one["pod"]] == 1 else one["who"],
            "pod": one["pod"] and exactly(one["who"]),
            "count": one["count"],
        }
        for one in ranked[:LANES]
    ]
    places = {one["who"]: place for place, one in enumerate(lanes)}
    if len(ranked) > LANES:
        rest = ranked[LANES:]
        lanes.append({"who": None, "name": None, "pods": len(rest), "count": sum(one["count"] for one in rest)})
    counted: dict[tuple[int, str, int], int] = {}
    listed = ", ".join("?" * len(places)) or "NULL"
    for one in store.rows(
        f"SELECT CASE WHEN {WHO} IN ({listed}) THEN {WHO} END AS who, kind, epoch_ms(time) // {width} AS bucket,"
        f" count(*) AS count FROM {TABLE} WHERE kind <> 'routine' AND {where} GROUP BY ALL ORDER BY bucket",
        [*places, *parameters],
    ):
        counted[places.get(one["who"], LANES), one["kind"], one["bucket"] * width] = one["count"]
    return lanes, [[*key, count] for key, count in counted.items()]


def _routine(store: Store, flt: Filter, width: int) -> list[list[int]]:
    """``[bucket, count]`` of routine rejections, where they are asked for."""
    if not flt.shows_routine:
        return []
    where, parameters = flt.where()
    found = store.rows(
        f"SELECT epoch_ms(time) // {width} AS bucket, count(*) AS count FROM {TABLE}"
        f" WHERE kind = 'routine' AND {where} GROUP BY 1 ORDER BY 1",
        parameters,
    )
    return [[one["bucket"] * width, one["count"]] for one in found]


def _band(band: Band, since: int, until: int, colours: Mapping[str, int]) -> dict[str, Any] | None:
    """The part of a band that lies in the range. A gap says why nobody is known to have held the Lease."""
    held = _milliseconds(band.since)
    ended = None if band.until is None else _milliseconds(band.until)
    begin, end = max(held, since), until if ended is None else min(ended, until)
    if begin >= end:
        return None
    part = {"gate": band.gate, "holder": band.holder, "begin": begin, "end": end, "since": held, "until": ended}
    gap = band.why if isinstance(band, Gap) else None
    return {**part, "gap": gap, "colour": colours.get(band.holder, 0)}


def _change(one: Takeover) -> dict[str, Any]:
    return {"at": _milliseconds(one.at), "gate": one.gate, "of": one.of, "to": one.to, "why": one.why}


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
