"""What a URL of the page asks for: the filter, the order of the table and its page. Pure.

The names are those of :mod:`leadergate.audit.reading.filters`, so that a link and a command line say the same. What is
no field, or no value of it, is a fault that the page shows: a mistyped link must not look like a quiet night.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from leadergate.audit.reading.columns import OBJECT
from leadergate.audit.reading.filters import Filter, parse
from leadergate.gates.refusals import Fault

ORDERS: Mapping[str, str] = {
    "time": "time",
    "standing": "CASE standing WHEN 'former-holder' THEN 0 WHEN 'stranger' THEN 1 WHEN 'follower' THEN 3 ELSE 2 END",
    "reason": "reason",
    "pod": "coalesce(pod, username)",
    "gate": "gate",
    "object": OBJECT,
    "holder": "holder",
    "mode": "mode",
}
"""What the table can be sorted by -> the expression over the flat columns."""

FIELDS = tuple(one.name for one in fields(Filter))
OTHERS = ("sort", "page", "record")
"""What else stands in a URL: ``record`` is the one in the drawer, which the page itself looks at."""
NEWEST_FIRST = "-time"
_PAGES = 10_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """``page`` counts from 1; ``order`` is a key of ``ORDERS``."""

    filter: Filter
    order: str = "time"
    descending: bool = True
    page: int = 1


def asked(query: Iterable[tuple[str, str]], now: datetime) -> tuple[Asked, list[Fault]]:
    """What a query string asks for, and everything that is wrong with it."""
    texts: dict[str, list[str]] = {}
    for name, value in query:
        texts.setdefault(name, []).append(value)
    known = (*FIELDS, *OTHERS)
    faults = [
        Fault(name, None, " is nothing that a link can ask for", f"expected one of {', '.join(known)}")
        for name in texts
        if name not in known
    ]
    flt, found = parse(texts, now, name=str)
    sort = texts.get("sort", [""])[-1] or NEWEST_FIRST
    order = sort.removeprefix("-")
    if order not in ORDERS:
        remedy = f"expected one of {', '.join(ORDERS)}, with a - in front for the last ones first"
        found.append(Fault("sort", sort, " is no column to sort by", remedy))
    page = texts.get("page", [""])[-1] or "1"
    if not (page.isascii() and page.isdecimal() and len(page) < len(str(_PAGES)) and int(page)):
        found.append(Fault("page", page, " is no page", "expected a number from 1"))
        page = "1"
    return Asked(flt, order, sort.startswith("-"), int(page)), faults + found


def query(flt: Filter) -> list[tuple[str, str]]:
    """The filter as a query string says it."""
    pairs: list[tuple[str, str]] = []
    for field in FIELDS:
        value: Any = getattr(flt, field)
        if isinstance(value, datetime):
            pairs.append((field, stamp(value)))
        elif isinstance(value, bool):
            if value or field == "dry_run":
                pairs.append((field, "true" if value else "false"))
        elif value is not None:
            pairs += [(field, one) for one in value]
    return pairs


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, as exact as it needs to be."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
