"""The judge itself: it must see each kind of breach, and see none where there is none."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from leadergate_lab.election.judge import Belief, LeaseState, judge, merged, overlapping
from leadergate_lab.election.ledger import claims, sightings

START = LeaseState(revision=10, holder="a", duration=15, acquired=100.0, renewed=100.0, transitions=0)
RENEWED = replace(START, revision=11, renewed=102.0)
RELEASED = LeaseState(revision=12, holder="", duration=1, acquired=103.0, renewed=103.0, transitions=0)
TAKEN = LeaseState(revision=13, holder="b", duration=15, acquired=104.0, renewed=104.0, transitions=1)
EXPIRED = LeaseState(revision=12, holder="b", duration=15, acquired=117.0, renewed=117.0, transitions=1)


def belief(process: str, start: float, end: float, lease: str = "lock") -> Belief:
    """A belief about the one Lease."""
    return Belief(process, lease, start, end)


def test_release_and_takeover_are_in_order() -> None:
    """A released Lease may be taken at once."""
    verdict = judge([START, RENEWED, RELEASED, TAKEN], [belief("a#1", 0, 10), belief("b#2", 10, 20)])
    assert verdict.findings == []
    assert (verdict.takeovers, verdict.releases, verdict.renewals, verdict.terms) == (1, 1, 1, 2)
    assert verdict.holders == {"a", "b"}


def test_takeover_of_an_expired_lease_is_in_order() -> None:
    """A Lease that was not renewed for its duration may be taken."""
    assert judge([START, RENEWED, EXPIRED], []).findings == []


def test_lease_taken_back_by_the_same_is_no_takeover() -> None:
    """A release and the return of the same holder are no change of leader."""
    back = replace(TAKEN, holder="a")
    verdict = judge([START, RELEASED, back], [])
    assert (verdict.takeovers, verdict.findings) == (0, [])


def test_early_takeover_is_found() -> None:
    """One that comes before the duration has passed since the last renewal is a breach."""
    early = replace(EXPIRED, acquired=116.9, renewed=116.9)
    assert [finding.rule for finding in judge([START, RENEWED, early], []).findings] == ["early"]


def test_two_leaders_are_found() -> None:
    """Two processes that believe in their leadership at the same time are a breach, told with how long."""
    verdict = judge([START], [belief("a#1", 0, 10), belief("b#2", 9.5, 20)])
    assert verdict.count("two") == 1
    assert "0.5000 s both" in verdict.findings[0].text


def test_two_leaders_are_found_in_what_was_seen() -> None:
    """Even if neither wrote it down."""
    seen = [belief("a#1", 0, 10), belief("b#2", 5, 6)]
    verdict = judge([START], [], seen)
    assert (verdict.count("two"), verdict.count("unclaimed")) == (1, 2)


def test_leadership_that_was_not_written_down_is_found() -> None:
    """What was seen must lie within what was claimed, by the very same process."""
    claimed = [belief("a#1", 0, 5), belief("a#1", 5, 10)]
    assert judge([START], claimed, [belief("a#1", 1, 9)]).findings == []
    assert judge([START], claimed, [belief("a#1", 9, 10.1)]).count("unclaimed") == 1
    assert judge([START], claimed, [belief("a#2", 1, 2)]).count("unclaimed") == 1


def test_leaderships_of_different_leases_are_no_breach() -> None:
    """Each Lease has a leader of its own."""
    assert overlapping([belief("a#1", 0, 10), belief("b#2", 5, 15, "other")]) == []


def wrong(old: LeaseState, **changed: Any) -> list[str]:
    """The rules that a record breaks which follows another, with something wrong in it."""
    return [finding.rule for finding in judge([old, replace(RENEWED, **changed)], []).findings]


def test_wrong_records_are_found() -> None:
    """Transitions that rise without a change of holder, an acquire time that moves, a renew time that does not."""
    assert wrong(START) == []
    assert wrong(START, transitions=1) == ["record"]
    assert wrong(START, acquired=101.0) == ["record"]
    assert wrong(START, renewed=100.0) == ["record"]
    assert [finding.rule for finding in judge([START, replace(EXPIRED, transitions=0)], []).findings] == ["record"]
    assert [finding.rule for finding in judge([START, replace(EXPIRED, acquired=100.0)], []).findings] == [
        "early",
        "record",
    ]


def test_own_record_that_expired_may_begin_a_new_term() -> None:
    """A process that waited out a record in its own name begins a term without a transition."""
    assert wrong(START, acquired=115.0, renewed=115.0) == []


def line(process: str, **fields: Any) -> dict[str, Any]:
    """A line of a ledger."""
    return {"process": process, "lease": "lock", **fields}


def test_claims_last_until_their_deadline_or_the_next_line() -> None:
    """A frozen process claims until its deadline; one that goes on, until it says something else."""
    lines = [
        line("a#1", at=1.0, until=11.0),
        line("a#1", at=3.0, until=13.0),
        line("a#1", at=20.0, until=30.0),
        line("a#1", at=21.0, until=None),
    ]
    assert merged(claims(lines)) == [belief("a#1", 1, 13), belief("a#1", 20, 21)]


def test_dead_process_claims_nothing() -> None:
    """A claim ends with the life that made it, and lives are told apart."""
    lines = [line("a#1", at=1.0, until=11.0), {"process": "a#1", "died": 4.0}, line("a#2", at=5.0, until=15.0)]
    assert claims(lines) == [belief("a#1", 1, 4), belief("a#2", 5, 15)]


def test_endless_claim_has_no_end() -> None:
    """One that knows no deadline overlaps with all that comes later."""
    careless = claims([line("a#1", at=1.0, until=math.inf)])
    assert overlapping([*careless, belief("b#2", 1e9, 2e9)]) != []


def test_sightings_are_read() -> None:
    """What the observer wrote is taken as it is."""
    assert sightings([line("a#1", seen=[1.0, 2.0]), line("a#1", at=1.0, until=2.0)]) == [belief("a#1", 1, 2)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 10), st.floats(0, 2)), max_size=25), st.randoms())
def test_order_of_beliefs_does_not_matter(found: list[tuple[str, float, float]], luck: random.Random) -> None:
    """Whether there were two leaders depends on when they believed it, not on the order of the lines."""
    beliefs = [belief(process, start, start + length) for process, start, length in found]
    shuffled = list(beliefs)
    luck.shuffle(shuffled)
    expected = any(
        one.process != other.process and one.start < other.end and other.start < one.end and one.start < other.start
        for one in merged(beliefs)
        for other in merged(beliefs)
    )
    assert bool(overlapping(beliefs)) == bool(overlapping(shuffled))
    if expected:
        assert overlapping(beliefs)
