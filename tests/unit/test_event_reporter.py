"""Posting Events in the background: what is sent, and what every kind of failure comes to."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from leadergate.case import Case
from leadergate.events.metrics import EventMetrics, EventOutcome
from leadergate.events.reporter import END_SECONDS, MOST_QUEUED, POST_SECONDS, EventReporter
from leadergate.events.series import Limits, RejectionSeries
from leadergate.model import (
    Deny,
    Gate,
    Lease,
    LeaseKey,
    LeaseView,
    Mode,
    Reason,
    Requester,
    Resource,
    Standing,
    Write,
)
from leadergate_election.connection import ApiAnswer, Unreachable

from .conftest import Run
from .rejections import LEASE

CREATED = ApiAnswer(201, b"{}")
LIMITS = Limits(burst=2, seconds=100, process_burst=100, process_seconds=1, reserve=0, fold=10)


def case(name: str = "thing", *, dry_run: bool = False, lease: LeaseKey = LEASE) -> Case:
    """One denial of a write to this object."""
    requester = Requester("system:serviceaccount:shop:operator", "1", "shop", "operator", "b", "p", None, "c")
    write = Write("r", "UPDATE", Resource("g", "v1", "things", "Thing"), "status", "shop", name, dry_run, requester)
    reading = LeaseView(Lease("a", "7"), 1.0, expired=False)
    return Case(Gate(Mode.ENFORCE, lease, "shop"), write, reading, Deny(Reason.NOT_HOLDER, "no"), 0.001)


def body(name: str = "thing") -> bytes:
    """What a review's body has of an object."""
    return json.dumps({"request": {"oldObject": {"metadata": {"uid": f"uid-of-{name}"}}}}).encode()


@dataclass
class Connection:
    """Gives the answers that it was given, each after ``seconds``, then says that all is well.

    ``None`` is no answer ever.
    """

    answers: list[ApiAnswer | Exception | None] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    async def request(self, method: str, path: str, body: bytes | None = None) -> ApiAnswer:
        """Answer."""
        assert (method, path) == ("POST", "/api/v1/namespaces/shop/events")
        self.sent.append(json.loads(body or b""))
        await asyncio.sleep(self.seconds)
        answer = self.answers.pop(0) if self.answers else CREATED
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer


@dataclass
class Observed:
    """Counts what it was told."""

    events: Counter[str] = field(default_factory=Counter)
    folded: int = 0

    def event(self, gate: LeaseKey, outcome: EventOutcome) -> None:
        """One Event."""
        self.events[outcome] += 1

    def suppressed(self, gate: LeaseKey) -> None:
        """One rejection without one."""
        self.folded += 1


class Scene:
    """A reporter at work."""

    def __init__(self, *answers: ApiAnswer | Exception | None) -> None:
        loop = asyncio.get_running_loop()
        self.series = RejectionSeries(loop.time(), LIMITS)
        self.connection, self.observed = Connection(list(answers)), Observed()
        self.reporter = EventReporter(self.series, self.connection, self.observed, pod="webhook-0", clock=loop.time)
        self._task = asyncio.create_task(self.reporter.run())

    def reject(self, name: str = "thing", standing: Standing = Standing.FORMER_HOLDER, **more: Any) -> None:
        """One rejection."""
        self.reporter.rejected(case(name, **more), standing, None, body(name))

    def sent(self) -> list[tuple[str, int]]:
        """The objects that Events are about, with their counts."""
        return [(event["involvedObject"]["uid"], event["count"]) for event in self.connection.sent]

    async def stop(self) -> None:
        """Cancel it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def test_an_event_goes_out_at_once_and_repeats_as_a_count(in_virtual_time: Run) -> None:
    """One post for the first rejection, one for the seven that followed it."""

    async def scenario() -> None:
        scene = Scene()
        for _ in range(8):
            scene.reject()
        await asyncio.sleep(0.1)
        assert scene.sent() == [("uid-of-thing", 1)]
        await asyncio.sleep(12)
        assert scene.sent() == [("uid-of-thing", 1), ("uid-of-thing", 7)]
        assert scene.connection.sent[0]["metadata"]["name"] != scene.connection.sent[1]["metadata"]["name"]
        assert scene.observed.events == {"sent": 2}
        assert scene.observed.folded == 7
        await scene.stop()

    in_virtual_time(scenario())


def test_routine_makes_no_event(in_virtual_time: Run) -> None:
    """A follower's rejection and a dry run are neither told nor counted."""

    async def scenario() -> None:
        scene = Scene()
        scene.reject(standing=Standing.FOLLOWER)
        scene.reject(dry_run=True)
        await asyncio.sleep(60)
        assert (scene.connection.sent, scene.observed) == ([], Observed())
        await scene.stop()

    in_virtual_time(scenario())


