"""Which rejections make an Event at once, and how the rest is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from leadergate.events.event import Denial, Report
from leadergate.events.series import Limits, RejectionSeries
from leadergate.model import LeaseKey, Mode, Standing

from .rejections import NOON, denial

FEW = Limits(burst=3, seconds=100, process_burst=10, process_seconds=10, reserve=0, fold=60, forget=600)


class Scene:
    """A series of its own, and what of the objects' uids it asked for."""

    def __init__(self, limits: Limits = FEW) -> None:
        self.series = RejectionSeries(0.0, limits)
        self.asked: list[str] = []

    def reject(self, one: Denial, now: float = 0.0) -> Report | None:
        """One rejection."""
        return self.series.rejected(one, self._uid(one), now)

    def _uid(self, one: Denial) -> Callable[[], str]:
        def ask() -> str:
            self.asked.append(one.target.name)
            return f"uid-of-{one.target.name}"

        return ask


def told(report: Report | None) -> tuple[str, str, int, int, int, bool] | None:
    """What an Event tells, without its times."""
    if report is None:
        return None
    return (
        report.denial.target.name,
        report.uid,
        report.count,
        report.others,
        report.objects,
        report.exact,
    )


def test_the_first_rejection_makes_an_event_at_once() -> None:
    """It stands for itself alone."""
    one = denial(after=3)
    assert Scene().reject(one, 3.0) == Report(one, "uid-of-thing", 1, one.at, one.at)


def test_repeats_are_told_together() -> None:
    """Once they have been gathered for the time set, as a count with the times of the first and the last."""
    scene = Scene()
    assert scene.reject(denial()) is not None
    assert [scene.reject(denial(after=n), n) for n in (1, 2, 30)] == [None] * 3
    assert scene.series.due(60.9) == []
    assert scene.series.waiting() == 3
    (report,) = scene.series.due(61.0)
    assert told(report) == ("thing", "uid-of-thing", 3, 0, 0, True)
    assert (report.since, report.last) == (NOON + timedelta(seconds=1), NOON + timedelta(seconds=30))
    assert scene.series.waiting() == 0
    assert scene.series.due(1000.0) == []
    assert scene.asked == ["thing"]


@pytest.mark.parametrize(
    "other",
    [
        denial("other"),
        denial(requester="operator-2"),
        denial(holder="operator-2"),
        denial(mode=Mode.AUDIT),
        denial(standing=Standing.STRANGER),
        denial(gate=LeaseKey("shop", "other")),
    ],
    ids=["object", "requester", "holder", "mode", "standing", "gate"],
)
def test_what_is_another_rejection(other: Denial) -> None:
    """Another object, requester, holder, mode, standing or gate is news."""
    scene = Scene()
    assert scene.reject(denial()) is not None
    assert scene.reject(other) is not None


def test_a_series_that_was_quiet_is_news_again() -> None:
    """After the time set."""
    scene = Scene()
    scene.reject(denial())
    assert scene.reject(denial(after=599), 599.0) is None
    (report,) = scene.series.due(700.0)
    assert report.count == 1
    assert told(scene.reject(denial(after=1300), 1300.0)) == ("thing", "uid-of-thing", 1, 0, 0, True)


def test_a_storm_over_many_objects() -> None:
    """Two Events, and a third for all the others' numbers; from then on one for each token."""
    scene = Scene()
    first = [scene.reject(denial(f"o{n}", after=n / 1000), n / 1000) for n in range(40)]
    assert [told(one) for one in first if one is not None] == [
        ("o0", "uid-of-o0", 1, 0, 0, True),
        ("o1", "uid-of-o1", 1, 0, 0, True),
    ]
    assert scene.series.due(59.0) == []
    (late,) = scene.series.due(61.0)
    # Of those that wait, none has a uid: the last that was told stands for them.
    assert told(late) == ("o1", "uid-of-o1", 0, 38, 38, True)
    assert late.last == NOON + timedelta(seconds=0.039)
    assert scene.asked == ["o0", "o1"]
    again = [scene.reject(denial(f"o{n}", after=62), 62.0) for n in range(40)]
    assert again == [None] * 40
    assert [told(one) for now in (99, 123, 150, 190) for one in scene.series.due(float(now))] == [
        ("o0", "uid-of-o0", 1, 39, 39, True)
    ]


