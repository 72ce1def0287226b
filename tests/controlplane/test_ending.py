"""SIGTERM while writes come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event

from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.webhook import WebhookProcess
from leadergate_lab.writer import Answer

from .team import Team


@contextmanager
def _writing(team: Team, threads: int = 4) -> Iterator[list[Answer]]:
    """Let leader and follower write without pause; the answers arrive in the list that this yields."""
    answers: list[Answer] = []
    enough = Event()

    def write(send: Callable[[], Answer]) -> None:
        while not enough.is_set():
            answers.append(send())

    with ThreadPoolExecutor(threads) as pool:
        try:
            for number in range(threads):
                writer = team.leader if number % 2 else team.follower
                pool.submit(write, partial(writer.status, team.note, {"text": "x"}))
            yield answers
        finally:
            enough.set()


def test_writes_go_on_during_the_drain(control_plane: ControlPlane, webhook: WebhookProcess) -> None:
    """From SIGTERM on it is not ready, yet judges every write that still comes; then it ends with 0."""
    ending = WebhookProcess(control_plane, name="ending-webhook", flags=["--drain-seconds", "300"])
    ending.start()
    team = Team(control_plane, ending)
    team.gate(timeoutSeconds=30)
    process = ending.process
    with _writing(team) as answers:
        process.wait_until(lambda: len(answers) > 40, what="writes are judged", timeout=60)
        process.signal(15)
        process.wait_until(lambda: ending.plain("/readyz")[0] == 503, what="it is not ready", timeout=60)
        assert ending.plain("/livez")[0] == 200
        assert "[-] shutdown: " in ending.plain("/readyz")[1]
        before = len(answers)
        process.wait_until(lambda: len(answers) > before + 100, what="writes are judged", timeout=60)
    assert set(Counter((answer.code, answer.cause) for answer in answers)) == {(200, ""), (403, "NotHolder")}
    # A second signal ends the drain: nobody writes any more.
    assert process.stop() == 0
    rejected = [answer.causes["ReviewUID"] for answer in answers if not answer.ok]
    assert {record["uid"] for record in team.records()} >= set(rejected)
    team.end()


def test_what_is_under_way_is_finished(spare_plane: ControlPlane, reader: ApiServer) -> None:
    """A review that waits for its Lease when the process is to end at once is answered all the same, then it ends."""
    ending = WebhookProcess(spare_plane, name="ending-webhook", server=reader.url, flags=["--drain-seconds", "0"])
    ending.start()
    team = Team(spare_plane, ending)
    team.gate(timeoutSeconds=30)
    process = ending.process
    with ThreadPoolExecutor() as pool:
        reader.freeze()
        try:
            waiting = pool.submit(team.leader.status, team.note, {"text": "waited"})
            process.wait_until(lambda: ending.metric("leadergate_in_flight") > 0, what="a read hangs", timeout=30)
            process.signal(15)
            process.wait_until(lambda: ending.plain("/readyz")[0] in (503, 0), what="it is leaving", timeout=30)
        finally:
            reader.thaw()
        assert waiting.result().ok
    assert process.stop() == 0
    assert team.text() == "waited"
    team.end()
