"""The pure parts of the page: what a URL asks for, who is let in, how wide a bucket is, what is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from leadergate.audit.page.asked import Asked, asked, query
from leadergate.audit.page.doorkeeper import loopback, names_this
from leadergate.audit.page.figures import Figures, Lapse
from leadergate.audit.page.lanes import BUCKETS, step
from leadergate.audit.page.said import said
from leadergate.audit.page.view import View
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.tally import BadLine, Tally

if TYPE_CHECKING:
    from leadergate.audit.page.store import Store

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
NONE = Figures(
    records=0, left_out=0, routine=0, matters=0, former=0, strangers=0, undecided=0, other=0, allowed=0, through=0,
    routine_through=0, dry=0, pods=0, objects=0, gates=1, first=None, last=None, begin=None, end=None, lapses=(),
)  # fmt: skip
LAPSE = Lapse("web-1", "shop/web", 3, 0, 2, NOW, NOW + timedelta(seconds=90))


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        ([], Asked(Filter())),
        ([("gate", "a/*"), ("gate", "b/c"), ("sort", "pod")], Asked(Filter(gate=("a/*", "b/c")), "pod", False)),
        ([("since", "90m"), ("page", "3")], Asked(Filter(since=NOW - timedelta(minutes=90)), page=3)),
        ([("routine", "true"), ("dry_run", "false"), ("record", "x")], Asked(Filter(routine=True, dry_run=False))),
        ([("gate", ""), ("sort", ""), ("page", "")], Asked(Filter())),
    ],
)
def test_url_is_read(pairs: list[tuple[str, str]], wanted: Asked) -> None:
    """Names and values as the command's flags have them; what is empty was not asked for."""
    assert asked(pairs, NOW) == (wanted, [])


@pytest.mark.parametrize(
    "pair",
    [("colour", "red"), ("page", "0"), ("page", "-1"), ("page", "²"), ("page", "9" * 30), ("sort", "raw"),
     ("standing", "leader"), ("since", "soon"), ("dry_run", "maybe"), ("", "x")],
)  # fmt: skip
def test_url_that_is_refused(pair: tuple[str, str]) -> None:
    """What is no field, or no value of it, is one fault that names it."""
    _, faults = asked([pair], NOW)
    assert [fault.field for fault in faults] == [pair[0]]
    assert faults[0].remedy


def test_filter_survives_its_link() -> None:
    """What a filter is written as in a link reads as the same filter."""
    flt = Filter(
        since=NOW - timedelta(microseconds=1),
        until=NOW,
        gate=("a/b", "c/*"),
        standing=("stranger",),
        dry_run=False,
        routine=True,
    )
    assert asked(query(flt), NOW)[0].filter == flt
    assert query(Filter()) == []


@pytest.mark.parametrize(
    ("host", "address", "let_in"),
    [
        ("localhost:80", "127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("[::1]", "::1", True),
        ("192.0.2.7:1", "192.0.2.7", True),
        ("192.0.2.7:1", "127.0.0.1", False),
        ("192.0.2.7:1", "0.0.0.0", True),
        ("[2001:db8::1]:80", "::", True),
        ("localhost.evil.example", "127.0.0.1", False),
        ("evil.example", "0.0.0.0", False),
        ("", "0.0.0.0", False),
        ("127.0.0.1.evil.example", "127.0.0.1", False),
        ("evil.example:127.0.0.1", "127.0.0.1", False),
    ],
)
def test_host_names(host: str, address: str, let_in: bool) -> None:
    """Names of this machine are let in; a name that somebody else may own is not."""
    assert names_this(host, address) is let_in


@pytest.mark.parametrize(
    ("address", "alone"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.0.2.1", False), ("host.example", False)],
)  # fmt: skip
def test_loopback(address: str, alone: bool) -> None:
    """Whether only this machine reaches an address."""
    assert loopback(address) is alone


@pytest.mark.parametrize("span", [1, 999, 60_000, 3_600_000, 8 * 3_600_000, 30 * 86_400_000, 3000 * 86_400_000])
def test_buckets_are_bounded(span: int) -> None:
    """A range of any length has no more buckets than can be drawn, and as many as that allows within a factor."""
    assert span / step(span) <= BUCKETS
    assert step(span) == step(1) or span / step(span) > BUCKETS / 4


@pytest.mark.parametrize(
    ("figures", "takeovers", "first"),
    [
        (NONE, 0, "There is no record."),
        (replace(NONE, left_out=2, routine=2), 0, "Nothing but routine: 2 rejections of followers"),
        (replace(NONE, records=5, strangers=5, matters=5), 0, "No former holder wrote; 5 writes came from strangers"),
        (
            replace(NONE, records=3, former=3, lapses=(LAPSE,)),
            1,
            "web-1 tried to write 3 times after it had lost Lease shop/web.",
        ),
        (replace(NONE, records=9, allowed=9), 0, "9 writes allowed"),
    ],
)
def test_gravest_is_said_first(figures: Figures, takeovers: int, first: str) -> None:
    """The first sentence is what matters most."""
    assert said(figures, ["shop/web"] * takeovers, Filter())[0].startswith(first)


def test_what_else_is_said() -> None:
    """When it was, on how many objects, who else, takeovers, and what went through."""
    told = said(replace(NONE, records=5, former=5, matters=5, through=1, lapses=(LAPSE,)), ["shop/web"] * 2, Filter())
    assert told[1:] == [
        "That was between 06:00:00 and 06:01:30 UTC, to 2 objects.",
        "Other former holders did so twice.",
        "Lease shop/web changed hands twice.",
        "1 of these writes went through, as gates in mode warn or audit let them.",
    ]


def test_years_are_told_where_they_differ() -> None:
    """A record that is years off does not look like one of the night."""
    years = replace(LAPSE, first=NOW.replace(year=1970))
    told = said(replace(NONE, records=3, former=3, lapses=(years,)), [], Filter())
    assert told[1].startswith("That was between 02 Mar 1970 06:00:00 and 02 Mar 2026 06:01:30 UTC")


def test_names_in_sentences_are_printable() -> None:
    """A pod's name may be hostile."""
    hostile = replace(LAPSE, pod="\x1b[2Jx")
    assert said(replace(NONE, records=3, former=3, lapses=(hostile,)), [], Filter())[0].startswith("\\x1b[2Jx tried")


def test_page_is_told_what_may_be_missing() -> None:
    """Logs that could not be had, and lines that could not be read, are told of now, not of the beginning."""
    tally = Tally(keep=1)
    view = View(cast("Store", SimpleNamespace(records=3)), ["pod/web-1"], tally, follows=True)
    tally.gaps.append("the log of pod/web-2 begins later")
    tally.note(BadLine("pod/web-1", 0, "torn"))
    told = view.told()
    assert (told["gaps"], told["bad"], told["records"]) == (["the log of pod/web-2 begins later"], 1, 3)
    assert told["first_bad"] == [{"file": "pod/web-1", "line": 0, "why": "torn"}]
