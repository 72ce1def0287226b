"""The sentences at the top: nothing that the figures do not say, in each mode and under each filter. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from leadergate.audit.page.figures import Figures, Lapse
from leadergate.audit.page.said import said
from leadergate.audit.reading.filters import Filter

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
NONE = Figures(
    records=0, left_out=0, routine=0, matters=0, former=0, strangers=0, undecided=0, other=0, allowed=0, through=0,
    routine_through=0, dry=0, pods=0, objects=0, gates=1, first=None, last=None, begin=None, end=None, lapses=(),
)  # fmt: skip
STRANGERS = replace(NONE, records=5, strangers=5, matters=5)
LETS = "as gates in mode warn or audit let them"


def _lapsed(count: int, through: int) -> Figures:
    lapse = Lapse("web-1", "shop/web", count, through, 2, NOW, NOW)
    return replace(NONE, records=count, matters=count, former=count, through=through, lapses=(lapse,))


@pytest.mark.parametrize(
    ("figures", "first"),
    [
        (_lapsed(3, 0), "web-1 tried to write 3 times after it had lost Lease shop/web."),
        (_lapsed(3, 1), "web-1 tried to write 3 times after it had lost Lease shop/web."),
        (_lapsed(3, 3), "web-1 wrote 3 times after it had lost Lease shop/web."),
    ],
)
def test_writes_that_were_stored(figures: Figures, first: str) -> None:
    """A write that its gate let through was not merely tried."""
    assert said(figures, [], Filter())[0] == first


@pytest.mark.parametrize(
    ("figures", "last"),
    [
        (_lapsed(1, 1), f"This write went through, {LETS}."),
        (_lapsed(3, 3), f"All of these writes went through, {LETS}."),
        (_lapsed(3, 2), f"2 of these writes went through, {LETS}."),
        (
            replace(_lapsed(3, 2), routine_through=1),
            f"2 of these writes went through, {LETS}, and so did 1 routine one.",
        ),
        (
            replace(NONE, routine=9, left_out=9, routine_through=7),
            f"7 routine writes of followers went through, {LETS}.",
        ),
        (replace(STRANGERS, dry=2), "2 of these were dry runs."),
        (replace(STRANGERS, dry=1), "1 of these was a dry run."),
    ],
)
def test_what_became_of_the_writes(figures: Figures, last: str) -> None:
    """Modes warn and audit reject nothing, not even followers, and a dry run stores nothing."""
    assert said(figures, [], Filter())[-1] == last


@pytest.mark.parametrize(
    ("figures", "whole", "narrowed"),
    [
        (NONE, "There is no record.", "No record matches."),
        (
            STRANGERS,
            "No former holder wrote; 5 writes came from strangers, who never had a right to write.",
            "5 writes came from strangers, who never had a right to write.",
        ),
        (
            replace(NONE, records=2, routine=2),
            "Nothing but routine: 2 rejections of followers, one for each of their writes.",
            "2 rejections of followers, one for each of their writes.",
        ),
        (replace(NONE, records=2, allowed=2), "2 writes allowed, and nothing rejected.", "2 writes allowed."),
    ],
)
def test_what_is_filtered_away_is_not_absent(figures: Figures, whole: str, narrowed: str) -> None:
    """That nobody did a thing is said only where the filter would have shown it; a time and a gate are no secret."""
    assert said(figures, [], Filter())[0] == whole
    assert said(figures, [], Filter(standing=("stranger",)))[0] == narrowed
    if figures.records:
        assert said(figures, [], Filter(since=NOW, gate=("shop/*",)))[0] == whole


def test_leases_that_changed_hands() -> None:
    """One is named, several are counted."""
    assert said(STRANGERS, ["shop/web"], Filter())[1] == "Lease shop/web changed hands once."
    assert said(STRANGERS, ["a/b", "c/d", "a/b"], Filter())[1] == "2 Leases changed hands, 3 times in all."
