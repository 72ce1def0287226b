"""Leadership ends by time alone."""

from __future__ import annotations

import threading
import time

from leadergate_election.clock import now
from leadergate_election.leadership import Leadership


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        """Its time."""
        return self.at


def test_nobody_leads_at_first() -> None:
    """A new process does not lead."""
    assert not Leadership().held
    assert Leadership().left == 0.0


def test_it_ends_at_its_moment() -> None:
    """At the deadline it is over, though nothing was called."""
    clock = Hands()
    leadership = Leadership(clock)
    leadership.begin(110.0)
    clock.at = 109.5
    assert leadership.held
    assert leadership.left == 0.5
    clock.at = 110.0
    assert not leadership.held
    assert leadership.left == 0.0


def test_it_can_be_extended_while_it_lasts() -> None:
    """A renewal moves the moment."""
    clock = Hands()
    leadership = Leadership(clock)
    leadership.begin(110.0)
    assert leadership.extend(112.0)
    clock.at = 111.0
    assert leadership.held


def test_what_has_ended_does_not_come_back() -> None:
    """A renewal whose answer comes after the deadline changes nothing."""
    clock = Hands()
    leadership = Leadership(clock)
    leadership.begin(110.0)
    clock.at = 110.0
    assert not leadership.extend(120.0)
    assert not leadership.held
    leadership.begin(120.0)
    leadership.end()
    assert not leadership.extend(130.0)
    assert not leadership.held


def test_it_is_read_from_any_thread() -> None:
    """Another thread sees the end while the one that leads is blocked."""
    leadership = Leadership()
    leadership.begin(now() + 0.05)
    seen: list[bool] = []

    def watch() -> None:
        while leadership.held:
            seen.append(True)
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    watcher.join(30)
    assert seen
    assert not watcher.is_alive()


def test_the_clock_is_one_for_all_processes_and_never_steps() -> None:
    """It stands near the time since boot and only rises."""
    first = now()
    assert 0 < first <= now()
