"""How often bundles are written when somebody else writes them, too."""

from __future__ import annotations

from leadergate_certs.contest import BURST, CONTESTED_SECONDS, WINDOW_SECONDS, Contest


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def test_a_wiped_bundle_is_put_back_at_once() -> None:
    """A burst of writes is never held back, and nobody is told of a fight."""
    contest = Contest(Clock())
    for _ in range(BURST):
        assert contest.may_write("gate")
        assert not contest.wrote("gate")
    assert contest.may_write("gate")


def test_a_fight_is_told_once_and_slowed_down() -> None:
    """Beyond the burst a configuration is written once a second, and it is told when that begins."""
    clock = Clock()
    contest = Contest(clock)
    told = [contest.wrote("gate") for _ in range(BURST + 1)]
    assert told == [False] * BURST + [True]
    assert not contest.may_write("gate")
    assert contest.seconds() == CONTESTED_SECONDS
    assert contest.may_write("another")
    clock.now += CONTESTED_SECONDS
    assert contest.may_write("gate")
    assert not contest.wrote("gate")
    assert not contest.may_write("gate")


def test_peace_ends_the_pause() -> None:
    """Once the window is over, writes go at once again, and the next fight is told again."""
    clock = Clock()
    contest = Contest(clock)
    for _ in range(BURST + 1):
        contest.wrote("gate")
    clock.now += WINDOW_SECONDS
    assert not contest.wrote("gate")
    assert contest.may_write("gate")
    for _ in range(BURST):
        last = contest.wrote("gate")
    assert last


def test_a_refused_write_is_tried_ever_less_often() -> None:
    """The pause after a refusal doubles up to a minute, and a success ends it."""
    clock = Clock()
    contest = Contest(clock)
    pauses = []
    for _ in range(8):
        contest.refused("gate")
        pauses.append(contest.seconds())
        assert not contest.may_write("gate")
        clock.now += pauses[-1] or 0.0
        assert contest.may_write("gate")
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    contest.wrote("gate")
    contest.refused("gate")
    assert contest.seconds() == 1
