"""Standard output is a pipe: one that nobody reads for a while, and one that nobody will ever read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from tests.controlplane.team import GROUP, Team

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Answer

from .conftest import MakeTeam, agree, rejected_writes
from .ledger import audited, denied, torn, unrecorded, withheld
from .outputs import FLAGS, PipedWebhook

Pipe = Callable[..., PipedWebhook]


@pytest.fixture(name="pipe")
def a_pipe(plane: ControlPlane, unique: Callable[[str], str]) -> Iterator[Pipe]:
    """Starts a webhook whose standard output is a pipe."""
    started: list[PipedWebhook] = []

    def start(*flags: str) -> PipedWebhook:
        started.append(PipedWebhook(plane, unique("piped"), [*FLAGS, *flags]))
        started[-1].start()
        return started[-1]

    yield start
    for webhook in started:
        webhook.end()


def _gated(team: Team, mode: str = "enforce", *, timeout: int = 30, **entry: object) -> str:
    name = team.gate(mode=mode, timeoutSeconds=timeout, **entry)
    team.make("Note", "other", f"{GROUP}/v1")
    return name


def _holder_writes(team: Team) -> Answer:
    """The holder writes another object, so that the rejected writes stay the first and only reviews of theirs."""
    return team.leader.status(team.note.removesuffix("note") + "other", {"text": "x"})


def _agree(team: Team, name: str, answers: list[Answer]) -> None:
    """All that anybody was told is recorded, and nothing else of that pod is."""
    told = denied(answers)
    wait_until(lambda: not unrecorded(told, team.records()), what="the pipe is read", timeout=30)
    agree(team, name, told)


def test_a_pipe_that_is_not_read_for_a_while(pipe: Pipe, team_of: MakeTeam) -> None:
    """What was answered is recorded; what could not be is an error to the client, counted, and never turns up."""
    webhook = pipe()
    team = team_of(webhook)
    name = _gated(team, timeout=5)
    answers = rejected_writes(team, 8)
    assert withheld(answers) == 0
    webhook.pause()
    answers += rejected_writes(team, 24)
    lost = withheld(answers)
    assert lost
    assert len(denied(answers)) + lost == 32, "there is no third kind of answer"
    # An API server that gave up a moment before it was answered told the client first.
    wait_until(lambda: webhook.lost() == lost, what="each is counted", timeout=30)
    assert webhook.plain("/readyz")[0] == 200
    assert _holder_writes(team).ok
    webhook.resume()
    answers += rejected_writes(team, 8)
    assert withheld(answers) == lost, "all is well once it is read again"
    assert webhook.lost() == lost
    _agree(team, name, answers)
    assert torn(webhook.log()) == []


def test_the_holder_does_not_suffer_from_a_full_pipe(pipe: Pipe, team_of: MakeTeam) -> None:
    """Rejections that find no room do not wait in such numbers that the holder's writes are turned away."""
    webhook = pipe("--max-in-flight", "4")
    team = team_of(webhook)
    _gated(team, timeout=5)
    enough = Event()

    def write_on() -> None:
        while not enough.is_set():
            team.follower.status(team.note, {"text": "x"})

    webhook.pause()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(write_on)
        try:
            # By then each of those that waited has waited in vain.
            wait_until(lambda: webhook.lost() > 50, what="records are lost", timeout=60)
            answers = [_holder_writes(team) for _ in range(20)]
        finally:
            enough.set()
    assert [answer.message for answer in answers if not answer.ok] == []


def test_an_end_while_the_pipe_is_full(pipe: Pipe, team_of: MakeTeam) -> None:
    """After SIGTERM those that wait for room are answered that there is no verdict, and the process ends with 0."""
    webhook = pipe()
    team = team_of(webhook)
    name = _gated(team, timeout=5)
    webhook.pause()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(rejected_writes, team, 16, at_once=16)
        webhook.process.wait_until(lambda: webhook.metric("leadergate_in_flight") > 4, what="they wait", timeout=60)
        webhook.process.signal(15)
        answers = waiting.result()
    assert withheld(answers) > 4
    wait_until(lambda: not webhook.process.running, what="it ends", timeout=40)
    assert webhook.process.returncode == 0
    webhook.resume()
    _agree(team, name, answers)


def test_a_pipe_that_nobody_will_read_again(pipe: Pipe, team_of: MakeTeam) -> None:
    """The process lives on and stays ready: the holder writes; each loss is counted; ``failurePolicy`` decides."""
    webhook = pipe()
    fail, ignore, warn = (team_of(webhook) for _ in range(3))
    _gated(fail)
    _gated(ignore, failurePolicy="Ignore")
    noted = _gated(warn, "warn")
    webhook.hang_up()
    (refused,) = rejected_writes(fail, 1)
    assert withheld([refused]) == 1
    assert "the verdict could not be recorded, so none is given" in refused.message
    (passed,) = rejected_writes(ignore, 1)
    assert passed.ok, "that is what Ignore means"
    opened = "failed-open.validating.webhook.admission.k8s.io"
    wait_until(
        lambda: any(key.startswith(opened) for event in ignore.audited() for key in event.get("annotations", {})),
        what="the audit log says that it failed open",
        timeout=30,
    )
    assert (webhook.lost("enforce"), webhook.lost("warn")) == (2, 0)
    (warned,) = rejected_writes(warn, 1)
    assert warned.ok
    assert "leadergate would reject this (NotHolder)" in warned.warnings[0]
    assert (webhook.lost("enforce"), webhook.lost("warn")) == (2, 1)
    wait_until(lambda: "NotHolder" in audited(warn.audited(), noted).values(), what="the audit log has it", timeout=30)
    assert all(_holder_writes(team).ok for team in (fail, ignore, warn))
    assert webhook.plain("/readyz")[0] == 200
    assert webhook.process.running
    assert '"fault":"the log cannot be written: Broken pipe"' in webhook.process.stderr_path.read_text()
