"""Who held each Lease when, told by records alone."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadergate.audit.holders.bands import Band, Evidence, Gap, Held, Shown, bands
from leadergate.audit.holders.seen import all_bands, held
from leadergate.audit.holders.takeovers import takeovers
from leadergate.audit.reading import trail
from leadergate.audit.reading.filters import Filter
from leadergate_lab.nights import START, night

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def seen(holder: str, first: float, last: float, low: int | None, **fields: Any) -> Evidence:
    """Evidence that somebody held the Lease; ``low`` is also the greatest revision unless told otherwise."""
    given_fields = {"acquired": None, "transitions": None, "high": low, **fields}
    shown = given_fields.pop("shown", Shown.HELD)
    gate = given_fields.pop("gate", "ns/lease")
    return Evidence(gate, shown, holder, first=at(first), last=at(last), low=low, **given_fields)


def gap(shown: Shown, first: float, last: float, **fields: Any) -> Evidence:
    """Evidence that no Lease was there, or none to be read."""
    return seen("", first, last, None, shown=shown, **fields)


def told(found: Iterable[Band]) -> list[tuple[str, float, float | None]]:
    """Bands in short: the holder or the kind of gap, and its seconds after noon."""
    return [
        (
            band.holder if isinstance(band, Held) else f"({band.why})",
            (band.since - NOON).total_seconds(),
            (band.until - NOON).total_seconds() if band.until else None,
        )
        for band in found
    ]


A, B = {"acquired": at(-900), "transitions": 3}, {"acquired": at(60), "transitions": 4}

CASES = {
    "one holder, who held it before": ([seen("a", 0, 50, 10, **A)], [("a", 0, None)]),
    "a takeover is when the new holder says, if that fits between the records": (
        [seen("a", 0, 50, 10, **A), seen("b", 70, 90, 20, **B)],
        [("a", 0, 60), ("b", 60, None)],
    ),
    "a holder's clock that is behind counts no further than the last record before": (
        [seen("a", 0, 50, 10, **A), seen("b", 70, 90, 20, acquired=at(-5), transitions=4)],
        [("a", 0, 50), ("b", 50, None)],
    ),
    "a holder's clock that is ahead counts no further than the first record after": (
        [seen("a", 0, 50, 10, **A), seen("b", 70, 90, 20, acquired=at(500), transitions=4)],
        [("a", 0, 70), ("b", 70, None)],
    ),
    "a Lease without acquireTime is taken over when that was first seen": (
        [seen("a", 0, 50, 10), seen("b", 70, 90, 20)],
        [("a", 0, 70), ("b", 70, None)],
    ),
    "a holder that comes back holds it twice": (
        [seen("a", 0, 50, 10, **A), seen("b", 70, 90, 20, **B), seen("a", 99, 99, 30, acquired=at(95), transitions=5)],
        [("a", 0, 60), ("b", 60, 95), ("a", 95, None)],
    ),
    "revisions tell the order where a webhook's clock is ahead": (
        [seen("b", 5, 90, 20, acquired=at(55), transitions=4), seen("a", 10, 80, 10, **A)],
        [("a", 5, 55), ("b", 55, None)],
    ),
    "without revisions the webhook's time tells the order": (
        [seen("b", 70, 90, None, **B), seen("a", 0, 50, None, **A)],
        [("a", 0, 60), ("b", 60, None)],
    ),
    "an outage is a gap, and its holder is the same afterwards": (
        [seen("a", 0, 50, 10, **A), gap(Shown.UNREADABLE, 55, 65), seen("a", 70, 90, 20, **A)],
        [("a", 0, 55), ("(unreadable)", 55, 70), ("a", 70, None)],
    ),
    "a Lease that was deleted": (
        [seen("a", 0, 50, 10, **A), gap(Shown.ABSENT, 55, 65), seen("b", 70, 90, 20, acquired=at(68), transitions=0)],
        [("a", 0, 55), ("(absent)", 55, 68), ("b", 68, None)],
    ),
    "a release is when the Lease says": (
        [
            seen("a", 0, 50, 10, **A),
            seen("", 58, 59, 11, shown=Shown.UNHELD, acquired=at(54), renewed=at(54), transitions=3),
            seen("b", 70, 90, 20, **B),
        ],
        [("a", 0, 54), ("(unheld)", 54, 60), ("b", 60, None)],
    ),
    "an expired Lease has no holder from when it ran out by the webhook's clock": (
        [
            seen("a", 0, 50, 10, **A),
            seen("a", 55, 58, 10, shown=Shown.EXPIRED, ended=at(52), **A),
            seen("b", 70, 90, 20, **B),
        ],
        [("a", 0, 52), ("(expired)", 52, 60), ("b", 60, None)],
    ),
    "a holder that renews again after it ran out holds it again": (
        [
            seen("a", 0, 50, 10, **A),
            seen("a", 55, 58, 10, shown=Shown.EXPIRED, ended=at(52), **A),
            seen("a", 61, 90, 11, **A),
        ],
        [("a", 0, 52), ("(expired)", 52, 61), ("a", 61, None)],
    ),
    "a replica that saw the renewal later does not bring the holder back": (
        [
            seen("a", 0, 50, 10, **A),
            seen("a", 55, 56, 10, shown=Shown.EXPIRED, ended=at(52), **A),
            seen("a", 57, 57, 10, **A),
            seen("a", 58, 59, 10, shown=Shown.EXPIRED, ended=at(57.5), **A),
        ],
        [("a", 0, 52), ("(expired)", 52, None)],
    ),
    "gates are apart": (
        [seen("a", 0, 50, 10, **A), seen("b", 20, 30, 11, gate="ns/other", **A)],
        [("a", 0, None), ("b", 0, None)],
    ),
    "nothing": ([], []),
}


@pytest.mark.parametrize("name", CASES)
def test_bands(name: str) -> None:
    """Each case as its name says."""
    evidence, expected = CASES[name]
    assert told(bands(evidence)) == expected


def test_the_time_that_was_asked_for_cuts_the_first_band() -> None:
    """A holder of long ago is shown from then on, and what the Lease said of it is kept."""
    found = bands([seen("a", 10, 50, 10, **A)], since=at(-30))
    assert told(found) == [("a", -30, None)]
    assert isinstance(found[0], Held)
    assert found[0].acquired == at(-900)
    assert found[0].seen == at(50)


PIECES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "unheld", "absent", "unreadable", "expired"]),
        st.integers(0, 30),
        st.integers(-40, 40),
        st.integers(0, 20),
    ),
    min_size=1,
    max_size=12,
)


@given(PIECES, st.integers(-25, 25))
def test_bands_are_in_order_without_overlap_and_reach_all_evidence(
    pieces: list[tuple[str, int, int, int]], skew: int
) -> None:
    """Whatever the clocks say: bands follow each other, and no evidence begins before them or ends after the last."""
    evidence, now = [], 0.0
    for version, (what, length, clock, pause) in enumerate(pieces):
        first, last = now, now + length
        if what in ("absent", "unreadable"):
            evidence.append(gap(Shown(what), first, last))
        else:
            shown = Shown(what) if what in ("unheld", "expired") else Shown.HELD
            holder = "" if what == "unheld" else what[0]
            fields = {"acquired": at(first + clock), "transitions": version, "ended": at(first + clock)}
            apart = skew if version % 2 else 0
            evidence.append(seen(holder, first + apart, last + apart, version, shown=shown, **fields))
        now = last + pause
    found = bands(evidence)
    assert found[0].since >= min(piece.first for piece in evidence)
    for band, following in pairwise(found):
        assert band.since <= band.until == following.since
    assert found[-1].until is None
    assert sum(band.records for band in found) == sum(piece.records for piece in evidence)
    if not skew:
        for piece in evidence:
            name = piece.holder if piece.shown is Shown.HELD else f"({piece.shown})"
            within = [
                one for one in found if one.since <= piece.first and (one.until is None or piece.last <= one.until)
            ]
            assert name in [one for one, _, _ in told(within)]


def change(before: Evidence, *rest: Evidence) -> tuple[str, str, int, str]:
    """The one takeover in this evidence."""
    (found,) = takeovers(bands([before, *rest]))
    return found.of, found.to, found.unseen, found.why


def test_a_takeover_of_a_lease_that_ran_out() -> None:
    """What let the new one in is the silence of the old one."""
    old = seen("a", 0, 50, 10, renewed=at(40), duration=15, **A)
    gone = seen("a", 56, 57, 10, shown=Shown.EXPIRED, ended=at(55), **A)
    assert change(old, gone, seen("b", 70, 90, 20, **B)) == ("a", "b", 0, "not renewed for 20 s: it had run out")


def test_a_takeover_soon_after_a_renewal() -> None:
    """Nothing ran out: it was handed over, or somebody edited the Lease."""
    old = seen("a", 0, 59, 10, renewed=at(58), duration=15, **A)
    assert change(old, seen("b", 70, 90, 20, **B))[3] == "2.0 s after a renewal: handed over, or edited"


def test_a_takeover_long_after_the_last_record() -> None:
    """That the old one was silent is not known: it may have renewed while nobody wrote."""
    old = seen("a", 0, 10, 10, renewed=at(9), duration=15, **A)
    assert change(old, seen("b", 70, 90, 20, **B))[3] == "the records do not tell why"


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (Shown.UNHELD, "it was released"),
        (Shown.ABSENT, "the Lease had been deleted"),
        (Shown.UNREADABLE, "while the Lease could not be read"),
    ],
)
def test_a_takeover_across_a_gap(shown: Shown, why: str) -> None:
    """The gap says why."""
    low = 11 if shown is Shown.UNHELD else None
    between = seen("", 52, 58, low, shown=shown)
    assert change(seen("a", 0, 50, 10, **A), between, seen("b", 70, 90, 20, **B))[3] == why


def test_transitions_that_jump_are_takeovers_that_nobody_saw() -> None:
    """leaseTransitions counts them."""
    later = seen("b", 70, 90, 20, acquired=at(60), transitions=7)
    assert change(seen("a", 0, 50, 10, **A), later) == (
        "a", "b", 3, "leaseTransitions +4: acquired 3 more times, unseen",
    )  # fmt: skip


def test_a_holder_that_lost_it_unseen_and_got_it_back() -> None:
    """Two transitions between one holder and itself are one at least that nobody saw."""
    later = seen("a", 70, 90, 20, acquired=at(60), transitions=5)
    assert change(seen("a", 0, 50, 10, **A), later)[:3] == ("a", "a", 1)


def test_a_holder_that_released_it_and_took_it_again_is_no_takeover() -> None:
    """Acquiring after a release raises leaseTransitions by one."""
    released = seen("", 52, 58, 11, shown=Shown.UNHELD)
    again = seen("a", 70, 90, 20, acquired=at(60), transitions=4)
    assert takeovers(bands([seen("a", 0, 50, 10, **A), released, again])) == []


def test_transitions_that_fall_hide_nothing() -> None:
    """A Lease that was made anew counts from zero."""
    later = seen("b", 70, 90, 20, acquired=at(60), transitions=0)
    assert change(seen("a", 0, 50, 10, **A), later)[2] == 0


@pytest.fixture
def engine(tmp_path: Path) -> Iterable[duckdb.DuckDBPyConnection]:
    """DuckDB."""
    with trail.connect(tmp_path / "spill") as connection:
        yield connection


def test_the_holders_of_a_night(engine: duckdb.DuckDBPyConnection) -> None:
    """What the night's script says comes out of its records, gaps and the takeovers that nobody saw included."""
    lines = list(night(20_000, gates=1))
    holders = [json.loads(one)["lease"]["holder"] for one in lines if json.loads(one)["lease"]]
    letters = {holder: "abc"[index] for index, holder in enumerate(dict.fromkeys(filter(None, holders)))}
    found = all_bands(engine, trail.batch(lines), Filter())
    assert [letters[band.holder] if isinstance(band, Held) else band.why.value for band in found] == [
        "a", "expired", "b", "unheld", "c", "unreadable", "c", "expired", "c", "a", "c", "absent", "b",
    ]  # fmt: skip
    changes = takeovers(found)
    assert [(letters[one.of], letters[one.to], one.unseen) for one in changes] == [
        ("a", "b", 0), ("b", "c", 0), ("c", "a", 0), ("a", "c", 2), ("c", "b", 0),
    ]  # fmt: skip
    assert changes[0].at == START + timedelta(seconds=11_422.2)
    assert [band.holder for band in held(engine, trail.batch(lines), Filter())] == [
        band.holder for band in found if isinstance(band, Held)
    ]


