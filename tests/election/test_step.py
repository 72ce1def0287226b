"""What an elector does next, by what it has seen: the table of the rules."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate_election.lease import Lease
from leadergate_election.step import (
    Acquire,
    Create,
    Look,
    Renew,
    View,
    Wait,
    Yield,
    looked,
    sending,
    stale,
    step,
    wrote,
)

ME, OTHER = "operator-0", "operator-1"
NEW = View(ME, fallback_duration=15.0)


def lease(holder: str | None = OTHER, renewed: str = "t1", version: str = "1", **spec: Any) -> Lease:
    """A Lease of ten seconds."""
    fields = {"holderIdentity": holder, "leaseDurationSeconds": 10, "renewTime": renewed, **spec}
    return Lease({"kind": "Lease", "metadata": {"resourceVersion": version}, "spec": fields})


def holding() -> View:
    """The view of a process that has just taken the Lease at 100."""
    view = sending(looked(NEW, lease(""), 99.0), "t2")
    return wrote(view, lease(ME, "t2", "2"), 100.0)


def test_nothing_known_is_looked_at() -> None:
    """Whoever knows nothing reads first."""
    assert step(NEW, 0.0, leading=False) == Look()
    assert step(stale(looked(NEW, lease(), 1.0)), 1.0, leading=False) == Look()
    assert step(sending(holding(), "t3"), 101.0, leading=True) == Look()


def test_missing_lease_is_created() -> None:
    """A Lease that was never there is made."""
    assert step(looked(NEW, None, 1.0), 1.0, leading=False) == Create()


@pytest.mark.parametrize("holder", ["", None])
def test_released_lease_is_taken_at_once(holder: str | None) -> None:
    """Nobody waits for a Lease that nobody holds."""
    free = lease(holder)
    assert step(looked(NEW, free, 50.0), 50.0, leading=False) == Acquire(free, 0.0)


def test_held_lease_is_waited_for_since_it_was_first_seen() -> None:
    """Another's record is respected for its own duration from the first sight, whatever its renew time says."""
    seen = looked(NEW, lease(renewed="1999-01-01T00:00:00.000000Z"), 50.0)
    assert step(seen, 50.0, leading=False) == Wait(60.0)
    assert step(looked(seen, lease(renewed="1999-01-01T00:00:00.000000Z"), 59.9), 59.9, leading=False) == Wait(60.0)


def test_unrenewed_lease_is_taken_when_its_duration_has_passed() -> None:
    """The very record that was first seen ten seconds ago may be taken."""
    seen = looked(NEW, lease(), 50.0)
    again = looked(stale(seen), lease(), 60.0)
    assert step(again, 60.0, leading=False) == Acquire(lease(), 10.0)


def test_renewal_begins_the_wait_anew() -> None:
    """A new renew time is a sign of life."""
    seen = looked(NEW, lease(), 50.0)
    again = looked(stale(seen), lease(renewed="t2", version="2"), 59.0)
    assert step(again, 60.0, leading=False) == Wait(69.0)


def test_label_is_no_sign_of_life() -> None:
    """A change outside the spec does not renew the Lease, but the write that takes it builds on it."""
    seen = looked(NEW, lease(), 50.0)
    again = looked(stale(seen), lease(version="2"), 60.0)
    assert step(again, 60.0, leading=False) == Acquire(lease(version="2"), 10.0)


def test_lease_without_duration_is_given_our_own() -> None:
    """Where the record does not say, our own duration counts; client-go would take it at once."""
    seen = looked(NEW, lease(leaseDurationSeconds=None), 50.0)
    assert step(seen, 64.9, leading=False) == Wait(65.0)
    assert isinstance(step(seen, 65.0, leading=False), Acquire)


def test_holder_renews_without_a_look() -> None:
    """Its own last write is what it renews."""
    assert step(holding(), 102.0, leading=True) == Renew(lease(ME, "t2", "2"))


def test_leader_yields_to_another_holder() -> None:
    """A leader that finds another's name has lost."""
    view = looked(sending(holding(), "t3"), lease(OTHER, "x", "3"), 103.0)
    assert step(view, 103.0, leading=True) == Yield()
    assert step(view, 103.0, leading=False) == Wait(113.0)


def test_leader_yields_to_a_release_by_hand() -> None:
    """A leader whose name was taken out resigns, and may stand again."""
    free = lease("", "t2", "3")
    view = looked(sending(holding(), "t3"), free, 103.0)
    assert step(view, 103.0, leading=True) == Yield()
    assert step(view, 103.0, leading=False) == Acquire(free, 0.0)


def test_write_whose_answer_was_lost_is_ours() -> None:
    """A record with a renew time that we sent is renewed, though its answer never came."""
    view = sending(holding(), "t3")
    landed = lease(ME, "t3", "3")
    assert step(looked(view, landed, 105.0), 105.0, leading=True) == Renew(landed)
    unchanged = lease(ME, "t2", "2")
    assert step(looked(view, unchanged, 105.0), 105.0, leading=True) == Renew(unchanged)


def test_acquisition_whose_answer_was_lost_is_ours() -> None:
    """So is the write that took the Lease."""
    view = sending(looked(NEW, lease(""), 99.0), "t2")
    landed = lease(ME, "t2", "2")
    assert step(looked(view, landed, 105.0), 105.0, leading=False) == Renew(landed)


def test_record_in_our_name_at_the_first_look_is_ours() -> None:
    """A container that was restarted in its Pod goes on where its predecessor ended."""
    found = lease(ME)
    assert step(looked(NEW, found, 1.0), 1.0, leading=False) == Renew(found)


def test_record_in_our_name_that_we_did_not_write_is_another_s() -> None:
    """Two processes of one identity do not both lead: who finds the other's renewal yields and waits."""
    view = looked(sending(holding(), "t3"), lease(ME, "of the twin", "3"), 103.0)
    assert step(view, 103.0, leading=True) == Yield()
    assert step(view, 103.0, leading=False) == Wait(113.0)


def test_deleted_lease_frees_nobody_early() -> None:
    """When a held Lease vanishes its holder may still believe that it leads, until the record would have expired."""
    gone = looked(stale(looked(NEW, lease(), 50.0)), None, 52.0)
    assert gone.holder == ""
    assert step(gone, 52.0, leading=False) == Wait(60.0)
    assert step(gone, 60.0, leading=False) == Create()


def test_deleted_lease_is_made_again_by_its_holder() -> None:
    """The leader makes it anew and leads on."""
    gone = looked(sending(holding(), "t3"), None, 103.0)
    assert step(gone, 103.0, leading=True) == Create()


def test_lease_that_was_free_when_it_vanished_is_made_at_once() -> None:
    """Nobody held it, so nobody is waited for."""
    gone = looked(stale(looked(NEW, lease(""), 50.0)), None, 52.0)
    assert step(gone, 52.0, leading=False) == Create()


def test_lease_that_comes_back_is_observed_anew() -> None:
    """After an absence even the same record counts from when it is seen again."""
    gone = looked(stale(looked(NEW, lease(), 50.0)), None, 52.0)
    assert step(looked(stale(gone), lease(version="9"), 55.0), 60.0, leading=False) == Wait(65.0)


def test_only_the_latest_writes_are_remembered() -> None:
    """A process that writes for months keeps a bounded memory of it."""
    view = holding()
    for number in range(1000):
        view = sending(view, str(number))
    assert len(view.sent) < 100
    assert view.sent[-1] == "999"
