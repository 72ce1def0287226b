"""The time that the plot draws: that of the records, but for single ones that lie years off. Pure.

A clock that was wrong once, or one old file among the night's, would leave of everything else one line of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

DAY = 86_400_000
FAR = 30 * DAY
"""Records that are farther than that from all others may be left out."""
LEAST = 10_000
"""The shortest time that is drawn where nobody asked for a shorter one."""

_SHARE = 20
_LAST = 253_402_300_799_999  # the end of the year 9999: neither Python nor JavaScript's RFC 3339 goes on


class Run(NamedTuple):
    """Records that lie near each other: the times of the first and the last, in milliseconds since 1970."""

    first: int
    last: int
    records: int


class Frame(NamedTuple):
    """The plot's time, the end exclusive, and the records that lie far outside of it."""

    since: int
    until: int
    far: tuple[Run, ...] = ()


def framed(days: Sequence[Run], since: int | None, until: int | None) -> Frame | None:
    """The time to draw for the records of some days, in order; ``since`` and ``until`` are what was asked for.

    None: there is nothing to draw.
    """
    runs = _runs(days)
    if not runs:
        return Frame(since, until) if since is not None and until is not None else None
    main = max(runs, key=lambda run: run.records)
    begin = runs[0].first if since is None else since
    end = runs[-1].last + 1 if until is None else until
    most = 2 * main.records > sum(run.records for run in runs)
    if end - begin > max(FAR, _SHARE * (main.last - main.first)) and most:
        # So long a time would show nothing but that it is long.
        return Frame(*_wide(main.first, main.last + 1), tuple(run for run in runs if run is not main))
    lack = max(LEAST - (end - begin), 0)
    if since is None:
        begin -= lack if until is not None else lack // 2
    if until is None:
        end += lack if since is not None else lack - lack // 2
    return Frame(max(begin, -_LAST), min(end, _LAST))


def _runs(days: Sequence[Run]) -> list[Run]:
    runs: list[Run] = []
    for day in days:
        if runs and day.first - runs[-1].last <= FAR:
            runs[-1] = Run(runs[-1].first, day.last, runs[-1].records + day.records)
        else:
            runs.append(day)
    return runs


def _wide(begin: int, end: int) -> tuple[int, int]:
    lack = max(LEAST - (end - begin), 0)
    return begin - lack // 2, end + lack - lack // 2