def test_routine_rejections_are_evidence_whatever_is_asked_for(engine: duckdb.DuckDBPyConnection) -> None:
    """A filter by pod narrows what is shown, not what is known of the Lease."""
    lines = list(night(3000, gates=1))
    everything = all_bands(engine, trail.batch(lines), Filter())
    assert all_bands(engine, trail.batch(lines), Filter(pod=("nobody",), reason=("NoPodIdentity",))) == everything


def test_a_filter_by_time_and_gate_cuts_the_bands(engine: duckdb.DuckDBPyConnection) -> None:
    """Bands begin where the time does, end open, and are of the gates that were asked for."""
    since, until = START + timedelta(hours=3), START + timedelta(hours=3, minutes=20)
    found = all_bands(engine, trail.batch(night(8000)), Filter(since=since, until=until, gate=("shop/*",)))
    assert {band.gate for band in found} == {"shop/orders-operator"}
    assert found[0].since == since
    assert found[-1].until is None
    assert [band.holder.partition("_")[0] for band in found if isinstance(band, Held)] == list(
        dict.fromkeys(band.holder.partition("_")[0] for band in found if isinstance(band, Held))
    )


def test_what_one_replica_could_read_is_no_outage(engine: duckdb.DuckDBPyConnection) -> None:
    """While one of two replicas fails to read the Lease, the other one's records tell who held it."""
    template = next(json.loads(one) for one in night(5, gates=1))
    lines = []
    for second in range(20):
        record = template | {"time": at(second).isoformat()}
        lines.append(record)
        lines.append(
            record | {"time": at(second + 0.5).isoformat(), "verdict": "Indeterminate", "reason": "LeaseUnreadable",
                      "lease": None, "standing": None}
        )  # fmt: skip
    (only,) = all_bands(engine, trail.batch(json.dumps(one).encode() for one in lines), Filter())
    assert isinstance(only, Held)
    assert only.records == 20


def test_a_record_that_tells_nothing_of_the_lease_is_no_gap(engine: duckdb.DuckDBPyConnection) -> None:
    """Somebody who is no service account is turned away whatever the Lease says: no Lease there means no evidence."""
    record = next(json.loads(one) for one in night(5, gates=1)) | {"reason": "NotServiceAccount", "lease": None}
    assert all_bands(engine, trail.batch([json.dumps(record).encode()]), Filter()) == []


def test_two_outages_are_two_gaps(engine: duckdb.DuckDBPyConnection) -> None:
    """What lies between them is known."""
    template = next(json.loads(one) for one in night(5, gates=1))
    blind = {"verdict": "Indeterminate", "reason": "LeaseUnreadable", "lease": None, "standing": None}
    lines = [
        template | {"time": at(10 * second).isoformat()} | (blind if second in (2, 5) else {}) for second in range(8)
    ]
    found = all_bands(engine, trail.batch(json.dumps(one).encode() for one in lines), Filter())
    assert [isinstance(band, Gap) for band in found] == [False, True, False, True, False]