def test_news_takes_along_what_waits() -> None:
    """The next rejection that finds a token tells what has no series told, and counts each object once."""
    scene = Scene()
    for n in range(4):
        scene.reject(denial(f"o{n}"))
        scene.reject(denial(f"o{n}"))
    report = scene.reject(denial("new", after=100), 100.0)
    # Those of o0 and o1, which were told, have an Event of their own to come.
    assert told(report) == ("new", "uid-of-new", 1, 4, 2, True)
    assert scene.series.waiting() == 2


def test_more_objects_than_are_remembered() -> None:
    """Are counted as rejections all the same; of the objects there are then at least so many."""
    scene = Scene(Limits(burst=1, seconds=100, process_burst=10, objects=3))
    for n in range(10):
        scene.reject(denial(f"o{n}"))
    assert told(scene.reject(denial("new", after=100), 100.0)) == ("new", "uid-of-new", 1, 9, 2, False)


def test_while_there_are_tokens_each_object_has_its_own_count() -> None:
    """Only the last token's Event takes the others along."""
    scene = Scene(Limits(burst=4, seconds=1000, process_burst=10, reserve=0, fold=60))
    for name in ("a", "b"):
        for _ in range(3):
            scene.reject(denial(name))
    assert [told(one) for one in scene.series.due(60.0)] == [
        ("a", "uid-of-a", 2, 0, 0, True),
        ("b", "uid-of-b", 2, 0, 0, True),
    ]


def test_strangers_take_nothing_from_former_holders() -> None:
    """Neither the gate's tokens nor the last ones of the process."""
    scene = Scene(Limits(burst=5, process_burst=6, process_seconds=1000, reserve=2))
    strangers = [
        scene.reject(denial(f"o{n}", standing=Standing.STRANGER, gate=LeaseKey("shop", f"g{n}"))) for n in range(9)
    ]
    assert len([one for one in strangers if one is not None]) == 4
    assert scene.reject(denial("one")) is not None
    assert scene.reject(denial("two")) is not None
    assert scene.reject(denial("three")) is None


def test_the_process_has_a_bound_of_its_own() -> None:
    """However many gates there are; the first that waits at a gate is asked for its uid, so that it can be told."""
    scene = Scene(Limits(burst=5, process_burst=2, process_seconds=50, reserve=0))
    made = [scene.reject(denial(f"o{n}", gate=LeaseKey("shop", f"g{n}"))) for n in range(4)]
    assert [one is not None for one in made] == [True, True, False, False]
    assert scene.asked == ["o0", "o1", "o2", "o3"]
    assert [told(one) for one in scene.series.due(100.0)] == [
        ("o2", "uid-of-o2", 1, 0, 0, True),
        ("o3", "uid-of-o3", 1, 0, 0, True),
    ]


def test_gates_beyond_the_bound_share_one_account() -> None:
    """Their rejections are counted and told as well; idle gates make room."""
    limits = Limits(burst=1, seconds=10, process_burst=100, reserve=0, forget=20, gates=5)
    scene = Scene(limits)
    gates = [LeaseKey("shop", f"g{n}") for n in range(4)]
    made = [scene.reject(denial(f"o{n}", gate=gate)) for n, gate in enumerate(gates)]
    assert [one is not None for one in made] == [True, True, True, False]
    assert scene.series.waiting() == 1
    assert told(scene.reject(denial("o3", gate=gates[3]), 10.0)) == ("o3", "uid-of-o3", 2, 0, 0, True)
    assert scene.reject(denial("o4", gate=gates[3]), 10.0) is None
    scene.series.due(90.0)
    assert scene.reject(denial("o5", gate=LeaseKey("shop", "late")), 100.0) is not None


def test_an_event_that_did_not_come_about_is_told_later() -> None:
    """Its own count with its series, the others' as others."""
    scene = Scene()
    first = scene.reject(denial())
    assert first is not None
    scene.series.put_back(first, 1.0)
    scene.reject(denial(after=2), 2.0)
    assert scene.series.waiting() == 2
    (report,) = scene.series.due(61.0)
    assert told(report) == ("thing", "uid-of-thing", 2, 0, 0, True)
    scene.series.put_back(Report(denial(), "u", 0, NOON, NOON, others=7, objects=3, others_since=NOON), 62.0)
    (report,) = scene.series.due(200.0)
    assert told(report) == ("thing", "uid-of-thing", 0, 7, 0, False)
