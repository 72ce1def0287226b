"""The table: a page of records, in the order that is asked for; and one record, whole."""

from __future__ import annotations

import json
from typing import Any

from leadergate.audit.page.asked import ORDERS, Asked
from leadergate.audit.page.store import TABLE, Store
from leadergate.audit.reading.columns import OBJECT, WHO
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.sift import first_values

SIZE = 100
"""Records of a page of the table."""

_FARTHEST = (1 << 63) - 1
_SHOWN = (
    f"key, kind, time, verdict, reason, mode, gate, standing, {WHO} AS who, pod, username, account, node,"
    f" {OBJECT} AS object, resource, holder, dry_run, operation, uid, latency_ms"
)


def rows(store: Store, asked: Asked) -> list[dict[str, Any]]:
    """One page of the table. Rows are found by narrow columns first, and then looked up."""
    where, parameters = asked.filter.where()
    direction = "DESC" if asked.descending else "ASC"
    order = f"{ORDERS[asked.order]} {direction} NULLS LAST, time {direction}, rowid {direction}"
    found = store.rows(
        f"SELECT rowid AS id FROM {TABLE} WHERE {where} ORDER BY {order} LIMIT {SIZE} OFFSET ?",
        [*parameters, (asked.page - 1) * SIZE],
    )
    if not found:
        return []
    ids = [one["id"] for one in found]
    listed = ", ".join(str(one) for one in ids)
    shown = {
        one.pop("id"): one for one in store.rows(f"SELECT rowid AS id, {_SHOWN} FROM {TABLE} WHERE rowid IN ({listed})")
    }
    return [{**shown[one], "key": key_text(shown[one]["key"])} for one in ids]


def record(store: Store, key: int) -> dict[str, Any] | None:
    """One record as it was written, with all that its line says; None where there is none of that key.

    Of a field that stands twice, the first value counts, as in every query.
    """
    found = store.rows(f"SELECT raw, kind, file FROM {TABLE} WHERE key = ? LIMIT 1", [key])
    if not found:
        return None
    raw = found[0]["raw"]
    content = json.loads(raw, object_pairs_hook=first_values)
    return {"raw": raw, "record": content, "kind": found[0]["kind"], "file": found[0]["file"]}


def fresh(store: Store, flt: Filter, after: int) -> dict[str, int]:
    """How many records the filter selects of those from place ``after`` on; ``next`` is the place after the last."""
    where, parameters = flt.where()
    sql = f"SELECT count(*) FILTER (rowid >= ? AND {where}) AS fresh, coalesce(max(rowid), -1) + 1 AS next FROM {TABLE}"
    return store.rows(sql, [min(after, _FARTHEST), *parameters])[0]


def key_text(key: int) -> str:
    """How a key stands in a URL."""
    return f"{key:014x}"


def key_number(text: str) -> int | None:
    """The key that a URL names; None where it is none."""
    try:
        number = int(text, 16)
    except ValueError:
        return None
    return number if 0 <= number < 1 << 53 else None
