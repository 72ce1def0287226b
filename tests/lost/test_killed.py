"""SIGKILL in the midst of rejections, again and again, with all records in one file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Answer

from .conftest import MakeTeam
from .ledger import audited, denied, torn, unrecorded, withheld
from .outputs import FiledWebhook

KILLS = 2
WRITERS = 8
# What a process leaves that is killed within write(2); the kernel does so at a page's end, when it will.
HALF = b'{"schema":"leadergate.dev/record/v1","uid":"half'


@pytest.fixture(name="webhook")
def a_webhook(plane: ControlPlane) -> Iterator[FiledWebhook]:
    """It appends to the same file whenever it is started."""
    webhook = FiledWebhook(plane, "killed")
    webhook.start()
    yield webhook
    webhook.process.stop()


def test_killed_amid_rejections(webhook: FiledWebhook, team_of: MakeTeam) -> None:
    """Each rejection that a client or the audit log tells of has its record; no line is glued to a torn one."""
    team = team_of(webhook)
    name = team.gate(timeoutSeconds=10)
    answers: list[Answer] = []
    enough = Event()

    def write_on() -> None:
        while not enough.is_set():
            answers.append(team.follower.status(team.note, {"text": "x"}))

    def judged(more: int) -> None:
        goal = len(denied(answers.copy())) + more
        webhook.process.wait_until(lambda: len(denied(answers.copy())) >= goal, what="it judges", timeout=60)

    with ThreadPoolExecutor(WRITERS) as pool:
        for _ in range(WRITERS):
            pool.submit(write_on)
        try:
            for _ in range(KILLS):
                judged(50)
                webhook.process.kill()
                # One that it tore by itself will do as well.
                if webhook.log().endswith(b"\n"):
                    with webhook.process.stdout_path.open("ab") as file:
                        file.write(HALF)
                webhook.start()
            judged(50)
        finally:
            enough.set()
    assert withheld(answers), "it was killed while they wrote"
    told = denied(answers)
    wait_until(lambda: told.keys() <= audited(team.audited(), name).keys(), what="the audit log is there", timeout=60)
    assert len(torn(webhook.log())) == KILLS
    assert unrecorded(told, team.records()) == {}
    assert unrecorded(audited(team.audited(), name), team.records()) == {}
    # A record that nobody was told of: its process died between the two.
    assert len(team.records(pod="operator-1")) - len(told) <= KILLS * WRITERS
