"""The API server through which the gate reads its Lease is frozen or gone: ``failurePolicy`` decides, in time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import WebhookProcess
from leadergate_lab.writer import Writer

from .conftest import Team

FROZEN = "the API server did not answer the read in time"
GONE = "cannot be reached"
OUTAGES = pytest.mark.parametrize("why", [FROZEN, GONE], ids=["frozen", "gone"])


@pytest.fixture(scope="module")
def reading_webhook(spare_plane: ControlPlane, reader: ApiServer) -> Iterator[WebhookProcess]:
    """A webhook that reads through it, while the first API server calls the webhook."""
    webhook = WebhookProcess(spare_plane, name="reading-webhook", server=reader.url, flags=["--drain-seconds", "0"])
    webhook.start()
    yield webhook
    webhook.process.stop()


@pytest.fixture
def crew(spare_plane: ControlPlane, reading_webhook: WebhookProcess) -> Iterator[Team]:
    """A team under that webhook."""
    team = Team(spare_plane, reading_webhook)
    yield team
    team.end()


@contextmanager
def _outage(reader: ApiServer, why: str) -> Iterator[None]:
    if why == FROZEN:
        reader.freeze()
    else:
        reader.kill()
    try:
        yield
    finally:
        if why == FROZEN:
            reader.thaw()
        else:
            reader.start()


@OUTAGES
def test_fail(crew: Team, reader: ApiServer, why: str) -> None:
    """With Fail the write fails with our own message, so our answer came before the API server gave up on us.

    (Its own words for a webhook that is late are "context deadline exceeded".) Back again, writes pass again.
    """
    name = crew.gate(timeoutSeconds=3)
    assert crew.leader.status(crew.note, {"text": "before"}).ok
    with _outage(reader, why):
        answer = crew.leader.status(crew.note, {"text": "during"})
        assert (answer.code, answer.reason) == (500, "InternalError")
        assert f'failed calling webhook "{name}"' in answer.message
        assert f"Lease {crew.namespace}/lock cannot be read: " in answer.message
        assert why in answer.message
        assert crew.text() == "before"
        (record,) = crew.records(pod="operator-0")
        assert (record["verdict"], record["reason"]) == ("Indeterminate", "LeaseUnreadable")
        assert (record["mode"], record["lease"]) == ("enforce", None)
        assert why in record["message"]
        assert crew.leader.merge(crew.note, {"spec": {"text": "free"}}).ok
    assert crew.leader.status(crew.note, {"text": "after"}).ok
    assert crew.follower.status(crew.note, {"text": "mine"}).cause == "NotHolder"


@OUTAGES
def test_ignore(crew: Team, reader: ApiServer, why: str) -> None:
    """With Ignore the write goes through, the audit log says that it passed unjudged, and our record says why."""
    name = crew.gate(timeoutSeconds=1, failurePolicy="Ignore")
    with _outage(reader, why):
        assert crew.follower.status(crew.note, {"text": "mine"}).ok
        assert crew.text() == "mine"
        (record,) = crew.records(pod="operator-1")
        assert (record["verdict"], record["reason"]) == ("Indeterminate", "LeaseUnreadable")
        wait_until(lambda: name in _failed_open(crew), what="the audit log tells that it failed open", timeout=10)
    assert crew.follower.status(crew.note, {"text": "again"}).cause == "NotHolder"


@OUTAGES
def test_warn_and_audit(crew: Team, reader: ApiServer, why: str) -> None:
    """Gates that only watch stand in nobody's way, not even with Fail; the client of one that warns is told."""
    crew.gate(mode="warn", timeoutSeconds=1)
    crew.gate(mode="audit", timeoutSeconds=1)
    with _outage(reader, why):
        answer = crew.leader.status(crew.note, {"text": "during"})
        assert answer.ok
        (warning,) = answer.warnings
        assert warning.startswith("leadergate would reject this (LeaseUnreadable): ")
        verdicts = {(record["mode"], record["verdict"]) for record in crew.records(pod="operator-0")}
        assert verdicts == {("warn", "Indeterminate"), ("audit", "Indeterminate")}


def test_what_no_lease_could_change(crew: Team, reader: ApiServer) -> None:
    """Whoever is no pod of the operator's is denied even while the Lease cannot be read."""
    crew.gate(timeoutSeconds=1)
    with _outage(reader, GONE):
        answer = Writer(crew.cluster.api).status(crew.note, {"text": "by hand"})
        assert (answer.code, answer.cause) == (403, "NotServiceAccount")
        assert "unknown, as it cannot be read" in answer.message


def test_an_outage_that_ends_in_time(crew: Team, reader: ApiServer) -> None:
    """A write that was waiting when the API server went on goes through: nobody needs to try it again."""
    crew.gate(timeoutSeconds=30)
    with ThreadPoolExecutor() as pool:
        with _outage(reader, FROZEN):
            waiting = pool.submit(crew.leader.status, crew.note, {"text": "waited"})
            crew.webhook.process.wait_until(
                lambda: crew.webhook.metric("leadergate_in_flight") > 0, what="the write is being judged", timeout=20
            )
        assert waiting.result().ok
    assert crew.text() == "waited"
    assert crew.records(pod="operator-0") == []


def _failed_open(team: Team) -> list[str]:
    """The webhooks that failed open, by the annotations of the audit log (kubernetes/apiserver webhook/validating)."""
    return [
        text
        for event in team.audited()
        for key, text in event.get("annotations", {}).items()
        if key.startswith("failed-open.validating.webhook.admission.k8s.io/")
    ]
