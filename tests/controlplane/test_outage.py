"""The API server through which the gate reads its Lease is frozen or gone: ``failurePolicy`` decides, in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import WebhookProcess
from leadergate_lab.writer import Answer, Writer

from .team import Team, gathered, outage, serving


@pytest.fixture(scope="module")
def reading_webhook(spare_plane: ControlPlane, reader: ApiServer) -> Iterator[WebhookProcess]:
    """A webhook that reads through it, while the first API server calls the webhook."""
    with serving(spare_plane, "reading-webhook", server=reader.url) as webhook:
        yield webhook


def _first(send: Callable[[], Answer], so: Callable[[Answer], bool]) -> Answer:
    """The first answer that is so: on a busy machine the API server may give up on us before it has ours."""
    answers: list[Answer] = []

    def told() -> bool:
        answers.append(send())
        return so(answers[-1])

    wait_until(told, what="we answer while the API server waits", timeout=60)
    return answers[-1]


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "gone"])
def test_an_outage(spare_plane: ControlPlane, reading_webhook: WebhookProcess, reader: ApiServer, frozen: bool) -> None:
    """Each kind of gate does in it what it is for, and once it is over all decide as before."""
    why = "the API server did not answer the read in time" if frozen else "cannot be reached"
    with (
        gathered(spare_plane, reading_webhook) as strict,
        gathered(spare_plane, reading_webhook) as lenient,
        gathered(spare_plane, reading_webhook) as watched,
    ):
        failing = strict.gate(timeoutSeconds=3)
        passing = lenient.gate(timeoutSeconds=1, failurePolicy="Ignore")
        for mode in ("warn", "audit"):
            watched.gate(mode=mode, timeoutSeconds=1)
        assert strict.leader.status(strict.note, {"text": "before"}).ok
        with outage(reader, frozen=frozen):
            _fails(strict, failing, why)
            _goes_through(lenient, passing)
            _is_watched(watched)
            _denies_who_is_no_pod(strict)
        for team in (strict, lenient):
            _first(lambda team=team: team.leader.status(team.note, {"text": "after"}), lambda answer: answer.ok)  # type: ignore[misc]
            _first(
                lambda team=team: team.follower.status(team.note, {"text": "mine"}),  # type: ignore[misc]
                lambda answer: answer.cause == "NotHolder",
            )


def _fails(team: Team, name: str, why: str) -> None:
    """With Fail the write fails with our own message, so our answer came before the API server gave up on us.

    (Its own words for a webhook that is late are "context deadline exceeded".)
    """
    answer = _first(lambda: team.leader.status(team.note, {"text": "during"}), lambda answer: why in answer.message)
    assert (answer.code, answer.reason) == (500, "InternalError")
    assert f'failed calling webhook "{name}"' in answer.message
    assert f"Lease {team.namespace}/lock cannot be read: " in answer.message
    assert team.text() == "before"
    record = team.records(pod="operator-0")[-1]
    assert (record["verdict"], record["reason"]) == ("Indeterminate", "LeaseUnreadable")
    assert (record["mode"], record["lease"]) == ("enforce", None)
    assert why in record["message"]
    assert team.leader.merge(team.note, {"spec": {"text": "free"}}).ok


def _goes_through(team: Team, name: str) -> None:
    """With Ignore the write goes through, the audit log says that it passed unjudged, and our record says why."""
    assert team.follower.status(team.note, {"text": "mine"}).ok
    assert team.text() == "mine"
    # Were we late, the API server would not have waited for our record.
    wait_until(lambda: bool(team.records(pod="operator-1")), what="it is recorded", timeout=30)
    (record,) = team.records(pod="operator-1")
    assert (record["verdict"], record["reason"]) == ("Indeterminate", "LeaseUnreadable")
    wait_until(lambda: name in _failed_open(team), what="the audit log tells that it failed open", timeout=30)


def _is_watched(team: Team) -> None:
    """Gates that only watch stand in nobody's way, not even with Fail; the client of one that warns is told."""
    answer = _first(lambda: team.leader.status(team.note, {"text": "during"}), lambda answer: answer.ok)
    (warning,) = answer.warnings
    assert warning.startswith("leadergate would reject this (LeaseUnreadable): ")
    verdicts = {(record["mode"], record["verdict"]) for record in team.records(pod="operator-0")}
    assert verdicts == {("warn", "Indeterminate"), ("audit", "Indeterminate")}


def _denies_who_is_no_pod(team: Team) -> None:
    """Whoever is no pod of the operator's is denied even while the Lease cannot be read: none could change that."""
    admin = Writer(team.cluster.api)
    answer = _first(lambda: admin.status(team.note, {"text": "by hand"}), lambda answer: answer.code != 500)
    assert (answer.code, answer.cause) == (403, "NotServiceAccount")
    assert "unknown, as it cannot be read" in answer.message


def test_an_outage_that_ends_in_time(
    spare_plane: ControlPlane, reading_webhook: WebhookProcess, reader: ApiServer
) -> None:
    """A write that was waiting when the API server went on goes through: nobody needs to try it again."""
    with gathered(spare_plane, reading_webhook) as team, ThreadPoolExecutor() as pool:
        team.gate(timeoutSeconds=30)
        with outage(reader, frozen=True):
            waiting = pool.submit(team.leader.status, team.note, {"text": "waited"})
            reading_webhook.process.wait_until(
                lambda: reading_webhook.metric("leadergate_in_flight") > 0, what="the write is being judged", timeout=20
            )
        assert waiting.result().ok
        assert team.text() == "waited"
        assert team.records(pod="operator-0") == []


def _failed_open(team: Team) -> list[str]:
    """The webhooks that failed open, by the annotations of the audit log (kubernetes/apiserver webhook/validating)."""
    return [
        text
        for event in team.audited()
        for key, text in event.get("annotations", {}).items()
        if key.startswith("failed-open.validating.webhook.admission.k8s.io/")
    ]