@pytest.mark.parametrize(
    ("answer", "outcome", "said"),
    [
        (ApiAnswer(403, b'{"message":"not allowed"}'), "forbidden", "answered 403: not allowed; grant"),
        (ApiAnswer(500, b"<html>"), "failed", "answered 500: b'<html>'"),
        (ApiAnswer(429, b"{}"), "failed", "answered 429"),
        (Unreachable("the API server is gone"), "failed", "the API server is gone"),
        (ValueError("nobody foresaw it"), "failed", "nobody foresaw it"),
        (None, "failed", f"no answer within {POST_SECONDS:g} s"),
    ],
)
def test_a_failure_is_counted_and_told_by_the_next_event(
    in_virtual_time: Run,
    answer: ApiAnswer | Exception | None,
    outcome: str,
    said: str,
) -> None:
    """Its rejections are not lost; the log says what is wrong."""

    async def scenario() -> None:
        scene = Scene(answer)
        scene.reject()
        scene.reject()
        await asyncio.sleep(30)
        assert scene.sent() == [("uid-of-thing", 1), ("uid-of-thing", 2)]
        assert scene.observed.events == {outcome: 1, "sent": 1}
        assert scene.series.waiting() == 0
        await scene.stop()

    with capture_logs() as logged:
        in_virtual_time(scenario())
    assert any(said in line.get("fault", "") for line in logged)


ENDING = {
    "message": 'events "thing.1" is forbidden: unable to create new content in namespace shop',
    "details": {"causes": [{"reason": "NamespaceTerminating", "message": "namespace shop is being terminated"}]},
}


@pytest.mark.parametrize(
    "answer",
    [
        ApiAnswer(404, b'{"message":"namespaces \\"shop\\" not found"}'),
        ApiAnswer(403, json.dumps(ENDING).encode()),
    ],
    ids=["gone", "going"],
)
def test_what_will_never_be_taken_is_told_by_the_log(in_virtual_time: Run, answer: ApiAnswer) -> None:
    """An Event for a namespace that is gone, or going, is not tried for ever; no right would help."""

    async def scenario() -> None:
        scene = Scene(answer)
        scene.reject()
        await asyncio.sleep(60)
        assert scene.observed.events == {"refused": 1}
        assert scene.series.waiting() == 0
        await scene.stop()

    with capture_logs() as logged:
        in_virtual_time(scenario())
    assert [(line["event"], line["rejections"]) for line in logged] == [("rejection_event_not_written", 1)]
    assert "grant" not in logged[0]["fault"]


def test_a_queue_that_is_full_drops_nothing_but_the_event(in_virtual_time: Run) -> None:
    """While the API server hangs: the rejection is told later."""

    async def scenario() -> None:
        scene = Scene(None)
        scene.reject("o0", lease=LeaseKey("shop", "l0"))
        await asyncio.sleep(0.1)
        for n in range(1, MOST_QUEUED + 4):
            scene.reject(f"o{n}", lease=LeaseKey("shop", f"l{n}"))
        assert scene.observed.events == {"dropped": 3}
        assert scene.series.waiting() == 3
        await asyncio.sleep(30)
        assert sum(count for _, count in scene.sent()) == MOST_QUEUED + 4 + 1
        assert scene.series.waiting() == 0
        await scene.stop()

    in_virtual_time(scenario())


def test_the_end_tells_what_is_left(in_virtual_time: Run) -> None:
    """Without waiting for more to be gathered."""

    async def scenario() -> None:
        scene = Scene()
        for _ in range(5):
            scene.reject()
        await scene.reporter.end()
        assert scene.sent() == [("uid-of-thing", 1), ("uid-of-thing", 4)]
        await scene.stop()

    in_virtual_time(scenario())


def test_the_end_lets_an_event_go_out_that_is_under_way(in_virtual_time: Run) -> None:
    """Though nothing else is left to be told."""

    async def scenario() -> None:
        scene = Scene()
        scene.connection.seconds = 1.0
        scene.reject()
        await asyncio.sleep(0.1)
        await scene.reporter.end()
        assert scene.observed.events == {"sent": 1}
        await scene.stop()

    in_virtual_time(scenario())


def test_the_end_does_not_wait_for_an_api_server_that_hangs(in_virtual_time: Run) -> None:
    """The log says how many rejections no Event told."""

    async def scenario() -> None:
        scene = Scene(None)
        for _ in range(5):
            scene.reject()
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        await scene.reporter.end()
        assert asyncio.get_running_loop().time() - began == pytest.approx(END_SECONDS)
        await scene.stop()

    with capture_logs() as logged:
        in_virtual_time(scenario())
    assert [(line["event"], line["rejections"]) for line in logged] == [("rejections_untold", 5)]


def test_a_fault_of_ours_never_reaches_the_review(in_virtual_time: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged and counted."""

    async def scenario() -> None:
        scene = Scene()
        monkeypatch.setattr(scene.series, "rejected", lambda *_: 1 / 0)
        scene.reject()
        assert scene.observed.events == {"failed": 1}
        await scene.stop()

    in_virtual_time(scenario())


def test_the_metrics() -> None:
    """By gate, with labels whose values are few."""
    registry = CollectorRegistry()
    metrics = EventMetrics(registry, str, lambda: 7)
    metrics.event(LEASE, EventOutcome.SENT)
    metrics.suppressed(LEASE)
    text = generate_latest(registry).decode()
    assert 'leadergate_rejection_events_total{gate="shop/operator",outcome="sent"} 1.0' in text
    assert 'leadergate_rejection_events_suppressed_total{gate="shop/operator"} 1.0' in text
    assert "leadergate_rejection_events_waiting 7.0" in text
