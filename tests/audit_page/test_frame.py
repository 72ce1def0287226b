"""The time that the plot draws, whatever single records say."""

from __future__ import annotations

import pytest

from leadergate.audit.page.frame import DAY, FAR, Frame, Run, framed

NIGHT = Run(20_000 * DAY, 20_000 * DAY + 8 * 3_600_000, 900)
OLD = Run(0, 0, 1)
LATE = Run(2_500_000 * DAY, 2_500_000 * DAY + 5, 2)
BESIDE = Run(NIGHT.last + 5 * DAY, NIGHT.last + 6 * DAY, 3)


@pytest.mark.parametrize(
    ("days", "since", "until", "wanted"),
    [
        ([], None, None, None),
        ([], 5, None, None),
        ([], 5, 6, Frame(5, 6)),
        ([NIGHT], None, None, Frame(NIGHT.first, NIGHT.last + 1)),
        # Single records years off do not leave the night one line of pixels.
        ([OLD, NIGHT, LATE], None, None, Frame(NIGHT.first, NIGHT.last + 1, (OLD, LATE))),
        # Not even where the time that is asked for is so long.
        ([NIGHT], 0, None, Frame(NIGHT.first, NIGHT.last + 1)),
        # Some days apart is no reason, nor are two nights of the same weight, nor what was asked for.
        ([NIGHT, BESIDE], None, None, Frame(NIGHT.first, BESIDE.last + 1)),
        ([OLD, LATE._replace(records=1)], None, None, Frame(0, LATE.last + 1)),
        ([NIGHT], NIGHT.first - DAY, NIGHT.last + DAY, Frame(NIGHT.first - DAY, NIGHT.last + DAY)),
        # One record is not drawn at an edge, as if nothing were known beyond it.
        ([Run(DAY, DAY, 1)], None, None, Frame(DAY - 4_999, DAY + 5_001)),
        ([Run(DAY, DAY, 1)], DAY, None, Frame(DAY, DAY + 10_000)),
        ([Run(DAY, DAY, 1)], None, DAY + 1, Frame(DAY - 9_999, DAY + 1)),
        ([Run(DAY, DAY, 1)], DAY, DAY + 2, Frame(DAY, DAY + 2)),
    ],
)
def test_what_is_drawn(days: list[Run], since: int | None, until: int | None, wanted: Frame | None) -> None:
    """All of what is asked for, but what would make everything else too small to be seen."""
    assert framed(days, since, until) == wanted


def test_nothing_is_lost() -> None:
    """What is not drawn is told with its time, and belongs to no other part."""
    days = [Run(one * 2 * FAR, one * 2 * FAR + 1, 100 if one == 3 else 1) for one in range(6)]
    frame = framed(days, None, None)
    assert frame is not None
    assert sum(one.records for one in frame.far) == 5
    assert not [one for one in frame.far if frame.since <= one.first < frame.until]
