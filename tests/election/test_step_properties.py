"""Never two leaders, whatever happens to requests, processes and clocks; and a leader, again and again."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.election.simulation import Rules, World

SEEDS = st.integers(min_value=0, max_value=2**32)


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_never_two_leaders(seed: int) -> None:
    """In ten minutes of crashes, freezes, lost and late answers and odd clocks no two processes lead at once."""
    world = World(seed, Rules()).run(600)
    assert world.overlaps == []


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_there_is_a_leader_again_and_again(seed: int) -> None:
    """Bad luck does not end the election: somebody leads in the last two minutes as in the first."""
    world = World(seed, Rules()).run(480)
    before = world.terms
    assert before > 20
    assert world.run(600).terms > before


def test_each_has_its_turn() -> None:
    """In a world as unlucky as that, more than one process comes to lead."""
    holders = {holder for seed in range(10) for holder in World(seed, Rules()).run(600).register.holders}
    assert len(holders - {""}) > 2


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_transitions_count_the_changes_of_holder(seed: int) -> None:
    """``leaseTransitions`` is the number of times that somebody took the Lease from another, or from nobody."""
    register = World(seed, Rules()).run(600).register
    assert register.lease is not None
    changes = sum(old != new and new != "" for old, new in pairwise(register.holders))
    assert register.lease.transitions == changes


def _overlaps(rules: Rules, worlds: int) -> int:
    return sum(bool(World(seed, rules).run(600).overlaps) for seed in range(worlds))


def test_deadline_beyond_the_lease_is_found_out() -> None:
    """The game can be lost: a leader that goes on longer than its Lease meets another."""
    assert _overlaps(Rules(deadline=20.0), 10) > 0


def test_deadline_from_the_answer_is_found_out() -> None:
    """The game can be lost: who counts the deadline from a late answer, and leaves no margin, meets another."""
    assert _overlaps(Rules(deadline=14.0, drift=0.0, from_answer=True), 60) > 0
    assert _overlaps(Rules(deadline=14.0, drift=0.0), 60) == 0


def test_clocks_of_very_different_rates_are_found_out() -> None:
    """The game can be lost: clocks may differ by less than the ratio of lease duration to renew deadline, no more."""
    assert _overlaps(Rules(drift=0.6), 20) > 0
