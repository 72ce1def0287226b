"""What each filter can be set to, with how many records each choice would show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from leadergate.audit.page.store import TABLE, Store
from leadergate.audit.reading.columns import OBJECT
from leadergate.audit.reading.filters import Filter, exactly

OFFERED = 30
"""Choices of a filter, those with the most records; whoever wants another writes it in the URL's field."""

_FIELDS = {
    "standing": "standing",
    "gate": "gate",
    "pod": "pod",
    "reason": "reason",
    "verdict": "verdict",
    "mode": "mode",
    "account": "requester_namespace || '/' || account",
    "resource": "resource || '.' || api_group",
    "object": OBJECT,
    "webhook_pod": "webhook_pod",
}


def choices(store: Store, flt: Filter) -> dict[str, list[dict[str, Any]]]:
    """By field: ``value``, the ``pattern`` that asks for it, and ``count``, under the rest of the filter.

    What is chosen is there even at 0.
    """
    offered = {}
    for field, expression in _FIELDS.items():
        others = _with(flt, field, ())
        if field == "standing":
            # Asking for followers by name shows them, routine and all.
            others = replace(others, routine=True)
        where, parameters = others.where()
        found = store.rows(
            f"SELECT {expression} AS value, count(*) AS count FROM {TABLE} WHERE {where} AND {expression} <> ''"
            f" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {OFFERED}",
            parameters,
        )
        for one in found:
            one["pattern"] = exactly(one["value"])
        seen = {one["pattern"] for one in found}
        found += [_pattern(store, flt, field, value) for value in getattr(flt, field) if value not in seen]
        offered[field] = found
    return offered


def _pattern(store: Store, flt: Filter, field: str, value: str) -> dict[str, Any]:
    """What is chosen and none of the usual choices."""
    where, parameters = _with(flt, field, (value,)).where()
    counted = store.rows(f"SELECT count(*) AS count FROM {TABLE} WHERE {where}", parameters)
    return {"value": value, "pattern": value, "count": counted[0]["count"]}


def _with(flt: Filter, field: str, values: tuple[str, ...]) -> Filter:
    changed: dict[str, Any] = {field: values}
    return replace(flt, **changed)
