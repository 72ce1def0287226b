"""Records of a real webhook at a real OpenTelemetry Collector, and without one."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.controlplane.team import Team

from leadergate.otlp.entry import entry
from leadergate_lab.otelcollector import Collector
from leadergate_lab.processes import wait_until

from .conftest import HEADERS

PATIENCE = 120.0
QUICK = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}


def copies(team: Team, outcome: str) -> float:
    """How many copies came to this."""
    return team.webhook.metric("leadergate_otlp_records_total", outcome=outcome)


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for it."""
    wait_until(condition, what=what, timeout=PATIENCE)


def test_each_record_arrives(collector: Collector, serve: Callable[..., Team]) -> None:
    """With every field, once, in order, at a collector that asks for the header that the environment gives."""
    collector.start()
    team = serve(collector.endpoint, **HEADERS)
    for text in ("a", "b", "c"):
        assert not team.follower.status(team.note, {"text": text}).ok
    records = team.webhook.records()
    until(lambda: len(collector.log_records()) == len(records), "all records arrived")
    arrived = collector.log_records()
    assert [one["attributes"] for one in arrived] == [entry(record).attributes for record in records]
    last = arrived[-1]
    assert last["body"] == {"stringValue": records[-1]["message"]}
    assert (last["severityNumber"], last["severityText"], last["eventName"]) == (9, "INFO", "leadergate.verdict")
    assert int(last["timeUnixNano"]) == entry(records[-1]).timestamp
    assert (last["resource"]["service.name"], last["resource"]["k8s.pod.name"]) == ("leadergate", "leadergate-0")
    assert last["attributes"]["leadergate.requester.pod"] == "operator-1"
    assert last["attributes"]["leadergate.standing"] == "follower"
    until(lambda: copies(team, "exported") == len(records), "they are counted")
    assert (copies(team, "failed"), copies(team, "dropped")) == (0, 0)


def test_the_last_ones_arrive_on_the_way_out(collector: Collector, serve: Callable[..., Team]) -> None:
    """What waits for company when SIGTERM comes is sent before the end."""
    collector.start()
    team = serve(collector.endpoint, **HEADERS)
    assert not team.follower.status(team.note, {"text": "last"}).ok
    assert team.webhook.process.stop(PATIENCE) == 0
    uids = [record["uid"] for record in team.webhook.records()]
    until(lambda: len(collector.log_records()) >= len(uids), "all records arrived")
    assert [one["attributes"]["leadergate.uid"] for one in collector.log_records()] == uids


def test_without_a_collector_nothing_else_is_different(collector: Collector, serve: Callable[..., Team]) -> None:
    """Reviews are answered and recorded; the loss is counted and told once; when it comes, what is new arrives."""
    team = serve(collector.endpoint, **HEADERS, **QUICK)
    assert team.follower.status(team.note, {"text": "a"}).code == 403
    assert team.leader.status(team.note, {"text": "b"}).ok
    assert team.records(pod="operator-1")
    until(lambda: copies(team, "failed") == len(team.webhook.records()), "the failures are counted")
    assert team.follower.status(team.note, {"text": "c"}).code == 403
    until(lambda: copies(team, "failed") == len(team.webhook.records()), "the failures are counted")
    log = [json.loads(line) for line in team.webhook.process.stderr_path.read_text().splitlines()]
    (told,) = [line for line in log if "otlp" in line["event"]]
    assert (told["event"], told["level"]) == ("otlp_export_failing", "warning")
    assert told["fault"].startswith(f"{collector.endpoint}: ")
    lost = {record["uid"] for record in team.webhook.records()}
    collector.start()

    def arrives() -> bool:
        # On a busy machine the exporter's time may be over before the collector has answered.
        assert team.follower.status(team.note, {"text": "d"}).code == 403
        return bool(collector.log_records())

    until(arrives, "a new record arrived")
    assert lost.isdisjoint(one["attributes"]["leadergate.uid"] for one in collector.log_records())


def test_a_wrong_token_is_told(collector: Collector, serve: Callable[..., Team]) -> None:
    """The collector's answer is in the log."""
    collector.start()
    team = serve(collector.endpoint, OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20another")
    until(lambda: copies(team, "failed") == len(team.webhook.records()), "the failures are counted")
    assert "401" in team.webhook.process.stderr_path.read_text()
    assert collector.log_records() == []


@pytest.fixture
def hanging() -> Iterator[str]:
    """The endpoint of a collector that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_collector_that_hangs_holds_nobody_up(hanging: str, serve: Callable[..., Team]) -> None:
    """Neither reviews nor the end: the exporter alone would wait here for an hour."""
    team = serve(hanging, OTEL_EXPORTER_OTLP_TIMEOUT="3600")
    assert team.follower.status(team.note, {"text": "a"}).code == 403
    until(lambda: team.webhook.metric("leadergate_otlp_records_waiting") > 0, "a copy waits")
    process = team.webhook.process
    process.signal(signal.SIGTERM)
    until(lambda: not process.running, "the webhook ends")
    assert process.returncode == 0
    left: list[dict[str, Any]] = [json.loads(line) for line in process.stderr_path.read_text().splitlines()]
    counted = [line["count"] for line in left if line["event"] == "otlp_records_left"]
    assert counted == [len(team.webhook.records())]
