"""Sending one nudge: what the API server's answers mean, and what failures do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from leadergate.change import Change
from leadergate.model import LeaseKey, Requester, Resource, Write
from leadergate.nudge import ANNOTATION, MAX_TRIES, Nudge, Outcome
from leadergate.nudge_sender import PATCH_SECONDS, NudgeSender
from leadergate.stuck import StuckObjects
from leadergate_election.connection import ApiAnswer, Unreachable

from .conftest import Run

LEASE = LeaseKey("shop", "operator")


def reject(memory: StuckObjects, name: str) -> None:
    """A write of this object was rejected."""
    requester = Requester("u", "1", "shop", "operator", "b", "p", None, "c")
    write = Write("review", "UPDATE", Resource("g", "v1", "things"), "status", "shop", name, False, requester)
    memory.rejected(LEASE, write, Change("7", hash(b'"as it was"'), differs=True), "a", 0.0)


def shown(version: str = "8", status: str = "as it was", mark: str = "", *, deleting: bool = False) -> ApiAnswer:
    """The object, as a patch is answered."""
    metadata = {"resourceVersion": version, "annotations": {ANNOTATION: mark} if mark else {}}
    if deleting:
        metadata["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    return ApiAnswer(200, json.dumps({"metadata": metadata, "status": status}).encode())


@dataclass
class Connection:
    """Gives the answers that it was given, one after the other; then none, ever."""

    answers: list[ApiAnswer | Exception]
    sent: list[tuple[float, bytes]] = field(default_factory=list)

    async def request(self, method: str, path: str, body: bytes | None = None, *, content_type: str = "") -> ApiAnswer:
        """Answer."""
        assert (method, content_type) == ("PATCH", "application/merge-patch+json")
        assert path == "/apis/g/v1/namespaces/shop/things/thing?fieldManager=leadergate-nudge"
        self.sent.append((round(asyncio.get_running_loop().time(), 3), body or b""))
        if not self.answers:
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class One:
    """One nudge of object ``thing``, and the API server's answers to it."""

    def __init__(self, *answers: ApiAnswer | Exception) -> None:
        self.memory, self.connection = StuckObjects(10), Connection(list(answers))
        reject(self.memory, "thing")
        ((self.key, self.stuck),) = self.memory.due(LEASE, "b", 1.0)
        loop = asyncio.get_running_loop()
        self.sender = NudgeSender(self.memory, self.connection, per_second=1000.0, clock=loop.time)
        self.needed = True

    async def outcome(self) -> Outcome | None:
        """What comes of it."""
        return await self.sender.nudge(Nudge(self.key, self.stuck, 1, "b/1/"), lambda: self.needed)


CONFLICT = ApiAnswer(409, b"")


@pytest.mark.parametrize(
    ("answers", "outcome", "left"),
    [
        pytest.param([shown("8")], "nudged", 1, id="at once"),
        pytest.param([ApiAnswer(404, b"")], "gone", 0, id="not there"),
        pytest.param([CONFLICT, ApiAnswer(404, b"")], "gone", 0, id="gone meanwhile"),
        pytest.param([CONFLICT, shown(status="new")], "moved-on", 0, id="its status was written"),
        pytest.param([CONFLICT, shown(deleting=True)], "moved-on", 0, id="about to go"),
        pytest.param([CONFLICT, shown(mark="b/1/")], "already", 1, id="by another replica"),
        pytest.param([CONFLICT, shown(mark="a/0/"), shown("9")], "nudged", 1, id="labelled meanwhile"),
        pytest.param([CONFLICT, shown()] * MAX_TRIES, "failed", 1, id="ever again"),
        pytest.param([CONFLICT, ApiAnswer(200, b"{}")], "failed", 1, id="no object"),
        pytest.param([ApiAnswer(403, b"nonsense")], "forbidden", 1, id="forbidden"),
        pytest.param([ApiAnswer(400, b'{"message": "no"}')], "failed", 1, id="refused"),
        pytest.param(
            [ApiAnswer(500, b""), ApiAnswer(401, b""), ApiAnswer(429, b"", 1.0), shown()], "nudged", 1, id="at last"
        ),
        pytest.param([ApiAnswer(503, b"")] * MAX_TRIES, "failed", 1, id="never"),
        pytest.param([Unreachable("no")], "unanswered", 1, id="out of reach"),
        pytest.param([CONFLICT, Unreachable("no")], "unanswered", 1, id="out of reach meanwhile"),
    ],
)
def test_what_an_answer_means(in_virtual_time: Run, answers: list[ApiAnswer], outcome: str, left: int) -> None:
    """No more is sent than it takes; what is done with is forgotten."""

    async def scenario() -> None:
        one = One(*answers)
        assert await one.outcome() == outcome
        assert (one.connection.answers, len(one.memory)) == ([], left)

    in_virtual_time(scenario())


