"""The figures of a range: one pass over the table for all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from leadergate.audit.page.store import TABLE, Store
from leadergate.audit.reading.columns import OBJECT, WHO
from leadergate.audit.reading.filters import Filter

_WORST = 3
_THROUGH = "verdict <> 'Allow' AND mode <> 'enforce' AND NOT coalesce(dry_run, false)"


@dataclass(frozen=True, slots=True)
class Lapse:
    """A pod that went on writing after it had lost a Lease. ``through`` of its writes were let through."""

    pod: str
    gate: str
    count: int
    through: int
    objects: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What the filter selects, counted. ``left_out`` are routine rejections that it leaves out.

    ``matters`` are verdicts other than Allow that are not routine. ``through`` are those of them that were stored all
    the same, in a gate's mode warn or audit; ``routine_through`` are such of the routine. ``pods`` are all who wrote,
    with users of whom no pod was proven. ``first`` and ``last`` bound what the filter selects; ``begin`` and ``end``
    bound it with the routine that is left out.
    """

    records: int
    left_out: int
    routine: int
    matters: int
    former: int
    strangers: int
    undecided: int
    other: int
    allowed: int
    through: int
    routine_through: int
    dry: int
    pods: int
    objects: int
    gates: int
    first: datetime | None
    last: datetime | None
    begin: datetime | None
    end: datetime | None
    lapses: tuple[Lapse, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def figures(store: Store, flt: Filter) -> Figures:
    """Count what the filter selects."""
    where, parameters = replace(flt, routine=True).where()
    shown = "true" if flt.shows_routine else "kind <> 'routine'"
    matter = "kind NOT IN ('routine', 'allowed')"
    row = store.rows(
        f"""SELECT count(*) FILTER ({shown}) AS records, count(*) FILTER (NOT ({shown})) AS left_out,
            count(*) FILTER (kind = 'routine') AS routine, count(*) FILTER ({matter}) AS matters,
            count(*) FILTER (kind = 'former-holder') AS former, count(*) FILTER (kind = 'stranger') AS strangers,
            count(*) FILTER (kind = 'undecided') AS undecided, count(*) FILTER (kind = 'other') AS other,
            count(*) FILTER (kind = 'allowed') AS allowed,
            count(*) FILTER ({matter} AND {_THROUGH}) AS through,
            count(*) FILTER (kind = 'routine' AND {_THROUGH}) AS routine_through,
            count(*) FILTER ({matter} AND dry_run) AS dry,
            count(DISTINCT {WHO}) FILTER ({matter}) AS pods,
            count(DISTINCT {OBJECT}) FILTER ({matter}) AS objects,
            count(DISTINCT gate) FILTER ({shown}) AS gates,
            min(time) FILTER ({shown}) AS first, max(time) FILTER ({shown}) AS last,
            min(time) AS begin, max(time) AS end
            FROM {TABLE} WHERE {where}""",
        parameters,
    )[0]
    lapses = store.rows(
        f"""SELECT coalesce(pod, username) AS pod, gate, count(*) AS count,
            count(*) FILTER ({_THROUGH}) AS through, count(DISTINCT {OBJECT}) AS objects,
            min(time) AS first, max(time) AS last
            FROM {TABLE} WHERE kind = 'former-holder' AND {where}
            GROUP BY ALL ORDER BY count DESC, pod LIMIT {_WORST}""",
        parameters,
    )
    return Figures(lapses=tuple(Lapse(**lapse) for lapse in lapses), **row)
