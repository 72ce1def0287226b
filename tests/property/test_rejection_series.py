"""Whatever rejections come: Events are bounded in any span of time, memory is, and no rejection goes uncounted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from leadergate.events.event import Denial, ObjectName, Report, manifest
from leadergate.events.series import Limits, RejectionSeries
from leadergate.model import LeaseKey, Mode, Standing

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = Limits(
    burst=2, seconds=16, process_burst=4, process_seconds=8, reserve=1, fold=4, forget=32, gates=6, objects=3
)


class Step(NamedTuple):
    """So many seconds later, rejections come; then the timer looks for what is due, or does not."""

    seconds: int
    gate: str
    standing: Standing
    names: list[str]
    look: bool
    fails: bool


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from([0, 0, 1, 3, 8, 40]),
        st.sampled_from("abcdefgh"),
        st.sampled_from([Standing.FORMER_HOLDER, Standing.STRANGER]),
        st.lists(st.sampled_from(["x", "y", "z", "u", "v"]), max_size=8),
        st.booleans(),
        st.booleans(),
    ),
    max_size=60,
)


@dataclass(frozen=True)
class Made:
    """An Event, and when it was made."""

    at: int
    report: Report


def run(plan: list[Step]) -> tuple[RejectionSeries, list[Made], int, int]:
    """The Events that came about, how many were made in all, and how many rejections there were."""
    series, now, offered = RejectionSeries(0.0, LIMITS), 0, 0
    made: list[Made] = []
    lost: list[Made] = []
    for step in plan:
        now += step.seconds
        reports: list[Report] = []
        for name in step.names:
            target = ObjectName("g", "v1", "Thing", "shop", name)
            one = Denial(
                LeaseKey("shop", step.gate), Mode.ENFORCE, step.standing, target, "p", "q", "no",
                NOON + timedelta(seconds=now),
            )  # fmt: skip
            offered += 1
            report = series.rejected(one, lambda name=name: f"uid-of-{name}", now)  # type: ignore[misc]
            reports += [report] if report is not None else []
        if step.look:
            reports += series.due(now)
        for report in reports:
            if step.fails:
                lost.append(Made(now, report))
                series.put_back(report, now)
            else:
                made.append(Made(now, report))
    all_of_them = sorted(made + lost, key=lambda one: one.at)
    must_be_bounded(all_of_them)
    return series, made, len(all_of_them), offered


def must_be_bounded(made: list[Made]) -> None:
    """In any span of time: for the process, for strangers, and for a gate and standing that is not shared."""
    strangers = [one for one in made if one.report.denial.standing is Standing.STRANGER]
    for some, burst, seconds in (
        (made, LIMITS.process_burst, LIMITS.process_seconds),
        (strangers, LIMITS.process_burst - LIMITS.reserve, LIMITS.process_seconds),
    ):
        for first, one in enumerate(some):
            for last in range(first, len(some)):
                assert last - first + 1 <= burst + (some[last].at - one.at) / seconds
    by_gate: dict[tuple[LeaseKey, Standing], list[int]] = {}
    for one in made:
        by_gate.setdefault((one.report.denial.gate, one.report.denial.standing), []).append(one.at)
    for times in by_gate.values():
        for first, begin in enumerate(times):
            for last in range(first, len(times)):
                # Twice: a gate may have gone over to the account that gates beyond the bound share, and back.
                assert last - first + 1 <= 2 * (LIMITS.burst + (times[last] - begin) / LIMITS.seconds)


@given(steps)
def test_events_are_bounded_and_nothing_goes_uncounted(plan: list[Step]) -> None:
    """Also when Events fail: what they told is told by others."""
    series, made, _, offered = run(plan)
    assert sum(one.report.count + one.report.others for one in made) + series.waiting() == offered


@given(steps)
def test_in_the_end_everything_is_told(plan: list[Step]) -> None:
    """Once it is quiet, the timer alone tells the rest: nothing waits for a rejection that may never come."""
    series, made, _, offered = run(plan)
    late = [report for minute in range(1, 60) for report in series.due(10_000.0 + 60 * minute)]
    assert series.waiting() == 0
    assert sum(one.report.count + one.report.others for one in made) + sum(r.count + r.others for r in late) == offered
    assert series.due(100_000.0) == []


@given(steps)
def test_the_memory_is_bounded(plan: list[Step]) -> None:
    """So many gates, and so many series of each."""
    series, *_ = run(plan)
    assert len(series._gates) <= LIMITS.gates
    assert all(len(gate.series) <= LIMITS.objects for gate in series._gates.values())


@given(steps)
def test_numbers_and_times_make_sense(plan: list[Step]) -> None:
    """Objects are no more than rejections; nothing ended before it began; every Event has its object's own uid."""
    for _, report in [(one.at, one.report) for one in run(plan)[1]]:
        assert report.count + report.others > 0
        assert 0 <= report.objects <= report.others
        assert (report.others == 0) == (report.others_since is None)
        assert report.since <= report.last
        assert report.others_since is None or report.others_since <= report.last
        assert report.uid == f"uid-of-{report.denial.target.name}"


texts = st.text(max_size=3000) | st.text(alphabet="\x00\x1b\n\r\u202e\ud800é€😀'\";=<", max_size=3000)


@given(texts, texts, st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 64))
def test_the_message_is_safe_whatever_the_names(name: str, message: str, count: int, others: int, objects: int) -> None:
    """At most 1,024 bytes without a control character, and the Event's own name is one that the API takes."""
    target = ObjectName("g", "v1", "Thing", "shop", name)
    one = Denial(LeaseKey("shop", "a"), Mode.ENFORCE, Standing.STRANGER, target, "p", "q", message, NOON, NOON)
    report = Report(one, "u", count, NOON, NOON, others, objects, exact=False, others_since=NOON if others else None)
    event = manifest(report, "webhook-0", "ab12")
    note = event["message"]
    assert len(note.encode()) <= 1024
    assert note.isprintable()
    assert event["involvedObject"]["name"].isprintable()
    assert not others or f"and {others} more rejection" in note
    own = event["metadata"]["name"]
    assert own.endswith(".ab12")
    assert len(own) <= 253
    assert all(part.isascii() and part == part.lower() and part.strip("-") == part for part in own.split("."))