def test_each_patch_is_for_the_revision_that_is_known(in_virtual_time: Run) -> None:
    """First the one at the rejection, then the one that was seen, and that stays for a further takeover."""

    async def scenario() -> None:
        one = One(CONFLICT, shown("8"), shown("9"))
        assert await one.outcome() is Outcome.NUDGED
        bodies = [json.loads(body) for _, body in one.connection.sent]
        assert bodies[1] == {}
        assert [body["metadata"]["resourceVersion"] for body in (bodies[0], bodies[2])] == ["7", "8"]
        assert one.stuck.resource_version == "9"

    in_virtual_time(scenario())


def test_back_off_between_attempts(in_virtual_time: Run) -> None:
    """Longer each time, and as long as the API server asks."""

    async def scenario() -> None:
        one = One(ApiAnswer(500, b""), ApiAnswer(429, b"", 4.0), ApiAnswer(503, b""), shown())
        assert await one.outcome() is Outcome.NUDGED
        assert [at for at, _ in one.connection.sent] == [0.0, 0.5, 4.5, 6.5]

    in_virtual_time(scenario())


def test_what_was_not_answered_is_due_again(in_virtual_time: Run) -> None:
    """Under the same holder, after a bounded time; not so if its write was admitted meanwhile."""

    async def scenario() -> None:
        one = One()
        assert await one.outcome() is Outcome.UNANSWERED
        assert asyncio.get_running_loop().time() == pytest.approx(PATCH_SECONDS)
        assert one.memory.due(LEASE, "b", 2.0) == [(one.key, one.stuck)]
        assert one.memory.due(LEASE, "b", 2.0) == []
        one.memory.moved_on(one.key, one.stuck)
        assert await one.outcome() is Outcome.UNANSWERED
        assert one.memory.due(LEASE, "b", 3.0) == []

    in_virtual_time(scenario())


def test_what_is_no_longer_needed_is_not_repeated(in_virtual_time: Run) -> None:
    """The object's write was admitted while the API server was too busy for the nudge."""

    async def scenario() -> None:
        one = One(ApiAnswer(503, b""))
        running = asyncio.create_task(one.outcome())
        await asyncio.sleep(0.1)
        one.needed = False
        assert await running is None
        assert len(one.connection.sent) == 1

    in_virtual_time(scenario())


def test_a_forged_name_is_never_sent(in_virtual_time: Run) -> None:
    """It is forgotten."""

    async def scenario() -> None:
        memory, connection = StuckObjects(10), Connection([])
        reject(memory, "../../../../api/v1/namespaces/kube-system/secrets/x")
        ((key, stuck),) = memory.due(LEASE, "b", 1.0)
        sender = NudgeSender(memory, connection, per_second=10.0)
        assert await sender.nudge(Nudge(key, stuck, 1, "b/1/"), lambda: True) is Outcome.FAILED
        assert (connection.sent, len(memory)) == ([], 0)

    in_virtual_time(scenario())


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        pytest.param(shown("9"), 1, id="as it was"),
        pytest.param(shown(status="new"), 0, id="its status was written"),
        pytest.param(shown(deleting=True), 0, id="about to go"),
        pytest.param(ApiAnswer(404, b""), 0, id="gone"),
        pytest.param(ApiAnswer(503, b""), 1, id="busy"),
        pytest.param(ApiAnswer(200, b"{}"), 1, id="no object"),
        pytest.param(Unreachable("no"), 1, id="out of reach"),
    ],
)
def test_a_check_forgets_what_was_made_right(in_virtual_time: Run, answer: ApiAnswer | Exception, left: int) -> None:
    """It changes nothing, is sent once, and only while there is need."""

    async def scenario() -> None:
        one = One(answer)
        nudge = Nudge(one.key, one.stuck, 1, "b/1/")
        await one.sender.check(nudge, lambda: False)
        assert one.connection.sent == []
        await one.sender.check(nudge, lambda: True)
        assert ([body for _, body in one.connection.sent], len(one.memory)) == ([b"{}"], left)

    in_virtual_time(scenario())
