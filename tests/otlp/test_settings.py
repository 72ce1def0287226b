"""--otlp-endpoint: what it may be, and what it needs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry

from leadergate.otlp.compose import copies_for, copying
from leadergate.settings import PREFIX, SettingsFault, load
from leadergate_lab.processes import python_environment

from .test_copies import First


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs the tests says nothing."""
    for name in list(os.environ):
        if name.upper().startswith((PREFIX, "OTEL_")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "url",
    ["http://otel-collector.observability:4318", "https://logs.example.org", "http://[::1]:4318/", "https://h/otlp"],
)
def test_a_base_url_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By flag and by environment."""
    assert load(["--otlp-endpoint", url]).otlp_endpoint == url
    monkeypatch.setenv("LEADERGATE_OTLP_ENDPOINT", url)
    assert load([]).otlp_endpoint == url


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("otel-collector:4318", "expected a base URL such as http://otel-collector.observability:4318"),
        ("grpc://collector:4317", "expected a base URL"),
        ("http://", "expected a base URL"),
        ("http://h:port", "expected a base URL"),
        ("http://h:0", "expected a base URL"),
        ("http://[::1", "expected a base URL"),
        ("http://h 1/", "expected a base URL"),
        ("http://h?token=1", "without query and fragment"),
        ("http://h/#x", "without query and fragment"),
        ("http://h:4318/v1/logs", "/v1/logs is added to it, so leave that out"),
    ],
)
def test_anything_else_is_refused(url: str, fault: str) -> None:
    """With the setting, the value, and what was expected."""
    with pytest.raises(SettingsFault) as caught:
        load(["--otlp-endpoint", url])
    (found,) = caught.value.faults
    assert found.startswith(f"--otlp-endpoint or LEADERGATE_OTLP_ENDPOINT: '{url}': expected")
    assert fault in found


def test_credentials_in_a_url_are_refused_and_not_shown() -> None:
    """What is told at start goes to a log."""
    with pytest.raises(SettingsFault) as caught:
        load(["--otlp-endpoint", "http://me:s3cr@t@h:4318"])
    (found,) = caught.value.faults
    assert "'http://…@h:4318': expected a base URL" in found
    assert "without credentials: give them as OTEL_EXPORTER_OTLP_HEADERS" in found
    assert "s3cr" not in found


def test_nothing_is_exported_unless_asked_for() -> None:
    """The sink stays what it was, and no metric speaks of copies."""
    first, registry = First(), CollectorRegistry()
    assert copying(first, copies_for(load([]).otlp_endpoint, "p"), registry) is first
    assert not list(registry.collect())


def run(code: str) -> str:
    """What a new Python says to this."""
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, env=python_environment(), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_the_extra_the_remedy_is_named() -> None:
    """Not an ImportError, and not before the setting asks for it."""
    told = run(
        "import sys; sys.modules['opentelemetry.exporter'] = None\n"
        "from leadergate.otlp.compose import copies_for\n"
        "from leadergate.settings import SettingsFault\n"
        "assert copies_for('', 'p') is None\n"
        "try: copies_for('http://h', 'p')\n"
        "except SettingsFault as fault: print(fault)\n"
    )
    assert told.startswith("--otlp-endpoint or LEADERGATE_OTLP_ENDPOINT: No module named 'opentelemetry.exporter")
    assert told.endswith("; install what it needs: pip install 'leadergate[otlp]', or leave it out\n")


def test_the_server_loads_none_of_it_unless_asked_for() -> None:
    """It would cost memory and time at every start. OpenTelemetry's bare API is FastAPI's, and does nothing."""
    heavy = {"opentelemetry.sdk", "opentelemetry.exporter", "google.protobuf", "requests"}
    assert run(f"import sys, leadergate.run; print({heavy} & sys.modules.keys())") == "set()\n"
