"""What goes over the wire, by OpenTelemetry's own exporter, and what its environment decides."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from tests.unit.test_records import WALL

from leadergate import __version__
from leadergate.otlp.copies import ExportFailed
from leadergate.otlp.sender import OtlpFault, OtlpSender
from leadergate_lab.processes import free_port

from .made import Collected, collecting, written


@pytest.fixture(autouse=True)
def _no_variables_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs the tests says nothing, proxies included."""
    for name in list(os.environ):
        if name.startswith("OTEL_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def collected() -> Iterator[Collected]:
    """A collector."""
    with collecting() as found:
        yield found


def sent(collected: Collected, *lines: bytes) -> None:
    """Send these lines in one request."""
    OtlpSender.connect(collected.endpoint, "leadergate-0")(lines)


def plain(attributes: list[KeyValue]) -> dict[str, object]:
    """Attributes by name."""
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in attributes}


def test_one_request_has_all(collected: Collected) -> None:
    """Under the process as resource, to the path that OpenTelemetry gives a base endpoint."""
    sent(collected, written(), written(uid="review-2", standing="follower"))
    (asked,) = collected.asked
    assert (asked.path, asked.headers["content-type"]) == ("/v1/logs", "application/x-protobuf")
    (resource,) = asked.message.resource_logs
    found = plain(list(resource.resource.attributes))
    assert found["service.name"] == "leadergate"
    assert found["service.version"] == __version__
    assert (found["k8s.pod.name"], found["service.instance.id"]) == ("leadergate-0", "leadergate-0")
    (scope,) = resource.scope_logs
    assert (scope.scope.name, scope.scope.version) == ("leadergate.records", __version__)
    one, two = scope.log_records
    assert one.time_unix_nano == int(WALL.timestamp() * 1000) * 10**6
    assert one.observed_time_unix_nano > one.time_unix_nano
    assert (one.severity_number, one.severity_text, one.event_name) == (13, "WARN", "leadergate.verdict")
    assert one.body.string_value == "pod shop/operator-2 may not write status"
    assert (one.trace_id, one.span_id, one.dropped_attributes_count) == (b"", b"", 0)
    attributes = plain(list(one.attributes))
    assert attributes["leadergate.standing"] == "former-holder"
    assert attributes["leadergate.lease.transitions"] == 3
    assert attributes["leadergate.lease.expired"] is False
    assert attributes["leadergate.latency_ms"] == 2.5
    assert plain(list(two.attributes))["leadergate.uid"] == "review-2"


def test_an_endpoint_may_have_a_path_and_a_slash(collected: Collected) -> None:
    """As behind an ingress."""
    OtlpSender.connect(f"{collected.endpoint}/otlp/", "p")([written()])
    assert collected.asked[0].path == "/otlp/v1/logs"


def test_the_environment_gives_headers_resource_and_compression(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the names that OpenTelemetry specifies."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret,x-scope-orgid=team")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.namespace.name=leadergate-system")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    sent(collected, written())
    (asked,) = collected.asked
    assert (asked.headers["authorization"], asked.headers["x-scope-orgid"]) == ("Bearer secret", "team")
    assert asked.headers["content-encoding"] == "gzip"
    assert plain(list(asked.message.resource_logs[0].resource.attributes))["k8s.namespace.name"] == "leadergate-system"


def test_an_outage_is_ridden_out(collected: Collected, caplog: pytest.LogCaptureFixture) -> None:
    """What may be tried again is, and nothing is said about it."""
    collected.answers = [503]
    sent(collected, written())
    assert len(collected.asked) == 2
    assert not caplog.records


def test_a_refusal_says_why(collected: Collected, caplog: pytest.LogCaptureFixture) -> None:
    """It is not tried again; the reason comes with the exception, and not into the log at each attempt."""
    collected.answers = [401]
    with pytest.raises(ExportFailed, match="code: 401"):
        sent(collected, written())
    assert len(collected.asked) == 1
    assert not caplog.records
    assert logging.getLogger("opentelemetry").propagate


def test_a_redirect_is_a_failure(collected: Collected) -> None:
    """A page to log in at has taken no records, and must not be sent the credentials."""
    collected.answers = [302]
    with pytest.raises(ExportFailed, match="answered 302"):
        sent(collected, written())
    assert len(collected.asked) == 1


@pytest.mark.parametrize(("seconds", "why"), [("0.5", ""), ("2.5", ".*Connection refused")])
def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, seconds: str, why: str) -> None:
    """The reason has the address, also where there was no time for a second attempt; else it is the first one's."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", seconds)
    port = free_port()
    with pytest.raises(ExportFailed, match=f"http://127.0.0.1:{port}: {why}"):
        OtlpSender.connect(f"http://127.0.0.1:{port}", "p")([written()])


def faults() -> list[str]:
    """What is wrong with the environment."""
    with pytest.raises(OtlpFault) as caught:
        OtlpSender.connect("http://127.0.0.1:1", "p")
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_faults_of_the_environment_are_told_at_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All at once; the SDK alone would go on without headers or with another timeout, and fail at each export."""
    missing = tmp_path / "ca.crt"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(missing))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", str(tmp_path))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    certificate, key, timeout = faults()
    assert certificate.startswith(f"OTEL_EXPORTER_OTLP_CERTIFICATE: '{missing}': expected a PEM file that can be read")
    assert key.startswith("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY: ")
    assert "soon" in timeout


def test_a_header_that_is_none_is_told_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a credential, as often as not."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "s3cret")
    (fault,) = faults()
    assert "eader" in fault
    assert "s3cret" not in fault


@pytest.mark.parametrize("value", ["Bearer%20s3cret%0A1", "Bearer%20s3cret%0D%0AX: 1", "s3cret%E2%82%AC"])
@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"])
def test_a_header_that_cannot_be_sent_is_told_without_its_value(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each export would fail, with the value in the log."""
    monkeypatch.setenv(variable, f"x-scope-orgid=team,Authorization={value}")
    (fault,) = faults()
    assert fault.startswith(f"{variable}: the value of 'Authorization': expected")
    assert "s3cret" not in fault


def test_a_file_that_is_there_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is asked of it before the first export."""
    (tmp_path / "ca.crt").write_text("")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(tmp_path / "ca.crt"))
    OtlpSender.connect("http://127.0.0.1:1", "p")
